// A person's presence as a map of tuples, one a device, each holding the envelope that last published it. A change is a delta
// of tuples, never a document. The permanent value is served while no device says anything (IMPP §18.5, D79, D80).
import { RareMap, sameBytes } from '#base'
import type { Content, PresenceDocument, PresenceEnvelope, PresenceTuple } from '#model'
import type { Lease } from '../leases.ts'
import type { PresenceClass } from '../people/access-rules.ts'

/** LIMIT: tuples a presentity may hold. */
export const presenceTuplesMax = 64

export interface HeldTuple {
  readonly id: string
  /** What its publisher calls it, where that is nobody's address: a device that is addressed by the name keeps it, and the id is another. */
  readonly freeName?: string
  readonly source: PresenceEnvelope
  readonly lease: Lease | undefined
}

export interface TupleChange {
  readonly kind: 'added' | 'changed' | 'removed'
  readonly tuple: string
  /** The new source; for a removal, the last words of the device when it gave any. */
  readonly source: PresenceEnvelope | undefined
}

/** The tuple under which the permanent value is shown. */
export const permanentTuple = 'permanent'

export class Presentity {
  readonly tuples = new Map<string, HeldTuple>()
  permanent: PresenceEnvelope | undefined
  /** Permanent values of single tuples, by their free names: each shows while its tuple has no lease. */
  readonly kept = new RareMap<string, PresenceEnvelope>()
  /** What is published for a class of watchers alone; a class that exists may hold nothing. */
  readonly classes = new RareMap<PresenceClass, Presentity>()
  /** The ids of tuples whose free name is a device's, by that name. */
  readonly #aside = new RareMap<string, string>()
  #isPlainlyOpen: boolean | undefined
  /** Permanent values asked to be written, and the latest that is durable. */
  writesAsked = 0
  writesDone = 0

  /** Puts what a device now says; undefined when nothing changed, or 'full' when there are too many devices. */
  put(
    id: string,
    source: PresenceEnvelope,
    lease: Lease | undefined,
  ): readonly TupleChange[] | undefined | 'full' {
    const before = this.tuples.get(id)
    return before?.freeName === undefined
      ? this.#put({ id, source, lease })
      : this.#putInPlaceOf(before, { id, source, lease }, before.freeName)
  }

  /** The same for a tuple whose name is nobody's address. */
  putFree(
    name: string,
    source: PresenceEnvelope,
    lease: Lease | undefined,
  ): readonly TupleChange[] | undefined | 'full' {
    const id = this.#idOfFree(name)
    const changes = this.#put({ id, source, lease, freeName: name })
    if (id !== name && changes !== 'full') this.#aside.set(name, id)
    return changes
  }

  /** Takes a device's tuple away; undefined when it had none. `lastWords` is its goodbye, if it sent one. */
  remove(id: string, lastWords: PresenceEnvelope | undefined): readonly TupleChange[] | undefined {
    const before = this.find(id, false)
    return before && this.#remove(before, lastWords)
  }

  /** Takes away what is leased under a free name: its permanent value shows, where it has one. */
  removeFree(name: string): readonly TupleChange[] | undefined {
    const before = this.find(name, true)
    if (before === undefined) return undefined
    const kept = this.kept.get(name)
    if (kept === undefined) return this.#remove(before, undefined)
    before.lease?.cancel()
    const changes = this.putFree(name, kept, undefined)
    return changes === 'full' ? undefined : changes
  }

  /** Sets or clears the permanent value of a free name; undefined when watchers see no difference. */
  keep(name: string, source: PresenceEnvelope | undefined): readonly TupleChange[] | undefined | 'full' {
    const isLeased = this.find(name, true)?.lease?.active === true
    if (source === undefined) {
      this.kept.delete(name)
      return isLeased ? undefined : this.removeFree(name)
    }
    if (!this.hasRoomFor(name)) return 'full'
    this.kept.set(name, source)
    return isLeased ? undefined : this.putFree(name, source, undefined)
  }

