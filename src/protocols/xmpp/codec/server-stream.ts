// What servers of two domains say at the edges of their streams (RFC 6120 §4, §5, §6; XEP-0220, XEP-0288), read and written.
import { prepareDomain } from '#model'
import { type Element, elementOf, escapeValue, type Frame, Namespaces, serialize, xml } from '#wire/xml'
import {
  bidiFeatureNamespace,
  bidiNamespace,
  clientNamespace,
  componentNamespace,
  dialbackFeatureNamespace,
  dialbackNamespace,
  managementNamespace,
  saslNamespace,
  serverNamespace,
  stanzaErrorsNamespace,
  streamErrorsNamespace,
  streamNamespace,
  tlsNamespace,
} from './namespaces.ts'
import { type StanzaCondition, stanzaErrorTypes } from './stanza-error.ts'
import { limitsElement, limitsIn, type StreamLimits, type ToldLimits } from './stream-limits.ts'

/** Content of a server's or a component's stream inherits its namespace as a client's does: it reads and is written as a client's. */
export const serverAliases: ReadonlyMap<string, string> = new Map([
  [serverNamespace, clientNamespace],
  [componentNamespace, clientNamespace],
])

/** What a stream header of ours declares, as stanzas see it. */
export const serverStream = new Namespaces([
  ['', clientNamespace],
  ['stream', streamNamespace],
  ['db', dialbackNamespace],
])

/** RFC 6120 §4.7. `id` is the receiving side's. */
export function serverHeaderText(from: string | undefined, to: string | undefined, id?: string): string {
  const attribute = (name: string, value: string | undefined): string =>
    value === undefined ? '' : ` ${name}='${escapeValue(value)}'`
  return (
    `<?xml version='1.0'?><stream:stream xmlns='${serverNamespace}' xmlns:stream='${streamNamespace}'` +
    ` xmlns:db='${dialbackNamespace}'${attribute('id', id)}${attribute('from', from)}${attribute('to', to)}` +
    ` version='1.0' xml:lang='en'>`
  )
}

export interface ServerHeader {
  readonly isStream: boolean
  readonly isServer: boolean
  /** Prepared; undefined when absent, '' when it is no domain. */
  readonly from: string | undefined
  readonly to: string | undefined
  readonly id: string
  readonly version: string | undefined
  /** XEP-0220 §2.3: it speaks dialback. */
  readonly hasDialback: boolean
}

export function serverHeaderOf(header: Frame): ServerHeader {
  const domain = (written: string | undefined): string | undefined =>
    written === undefined ? undefined : (prepareDomain(written) ?? '')
  const declared = header.inner()
  return {
    isStream: header.name === 'stream' && header.namespace === streamNamespace,
    isServer: declared.default === serverNamespace,
    from: domain(header.attribute('from')),
    to: domain(header.attribute('to')),
    id: header.attribute('id') ?? '',
    version: header.attribute('version'),
    hasDialback: declared.uris.includes(dialbackNamespace),
  }
}

/** What the receiving server offers. */
export interface ServerFeatures {
  readonly startTls: 'no' | 'offered' | 'required'
  readonly external: boolean
  /** XEP-0220 §2.4 */
  readonly dialback: boolean
  /** XEP-0220 §2.4.2: errors of dialback are no end of the stream; ours never are. */
  readonly dialbackErrors?: boolean
  readonly bidi: boolean
  /** XEP-0198 */
  readonly management: boolean
  /** XEP-0478 */
  readonly limits?: ToldLimits | undefined
}

/** @param limits ours */
export function serverFeaturesText(features: ServerFeatures, limits: StreamLimits): string {
  const required = features.startTls === 'required' ? [xml('required', tlsNamespace)] : []
  const written = xml(
    'features',
    streamNamespace,
    {},
    features.startTls === 'no' ? undefined : xml('starttls', tlsNamespace, {}, ...required),
    features.external
      ? xml('mechanisms', saslNamespace, {}, xml('mechanism', saslNamespace, {}, 'EXTERNAL'))
      : undefined,
    features.dialback
      ? xml('dialback', dialbackFeatureNamespace, {}, xml('errors', dialbackFeatureNamespace))
      : undefined,
    features.bidi ? xml('bidi', bidiFeatureNamespace) : undefined,
    features.management ? xml('sm', managementNamespace) : undefined,
    limitsElement(limits),
  )
  return serialize(written, { outer: serverStream })
}

