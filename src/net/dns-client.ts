// Asks name servers (RFC 1035), as a stub that leaves recursion to them: over UDP with EDNS (RFC 6891), over TCP what is truncated
// (RFC 7766). The system's own functions tell neither how long an answer holds nor whether it was validated (RFC 4035 §3.2.3).
import { createSocket } from 'node:dgram'
import { getServers } from 'node:dns'
import { connect, isIP, isIPv6 } from 'node:net'
import {
  type Answer,
  AUTHENTIC_DATA,
  type DecodedPacket as Decoded,
  decode,
  encode,
  RECURSION_DESIRED,
  type RecordType,
  type SoaData,
} from 'dns-packet'
import { randomBelow, SystemClock } from '#base'
import { placeOf } from './place-of.ts'

/** A question that got no answer; "there is no such record" is an answer, an empty one. */
export class DnsError extends Error {
  readonly code: string
  readonly question: string

  constructor(question: string, code: string, cause?: unknown) {
    super(`DNS gave no answer for ${question}: ${code}`, { cause })
    this.name = 'DnsError'
    this.code = code
    this.question = question
  }
}

export interface DnsAnswer {
  /** Of the type asked for, behind aliases (RFC 1034 §3.6.2); empty: there are none. */
  readonly records: readonly Answer[]
  /** Seconds for which it holds; 0: for this once. */
  readonly seconds: number
  /** The name server says that it validated it (RFC 4035 §3.2.3). */
  readonly validated: boolean
}

export interface DnsClientOptions {
  /** `address` or `address:port`; the system's by default. */
  readonly servers?: readonly string[]
  /** LIMIT: seconds for a question, all tries included. */
  readonly secondsMax?: number
}

/** LIMIT: questions that are asked at once; the others wait for their turn. */
const askedMax = 256

/** LIMIT: aliases behind one another. */
const aliasesMax = 8

/** LIMIT: octets of an answer over UDP that no path should cut (RFC 6891 §6.2.5, as DNS operators agreed for 2020). */
const datagramOctetsMax = 1232

/** How often the servers are asked in turn before it is given up. */
const tries = 3

/** As dns-packet gives it; its types leave the response code out. */
type DecodedPacket = Decoded & { readonly rcode: string }

/** RFC 1035 §4.1.1, as dns-packet names them. */
const answered = ['NOERROR', 'NXDOMAIN']

export class DnsClient {
  readonly #servers: readonly string[]
  readonly #milliseconds: number
  readonly #waiting: (() => void)[] = []
  #asked = 0

  /** @throws TypeError when a server is no address */
  constructor(options: DnsClientOptions = {}) {
    this.#servers = options.servers ?? getServers()
    const wrong = this.#servers.find((server) => isIP(placeOf(server, 53).host) === 0)
    if (wrong !== undefined)
      throw new TypeError(`${JSON.stringify(wrong)} is not the address of a name server`)
    this.#milliseconds = (options.secondsMax ?? 10) * 1000
  }

  /** All name servers are on this machine, so that nobody is between (RFC 4035 §3.2.3). */
  get isLocal(): boolean {
    return this.#servers.every((server) => /^(127\.|::1$)/.test(placeOf(server, 53).host))
  }

  /** @throws DnsError */
  async ask(name: string, type: RecordType): Promise<DnsAnswer> {
    while (this.#asked >= askedMax) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#asked++
    try {
      return await this.#behindAliases(name, type)
    } finally {
      this.#asked--
      this.#waiting.shift()?.()
    }
  }

  async #behindAliases(asked: string, type: RecordType): Promise<DnsAnswer> {
    const end = performance.now() + this.#milliseconds
    let name = asked
    let seconds = Number.POSITIVE_INFINITY
    let validated = true
    for (let aliases = 0; aliases <= aliasesMax; aliases++) {
      const packet = await this.#answerTo(name, type, end)
      validated &&= packet.flag_ad
      const { owner, chain } = followed(packet, name)
      for (const alias of chain) seconds = Math.min(seconds, alias.ttl ?? 0)
      const records = (packet.answers ?? []).filter((one) => one.type === type && isSame(one.name, owner))
      if (records.length > 0) {
        for (const record of records) seconds = Math.min(seconds, ttlOf(record))
        return { records, seconds, validated }
      }
      // A server that does not recurse may stop at the alias; one that does has said all.
      if (owner === name || packet.rcode === 'NXDOMAIN' || negativeSeconds(packet) !== undefined)
        return { records, seconds: Math.min(seconds, negativeSeconds(packet) ?? 0), validated }
      name = owner
    }
    throw new DnsError(`${type} ${asked}`, 'EBADALIAS')
  }

  /** The first that answers, in turn. */
  async #answerTo(name: string, type: RecordType, end: number): Promise<DecodedPacket> {
    const question = `${type} ${name}`
    let code = this.#servers.length === 0 ? 'ENOSERVER' : 'ETIMEOUT'
    let cause: unknown
    const turns = Math.max(tries, this.#servers.length)
    for (let turn = 0; turn < turns && this.#servers.length > 0; turn++) {
      const left = end - performance.now()
      if (left <= 0) break
      const server = this.#servers[turn % this.#servers.length] as string
      try {
        const packet = await exchange(server, name, type, left / (turns - turn))
        if (answered.includes(packet.rcode)) return packet
        code = `E${packet.rcode}`
      } catch (error) {
        cause = error
        code = (error as NodeJS.ErrnoException).code ?? 'EBADRESP'
      }
    }
    throw new DnsError(question, code, cause)
  }
}

