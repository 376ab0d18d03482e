// What is said to services and by them, inside data (RFC 3340 §9.2, RFC 3341 §6, RFC 3343 §6).

import type { Element } from '#wire/xml'
import { escapeText, escapeValue } from '#wire/xml'
import { shapeFault } from './dtd.ts'
import { readCode, readNumber, readTimestamp, readUniqueId } from './values.ts'

/** RFC 3341 §3: an entry as it is written. `actions` undefined: it is gone. */
export interface AccessEntry {
  readonly owner: string
  readonly actor: string
  readonly actions: readonly string[] | undefined
  readonly lastUpdate: string | undefined
}

export interface Destination {
  readonly identity: string
  readonly code: number
  readonly text: string
}

export type ServiceMessage =
  | { readonly kind: 'reply'; readonly transId: number; readonly code: number; readonly text: string }
  | {
      readonly kind: 'statusResponse'
      readonly transId: number
      readonly destinations: readonly Destination[]
    }
  | {
      readonly kind: 'query'
      readonly transId: number
      readonly owner: string
      readonly actor: string
      readonly actions: readonly string[]
    }
  | { readonly kind: 'get'; readonly transId: number; readonly owner: string; readonly actor: string }
  | { readonly kind: 'set'; readonly transId: number; readonly entry: AccessEntry }
  | { readonly kind: 'allow'; readonly transId: number }
  | { readonly kind: 'deny'; readonly transId: number }
  | {
      readonly kind: 'subscribe'
      readonly transId: number
      readonly publisher: string
      readonly duration: number
    }
  | {
      readonly kind: 'watch'
      readonly transId: number
      readonly publisher: string
      readonly duration: number
    }
  | {
      readonly kind: 'publish'
      readonly transId: number
      readonly publisher: string
      readonly timeStamp: string
      readonly presence: Element
    }
  | {
      readonly kind: 'notify'
      readonly transId: number
      readonly subscriber: string
      readonly duration: number
      readonly action: 'subscribe' | 'terminate'
    }
  | { readonly kind: 'terminate'; readonly transId: number }

/** What can be answered though it could not be read: whose transaction it was, and what is wrong. */
export interface ServiceFault {
  readonly kind: 'fault'
  readonly transId: number | undefined
  readonly text: string
}

/** Reads the element of data-content, or of a part that is XML. */
export function readServiceMessage(element: Element): ServiceMessage | ServiceFault {
  const transId = readUniqueId(element.attribute('transID'))
  const fault = shapeFault(element)
  if (fault !== undefined) return { kind: 'fault', transId, text: fault }
  if (transId === undefined)
    return { kind: 'fault', transId, text: 'transID is no number from 1 to 2147483647' }
  return messageOf(element, transId) ?? { kind: 'fault', transId, text: `<${element.name}> can't be read` }
}

function messageOf(element: Element, transId: number): ServiceMessage | undefined {
  const value = (name: string): string => element.attribute(name) ?? ''
  switch (element.name) {
    case 'reply': {
      const code = readCode(element.attribute('code'))
      return code === undefined ? undefined : { kind: 'reply', transId, code, text: element.text() }
    }
    case 'statusResponse':
      return statusResponseOf(element, transId)
    case 'query': {
      const actions = readActions(value('actions'))
      const parties = { owner: value('owner'), actor: value('actor') }
      return actions === undefined ? undefined : { kind: 'query', transId, ...parties, actions }
    }
    case 'get':
      return { kind: 'get', transId, owner: value('owner'), actor: value('actor') }
    case 'set': {
      const [inside, ...others] = element.elements()
      const entry = inside === undefined || others.length > 0 ? undefined : readAccessEntry(inside)
      return entry && { kind: 'set', transId, entry }
    }
    case 'allow':
    case 'deny':
      return { kind: element.name, transId }
    case 'subscribe':
    case 'watch': {
      const duration = readNumber(element.attribute('duration'))
      if (duration === undefined) return undefined
      return { kind: element.name, transId, publisher: value('publisher'), duration }
    }
    case 'publish': {
      const [presence, ...others] = element.elements()
      const timeStamp = value('timeStamp')
      if (presence === undefined || others.length > 0 || readTimestamp(timeStamp) === undefined)
        return undefined
      return { kind: 'publish', transId, publisher: value('publisher'), timeStamp, presence }
    }
    case 'notify': {
      const duration = readNumber(element.attribute('duration') ?? '0')
      const action = element.attribute('action') ?? 'subscribe'
      if (duration === undefined || (action !== 'subscribe' && action !== 'terminate')) return undefined
      return { kind: 'notify', transId, subscriber: value('subscriber'), duration, action }
    }
    case 'terminate':
      return { kind: 'terminate', transId }
    default:
      return undefined
  }
}

