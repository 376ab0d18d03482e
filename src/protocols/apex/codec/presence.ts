// Presence entries (RFC 3343 §3): `presence` with its tuples, as data and as text.

import type { Element } from '#wire/xml'
import { escapeText, escapeValue } from '#wire/xml'
import { shapeFault } from './dtd.ts'
import { readTimestamp } from './values.ts'

export interface PresenceEntryTuple {
  /** A URI. */
  readonly destination: string
  /** RFC 3339, as written. */
  readonly availableUntil: string
  /** A URI; empty where there is none. */
  readonly tupleInfo: string
  readonly capabilities: readonly { readonly baseline: string; readonly text: string }[]
}

export interface PresenceEntry {
  readonly publisher: string
  readonly lastUpdate: string
  /** A URI; empty where there is none. */
  readonly publisherInfo: string
  readonly tuples: readonly PresenceEntryTuple[]
}

/** LIMIT: tuples of one entry. */
export const entryTuplesMax = 64

/** Reads the element; undefined where the DTD does not allow it. */
export function readPresence(element: Element): PresenceEntry | undefined {
  if (element.name !== 'presence' || shapeFault(element) !== undefined) return undefined
  const children = element.elements()
  const lastUpdate = element.attribute('lastUpdate') ?? ''
  // "one or more".
  if (children.length === 0 || children.length > entryTuplesMax) return undefined
  if (readTimestamp(lastUpdate) === undefined) return undefined
  const tuples: PresenceEntryTuple[] = []
  for (const child of children) {
    const availableUntil = child.attribute('availableUntil') ?? ''
    if (readTimestamp(availableUntil) === undefined) return undefined
    tuples.push({
      destination: child.attribute('destination') ?? '',
      availableUntil,
      tupleInfo: child.attribute('tupleInfo') ?? '',
      capabilities: child.elements().map((capability) => ({
        baseline: capability.attribute('baseline') ?? '',
        text: capability.text(),
      })),
    })
  }
  const publisher = element.attribute('publisher') ?? ''
  return { publisher, lastUpdate, publisherInfo: element.attribute('publisherInfo') ?? '', tuples }
}

export function presenceText({ publisher, lastUpdate, publisherInfo, tuples }: PresenceEntry): string {
  const info = publisherInfo === '' ? '' : ` publisherInfo='${escapeValue(publisherInfo)}'`
  const inside = tuples.map(tupleText).join('')
  return `<presence publisher='${escapeValue(publisher)}' lastUpdate='${lastUpdate}'${info}>${inside}</presence>`
}

function tupleText({ destination, availableUntil, tupleInfo, capabilities }: PresenceEntryTuple): string {
  const info = tupleInfo === '' ? '' : ` tupleInfo='${escapeValue(tupleInfo)}'`
  const start = `<tuple destination='${escapeValue(destination)}' availableUntil='${availableUntil}'${info}`
  if (capabilities.length === 0) return `${start} />`
  const inside = capabilities.map(
    ({ baseline, text }) =>
      `<capability baseline='${escapeValue(baseline)}'>${escapeText(text)}</capability>`,
  )
  return `${start}>${inside.join('')}</tuple>`
}

/** Whether its owner has not agreed yet: it was never updated (decision 0135). */
export function isWaitingEntry({ lastUpdate, tuples }: PresenceEntry): boolean {
  return readTimestamp(lastUpdate) === 0 && tuples.every(isNobody)
}

/** One destination that was available once: the DTD wants a tuple. */
export function isNobody({ availableUntil, tupleInfo, capabilities }: PresenceEntryTuple): boolean {
  return readTimestamp(availableUntil) === 0 && tupleInfo === '' && capabilities.length === 0
}
