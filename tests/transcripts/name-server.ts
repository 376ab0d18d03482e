// A name server for tests (RFC 1035, RFC 2782): answers what it is told to, over UDP on loopback, and knows nothing else.
import { createSocket, type Socket } from 'node:dgram'

export interface Service {
  readonly host: string
  readonly port: number
  /** Their place in the list when left out. */
  readonly priority?: number
  readonly weight?: number
}

const types = { A: 1, AAAA: 28, SRV: 33 } as const

export class NameServer {
  /** `_impp-server._tcp.example.com` -> where; a service without a host is "decidedly not available" (RFC 2782). */
  readonly services = new Map<string, readonly Service[]>()
  /** Host -> its IPv4 addresses. */
  readonly addresses = new Map<string, readonly string[]>()
  /** False: it says nothing. */
  answers = true
  readonly #socket: Socket = createSocket('udp4')

  /** Resolves with `address:port`. */
  start(): Promise<string> {
    this.#socket.on('message', (question, { port, address }) => {
      const answer = this.answers ? this.#answer(question) : undefined
      if (answer !== undefined) this.#socket.send(answer, port, address)
    })
    return new Promise((resolve) => {
      this.#socket.bind(0, '127.0.0.1', () => resolve(`127.0.0.1:${this.#socket.address().port}`))
    })
  }

  stop(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(() => resolve()))
  }

  #answer(question: Buffer): Buffer | undefined {
    const { name, end } = nameAt(question, 12)
    const type = question.readUInt16BE(end)
    const records = this.#records(name, type)
    const known = this.services.has(name) || this.addresses.has(name)
    const header = Buffer.alloc(12)
    question.copy(header, 0, 0, 2)
    // RFC 1035 §4.1.1: a response, authoritative, recursion as wished; 3: no such name.
    header.writeUInt16BE(0x8500 | (known ? 0 : 3), 2)
    header.writeUInt16BE(1, 4)
    header.writeUInt16BE(records.length, 6)
    return Buffer.concat([header, question.subarray(12, end + 4), ...records])
  }

  #records(name: string, type: number): Buffer[] {
    if (type === types.SRV)
      return (this.services.get(name) ?? []).map(({ host, port, priority, weight = 0 }, at) => {
        const data = Buffer.alloc(6)
        data.writeUInt16BE(priority ?? at, 0)
        data.writeUInt16BE(weight, 2)
        data.writeUInt16BE(port, 4)
        return record(types.SRV, Buffer.concat([data, nameOctets(host)]))
      })
    if (type !== types.A) return []
    return (this.addresses.get(name) ?? []).map((address) =>
      record(types.A, Buffer.from(address.split('.').map(Number))),
    )
  }
}

/** RFC 1035 §4.1.3; for this once, so that a test may change it; the name is the question's (§4.1.4), and nobody keeps it for long. */
function record(type: number, data: Buffer): Buffer {
  const head = Buffer.alloc(12)
  head.writeUInt16BE(0xc00c, 0)
  head.writeUInt16BE(type, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt32BE(0, 6)
  head.writeUInt16BE(data.length, 10)
  return Buffer.concat([head, data])
}

function nameAt(octets: Buffer, at: number): { name: string; end: number } {
  const labels: string[] = []
  for (;;) {
    const length = octets[at] ?? 0
    if (length === 0) return { name: labels.join('.').toLowerCase(), end: at + 1 }
    labels.push(octets.toString('ascii', at + 1, at + 1 + length))
    at += 1 + length
  }
}

function nameOctets(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '')
  return Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label)])),
    Buffer.of(0),
  ])
}
