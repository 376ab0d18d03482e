// Messages of the APEX profile as they are written, and the data element of another cut down to one recipient.

import { type Bytes, concat, utf8 } from '#base'
import { escapeText, escapeValue, serialize } from '#wire/xml'
import type { EndpointName } from './entity-name.ts'
import type { Data, Party } from './messages.ts'
import type { ApexOption } from './options.ts'
import { type Payload, withControl } from './payload.ts'

/** RFC 3340 §8.1. */
export const apexProfile = 'http://iana.org/beep/APEX'

export const okDocument = '<ok />'

export function errorDocument(code: number, text: string): string {
  return text === '' ? `<error code='${code}' />` : `<error code='${code}'>${escapeText(text)}</error>`
}

export function attachDocument(endpoint: EndpointName, transId: number, options = ''): string {
  return element('attach', ` endpoint='${escapeValue(endpoint.written)}' transID='${transId}'`, options)
}

export function bindDocument(relay: string, transId: number): string {
  return `<bind relay='${escapeValue(relay)}' transID='${transId}' />`
}

export function terminateDocument(transId: number, code: number, text: string): string {
  return element('terminate', ` transID='${transId}' code='${code}'`, escapeText(text))
}

export interface OutgoingData {
  readonly content: string
  readonly originator: EndpointName
  readonly recipient: EndpointName
  /** Options as they are written. */
  readonly options?: string
  /** The element for data-content; then content is `#Content`. */
  readonly inline?: string
}

export function dataDocument({ content, originator, recipient, options = '', inline }: OutgoingData): string {
  const inside = inline === undefined ? '' : `<data-content Name='Content'>${inline}</data-content>`
  return (
    `<data content='${escapeValue(content)}'>` +
    `<originator identity='${escapeValue(originator.written)}' />` +
    `<recipient identity='${escapeValue(recipient.written)}' />` +
    `${options}${inside}</data>`
  )
}

/** What is to be other in a copy of somebody's data. */
export interface DataChange {
  /** The one recipient that stays, and under which name. */
  readonly recipient: Party
  readonly as?: EndpointName
  /** Whether the copy leaves for another relay: then options for this hop stay behind (§5). */
  readonly leaves: boolean
  /** An option with another content; undefined leaves it as it is. */
  readonly option?: (option: ApexOption) => string | undefined
  /** Options that are added to those of the data, as they are written. */
  readonly adds?: string
}

/** The payload with its data changed so: what is not other, data-content before all, stays octet for octet (§4.4.4.1); the same payload where nothing is. */
export function payloadFor(payload: Payload, data: Data, change: DataChange): Payload {
  const control = dataFor(data, change)
  return control === undefined ? payload : withControl(payload, control)
}

/** The data element with one recipient; undefined where it is as it was. */
export function dataFor(
  { frame, originator, recipients, options }: Data,
  change: DataChange,
): Bytes | undefined {
  const { bytes } = frame
  const pieces: Bytes[] = []
  let from = frame.start
  let recipientAt = 0
  let optionAt = 0
  const replace = (index: number, text: string): void => {
    pieces.push(bytes.subarray(from, frame.childStart(index)))
    if (text !== '') pieces.push(utf8(text))
    from = frame.childEnd(index)
    // The white space of an element that is gone goes with it.
    if (text === '') while (isSpace(bytes[from])) from++
  }
  for (let index = 0; index < frame.childCount; index++) {
    const name = frame.childName(index)
    if (name === 'originator') {
      const text = partyText('originator', originator, change)
      if (text !== undefined) replace(index, text)
    } else if (name === 'recipient') {
      const party = recipients[recipientAt++] as Party
      const text = party === change.recipient ? partyText('recipient', party, change) : ''
      if (text !== undefined) replace(index, text)
    } else if (name === 'option') {
      const text = optionText(options[optionAt++] as ApexOption, change)
      if (text !== undefined) replace(index, text)
    }
  }
  if (change.adds !== undefined) {
    // The DTD has options behind the recipients and before data-content.
    const last = frame.childCount - 1
    const place = frame.childName(last) === 'data-content' ? frame.childStart(last) : frame.childEnd(last)
    const at = Math.max(place, from)
    pieces.push(bytes.subarray(from, at), utf8(change.adds))
    from = at
  }
  if (pieces.length === 0) return undefined
  pieces.push(bytes.subarray(from, frame.end))
  return concat(pieces)
}

/** The party anew, or undefined where it stays as it is. */
function partyText(name: string, party: Party, change: DataChange): string | undefined {
  const texts = party.options.map((option) => optionText(option, change))
  const identity = name === 'recipient' && change.as !== undefined ? change.as : party.identity
  if (identity === party.identity && texts.every((text) => text === undefined)) return undefined
  const inside = party.options.map((option, at) => texts[at] ?? serialize(option.element)).join('')
  return element(name, ` identity='${escapeValue(identity.written)}'`, inside)
}

function optionText(option: ApexOption, { leaves, option: changed }: DataChange): string | undefined {
  if (leaves && option.targetHop === 'this') return ''
  return changed?.(option)
}

/** An option as it was, around another element. */
export function optionAround(option: ApexOption, inside: string): string {
  let attributes = ''
  for (const [name, value] of option.element.attributes) attributes += ` ${name}='${escapeValue(value)}'`
  return element('option', attributes, inside)
}

function element(name: string, attributes: string, inside: string): string {
  return inside === '' ? `<${name}${attributes} />` : `<${name}${attributes}>${inside}</${name}>`
}

function isSpace(octet: number | undefined): boolean {
  return octet === 0x20 || octet === 0x09 || octet === 0x0a || octet === 0x0d
}