  /** The tuple of a device, or that of a free name. */
  find(name: string, isFree: boolean): HeldTuple | undefined {
    const held = this.tuples.get(isFree ? this.#idOfFree(name) : name)
    return (held?.freeName !== undefined) === isFree ? held : undefined
  }

  /** Everything is gone: nobody is told by this. */
  clear(): void {
    for (const { lease } of this.tuples.values()) lease?.cancel()
    for (const each of this.classes.values()) each.clear()
    this.tuples.clear()
    this.permanent = undefined
    this.#isPlainlyOpen = undefined
  }

  hasRoomFor(freeName: string): boolean {
    return this.find(freeName, true) !== undefined || this.tuples.size < presenceTuplesMax
  }

  /** What the watchers of a class see; undefined: of all others. A class that is not there shows nothing. */
  of(presenceClass: PresenceClass | undefined): Presentity | undefined {
    return presenceClass === undefined ? this : this.classes.get(presenceClass)
  }

  /** True while something of it lives only in memory. */
  get isHeld(): boolean {
    for (const { lease } of this.tuples.values()) if (lease !== undefined) return true
    if (this.tuples.size > this.kept.size) return true
    for (const each of this.classes.values()) if (each.isHeld) return true
    return false
  }

  /** Sets or clears the permanent value; undefined when watchers see no difference. */
  setPermanent(source: PresenceEnvelope | undefined): readonly TupleChange[] | undefined {
    const before = this.permanent
    this.permanent = source
    this.#isPlainlyOpen = undefined
    if (this.tuples.size > 0) return undefined
    if (source === undefined) {
      return before === undefined
        ? undefined
        : [{ kind: 'removed', tuple: permanentTuple, source: undefined }]
    }
    if (before !== undefined && saysTheSame(before, source)) return undefined
    return [{ kind: before === undefined ? 'added' : 'changed', tuple: permanentTuple, source }]
  }

  /**
   * False where a sender had better be told: what is said is closed, away or busy, and no device says that it is simply open. Remembered
   * until something changes.
   */
  isPlainlyOpen(): boolean {
    this.#isPlainlyOpen ??= isPlain(this.sources().flatMap(({ source }) => source.view().tuples))
    return this.#isPlainlyOpen
  }

  /** What is served now, oldest tuple first. */
  sources(): readonly { readonly tuple: string; readonly source: PresenceEnvelope }[] {
    if (this.tuples.size > 0)
      return [...this.tuples.values()].map(({ id, source }) => ({ tuple: id, source }))
    return this.permanent === undefined ? [] : [{ tuple: permanentTuple, source: this.permanent }]
  }

  #put(held: HeldTuple): readonly TupleChange[] | undefined | 'full' {
    const { id, source, lease } = held
    const before = this.tuples.get(id)
    if (before === undefined && this.tuples.size >= presenceTuplesMax) return 'full'
    const hidesPermanent = this.tuples.size === 0 && this.permanent !== undefined
    this.#isPlainlyOpen = undefined
    if (before !== undefined && before.lease !== lease) before.lease?.cancel()
    this.tuples.set(id, held)
    if (before !== undefined && saysTheSame(before.source, source)) return undefined
    const change: TupleChange = { kind: before === undefined ? 'added' : 'changed', tuple: id, source }
    return hidesPermanent ? [{ kind: 'removed', tuple: permanentTuple, source: undefined }, change] : [change]
  }

