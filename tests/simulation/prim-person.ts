// One who uses PRIM by hand in a simulated town: comes back when its server does, and remembers what it was told.
import { Hand, pidf } from '../../src/protocols/prim/testing/hand.ts'
import type { PrimTown } from './prim-town.ts'

export interface Sent {
  readonly id: string
  readonly to: PrimPerson
  /** How often the two servers had been killed. */
  readonly kills: number
  /** Undefined: nobody answered. */
  status: number | undefined
}

/** A message that came, and how often the two servers had been killed then. */
export interface Got {
  readonly id: string
  readonly kills: number
}

const publication = { 'PI-Type': 'permanent', 'Tuple-ID': 'im', 'Content-Type': 'application/pidf+xml' }

/** Seconds that a subscription is asked for, and after which it is renewed. */
const leaseSeconds = 3600
const renewal = leaseSeconds / 2

export class PrimPerson {
  readonly domain: string
  readonly name: string
  readonly sent = new Map<string, Sent>()
  readonly got: Got[] = []
  /** Of which messages it was told that they did not arrive. */
  readonly reported = new Set<string>()
  /** The last presence of others, by their identifier. */
  readonly seen = new Map<string, string>()
  /** What it says of itself, as last answered, or asked. */
  says = ''
  readonly #town: PrimTown
  #hand: Hand | undefined
  /** Its login waits for answers. */
  #isComing = false
  #watchesSince = Number.NEGATIVE_INFINITY
  #count = 0

  constructor(name: string, domain: string, town: PrimTown) {
    this.name = name
    this.domain = domain
    this.#town = town
  }

  get pres(): string {
    return `pres:${this.name}@${this.domain}`
  }

  get isHere(): boolean {
    return this.#hand !== undefined
  }

  /** Is there, listens, says what it says, and watches all others: as far as its server lasts. */
  async signIn(): Promise<void> {
    const world = this.#town.placeOf(this.domain).world
    if (world === undefined) return
    try {
      if (this.#hand === undefined) {
        const hand = new Hand(world)
        this.#hand = hand
        this.#isComing = true
        await hand.login(this.name)
        await hand.login(this.name, 'pres')
        this.#isComing = false
        hand.send('LISTEN PRIM-IM', { From: hand.im })
        this.#watchesSince = Number.NEGATIVE_INFINITY
        if (this.says !== '') this.publish(this.says)
      }
      this.#watch()
    } catch (error) {
      this.#isComing = false
      // Its server was killed meanwhile; else it is a fault.
      if (this.#hand !== undefined) throw error
    }
  }

  /** Its server is gone, and with it the connection. */
  lost(): void {
    this.#hand?.drop()
    this.#hand = undefined
  }

  send(to: PrimPerson): Sent {
    const sent: Sent = {
      id: `${this.name}${++this.#count}`,
      to,
      kills: this.#kills(to.domain),
      status: undefined,
    }
    this.sent.set(sent.id, sent)
    this.#town.say(`${this.name} sends ${sent.id} to ${to.name}`)
    const fields = { To: `im:${to.name}@${to.domain}`, 'Message-ID': sent.id, 'Content-Type': 'text/plain' }
    if (this.#hand !== undefined)
      this.#hand.send(`SEND PRIM-IM ${sent.id}`, { From: this.#hand.im, ...fields }, sent.id)
    return sent
  }

  publish(note: string): void {
    this.says = note
    this.#town.say(`${this.name} says ${note}`)
    if (this.#hand !== undefined)
      this.#hand.send('PUBLISH PRIM-PR', { From: this.pres, ...publication }, pidf('open', note))
  }

  /** Takes no messages for a while, or takes them again. */
  open(isOpen: boolean): void {
    this.#town.say(`${this.name} ${isOpen ? 'listens' : 'is silent'}`)
    if (this.#hand !== undefined)
      this.#hand.send(`${isOpen ? 'LISTEN' : 'SILENCE'} PRIM-IM`, { From: this.#hand.im })
  }

  #watch(): void {
    const now = this.#town.clock.monotonic() / 1000
    const hand = this.#hand
    if (hand === undefined || now - this.#watchesSince < renewal) return
    this.#watchesSince = now
    for (const other of this.#town.people) {
      if (other === this) continue
      const fields = { To: other.pres, Duration: `${leaseSeconds}`, 'Subscription-ID': 'w' }
      hand.send('SUBSCRIBE PRIM-PR', { From: this.pres, ...fields })
    }
  }

  /** Takes note of what came. */
  listen(): void {
    const hand = this.#hand
    if (hand === undefined || this.#isComing) return
    for (const { first, status } of hand.responses.splice(0)) {
      const sent = this.sent.get(first.split(' ')[1] ?? '')
      if (sent !== undefined) sent.status = status
    }
    for (const { first, fields, body } of hand.requests.splice(0)) {
      const from = fields.From ?? ''
      if (first.startsWith('NOTIFY ')) this.seen.set(from, body)
      else if (first.startsWith('CANCELSUBSCRIPTION ')) this.#watchesSince = Number.NEGATIVE_INFINITY
      else if (fields.Report !== undefined) this.reported.add(fields.About ?? '')
      else if (first.startsWith('SEND ')) this.#received(fields['Message-ID'] ?? '', from)
    }
  }

  #received(id: string, from: string): void {
    this.got.push({ id, kills: this.#kills(from.slice(from.indexOf('@') + 1)) })
  }

  #kills(domain: string): number {
    return this.#town.placeOf(this.domain).kills + this.#town.placeOf(domain).kills
  }
}
