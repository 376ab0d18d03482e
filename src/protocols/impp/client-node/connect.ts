// connect() of Node: by TCP with TLS, found by DNS, or by WebSocket.

import { type ConnectOptions, connectBy, type ImppClient } from '#protocols/impp/client'
import { type NodeDialOptions, nodeDial } from './dial.ts'

export interface NodeConnectOptions extends ConnectOptions, Omit<NodeDialOptions, 'server'> {}

/** Logs in. Rejects with Refused (`isLogin`: the name or the password is wrong) or ConnectionLost. */
export function connect(options: NodeConnectOptions): Promise<ImppClient> {
  return connectBy(options.dial ?? nodeDial(options), options)
}
