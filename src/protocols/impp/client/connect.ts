// connect() of a browser: by WebSocket.

import { type ConnectOptions, connectBy, type ImppClient } from './impp-client.ts'
import { webSocketDial } from './web-socket.ts'

/** Logs in over a WebSocket. Rejects with Refused (`isLogin`: the name or the password is wrong) or ConnectionLost. */
export function connect(options: ConnectOptions): Promise<ImppClient> {
  return connectBy(options.dial ?? webSocketDial(options.server), options)
}
