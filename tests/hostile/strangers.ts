// Many who have proved nothing, each at an address of its own of this machine, over UDP.
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { type Stand, turns } from './stand.ts'

export class Strangers {
  readonly sockets: Socket[] = []
  readonly #port: number
  /** Octets that they sent, and that came back. */
  asked = 0
  answered = 0
  /** How often each method was answered with each status: `REGISTER 401`. */
  readonly statuses = new Map<string, number>()
  /** Where answers came from, other than the server. */
  readonly others = new Set<string>()

  private constructor(port: number) {
    this.#port = port
  }

  /** `count` of them, at 127.0.1.1, 127.0.1.2 and so on. */
  static async open(stand: Stand, count: number): Promise<Strangers> {
    const strangers = new Strangers(stand.port('sip.udp'))
    for (let k = 1; k <= count; k++) {
      const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 })
      socket.bind(0, `127.0.1.${k}`)
      await once(socket, 'listening')
      socket.on('message', (octets, from) => strangers.#came(octets, from))
      strangers.sockets.push(socket)
    }
    stand.atEnd(() => strangers.close())
    return strangers
  }

  /** The `k`th of them sends; `via` is the address and port that it claims. */
  send(k: number, method: string, uri: string, user: string, more = '', via?: string): void {
    const socket = this.sockets[k % this.sockets.length] as Socket
    const { address, port } = socket.address()
    const sentBy = via ?? `${address}:${port};rport`
    const text =
      `${method} ${uri} SIP/2.0\r\nVia: SIP/2.0/UDP ${sentBy};branch=z9hG4bK-${process.pid}-${k}\r\nMax-Forwards: 70\r\n` +
      `From: "scan" <sip:${user}@localhost>;tag=s${k}\r\nTo: <${method === 'REGISTER' ? `sip:${user}@localhost` : uri}>\r\n` +
      `Call-ID: s${process.pid}-${k}\r\nCSeq: 1 ${method}\r\nContact: <sip:${user}@${address}:${port}>\r\n` +
      `User-Agent: friendly-scanner\r\n${more}Content-Length: 0\r\n\r\n`
    this.asked += text.length
    socket.send(text, this.#port, '127.0.0.1')
  }

  /** Until nothing more comes. */
  async quiet(): Promise<void> {
    for (let still = 0, before = -1; still < 5; ) {
      await turns(5)
      still = this.answered === before ? still + 1 : 0
      before = this.answered
    }
  }

  close(): void {
    for (const socket of this.sockets.splice(0)) socket.close()
  }

  #came(octets: Buffer, from: RemoteInfo): void {
    this.answered += octets.length
    if (from.port !== this.#port) this.others.add(`${from.address}:${from.port}`)
    const text = octets.toString('latin1')
    const key = `${/^CSeq: \d+ (\S+)/m.exec(text)?.[1]} ${text.slice(8, 11)}`
    this.statuses.set(key, (this.statuses.get(key) ?? 0) + 1)
  }
}
