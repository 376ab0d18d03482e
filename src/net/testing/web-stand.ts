// A listener with one offer of a web socket, and clients of it: browsers' own, and one that speaks octets.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import {
  type CloseReason,
  type HttpListener,
  type ListenHttpOptions,
  listenHttp,
  type WebConnection,
  type WebOffer,
  WebSockets,
  type WebSocketsOptions,
} from '../index.ts'

export interface Stand {
  readonly web: WebSockets
  readonly listener: HttpListener
  /** The next connection that the offer accepts, not started. */
  accepted(): Promise<WebConnection>
  url(path?: string): string
}

export async function stand(
  t: TestContext,
  offer: Partial<WebOffer> = {},
  options: Partial<WebSocketsOptions> = {},
  http: Partial<ListenHttpOptions> = {},
): Promise<Stand> {
  const web = new WebSockets({ name: 'web', ...options })
  const connections: WebConnection[] = []
  const waiting: ((connection: WebConnection) => void)[] = []
  web.offer({
    path: '/test',
    subprotocol: 'test',
    purpose: 'a test',
    kind: 'text',
    framing: 'messages',
    messageBytesMax: 1000,
    accept: (connection) => {
      const next = waiting.shift()
      if (next) next(connection)
      else connections.push(connection)
    },
    ...offer,
  })
  const onRequest = () => ({ status: 404, body: 'nothing\n' })
  const at = { host: '127.0.0.1', port: 0 }
  const listener = await listenHttp({ name: 'http', at, web, onRequest, ...http })
  t.after(async () => {
    await web.close()
    await listener.close()
  })
  return {
    web,
    listener,
    accepted: () => {
      const connection = connections.shift()
      if (connection !== undefined) return Promise.resolve(connection)
      return new Promise((resolve) => waiting.push(resolve))
    },
    url: (path = '/test') => `ws://127.0.0.1:${listener.port}${path}`,
  }
}

export async function browser(where: string, subprotocol = 'test'): Promise<WebSocket> {
  const socket = new WebSocket(where, subprotocol)
  socket.binaryType = 'arraybuffer'
  await once(socket, 'open')
  return socket
}

export async function nextMessage(socket: WebSocket): Promise<string | ArrayBuffer> {
  const [{ data }] = (await once(socket, 'message')) as [MessageEvent]
  return data
}

export const closeOf = async (socket: WebSocket): Promise<number> =>
  ((await once(socket, 'close')) as [CloseEvent])[0].code

/** Sends back what comes, and tells how it ended. */
export function echo(connection: WebConnection): Promise<CloseReason> {
  return new Promise((resolve) =>
    connection.start({
      onData: (octets) => {
        connection.write(octets)
        connection.endMessage()
      },
      onClose: resolve,
    }),
  )
}

export const handshake = (fields: Record<string, string> = {}, path = '/test'): string =>
  `GET ${path} HTTP/1.1\r\n${Object.entries({
    Host: 'chat.example',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Protocol': 'test',
    ...fields,
  })
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n`

/** A client that speaks octets: its socket once the handshake is answered, and the answer. */
export async function raw(port: number, request = handshake()): Promise<{ socket: Socket; answer: string }> {
  const socket = connect({ port, host: '127.0.0.1' })
  socket.on('error', () => {})
  socket.write(request)
  const [answer] = (await once(socket, 'data')) as [Buffer]
  return { socket, answer: answer.toString() }
}

/** RFC 6455 §5.2, masked with zeros. */
export function frame(
  opcode: number,
  payload: string | Buffer,
  { fin = true, length = 0, mask = true } = {},
): Buffer {
  const body = Buffer.from(payload as string)
  const size = length || body.length
  const head = Buffer.alloc(size < 126 ? 2 : size < 65536 ? 4 : 10)
  head[0] = (fin ? 0x80 : 0) | opcode
  head[1] = (mask ? 0x80 : 0) | (size < 126 ? size : size < 65536 ? 126 : 127)
  if (head.length === 4) head.writeUInt16BE(size, 2)
  if (head.length === 10) head.writeBigUInt64BE(BigInt(size), 2)
  return Buffer.concat([head, Buffer.alloc(mask ? 4 : 0), body])
}

/** The status code of the Close frame that the server sends (RFC 6455 §5.5.1). */
export async function closeCode(socket: Socket): Promise<number> {
  let came = Buffer.alloc(0)
  for await (const chunk of socket) {
    came = Buffer.concat([came, chunk])
    const at = came.indexOf(Buffer.from([0x88, 0x02]))
    if (at >= 0 && came.length >= at + 4) return came.readUInt16BE(at + 2)
  }
  throw new Error(`no Close frame: ${came.toString('latin1')}`)
}
