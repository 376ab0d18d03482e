// The XML of access lists, class tables and lists of subscribers (docs/specs/prim.md §6.4 to §6.6). No namespace, whole lists.

import { type Bytes, utf8 } from '#base'
import { type Element, escapeText, escapeValue, isXmlFault, parseElement } from '#wire/xml'

export const listMediaType = 'application/xml'

/** LIMIT: entries of a list, and names of an entry. */
export const listEntriesMax = 5000

export const presenceRights = ['fetch', 'subscribe', 'publish', 'remove'] as const
export const inboxRights = ['send', 'listen', 'silence'] as const
export type Right = (typeof presenceRights)[number] | (typeof inboxRights)[number]

export interface AclEntry {
  /** Identifiers, `@domain`, or `.` for everybody. */
  readonly targets: readonly string[]
  readonly rights: readonly Right[]
}

export interface ClassEntry {
  readonly name: string
  readonly watchers: readonly string[]
}

/** The entries, undefined when the octets are no such list or it has a right of the other service. */
export function parseAcl(bytes: Bytes, allowed: readonly Right[]): readonly AclEntry[] | undefined {
  const entries = rootOf(bytes, 'acl')?.map((entry) => aclEntryOf(entry, allowed))
  const whole = entries && allOf(entries)
  return whole !== undefined && isBounded(whole.map(({ targets }) => targets)) ? whole : undefined
}

function aclEntryOf(entry: Element, allowed: readonly Right[]): AclEntry | undefined {
  const [target, allow] = entry.elements()
  if (!entry.is('entry', '') || entry.elements().length !== 2) return undefined
  if (!target?.is('target', '') || !allow?.is('allow', '')) return undefined
  const targets = textsOf(target, 'address')
  if (targets === undefined || targets.length === 0) return undefined
  const rights: Right[] = []
  for (const { name, namespace } of allow.elements()) {
    const right = allowed.find((each) => each === name)
    if (namespace !== '' || right === undefined) return undefined
    rights.push(right)
  }
  return { targets, rights }
}

export function aclBytes(entries: readonly AclEntry[]): Bytes {
  let written = '<acl>'
  for (const { targets, rights } of entries) {
    written += '<entry><target>'
    for (const target of targets) written += `<address>${escapeText(target)}</address>`
    written += '</target><allow>'
    for (const right of rights) written += `<${right}/>`
    written += '</allow></entry>'
  }
  return utf8(`${written}</acl>`)
}

export function parseClassTable(bytes: Bytes): readonly ClassEntry[] | undefined {
  const classes = rootOf(bytes, 'classtable')?.map((element): ClassEntry | undefined => {
    const name = element.is('class', '') ? element.attribute('name') : undefined
    const watchers = textsOf(element, 'watcher')
    return name === undefined || watchers === undefined ? undefined : { name, watchers }
  })
  const whole = classes && allOf(classes)
  return whole !== undefined && isBounded(whole.map(({ watchers }) => watchers)) ? whole : undefined
}

export function classTableBytes(classes: readonly ClassEntry[]): Bytes {
  let written = '<classtable>'
  for (const { name, watchers } of classes) {
    written += `<class name="${escapeValue(name)}">`
    for (const watcher of watchers) written += `<watcher>${escapeText(watcher)}</watcher>`
    written += '</class>'
  }
  return utf8(`${written}</classtable>`)
}

export function subscribersBytes(ids: readonly string[]): Bytes {
  const each = ids.map((id) => `<subscriber>${escapeText(id)}</subscriber>`)
  return utf8(`<subscribers>${each.join('')}</subscribers>`)
}

export function parseSubscribers(bytes: Bytes): readonly string[] | undefined {
  const root = parseElement(bytes, { isDocument: true })
  if (isXmlFault(root) || !root.is('subscribers', '')) return undefined
  return textsOf(root, 'subscriber')
}

function rootOf(bytes: Bytes, name: string): readonly Element[] | undefined {
  const root = parseElement(bytes, { isDocument: true })
  return isXmlFault(root) || !root.is(name, '') ? undefined : root.elements()
}

/** The texts of its children, which must all have that name. */
function textsOf(element: Element, name: string): readonly string[] | undefined {
  const children = element.elements()
  if (!children.every((child) => child.is(name, '') && child.elements().length === 0)) return undefined
  return children.map((child) => child.text().trim())
}

/** Undefined where one of them is. */
function allOf<T>(entries: readonly (T | undefined)[]): readonly T[] | undefined {
  const whole = entries.filter((entry) => entry !== undefined)
  return whole.length === entries.length ? whole : undefined
}

function isBounded(lists: readonly (readonly string[])[]): boolean {
  return lists.reduce((sum, list) => sum + list.length + 1, 0) <= listEntriesMax
}