/** Undefined when it is another element. */
export function serverFeaturesOf(frame: Frame): ServerFeatures | undefined {
  if (frame.name !== 'features' || frame.namespace !== streamNamespace) return undefined
  const element = elementOf(frame)
  const tls = element.child('starttls', tlsNamespace)
  const dialback = element.child('dialback', dialbackFeatureNamespace)
  const mechanisms = element.child('mechanisms', saslNamespace)?.childrenNamed('mechanism') ?? []
  return {
    startTls:
      tls === undefined ? 'no' : tls.child('required', tlsNamespace) === undefined ? 'offered' : 'required',
    external: mechanisms.some((mechanism) => mechanism.text().trim() === 'EXTERNAL'),
    dialback: dialback !== undefined,
    dialbackErrors: dialback?.child('errors', dialbackFeatureNamespace) !== undefined,
    bidi: element.child('bidi', bidiFeatureNamespace) !== undefined,
    management: element.child('sm', managementNamespace) !== undefined,
    limits: limitsIn(element),
  }
}

/** XEP-0288 §2.2, with our limits (XEP-0478 §3.2). */
export function bidiText(limits: StreamLimits): string {
  return serialize(xml('bidi', bidiNamespace, {}, limitsElement(limits)), { outer: serverStream })
}

/** RFC 6120 §6.4.2, XEP-0178 §3: in the name of which domain. */
export function externalText(domain: string): string {
  return `<auth xmlns='${saslNamespace}' mechanism='EXTERNAL'>${Buffer.from(domain).toString('base64')}</auth>`
}

/** An element of dialback (XEP-0220 §2.1, §2.2): a request has no type, an answer one. */
export interface Dialback {
  readonly kind: 'result' | 'verify'
  /** Prepared; '' when it is no domain. */
  readonly from: string
  readonly to: string
  /** Of the stream that the key is for; of `verify` alone. */
  readonly id: string
  readonly type: 'request' | 'valid' | 'invalid' | 'error'
  /** The key of a request. */
  readonly key: string
  /** Of an error. */
  readonly condition: StanzaCondition
}

export function dialbackOf(frame: Frame): Dialback | undefined {
  if (frame.namespace !== dialbackNamespace) return undefined
  const { name } = frame
  if (name !== 'result' && name !== 'verify') return undefined
  const element = elementOf(frame)
  const type = element.attribute('type') ?? 'request'
  if (type !== 'request' && type !== 'valid' && type !== 'invalid' && type !== 'error') return undefined
  return {
    kind: name,
    from: prepareDomain(element.attribute('from') ?? '') ?? '',
    to: prepareDomain(element.attribute('to') ?? '') ?? '',
    id: element.attribute('id') ?? '',
    type,
    key: element.text().trim(),
    condition: errorConditionOf(element),
  }
}

/** The condition, whatever namespace the <error/> itself inherits (XEP-0220 §2.4). */
function errorConditionOf(element: Element): StanzaCondition {
  for (const error of element.elements()) {
    if (error.name !== 'error') continue
    for (const { name, namespace } of error.elements())
      if (namespace === stanzaErrorsNamespace && name in stanzaErrorTypes) return name as StanzaCondition
  }
  return 'undefined-condition'
}

export function dialbackText(
  element: Pick<Dialback, 'kind' | 'from' | 'to'> &
    Partial<Pick<Dialback, 'id' | 'type' | 'key' | 'condition'>>,
): string {
  const { kind, from, to, id, type, key, condition } = element
  const idText = id === undefined ? '' : ` id='${escapeValue(id)}'`
  const typeText = type === undefined ? '' : ` type='${type}'`
  const start = `<db:${kind} from='${escapeValue(from)}' to='${escapeValue(to)}'${idText}${typeText}`
  if (key !== undefined) return `${start}>${escapeValue(key)}</db:${kind}>`
  if (condition === undefined) return `${start}/>`
  const error = `<error type='${stanzaErrorTypes[condition]}'><${condition} xmlns='${stanzaErrorsNamespace}'/></error>`
  return `${start}>${error}</db:${kind}>`
}

/** What a stream error says (RFC 6120 §4.9.1); undefined when it is none. */
export function streamErrorIn(frame: Frame): string | undefined {
  if (frame.name !== 'error' || frame.namespace !== streamNamespace) return undefined
  const children = elementOf(frame)
    .elements()
    .filter(({ namespace }) => namespace === streamErrorsNamespace)
  const condition = children.find(({ name }) => name !== 'text')?.name ?? 'undefined-condition'
  const text = children.find(({ name }) => name === 'text')?.text()
  return text === undefined || text === '' ? condition : `${condition} (${text.slice(0, 200)})`
}
