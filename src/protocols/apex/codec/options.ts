// Options (RFC 3340 §5, RFC 3342): which they are, where they apply, and the two that have an element in them.

import type { Element } from '#wire/xml'
import { shapeFault } from './dtd.ts'
import { readBoolean, readNumber, readUniqueId } from './values.ts'

/** §5: which relays process it. */
export type TargetHop = 'this' | 'final' | 'all'

export interface ApexOption {
  /** The registered name, or the URI of one that is not registered. */
  readonly name: string
  readonly isRegistered: boolean
  readonly targetHop: TargetHop
  readonly mustUnderstand: boolean
  readonly transId: number | undefined
  readonly localize: string
  readonly element: Element
}

/** Reads one; or the text of what is wrong with it. */
export function readOption(element: Element): ApexOption | string {
  const fault = shapeFault(element)
  if (fault !== undefined) return fault
  const internal = element.attribute('internal') ?? ''
  const external = element.attribute('external') ?? ''
  // "exactly one of which is present"; and of the URI: "a relative-URI value is not allowed".
  if ((internal === '') === (external === '')) return 'an option is either internal or external'
  if (external !== '' && !/^[A-Za-z][A-Za-z0-9+.-]*:./.test(external))
    return 'external must be an absolute URI'
  const targetHop = element.attribute('targetHop') ?? 'final'
  if (targetHop !== 'this' && targetHop !== 'final' && targetHop !== 'all') return 'targetHop is not known'
  const mustUnderstand = readBoolean(element.attribute('mustUnderstand'))
  if (mustUnderstand === undefined) return 'mustUnderstand is true or false'
  const written = element.attribute('transID')
  const transId = readUniqueId(written)
  if (written !== undefined && transId === undefined) return 'transID is no number from 1 to 2147483647'
  return {
    name: internal === '' ? external : internal,
    isRegistered: internal !== '',
    targetHop,
    mustUnderstand,
    transId,
    localize: element.attribute('localize') ?? 'i-default',
    element,
  }
}

/** Milliseconds; 0 is none (RFC 3342 §2, §6). */
export interface DataTiming {
  readonly noLaterThan: number
  readonly returnTrip: number
  readonly reportAfter: number
  readonly reportErrors: boolean
}

export function dataTimingOf({ element }: ApexOption): DataTiming | undefined {
  const inside = only(element, 'dataTiming')
  if (inside === undefined) return undefined
  const noLaterThan = readNumber(inside.attribute('noLaterThan') ?? '0')
  const returnTrip = readNumber(inside.attribute('returnTrip') ?? '0')
  const reportAfter = readNumber(inside.attribute('reportAfter') ?? '0')
  const reportErrors = readBoolean(inside.attribute('reportErrors'))
  if (noLaterThan === undefined || returnTrip === undefined) return undefined
  if (reportAfter === undefined || reportErrors === undefined) return undefined
  return { noLaterThan, returnTrip, reportAfter, reportErrors }
}

/** RFC 3342 §4, §6: 0..255; 0 is no bound. */
export interface DataHopping {
  readonly noMoreThan: number
  readonly reportErrors: boolean
}

export function dataHoppingOf({ element }: ApexOption): DataHopping | undefined {
  const inside = only(element, 'dataHopping')
  const noMoreThan = readNumber(inside?.attribute('noMoreThan') ?? '0')
  const reportErrors = readBoolean(inside?.attribute('reportErrors'))
  if (inside === undefined || noMoreThan === undefined || noMoreThan > 255) return undefined
  return reportErrors === undefined ? undefined : { noMoreThan, reportErrors }
}

function only(element: Element, name: string): Element | undefined {
  const [child, ...others] = element.elements()
  if (child?.name !== name || others.length > 0 || shapeFault(child) !== undefined) return undefined
  return child
}
