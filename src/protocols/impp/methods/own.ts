// What the requests about one's own lists share (docs/specs/impp-1.0.md §11): the target is oneself, and a list comes in pages.

import type { Condition } from '#model'
import type { HeaderLines } from '#wire/header-lines'
import type { ClientSession, Login } from '../client-session.ts'
import {
  addressOfUrl,
  type Fields,
  fieldText,
  listBytes,
  listEntriesMax,
  listMediaType,
  textField,
} from '../codec/index.ts'
import type { Reply } from '../reply.ts'

/** Octets that the lines of a response take beside its body, generously. */
const headOctets = 2048

/** Why the request is not about its own user; undefined when it is. */
export function ownTargetFault({ account }: Login, headers: HeaderLines): Condition | undefined {
  const target = headers.get('target')
  if (target === undefined) return 'malformed'
  const address = addressOfUrl(target)
  if (address === undefined) return 'address-malformed'
  const names = [account.address, ...account.record.aliases]
  return names.some(({ key }) => key === address.key) ? undefined : 'permission-denied'
}

/** Octets of a body that this client takes in one response. */
export function bodyOctetsMax({ unitOctetsMax, environment }: ClientSession): number {
  return (
    Math.min(unitOctetsMax, environment.settings.messageOctetsMax) - Math.min(headOctets, unitOctetsMax / 2)
  )
}

export interface ListEntry {
  /** Orders the list, and names the place where a page ends. */
  readonly key: string
  readonly text: string
}

/** The page behind `After`, with `Next` where there is more. */
export function giveList(
  session: ClientSession,
  headers: HeaderLines,
  reply: Reply,
  name: Parameters<typeof listBytes>[0],
  all: readonly ListEntry[],
  fields: Fields = [],
): void {
  const after = textField(headers, 'after')
  const rest = all.filter(({ key }) => key > after).sort((a, b) => (a.key < b.key ? -1 : 1))
  const page: string[] = []
  let left = bodyOctetsMax(session)
  for (const { text } of rest) {
    left -= Buffer.byteLength(text)
    if (left < 0 || page.length >= listEntriesMax) break
    page.push(text)
  }
  if (page.length === 0 && rest.length > 0) return reply.error('message-too-large')
  const next = page.length < rest.length ? fieldText((rest[page.length - 1] as ListEntry).key) : undefined
  reply.ok([...fields, ['Next', next]], { type: listMediaType, bytes: listBytes(name, page) })
}
