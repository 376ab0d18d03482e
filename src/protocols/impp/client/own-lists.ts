// What is a person's own in every protocol: access rules, contacts, who watches (docs/specs/impp-1.0.md §11.2 to §11.4).

import type { Bytes } from '#base'
import { parseAddress } from '#model'
import {
  addressOfUrl,
  type Body,
  type ContactEntry,
  type ContactState,
  contactText,
  type Fields,
  listBytes,
  listMediaType,
  parseContacts,
  parseRules,
  parseWatchers,
  type RuleEntry,
  ruleText,
  urlOf,
  type WatcherEntry,
} from '../codec/index.ts'
import { ConnectionLost, Refused } from './failures.ts'
import { FollowedList } from './followed-list.ts'
import type { ImppSession } from './impp-session.ts'

export type Run = <T>(use: (session: ImppSession) => Promise<T>, signal?: AbortSignal) => Promise<T>

export interface Rule {
  /** A person (`user@domain`), a domain, `*.domain` for it and its subdomains, or `*` for everybody. */
  readonly subject: string
  /** `confirm`: has to ask, whatever holds for others; `polite-block`: sees an absence, and cannot tell. */
  readonly action: RuleEntry['action']
  /** `basic`: sees only whether one is there. `full` when left out. */
  readonly visibility?: RuleEntry['visibility']
}

export interface ContactInfo {
  readonly address: string
  readonly name: string
  readonly groups: readonly string[]
  /** `sees`: we see them; `is-seen`: they see us; `asked`: we asked; `asks`: they ask; `may-ask`: they will be let in when they ask. */
  readonly states: readonly ContactState[]
}

export interface WatcherInfo extends Omit<WatcherEntry, 'url'> {
  readonly address: string
}

/** Who may see and reach us. */
export class AccessList {
  readonly #run: Run

  constructor(run: Run) {
    this.#run = run
  }

  async list(): Promise<Rule[]> {
    const pages = await this.#run((session) => pagesOf(session, 'GET-ACL'))
    return listOf(pages, parseRules).map((rule) => ({ ...rule, subject: personOf(rule.subject) }))
  }

  /** Puts rules, each in the place of the one for its subject. */
  async put(...rules: readonly Rule[]): Promise<void> {
    await this.#change('put', rules)
  }

  async remove(...subjects: readonly string[]): Promise<void> {
    await this.#change(
      'remove',
      subjects.map((subject) => ({ subject, action: 'allow' })),
    )
  }

  async #change(change: string, rules: readonly Rule[]): Promise<void> {
    const entries = rules.map((rule) =>
      ruleText({ visibility: 'full', ...rule, subject: subjectOf(rule.subject) }),
    )
    const body = { type: listMediaType, bytes: listBytes('access', entries) }
    await this.#run((session) =>
      session.ask(
        'SET-ACL',
        [
          ['Target', session.url],
          ['Change', change],
        ],
        body,
      ),
    )
  }
}

/** Whom we know, who asks to see us, and our word about it. */
export class ContactList {
  readonly #run: Run
  readonly #followed: FollowedList<ContactEntry, ContactInfo>

  /** @internal */
  constructor(run: Run, followed: FollowedList<ContactEntry, ContactInfo>) {
    this.#run = run
    this.#followed = followed
  }

  async list(): Promise<ContactInfo[]> {
    const pages = await this.#run((session) => pagesOf(session, 'GET-CONTACTS'))
    return listOf(pages, parseContacts).map(contactInfo)
  }

  /** The whole list, now and after each change: who asks to see us is one of its entries. */
  follow(options: { signal?: AbortSignal } = {}): AsyncGenerator<readonly ContactInfo[], void, undefined> {
    return this.#followed.follow(options.signal)
  }

