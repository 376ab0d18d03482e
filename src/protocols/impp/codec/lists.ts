// application/impp-list: an owner's access rules, contacts and watchers as tags only, in the manner of IMPP §8
// (docs/specs/impp-1.0.md §11.1). An entry is written by itself, so that a page takes as many as fit.

import { type Bytes, utf8 } from '#base'
import { type Element, isXmlFault, parseElement } from '#wire/xml'
import { isTagOnly, tag } from './tag-only.ts'

export const listMediaType = 'application/impp-list'

/** LIMIT: entries of a list that is read, groups of a contact, code units of a name or group. */
export const listEntriesMax = 1000
const groupsMax = 100
const nameLengthMax = 1024

const actions = ['allow', 'block', 'polite-block', 'confirm'] as const
/** What a watcher sees; `class:NAME` is what is published for that class alone (§11.2). */
type Visibility = 'full' | 'basic' | `class:${string}`

export interface RuleEntry {
  /** `*`, a domain, `*.domain` for it and its subdomains, or the URL of a person. */
  readonly subject: string
  readonly action: (typeof actions)[number]
  readonly visibility: Visibility
  /** Where messages are decided apart from presence (§11.2). */
  readonly messages?: 'allow' | 'block'
}

/** What holds between the owner and a contact. */
export const contactStates = ['sees', 'is-seen', 'asked', 'asks', 'may-ask'] as const
export type ContactState = (typeof contactStates)[number]

export interface ContactEntry {
  readonly url: string
  readonly name: string
  readonly groups: readonly string[]
  readonly states: readonly ContactState[]
  /** It is no longer on the list. */
  readonly isGone: boolean
}

export interface WatcherEntry {
  readonly id: string
  readonly url: string
  readonly status: 'pending' | 'waiting' | 'active' | 'terminated'
  readonly event: string
  readonly sees: Visibility | 'nothing'
  readonly isPolitelyBlocked: boolean
  /** Of a leased one. */
  readonly lease?: { readonly protocol: string; readonly secondsLeft: number }
}

export function ruleText({ subject, action, visibility, messages }: RuleEntry): string {
  const seen = visibility === 'full' ? '' : tag('visibility', visibility)
  return `<rule>${tag('subject', subject)}${tag('action', action)}${seen}${tag('messages', messages)}</rule>`
}

export function contactText({ url, name, groups, states, isGone }: ContactEntry): string {
  const grouped = groups.map((group) => tag('group', group)).join('')
  const held = states.map((state) => `<${state}></${state}>`).join('')
  const named = name === '' ? '' : tag('name', name)
  return `<contact>${tag('address', url)}${isGone ? '<gone></gone>' : named + grouped + held}</contact>`
}

export function watcherText(watcher: WatcherEntry): string {
  const { id, url, status, event, sees, isPolitelyBlocked, lease } = watcher
  const leased =
    lease === undefined ? '' : tag('protocol', lease.protocol) + tag('lease', String(lease.secondsLeft))
  const polite = isPolitelyBlocked ? '<politely-blocked></politely-blocked>' : ''
  const what = tag('status', status) + tag('event', event) + tag('sees', sees)
  return `<watcher>${tag('id', id)}${tag('address', url)}${what}${polite}${leased}</watcher>`
}

/** A list of entries already written. */
export function listBytes(name: 'access' | 'contacts' | 'watchers', entries: readonly string[]): Bytes {
  return utf8(`<${name}>${entries.join('')}</${name}>`)
}

/** The rules; undefined when the octets are no such list. Elements that are not known are passed over. */
export function parseRules(bytes: Bytes): RuleEntry[] | undefined {
  return entriesOf(bytes, 'access', 'rule', (element) => {
    const subject = element.childText('subject')?.trim()
    const action = oneOf(actions, element.childText('action')?.trim())
    const visibility = visibilityOf(element.childText('visibility')?.trim() ?? 'full')
    const word = element.childText('messages')?.trim()
    const messages = oneOf(['allow', 'block'] as const, word)
    if (!subject || action === undefined || visibility === undefined) return undefined
    if (word !== undefined && messages === undefined) return undefined
    return { subject, action, visibility, ...(messages !== undefined && { messages }) }
  })
}

/** LIMIT: 255 characters of a class's name. */
function visibilityOf(text: string): Visibility | undefined {
  if (text === 'full' || text === 'basic') return text
  return /^class:.{1,255}$/.test(text) ? (text as Visibility) : undefined
}

export function parseContacts(bytes: Bytes): ContactEntry[] | undefined {
  return entriesOf(bytes, 'contacts', 'contact', (element) => {
    const url = element.childText('address')?.trim()
    const name = element.childText('name') ?? ''
    const groups = element.childrenNamed('group').map((group) => group.text())
    if (!url || groups.length > groupsMax) return undefined
    if ([name, ...groups].some((text) => text.length > nameLengthMax)) return undefined
    const states = contactStates.filter((state) => element.child(state) !== undefined)
    return { url, name, groups, states, isGone: element.child('gone') !== undefined }
  })
}

export function parseWatchers(bytes: Bytes): WatcherEntry[] | undefined {
  return entriesOf(bytes, 'watchers', 'watcher', (element) => {
    const [id, url] = [element.childText('id')?.trim(), element.childText('address')?.trim()]
    const status = oneOf(
      ['pending', 'waiting', 'active', 'terminated'] as const,
      element.childText('status')?.trim(),
    )
    const seen = element.childText('sees')?.trim() ?? 'nothing'
    const sees = seen === 'nothing' ? seen : visibilityOf(seen)
    if (!id || !url || status === undefined || sees === undefined) return undefined
    const protocol = element.childText('protocol')?.trim()
    const secondsLeft = Number(element.childText('lease')?.trim() ?? 0)
    return {
      id,
      url,
      status,
      event: element.childText('event')?.trim() ?? '',
      sees,
      isPolitelyBlocked: element.child('politely-blocked') !== undefined,
      ...(protocol !== undefined && Number.isFinite(secondsLeft) && { lease: { protocol, secondsLeft } }),
    }
  })
}

function entriesOf<Entry>(
  bytes: Bytes,
  root: string,
  name: string,
  entryOf: (element: Element) => Entry | undefined,
): Entry[] | undefined {
  const list = parseElement(bytes)
  if (isXmlFault(list) || !list.is(root, '') || !isTagOnly(list)) return undefined
  const elements = list.childrenNamed(name)
  if (elements.length > listEntriesMax) return undefined
  const entries: Entry[] = []
  for (const element of elements) {
    const entry = entryOf(element)
    if (entry === undefined) return undefined
    entries.push(entry)
  }
  return entries
}

function oneOf<Word extends string>(words: readonly Word[], word: string | undefined): Word | undefined {
  return words.find((known) => known === word)
}
