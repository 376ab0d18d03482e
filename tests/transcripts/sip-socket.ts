// What a SIP party talks through: datagrams, or a stream cut into messages by Content-Length (RFC 3261 §18.3).
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'

export interface SipSocket {
  /** As Via writes it. */
  readonly transport: 'UDP' | 'TCP'
  readonly port: number
  send(octets: Buffer): void
  close(): void
}

interface Place {
  readonly host: string
  readonly port: number
}

export async function openUdp(place: Place, onMessage: (octets: Buffer) => void): Promise<SipSocket> {
  const socket = createSocket('udp4')
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  await new Promise<void>((resolve) => socket.connect(place.port, place.host, resolve))
  socket.on('message', onMessage)
  socket.on('error', () => {})
  return {
    transport: 'UDP',
    port: socket.address().port,
    send: (octets) => socket.send(octets),
    close: () => socket.close(),
  }
}

export async function openTcp(place: Place, onMessage: (octets: Buffer) => void): Promise<SipSocket> {
  const socket = connect(place)
  let rest: Buffer = Buffer.alloc(0)
  socket.on('error', () => {})
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('close', () => reject(new Error('the connection was not taken')))
  })
  socket.on('data', (octets) => {
    rest = Buffer.concat([rest, octets])
    for (let length = wholeMessage(rest); length > 0; length = wholeMessage(rest)) {
      onMessage(rest.subarray(0, length))
      rest = rest.subarray(length)
    }
  })
  return {
    transport: 'TCP',
    port: socket.localPort ?? 0,
    send: (octets) => socket.write(octets),
    close: () => socket.destroy(),
  }
}

/** Octets of the first message; 0 while it is not whole. A keep-alive's line ends are a message of their own. */
function wholeMessage(octets: Buffer): number {
  if (octets.indexOf('\r\n') === 0) return 2
  const end = octets.indexOf('\r\n\r\n')
  if (end < 0) return 0
  const head = octets.subarray(0, end).toString('latin1')
  const length = Number(/\r\ncontent-length *: *(\d+)/i.exec(head)?.[1] ?? 0)
  return octets.length < end + 4 + length ? 0 : end + 4 + length
}