function statusResponseOf(element: Element, transId: number): ServiceMessage | undefined {
  const destinations: Destination[] = []
  for (const destination of element.elements()) {
    const [reply, ...others] = destination.elements()
    const code = readCode(reply?.attribute('code'))
    if (reply === undefined || others.length > 0 || code === undefined) return undefined
    destinations.push({ identity: destination.attribute('identity') ?? '', code, text: reply.text() })
  }
  return destinations.length === 0 ? undefined : { kind: 'statusResponse', transId, destinations }
}

/** Reads an `access` element; undefined where a value is none of its kind. */
export function readAccessEntry(element: Element): AccessEntry | undefined {
  if (element.name !== 'access' || shapeFault(element) !== undefined) return undefined
  const written = element.attribute('actions')
  const actions = written === undefined ? undefined : readActions(written)
  const lastUpdate = element.attribute('lastUpdate')
  if (written !== undefined && actions === undefined) return undefined
  if (lastUpdate !== undefined && readTimestamp(lastUpdate) === undefined) return undefined
  const owner = element.attribute('owner') ?? ''
  return { owner, actor: element.attribute('actor') ?? '', actions, lastUpdate }
}

/** RFC 3341 §3: `service:operation`, a list of them. */
function readActions(text: string): readonly string[] | undefined {
  const tokens = text.split(/[ \t\r\n]+/).filter((token) => token !== '')
  const isEach = tokens.every((token) => /^[A-Za-z0-9._-]+:[A-Za-z0-9._-]+$/.test(token))
  return tokens.length > 0 && isEach ? tokens : undefined
}

export function replyText(code: number, transId: number | undefined, text = ''): string {
  const id = transId === undefined ? '' : ` transID='${transId}'`
  return text === ''
    ? `<reply code='${code}'${id} />`
    : `<reply code='${code}'${id}>${escapeText(text)}</reply>`
}

export function statusResponseText(transId: number, destinations: readonly Destination[]): string {
  const inside = destinations.map(
    ({ identity, code, text }) =>
      `<destination identity='${escapeValue(identity)}'>${replyText(code, undefined, text)}</destination>`,
  )
  return `<statusResponse transID='${transId}'>${inside.join('')}</statusResponse>`
}

export function accessText({ owner, actor, actions, lastUpdate }: AccessEntry): string {
  const granted = actions === undefined ? '' : ` actions='${escapeValue(actions.join(' '))}'`
  const stamp = lastUpdate === undefined ? '' : ` lastUpdate='${lastUpdate}'`
  return `<access owner='${escapeValue(owner)}' actor='${escapeValue(actor)}'${granted}${stamp} />`
}

export function setText(transId: number, entry: AccessEntry): string {
  return `<set transID='${transId}'>${accessText(entry)}</set>`
}

export function notifyText(
  transId: number,
  subscriber: string,
  action: 'subscribe' | 'terminate',
  duration: number,
): string {
  const length = action === 'subscribe' ? ` duration='${duration}'` : ''
  return `<notify subscriber='${escapeValue(subscriber)}' transID='${transId}'${length} action='${action}' />`
}

export function terminateText(transId: number): string {
  return `<terminate transID='${transId}' />`
}

export function subscribeText(
  kind: 'subscribe' | 'watch',
  publisher: string,
  transId: number,
  duration: number,
): string {
  return `<${kind} publisher='${escapeValue(publisher)}' duration='${duration}' transID='${transId}' />`
}

/** `presence` is the element's text. */
export function publishText(publisher: string, transId: number, timeStamp: string, presence: string): string {
  const about = `publisher='${escapeValue(publisher)}' transID='${transId}' timeStamp='${timeStamp}'`
  return `<publish ${about}>${presence}</publish>`
}