/** One question to one server, within the milliseconds. */
async function exchange(
  server: string,
  name: string,
  type: RecordType,
  milliseconds: number,
): Promise<DecodedPacket> {
  const packet = await overUdp(server, query(name, type, true), milliseconds)
  // RFC 6891 §7: it knows no EDNS.
  if (packet.rcode === 'FORMERR') return overUdp(server, query(name, type, false), milliseconds)
  return packet.flag_tc ? overTcp(server, query(name, type, true), milliseconds) : packet
}

interface Query {
  readonly id: number
  readonly name: string
  readonly type: RecordType
  readonly octets: Buffer
}

function query(name: string, type: RecordType, edns: boolean): Query {
  const id = randomBelow(65_536)
  const octets = encode({
    type: 'query',
    id,
    // RFC 6840 §5.7: the AD bit in a question asks for the one in the answer, without the signatures.
    flags: RECURSION_DESIRED | AUTHENTIC_DATA,
    questions: [{ name, type }],
    ...(edns && {
      additionals: [
        {
          type: 'OPT',
          name: '.',
          udpPayloadSize: datagramOctetsMax,
          extendedRcode: 0,
          ednsVersion: 0,
          flags: 0,
          flag_do: false,
          options: [],
        },
      ],
    }),
  })
  return { id, name, type, octets }
}

/** Undefined: not the answer to our question, and perhaps somebody else's wish that it were (RFC 5452 §9.1). */
function answerOf(octets: Uint8Array, { id, name, type }: Query): DecodedPacket | undefined {
  try {
    const packet = decode(Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength)) as DecodedPacket
    const [question] = packet.questions ?? []
    if (packet.type !== 'response' || packet.id !== id) return undefined
    // A server that fails to read a question need not repeat it.
    if (question === undefined) return answered.includes(packet.rcode) ? undefined : packet
    return question.type === type && isSame(question.name, name) ? packet : undefined
  } catch {
    // Octets that are no packet are no answer: the wait goes on, as it does for a forged one.
    return undefined
  }
}

function overUdp(server: string, question: Query, milliseconds: number): Promise<DecodedPacket> {
  const { host, port } = placeOf(server, 53)
  // A socket a question: its port is a second secret beside the identifier (RFC 5452 §9.2).
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
  return new Promise<DecodedPacket>((resolve, reject) => {
    const timer = new SystemClock().schedule(milliseconds, () => reject(timedOut()))
    const done = (act: () => void): void => {
      timer.cancel()
      act()
    }
    socket.on('message', (octets) => {
      const packet = answerOf(octets, question)
      if (packet !== undefined) done(() => resolve(packet))
    })
    socket.on('error', (error) => done(() => reject(error)))
    // Connected, so that the kernel takes datagrams of that server alone, and tells when nobody listens there.
    socket.connect(port, host, () => socket.send(question.octets))
  }).finally(() => socket.close())
}

function overTcp(server: string, question: Query, milliseconds: number): Promise<DecodedPacket> {
  const { host, port } = placeOf(server, 53)
  const socket = connect({ host, port, noDelay: true })
  return new Promise<DecodedPacket>((resolve, reject) => {
    const timer = new SystemClock().schedule(milliseconds, () => reject(timedOut()))
    const done = (act: () => void): void => {
      timer.cancel()
      act()
    }
    let read = Buffer.alloc(0)
    socket.on('connect', () => {
      const length = Buffer.alloc(2)
      length.writeUInt16BE(question.octets.length)
      socket.write(Buffer.concat([length, question.octets]))
    })
    socket.on('data', (octets: Buffer) => {
      read = Buffer.concat([read, octets])
      // RFC 1035 §4.2.2: two octets of length before each message.
      if (read.length < 2 || read.length < 2 + read.readUInt16BE(0)) return
      const packet = answerOf(read.subarray(2, 2 + read.readUInt16BE(0)), question)
      if (packet === undefined) done(() => reject(new Error('the answer is to another question')))
      else done(() => resolve(packet))
    })
    socket.on('error', (error) => done(() => reject(error)))
    socket.on('close', () => done(() => reject(new Error('the connection closed without an answer'))))
  }).finally(() => socket.destroy())
}

function timedOut(): Error {
  return Object.assign(new Error('no answer in time'), { code: 'ETIMEOUT' })
}

/** Where the aliases in the answer lead, and the records that say so. */
function followed(
  { answers = [] }: DecodedPacket,
  name: string,
): { owner: string; chain: { readonly ttl?: number | undefined }[] } {
  const chain: { readonly ttl?: number | undefined }[] = []
  let owner = name
  while (chain.length < aliasesMax) {
    const alias = answers.find((one) => one.type === 'CNAME' && isSame(one.name, owner))
    if (alias === undefined || alias.type !== 'CNAME') break
    chain.push(alias)
    owner = alias.data
  }
  return { owner, chain }
}

/** RFC 2308 §5: the lesser of what the SOA record says and its own life; undefined: no SOA, so that it is not to be kept. */
function negativeSeconds({ authorities = [] }: DecodedPacket): number | undefined {
  for (const record of authorities) {
    if (record.type === 'SOA') return Math.min(ttlOf(record), (record.data as SoaData).minimum ?? 0)
  }
  return undefined
}

function ttlOf(record: Answer): number {
  const ttl = 'ttl' in record ? (record.ttl ?? 0) : 0
  // RFC 2181 §8: one with the highest bit set counts as 0.
  return ttl > 0x7fffffff ? 0 : ttl
}

/** RFC 4343, and a dot at the end says nothing. */
function isSame(one: string, other: string): boolean {
  return one.toLowerCase().replace(/\.$/, '') === other.toLowerCase().replace(/\.$/, '')
}
