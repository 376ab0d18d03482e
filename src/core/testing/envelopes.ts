// Envelopes of an invented protocol for the tests of the core. Its octets are the text (a message) or the note (presence);
// an envelope `on loan` is overwritten by `poison`, so that whoever did not keep it is found out.
import assert from 'node:assert/strict'
import { type Bytes, text, utf8 } from '#base'
import {
  type Address,
  type Content,
  type Envelope,
  type Head,
  hopsDefault,
  type InstantMessage,
  type PresenceDocument,
  type PresenceEnvelope,
  parseAddress,
  presUri,
} from '#model'
import type { StoredUnit } from '../store.ts'

export const testProtocol = 'test'

/** The address of a name of the tests; what is written wrong is the test's fault. */
export function at(written: string): Address {
  const address = parseAddress(written)
  assert.ok(address, `${written} is no address`)
  return address
}

export class TestEnvelope implements Envelope {
  readonly head: Head
  readonly raw: Bytes
  #own: boolean
  #poisoned = false

  constructor(head: Head, raw: Bytes, own: boolean) {
    this.head = head
    this.raw = raw
    this.#own = own
  }

  content(): Content | undefined {
    return { type: 'text/plain', bytes: this.raw, fields: [] }
  }

  view(): InstantMessage & PresenceDocument {
    const { from, to, id } = this.head
    const said = { language: '', text: text(this.raw) }
    return {
      from,
      to,
      id,
      thread: '',
      kind: 'chat',
      subject: [],
      body: [said],
      entity: presUri(from),
      tuples: [
        { id: 'own', basic: 'open', show: 'away', notes: [said], statusExtensions: [], extensions: [] },
      ],
      notes: [],
      extensions: [],
    }
  }

  keep(): this {
    if (this.#own) return this
    assert.ok(!this.#poisoned, `the loan of ${this.head.id} is kept after its tick`)
    return new TestEnvelope(this.head, this.raw.slice(), true) as this
  }

  /** The tick is over: the octets belong to another now. */
  poison(): void {
    this.#poisoned = true
    this.raw.fill(0x21)
  }
}

export interface Sketch extends Partial<Omit<Head, 'from' | 'to' | 'size'>> {
  readonly from: string
  readonly to: string
  readonly text?: string
}

function headOf({ from, to, text: _, ...rest }: Sketch, size: number): Head {
  return {
    protocol: testProtocol,
    kind: 'message',
    from: at(from),
    fromAgent: '',
    to: at(to),
    toAgent: '',
    id: '',
    hops: hopsDefault,
    size,
    whenAbsent: 'store',
    whenAgentGone: 'inbox',
    storable: true,
    copyable: true,
    ...rest,
  }
}

/** A message whose octets are a loan. */
export function message(sketch: Sketch): TestEnvelope {
  const raw = utf8(sketch.text ?? sketch.id ?? '').slice()
  return new TestEnvelope(headOf(sketch, raw.length), raw, false)
}

/** What a device says of its owner, a loan too. */
export function presence(from: string, note: string): PresenceEnvelope & TestEnvelope {
  return message({ from, to: from, kind: 'presence', text: note })
}

export function reviveTest(unit: StoredUnit): Envelope | undefined {
  return unit.head.protocol === testProtocol ? new TestEnvelope(unit.head, unit.raw, true) : undefined
}
