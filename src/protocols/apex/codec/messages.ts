// The messages of the APEX profile (RFC 3340 §9.1): attach, bind, terminate, data, and their replies. Reads; write.ts writes.

import { type Bytes, text } from '#base'
import { type BeepError, beepError } from '#protocols/beep'
import { type Element, elementOf, type Frame, frameDocument, isXmlFault } from '#wire/xml'
import { shapeFault } from './dtd.ts'
import { type EndpointName, readDomain, readEndpoint } from './entity-name.ts'
import { type ApexOption, readOption } from './options.ts'
import { readCode, readNumber, readUniqueId } from './values.ts'

export interface Attach {
  readonly kind: 'attach'
  readonly endpoint: EndpointName
  readonly transId: number
  readonly options: readonly ApexOption[]
}

export interface Bind {
  readonly kind: 'bind'
  readonly relay: string
  readonly transId: number
  readonly options: readonly ApexOption[]
}

export interface Terminate {
  readonly kind: 'terminate'
  readonly transId: number
  readonly code: number
  readonly text: string
}

/** Somebody named in data, with the options that are about him alone. */
export interface Party {
  readonly identity: EndpointName
  readonly options: readonly ApexOption[]
}

export interface Data {
  readonly kind: 'data'
  /** The URI-reference (§4.1). */
  readonly content: string
  readonly originator: Party
  readonly recipients: readonly Party[]
  readonly options: readonly ApexOption[]
  /** The element inside data-content, where content is a fragment that names it. */
  readonly inline: Element | undefined
  /** Where everything stands in the document. */
  readonly frame: Frame
}

export interface Answer {
  readonly kind: 'ok'
}

export interface ApexError {
  readonly kind: 'error'
  readonly code: number
  readonly text: string
}

export type ApexMessage = Attach | Bind | Terminate | Data | Answer | ApexError

/** LIMIT: recipients of one data element. */
export const recipientsMax = 256

/** LIMIT: options of one element: each may have a report for each recipient. */
const optionsMax = 32

/** LIMIT: the size is BEEP's to bound; the rest as for any document. */
const limits = { bytesMax: 16_777_216, depthMax: 32, attributesMax: 32, childrenMax: 1024 }

/** Reads a document; or the error to answer with: 500 where it is no XML, 501 where it is none of these (§10). */
export function readMessage(document: Bytes): ApexMessage | BeepError {
  if (isOk(document)) return ok
  if (document[0] === 0x3c && document[1] === 0x3f)
    return beepError(500, 'an XML declaration may not be present') // RFC 3080 §6.4
  const frame = frameDocument(document, { limits, isDocument: true })
  if (isXmlFault(frame)) return beepError(500, `poorly-formed XML: ${frame.reason}`)
  const element = elementOf(frame)
  const fault = shapeFault(element)
  if (fault !== undefined) return beepError(501, fault)
  const message = messageOf(element, frame)
  return typeof message === 'string' ? beepError(501, message) : message
}

const ok: Answer = { kind: 'ok' }

/** As the RFC writes it: half of all messages. */
function isOk(document: Bytes): boolean {
  return document.length === 6 && document[1] === 0x6f && text(document) === '<ok />'
}

/** True for what readMessage could not read. */
export function isRefusal(value: ApexMessage | BeepError): value is BeepError {
  return !('kind' in value)
}

function messageOf(element: Element, frame: Frame): ApexMessage | string {
  switch (element.name) {
    case 'attach':
      return attachOf(element)
    case 'bind':
      return bindOf(element)
    case 'terminate':
      return terminateOf(element)
    case 'data':
      return dataOf(element, frame)
    case 'ok':
      return ok
    case 'error': {
      const code = readCode(element.attribute('code'))
      return code === undefined ? 'code has three digits' : { kind: 'error', code, text: element.text() }
    }
    default:
      return `unexpected element <${element.name}>`
  }
}

function attachOf(element: Element): Attach | string {
  const endpoint = readEndpoint(element.attribute('endpoint'))
  const transId = readUniqueId(element.attribute('transID'))
  const options = optionsIn(element)
  if (endpoint === undefined) return 'endpoint is no name'
  if (transId === undefined) return noTransId
  return typeof options === 'string' ? options : { kind: 'attach', endpoint, transId, options }
}

function bindOf(element: Element): Bind | string {
  const relay = readDomain(element.attribute('relay'))
  const transId = readUniqueId(element.attribute('transID'))
  const options = optionsIn(element)
  if (relay === undefined) return 'relay is no domain'
  if (transId === undefined) return noTransId
  return typeof options === 'string' ? options : { kind: 'bind', relay, transId, options }
}

const noTransId = 'transID is no number from 1 to 2147483647'

function terminateOf(element: Element): Terminate | string {
  const transId = readNumber(element.attribute('transID') ?? '0')
  const code = readCode(element.attribute('code') ?? '250')
  if (transId === undefined || code === undefined) return 'transID or code is no number of its kind'
  return { kind: 'terminate', transId, code, text: element.text() }
}

/** The DTD's order: originator, recipient+, option*, data-content?. */
const order = ['originator', 'recipient', 'option', 'data-content']
const orderFault = 'data is an originator, recipients, options, data-content'

function dataOf(element: Element, frame: Frame): Data | string {
  let originator: Party | undefined
  const recipients: Party[] = []
  let place = -1
  for (const child of element.children) {
    if (typeof child === 'string') continue
    const next = order.indexOf(child.name)
    const isAgain = next === place && (next === 1 || next === 2)
    if (!isAgain && next <= place) return orderFault
    place = next
    if (next > 1) continue
    const party = partyOf(child)
    if (typeof party === 'string') return party
    if (next === 0) originator = party
    else recipients.push(party)
  }
  if (originator === undefined || recipients.length === 0) return orderFault
  const options = optionsIn(element)
  if (typeof options === 'string') return options
  if (recipients.length > recipientsMax) return 'there are too many recipients'
  const content = element.attribute('content') ?? ''
  const inline = inlineOf(element.child('data-content'), content)
  if (typeof inline === 'string') return inline
  return { kind: 'data', content, originator, recipients, options, inline, frame }
}

/** §4.1: a fragment alone names the data-content of the same document. */
function inlineOf(inside: Element | undefined, content: string): Element | undefined | string {
  if (content === '') return 'content is empty'
  if (!content.startsWith('#'))
    return inside === undefined ? undefined : 'data-content is not what content names'
  if (inside === undefined || inside.attribute('Name') !== content.slice(1))
    return 'content names nothing here'
  const [element, ...others] = inside.elements()
  const text = inside.children.some((child) => typeof child === 'string' && child.trim() !== '')
  // "itself an XML document".
  return element === undefined || others.length > 0 || text ? 'data-content holds one element' : element
}

function partyOf(element: Element): Party | string {
  const identity = readEndpoint(element.attribute('identity'))
  const options = optionsIn(element)
  if (identity === undefined) return 'identity is no name'
  return typeof options === 'string' ? options : { identity, options }
}

const noOptions: readonly ApexOption[] = []

function optionsIn(element: Element): readonly ApexOption[] | string {
  if (element.children.length === 0) return noOptions
  const options: ApexOption[] = []
  for (const child of element.children) {
    if (typeof child === 'string' || child.name !== 'option') continue
    const option = readOption(child)
    if (typeof option === 'string') return option
    if (options.push(option) > optionsMax) return 'there are too many options'
  }
  return options
}
