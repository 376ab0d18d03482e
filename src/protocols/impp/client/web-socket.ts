// A transport over a WebSocket (docs/specs/impp-1.0.md §2.1): browsers' own, and Node's.

import { type Bytes, SystemClock } from '#base'
import { ConnectionLost } from './failures.ts'
import type { Dial, Transport, TransportHandler } from './transport.ts'

/** LIMIT: octets that may wait for the network before the connection counts as lost. */
const queueOctetsMax = 16 * 1024 * 1024
/** LIMIT: how long the connection may take to come about. */
const openMilliseconds = 15_000

/** Dials the WebSocket at `url`, by default the one of the domain: `wss://example.com/impp`. */
export function webSocketDial(url?: string): Dial {
  return ({ domain, location, signal }) => {
    if (location !== undefined) return openWebSocket(`wss://${location}/impp`, signal)
    return openWebSocket(url ?? `wss://${domain}/impp`, signal)
  }
}

/** Resolves when it is open; rejects with ConnectionLost. */
function openWebSocket(url: string, signal: AbortSignal): Promise<Transport> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, 'impp')
    socket.binaryType = 'arraybuffer'
    const timer = new SystemClock().schedule(openMilliseconds, () => failed(`${url} does not answer`))
    const settled = (): void => {
      timer.cancel()
      signal.removeEventListener('abort', abort)
      socket.onopen = socket.onerror = socket.onclose = null
    }
    const failed = (why: string): void => {
      settled()
      socket.close()
      reject(new ConnectionLost(why))
    }
    const abort = (): void => failed('given up')
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) return abort()
    // A browser does not say more, so that a page can't explore the network.
    socket.onerror = () => failed(`${url} cannot be reached`)
    socket.onclose = ({ reason }) => failed(reason || `${url} cannot be reached`)
    socket.onopen = () => {
      settled()
      resolve(new WebSocketTransport(socket))
    }
  })
}

class WebSocketTransport implements Transport {
  readonly secure: boolean
  readonly #socket: WebSocket
  #handler: TransportHandler | undefined
  #over = false

  constructor(socket: WebSocket) {
    this.#socket = socket
    const { protocol, hostname } = new URL(socket.url)
    this.secure = protocol === 'wss:' || /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname)
  }

  start(handler: TransportHandler): void {
    this.#handler = handler
    this.#socket.onmessage = ({ data }) => {
      if (data instanceof ArrayBuffer && !this.#over) handler.onData(new Uint8Array(data))
    }
    this.#socket.onclose = ({ reason, code }) => this.#end(reason || closeText(code))
    if (this.#socket.readyState > WebSocket.OPEN) this.#end('the connection broke')
  }

  write(octets: Bytes): void {
    if (this.#over) return
    if (this.#socket.bufferedAmount > queueOctetsMax) {
      this.#socket.close()
      return this.#end('the network is too slow for what is written')
    }
    this.#socket.send(octets as Uint8Array<ArrayBuffer>)
  }

  close(): void {
    this.#socket.close(1000)
    this.#end('we left')
  }

  #end(why: string): void {
    if (this.#over) return
    this.#over = true
    // Never from inside a call of the owner.
    queueMicrotask(() => this.#handler?.onClose(why))
  }
}

function closeText(code: number): string {
  if (code === 1001) return 'the server stops'
  return code === 1000 || code === 1005 ? 'the server closed the connection' : 'the connection broke'
}
