// Limits of a stream, as its sides tell them (XEP-0478). Complete.
import { type Element, elementOf, type Frame, xml } from '#wire/xml'
import { streamLimitsNamespace } from './namespaces.ts'

export interface StreamLimits {
  /** Of a first-level element. */
  readonly octets: number
  /** Without traffic of the other side. */
  readonly seconds: number
}

/** What the other side said; undefined: nothing of that. */
export interface ToldLimits {
  readonly octets: number | undefined
  readonly seconds: number | undefined
}

/** XEP-0478 §3.1 */
export function limitsElement({ octets, seconds }: StreamLimits): Element {
  return xml(
    'limits',
    streamLimitsNamespace,
    {},
    xml('max-bytes', streamLimitsNamespace, {}, `${octets}`),
    xml('idle-seconds', streamLimitsNamespace, {}, `${seconds}`),
  )
}

/** Of an element that may have them as a child: features, or <bidi/> (XEP-0478 §3.2). */
export function limitsIn(element: Element): ToldLimits | undefined {
  const limits = element.child('limits', streamLimitsNamespace)
  if (limits === undefined) return undefined
  const told = (name: string): number | undefined => {
    const text = limits.child(name, streamLimitsNamespace)?.text().trim() ?? ''
    // Nobody can mean less than RFC 6120 §13.12 demands by a zero: it is as if nothing was said.
    return /^[1-9][0-9]{0,14}$/.test(text) ? Number(text) : undefined
  }
  return { octets: told('max-bytes'), seconds: told('idle-seconds') }
}

export function limitsInFrame(frame: Frame): ToldLimits | undefined {
  return limitsIn(elementOf(frame))
}