  /** A device comes that is addressed by a name which somebody has chosen freely: it has the name, the other another id. */
  #putInPlaceOf(before: HeldTuple, device: HeldTuple, name: string): readonly TupleChange[] | 'full' {
    if (this.tuples.size >= presenceTuplesMax) return 'full'
    this.#isPlainlyOpen = undefined
    const aside = this.#freeIdFor(name)
    this.#aside.set(name, aside)
    this.tuples.set(aside, { ...before, id: aside })
    this.tuples.set(device.id, device)
    return [
      { kind: 'changed', tuple: device.id, source: device.source },
      { kind: 'added', tuple: aside, source: before.source },
    ]
  }

  #remove(before: HeldTuple, lastWords: PresenceEnvelope | undefined): readonly TupleChange[] {
    before.lease?.cancel()
    this.#isPlainlyOpen = undefined
    this.tuples.delete(before.id)
    if (before.freeName !== undefined) this.#aside.delete(before.freeName)
    const change: TupleChange = { kind: 'removed', tuple: before.id, source: lastWords }
    if (this.tuples.size > 0 || this.permanent === undefined) return [change]
    return [change, { kind: 'added', tuple: permanentTuple, source: this.permanent }]
  }

  #idOfFree(name: string): string {
    const aside = this.#aside.get(name)
    if (aside !== undefined) return aside
    const held = this.tuples.get(name)
    return held === undefined || held.freeName === name ? name : this.#freeIdFor(name)
  }

  #freeIdFor(name: string): string {
    let id = `${name}.2`
    for (let next = 3; this.tuples.has(id); next++) id = `${name}.${next}`
    return id
  }
}

/**
 * Whether watchers would learn nothing new: the same unit, or in another one of the same protocol (with an id, a sequence number and
 * credentials of its own) the same content octet for octet, where that is all it says.
 */
export function saysTheSame(before: PresenceEnvelope, source: PresenceEnvelope): boolean {
  if (sameBytes(before.raw, source.raw)) return true
  if (before.head.protocol !== source.head.protocol) return false
  if (before.saidByContent !== true || source.saidByContent !== true) return false
  const one = before.content()
  const other = source.content()
  if (one === undefined || other === undefined) return false
  return one.type === other.type && sameBytes(one.bytes, other.bytes) && sameFields(one.fields, other.fields)
}

function sameFields(one: Content['fields'], other: Content['fields']): boolean {
  return (
    one.length === other.length &&
    one.every(({ name, value }, at) => name === other[at]?.name && value === other[at]?.value)
  )
}

function isPlain(tuples: readonly PresenceTuple[]): boolean {
  if (tuples.length === 0) return true
  return tuples.some(({ basic, show }) => basic === 'open' && (show === undefined || show === 'chat'))
}

/** One document out of what every device says: its tuples, and its notes and extensions with repeats left out. */
export function composed(
  entity: string,
  sources: readonly { readonly tuple: string; readonly source: PresenceEnvelope }[],
): PresenceDocument {
  const tuples: PresenceTuple[] = []
  const ids = new Set(sources.map(({ tuple }) => tuple))
  const notes = new Map<string, PresenceDocument['notes'][number]>()
  const extensions = new Set<string>()
  for (const { tuple, source } of sources) {
    const document = source.view()
    document.tuples.forEach((own, at) => {
      tuples.push({ ...own, id: at === 0 ? tuple : freeId(ids, `${tuple}.${own.id}`) })
    })
    for (const note of document.notes) notes.set(`${note.language}\n${note.text}`, note)
    for (const extension of document.extensions) extensions.add(extension)
  }
  return { entity, tuples, notes: [...notes.values()], extensions: [...extensions] }
}

/** Tuple ids are unique in a document (RFC 3863 §4.1.2), whatever the devices call theirs. */
function freeId(taken: Set<string>, wanted: string): string {
  let id = wanted
  for (let i = 2; taken.has(id); i++) id = `${wanted}.${i}`
  taken.add(id)
  return id
}

/** The same document with open and closed alone (visibility class `basic`, RFC 2779 2.3.3). */
export function basicOnly(document: PresenceDocument): PresenceDocument {
  const tuples = document.tuples.map(({ id, basic }) => ({
    id,
    ...(basic === undefined ? {} : { basic }),
    notes: [],
    statusExtensions: [],
    extensions: [],
  }))
  return { entity: document.entity, tuples, notes: [], extensions: [] }
}
