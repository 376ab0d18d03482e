// The only file that speaks both languages of messages: data of APEX <-> the abstract service's envelopes, outcomes and answers
// (RFC 3860; docs/mappings/apex.md).

import { randomId } from '#base'
import { accepted, type Custody, type DeliveryAnswer } from '#core'
import {
  type Address,
  type Condition,
  type Envelope,
  type Head,
  hopsDefault,
  type InstantMessage,
  type Outcome,
  type Report,
} from '#model'
import type { OutgoingEntity } from '#protocols/beep'
import {
  type ApexCode,
  type ApexOption,
  bodyOf,
  type Data,
  dataDocument,
  dataTimingOf,
  type EndpointName,
  endpointOf,
  entityOf,
  optionAround,
  type Party,
  type Payload,
  partNamed,
  payloadBytes,
  payloadFor,
  relatedEntity,
  sameEndpoint,
  serviceEndpoint,
  statusResponseText,
  talkSubaddress,
  xmlPayload,
} from './codec/index.ts'
import { markIn } from './domains/marks.ts'
import { ApexEnvelope, type ReadData } from './envelope.ts'
import { codeOf, conditionOf, reasonOf } from './errors.ts'

export { apexProfile } from './codec/index.ts'

export const protocolName = 'apex'

export interface Journey {
  readonly from: Address
  /** The attachment that sent it; empty for one of another domain. */
  readonly fromAgent: string
  readonly to: Address
  /** Whether it waits for a recipient who is not there. */
  readonly hold: boolean
  /** Whether it goes on to another relay. */
  readonly leaves: boolean
  readonly custody: Custody
  /** An option with another content for the way on. */
  readonly option?: (option: ApexOption) => string | undefined
}

/** Data for one of its recipients as a message under way. */
export function messageEnvelope(
  { payload, data }: ReadData,
  recipient: Party,
  { from, fromAgent, to, hold, leaves, option, custody }: Journey,
): ApexEnvelope {
  const copy = payloadFor(payload, data, { recipient, leaves, ...(option && { option }) })
  const raw = payloadBytes(copy)
  const { subaddress } = recipient.identity
  const talks = subaddress === '' || subaddress === talkSubaddress
  const head: Head = {
    protocol: protocolName,
    kind: 'message',
    from,
    fromAgent,
    to,
    toAgent: subaddress,
    id: contentIdOf(payload, data) ?? randomId(),
    hops: hopsDefault,
    size: raw.length,
    whenAbsent: hold && talks ? 'store' : 'refuse',
    // An application that is not attached is not there (RFC 3340 §4.4.4.1); for one that talks the person is meant.
    whenAgentGone: talks ? 'inbox' : 'refuse',
    storable: talks,
    copyable: talks,
    // What another relay marked may come again; of what an application says each time is another (decision 0136).
    mark: markIn(data.options)?.toString() ?? randomId(),
  }
  // Mostly there is one recipient, and nothing that is for this relay alone.
  return new ApexEnvelope(head, raw, { custody, ...(copy === payload && { read: { payload, data } }) })
}

function contentIdOf(payload: Payload, { content }: Data): string | undefined {
  const id = partNamed(payload, content)
  return id === undefined || id.length > idMax ? undefined : id
}

/** LIMIT: characters of an identifier that others read. */
const idMax = 255

export interface Delivery {
  readonly entity: OutgoingEntity
  /** Of data of this protocol. */
  readonly data?: Data
}

/** When a delivery is made, and since when it waits. */
export interface Moment {
  readonly storedAt: number | undefined
  readonly now: number
  readonly transIdOf: TransIdOf
}

/** A delivery as data for an endpoint that is attached; `expired` past its noLaterThan; or why it has no form here. */
export function deliveryOf(
  envelope: Envelope,
  endpoint: EndpointName,
  moment: Moment,
): Delivery | Condition | 'expired' {
  if (envelope instanceof ApexEnvelope) return sameProtocol(envelope.read, endpoint, moment)
  return translated(envelope, endpoint, {
    reporter: endpoint.domain,
    transIdOf: moment.transIdOf,
    options: '',
  })
}

/** What is written around what another protocol said. */
interface Form extends Pick<Additions, 'options' | 'transIdOf'> {
  /** Whose report service speaks. */
  readonly reporter: string
}

/** What another protocol said, in this one's form. */
function translated(envelope: Envelope, endpoint: EndpointName, form: Form): Delivery | Condition {
  const { head } = envelope
  if (head.kind === 'report') return reportDelivery(envelope.view() as Report, head, endpoint, form)
  const message = envelope.view() as InstantMessage
  const body = bodyOf(message, envelope.content() ?? message.content)
  // A chat state or a receipt alone has no form here.
  if (body === undefined || (body.bytes.length === 0 && envelope.content() === undefined))
    return 'content-not-understood'
  const parties = { originator: endpointOf(head.from), recipient: endpoint }
  const id = message.id === '' ? head.id : message.id
  return { entity: relatedEntity(body, { ...parties, id, options: form.options }) }
}

