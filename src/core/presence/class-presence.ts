// The classes of watchers that a person has, and the permanent values of single tuples: one small document of the account, which comes
// with its state.
import { type Bytes, text, utf8 } from '#base'
import type { Head, PresenceEnvelope } from '#model'
import type { PresenceClass } from '../people/access-rules.ts'
import { ServiceError } from '../service-error.ts'
import type { StoredUnit } from '../store.ts'
import { Presentity } from './presentities.ts'

/** The account's document that holds it. */
export const classPresenceDocument = 'class-presence'

interface Written {
  readonly classes: readonly PresenceClass[]
  /** Class (empty: of those in none), tuple, head, octets as base64. */
  readonly kept: readonly (readonly [string, string, Head, string])[]
}

/** A permanent value that is to be: of a tuple as a class has it. */
export interface KeptChange {
  readonly of: PresenceClass | undefined
  readonly tuple: string
  readonly source: PresenceEnvelope | undefined
}

/**
 * Undefined where there is nothing to keep.
 * @param change a value that is not there yet
 * @param wanted the classes that are to be; else those that are
 */
export function documentOf(
  presentity: Presentity,
  change?: KeptChange,
  wanted?: ReadonlySet<PresenceClass>,
): Bytes | undefined {
  const kept: [string, string, Head, string][] = []
  const add = (name: string, { kept: values }: Presentity): void => {
    const changes = change !== undefined && name === (change.of ?? '')
    for (const [tuple, { head, raw }] of values.entries())
      if (!changes || tuple !== change.tuple)
        kept.push([name, tuple, head, Buffer.from(raw).toString('base64')])
    const source = changes ? change.source : undefined
    if (changes && source !== undefined)
      kept.push([name, change.tuple, source.head, Buffer.from(source.raw).toString('base64')])
  }
  add('', presentity)
  const classes = [...(wanted ?? [...presentity.classes.entries()].map(([name]) => name))]
  for (const name of classes) add(name, presentity.classes.get(name) ?? new Presentity())
  if (classes.length === 0 && kept.length === 0) return undefined
  return utf8(JSON.stringify({ classes, kept } satisfies Written))
}

/** Puts what a document holds into the presentity. @param revive answers undefined for a value whose protocol is not here */
export function takeDocument(
  presentity: Presentity,
  document: Bytes,
  revive: (unit: StoredUnit) => PresenceEnvelope | undefined,
): void {
  const { classes, kept } = read(document)
  for (const name of classes) presentity.classes.set(name, new Presentity())
  for (const [name, tuple, head, raw] of kept) {
    const source = revive({ head, raw: new Uint8Array(Buffer.from(raw, 'base64')) })
    const of = presentity.of(name === '' ? undefined : (name as PresenceClass))
    if (source !== undefined) of?.keep(tuple, source)
  }
}

function read(document: Bytes): Written {
  try {
    return JSON.parse(text(document)) as Written
  } catch (cause) {
    throw new ServiceError('internal-fault', 'stored presence of classes is not readable', {}, cause)
  }
}