  async put(address: string, { name = '', groups = [] }: Partial<ContactInfo> = {}): Promise<void> {
    const url = urlOfPerson(address)
    const entry: ContactEntry = { url, name, groups, states: [], isGone: false }
    const body = { type: listMediaType, bytes: listBytes('contacts', [contactText(entry)]) }
    await this.#ask(
      'SET-CONTACT',
      [
        ['Target', url],
        ['Change', 'put'],
      ],
      body,
    )
  }

  async remove(address: string): Promise<void> {
    await this.#ask('SET-CONTACT', [
      ['Target', urlOfPerson(address)],
      ['Change', 'remove'],
    ])
  }

  /** Lets somebody see us, before they ask or after. */
  async allow(watcher: string): Promise<void> {
    await this.#ask('AUTHORIZE', [
      ['Target', urlOfPerson(watcher)],
      ['Decision', 'allow'],
    ])
  }

  /** Refuses somebody who asks, or takes back what was allowed. */
  async deny(watcher: string): Promise<void> {
    await this.#ask('AUTHORIZE', [
      ['Target', urlOfPerson(watcher)],
      ['Decision', 'deny'],
    ])
  }

  async #ask(method: string, fields: Fields, body?: Body): Promise<void> {
    await this.#run((session) => session.ask(method, fields, body))
  }
}

export type FollowedContacts = FollowedList<ContactEntry, ContactInfo>
export type FollowedWatchers = FollowedList<WatcherEntry, WatcherInfo>

export function followedContacts(run: Run, onTrouble: (error: Error) => void): FollowedContacts {
  return new FollowedList(
    {
      ask: () => run((session) => pagesOf(session, 'GET-CONTACTS', true)),
      parse: parseContacts,
      keyOf: ({ url }) => url,
      isGone: ({ isGone }) => isGone,
      onTrouble,
    },
    contactInfo,
  )
}

export function followedWatchers(run: Run, onTrouble: (error: Error) => void): FollowedWatchers {
  return new FollowedList(
    {
      ask: () => run((session) => pagesOf(session, 'GET-WATCHERS', true)),
      parse: parseWatchers,
      keyOf: ({ id }) => id,
      isGone: ({ status }) => status === 'terminated',
      onTrouble,
    },
    watcherInfo,
  )
}

function contactInfo({ url, name, groups, states }: ContactEntry): ContactInfo {
  return { address: personOf(url), name, groups, states }
}

function watcherInfo({ url, ...rest }: WatcherEntry): WatcherInfo {
  return { ...rest, address: personOf(url) }
}

export async function watchersOf(run: Run): Promise<WatcherInfo[]> {
  const pages = await run((session) => pagesOf(session, 'GET-WATCHERS'))
  return listOf(pages, parseWatchers).map(watcherInfo)
}

/** The bodies of all pages. */
async function pagesOf(session: ImppSession, method: string, follow = false): Promise<Bytes[]> {
  const pages: Bytes[] = []
  for (let after: string | undefined; ; ) {
    const { headers, body } = await session.ask(method, [
      ['Target', session.url],
      ['After', after],
      ['Notify', follow ? 'yes' : undefined],
    ])
    pages.push(body)
    const next = headers.get('next')
    // A server that does not go on would have us ask for ever.
    if (next === undefined || next === after) return pages
    after = next
  }
}

function listOf<Entry>(pages: readonly Bytes[], parse: (bytes: Bytes) => Entry[] | undefined): Entry[] {
  return pages.flatMap((page) => {
    const entries = parse(page)
    if (entries === undefined) throw new ConnectionLost('the server’s list is not well-formed')
    return entries
  })
}

/** `user@domain` of a URL; a domain or `*` as it is. */
export function personOf(written: string): string {
  return addressOfUrl(written)?.key ?? written
}

/** The URL of a person. @throws Refused */
export function urlOfPerson(written: string): string {
  const address = addressOfUrl(written) ?? parseAddress(written)
  if (address === undefined) throw new Refused('address-malformed', `${written} is no address`, undefined)
  return urlOf(address)
}

function subjectOf(subject: string): string {
  return subject.includes('@') ? urlOfPerson(subject) : subject
}