/** Options that data is given for its way to another relay, as they are written. */
export interface Additions {
  /** By which the next relay knows what it has taken before. */
  readonly mark: string
  /** What we ask about a message of another protocol. */
  readonly options: string
  /** Under which transID a failure is reported. */
  readonly transIdOf: TransIdOf
  /** How long data has been held here, in milliseconds. */
  readonly waited: (data: Data) => number | 'late'
}

/** By which transID a sender asked to hear of a message (statusRequest); undefined where nobody remembers. */
export type TransIdOf = (message: {
  readonly from: Address
  readonly to: Address
  readonly id: string
}) => number | undefined

/** A message as data for another relay: the author's octets and our mark, or what another protocol said in this one's form. */
export function departureOf(
  envelope: Envelope,
  { mark, options, transIdOf, waited }: Additions,
): OutgoingEntity | Condition {
  if (envelope instanceof ApexEnvelope) {
    const { payload, data } = envelope.read
    const [recipient] = data.recipients as [Party]
    // RFC 3342 §2: each relay subtracts the time that it used, and what is too late goes no further.
    const used = waited(data)
    if (used === 'late') return 'not-acceptable'
    const option = (each: ApexOption): string | undefined => timeLeft(each, used)
    return entityOf(payloadFor(payload, data, { recipient, leaves: false, adds: mark, option }))
  }
  const form = { reporter: envelope.head.from.domain, transIdOf, options: options + mark }
  const delivery = translated(envelope, endpointOf(envelope.head.to), form)
  return typeof delivery === 'string' ? delivery : delivery.entity
}

/** The author's own octets. Only what counts down is other: the time that is left (RFC 3342 §2.1, §3). */
function sameProtocol(
  { payload, data }: ReadData,
  endpoint: EndpointName,
  { storedAt, now }: Moment,
): Delivery | 'expired' {
  const [recipient] = data.recipients as [Party]
  const waited = storedAt === undefined ? 0 : Math.max(0, now - storedAt)
  const isAs = !sameEndpoint(recipient.identity, endpoint)
  if (isExpired(data, waited)) return 'expired'
  if (waited === 0 && !isAs) return { entity: entityOf(payload), data }
  const option = (each: ApexOption): string | undefined => timeLeft(each, waited)
  const copy = payloadFor(payload, data, { recipient, leaves: false, option, ...(isAs && { as: endpoint }) })
  return { entity: entityOf(copy), data }
}

function isExpired({ options }: Data, waited: number): boolean {
  return options.some((option) => {
    const timing = option.name === 'dataTiming' ? dataTimingOf(option) : undefined
    return timing !== undefined && timing.noLaterThan > 0 && timing.noLaterThan <= waited
  })
}

/** A dataTiming with what is left of its milliseconds; undefined for other options, and where nothing was used. */
export function timeLeft(option: ApexOption, waited: number): string | undefined {
  const timing = option.name === 'dataTiming' && waited > 0 ? dataTimingOf(option) : undefined
  if (timing === undefined) return undefined
  const { noLaterThan, returnTrip, reportAfter, reportErrors } = timing
  const attributes = [
    noLaterThan > 0 ? ` noLaterThan='${Math.max(1, noLaterThan - waited)}'` : '',
    returnTrip > 0 ? ` returnTrip='${returnTrip}'` : '',
    reportAfter > waited ? ` reportAfter='${reportAfter - waited}'` : '',
    reportErrors ? " reportErrors='true'" : '',
  ]
  return optionAround(option, `<dataTiming${attributes.join('')} />`)
}

/** What became known of a message later: the report service says it, of whom it was for (RFC 3340 §6.2). */
function reportDelivery(
  { event, condition, about }: Report,
  { from, to }: Head,
  endpoint: EndpointName,
  { reporter, transIdOf, options }: Form,
): Delivery | Condition {
  if (event !== 'failed') return 'content-not-understood'
  const code = condition === undefined ? 550 : codeOf[condition]
  const destination = {
    identity: endpointOf(from).written,
    code,
    text: 'your message could not be delivered',
  }
  const document = dataDocument({
    content: '#Content',
    originator: serviceEndpoint('report', reporter),
    recipient: endpoint,
    options,
    // Where no statusRequest asked for it, none can be named.
    inline: statusResponseText(transIdOf({ from: to, to: from, id: about }) ?? 1, [destination]),
  })
  return { entity: entityOf(xmlPayload(document)) }
}

/** What an application's error says of the delivery (§4.4.4.2). */
export function answerOf(code: number): DeliveryAnswer {
  if (code === 250) return accepted
  const condition = conditionOf(code)
  // The person says no; anything else is this application's inability, and another or the store may take it.
  if (condition === 'permission-denied') return { kind: 'refused', outcome: { kind: 'refused', condition } }
  return { kind: 'declined', condition }
}

/** The text beside it. */
export function reasonOfOutcome(outcome: Outcome): string {
  return outcome.kind === 'refused' ? (reasonOf[outcome.condition] ?? '') : ''
}

/** What an outcome is in a statusResponse: 350 where the data is kept and nobody has it yet. */
export function codeOfOutcome(outcome: Outcome): ApexCode {
  if (outcome.kind === 'refused') return codeOf[outcome.condition]
  return outcome.kind === 'stored' ? 350 : 250
}
