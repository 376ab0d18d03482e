// BEEP by hand for transcripts (RFC 3080 §2.2, RFC 3081 §3.1), as an initiator, apart from the server's own: frames in and out. Its
// own windows never close; those of the other side are kept to.
import type { Socket } from 'node:net'

export interface BeepMessage {
  readonly keyword: string
  readonly channel: number
  readonly number: number
  readonly payload: Buffer
}

/** A MIME entity in a payload: its fields, with folded lines joined, and its body. */
export interface BeepEntity {
  readonly fields: readonly string[]
  readonly body: Buffer
}

const window = 1_000_000

/** RFC 3081 §3.1.2: of each new channel. */
const initialWindow = 4096

/** What one channel has to say. */
interface Outgoing {
  seqno: number
  /** The first octet that may not be sent yet. */
  limit: number
  readonly waiting: { readonly head: string; left: Buffer }[]
}

export class BeepHand {
  readonly #socket: Socket
  readonly #onMessage: (message: BeepMessage) => void
  readonly #outgoing = new Map<number, Outgoing>()
  readonly #received = new Map<number, number>()
  readonly #parts = new Map<number, Buffer[]>()
  #rest: Buffer = Buffer.alloc(0)

  constructor(socket: Socket, onMessage: (message: BeepMessage) => void) {
    this.#socket = socket
    this.#onMessage = onMessage
    socket.on('error', () => {})
    socket.on('data', (octets) => {
      this.#rest = Buffer.concat([this.#rest, octets])
      while (this.#next());
    })
  }

  send(keyword: string, channel: number, number: number, payload: Buffer): void {
    const outgoing = this.#outgoingOf(channel)
    outgoing.waiting.push({ head: `${keyword} ${channel} ${number}`, left: payload })
    this.#write(outgoing)
  }

  #outgoingOf(channel: number): Outgoing {
    const known = this.#outgoing.get(channel)
    if (known !== undefined) return known
    const fresh: Outgoing = { seqno: 0, limit: initialWindow, waiting: [] }
    this.#outgoing.set(channel, fresh)
    return fresh
  }

  /** As much as the window lets through, a frame at a time. */
  #write(outgoing: Outgoing): void {
    for (let next = outgoing.waiting[0]; next !== undefined; next = outgoing.waiting[0]) {
      const payload = next.left.subarray(0, outgoing.limit - outgoing.seqno)
      if (payload.length === 0 && next.left.length > 0) return
      next.left = next.left.subarray(payload.length)
      const more = next.left.length > 0 ? '*' : '.'
      const head = `${next.head} ${more} ${outgoing.seqno} ${payload.length}\r\n`
      outgoing.seqno += payload.length
      this.#socket.write(Buffer.concat([Buffer.from(head), payload, Buffer.from('END\r\n')]))
      if (more === '.') outgoing.waiting.shift()
    }
  }

  #next(): boolean {
    const end = this.#rest.indexOf('\r\n')
    if (end < 0) return false
    const words = this.#rest.subarray(0, end).toString('latin1').split(' ')
    if (words[0] === 'SEQ') {
      this.#rest = this.#rest.subarray(end + 2)
      const [, channel, ackno, size] = words.map(Number)
      const outgoing = this.#outgoingOf(channel as number)
      outgoing.limit = (ackno as number) + (size as number)
      this.#write(outgoing)
      return true
    }
    const [keyword = '', channelText, numberText, more, , sizeText] = words
    const size = Number(sizeText)
    if (this.#rest.length < end + 2 + size + 5) return false
    const payload = this.#rest.subarray(end + 2, end + 2 + size)
    this.#rest = this.#rest.subarray(end + 2 + size + 5)
    this.#took(keyword, Number(channelText), Number(numberText), more === '*', payload)
    return true
  }

  #took(keyword: string, channel: number, number: number, hasMore: boolean, payload: Buffer): void {
    const received = (this.#received.get(channel) ?? 0) + payload.length
    this.#received.set(channel, received)
    if (payload.length > 0) this.#socket.write(`SEQ ${channel} ${received} ${window}\r\n`)
    const parts = [...(this.#parts.get(channel) ?? []), payload]
    if (hasMore) {
      this.#parts.set(channel, parts)
      return
    }
    this.#parts.delete(channel)
    this.#onMessage({ keyword, channel, number, payload: Buffer.concat(parts) })
  }
}

export function entityOf(payload: Buffer): BeepEntity {
  if (payload.subarray(0, 2).toString() === '\r\n') return { fields: [], body: payload.subarray(2) }
  const end = payload.indexOf('\r\n\r\n')
  const head = payload.subarray(0, end < 0 ? payload.length : end).toString('utf8')
  const fields = head.replace(/\r\n[ \t]+/g, ' ').split('\r\n')
  return { fields, body: end < 0 ? Buffer.alloc(0) : payload.subarray(end + 4) }
}
