// What a client follows of its own lists (docs/specs/impp-1.0.md §11.3, §11.4): CONTACTS-NOTIFY and WATCHERS-NOTIFY. At most one of a kind
// is under way; what changes meanwhile is told with the next, each entry as it then is.

import type { Account, AuthorizationEvent, Contact, ContactAgent, WatcherInfo, WatcherInfoAgent } from '#core'
import type { Address } from '#model'
import { domainConnectionId, sizeOf } from './binding.ts'
import { contactEntry, watcherEntry } from './binding-lists.ts'
import type { ClientSession, Login } from './client-session.ts'
import {
  contactText,
  type Fields,
  listBytes,
  listMediaType,
  requestBytes,
  watcherText,
} from './codec/index.ts'

/** LIMIT: entries that wait to be told; past it the client is told to ask anew. */
export const feedEntriesMax = 1000

/** Octets of the lines of a notification, generously. */
const headOctets = 2048

class Feed {
  readonly #session: ClientSession
  readonly #method: string
  readonly #list: Parameters<typeof listBytes>[0]
  readonly #own: string
  readonly #from: string
  readonly #waiting = new Map<string, string>()
  #overflowed = false
  #underWay = false

  constructor(session: ClientSession, { url, address }: Login, list: 'contacts' | 'watchers') {
    this.#session = session
    this.#method = `${list.toUpperCase()}-NOTIFY`
    this.#list = list
    this.#own = url
    this.#from = `impp://${address.domain}/`
  }

  changed(key: string, text: string): void {
    if (!this.#waiting.has(key) && this.#waiting.size >= feedEntriesMax) {
      this.#waiting.clear()
      this.#overflowed = true
    }
    if (!this.#overflowed) this.#waiting.set(key, text)
    this.tell()
  }

  /** Tells what waits, if the client takes it now. */
  tell(): void {
    if (this.#underWay || (this.#waiting.size === 0 && !this.#overflowed)) return
    const { exchange, unitOctetsMax } = this.#session
    const told: [string, string][] = []
    let left = unitOctetsMax - Math.min(headOctets, unitOctetsMax / 2)
    for (const entry of this.#waiting) {
      left -= Buffer.byteLength(entry[1])
      if (left < 0) break
      told.push(entry)
    }
    // An entry that no notification of this client can hold is asked for.
    const overflow = this.#overflowed || told.length === 0
    const id = this.#session.freshId()
    const fields: Fields = [
      ['From', this.#from],
      ['Connection-ID', domainConnectionId],
      ['Target', this.#own],
      ['Overflow', overflow ? 'yes' : undefined],
    ]
    const bytes = listBytes(this.#list, overflow ? [] : told.map(([, text]) => text))
    const octets = [requestBytes(this.#method, id, fields, { type: listMediaType, bytes })]
    if (sizeOf(octets) > unitOctetsMax) return
    const key = { id, from: this.#from, connectionId: domainConnectionId }
    this.#underWay = exchange.request(key, octets, (settled) => {
      this.#underWay = false
      if (settled === 'closed') return
      // Nobody knows whether it was heard: the client asks anew.
      if (settled === 'timeout') this.#overflowed = true
      else this.tell()
    })
    // Where the queue is full it all waits for the client to catch up.
    if (!this.#underWay) return
    if (overflow) {
      this.#waiting.clear()
      this.#overflowed = false
    } else for (const [each] of told) this.#waiting.delete(each)
  }
}

/** What one connection follows. */
export class Feeds implements ContactAgent, WatcherInfoAgent {
  contacts: Feed | undefined
  watchers: Feed | undefined
  /** Whose lists they are, once the contacts are followed. */
  account: Account | undefined

  contactChanged(address: Address, contact: Contact | undefined): void {
    this.contacts?.changed(address.key, contactText(contactEntry(address, contact)))
  }

  /**
   * A contact that asks is an entry of the list (§11.3), and its asking alone changes nothing that XMPP shows of it: so the word is heard here.
   * It comes before the list has changed (RFC 6121 §3.1.6), within the tick.
   */
  authorizationEvent(_event: AuthorizationEvent, from: Address): void {
    queueMicrotask(() => {
      const contact = this.account?.contacts.get(from.key)
      if (contact !== undefined) this.contactChanged(from, contact)
    })
  }

  watchersChanged(_owner: Address, changes: readonly WatcherInfo[]): void {
    for (const change of changes) this.watchers?.changed(change.id, watcherText(watcherEntry(change)))
  }

  /** The client has caught up. */
  catchUp(): void {
    this.contacts?.tell()
    this.watchers?.tell()
  }
}

export function followContacts(session: ClientSession, login: Login): void {
  if (login.feeds.contacts !== undefined) return
  login.feeds.contacts = new Feed(session, login, 'contacts')
  login.feeds.account = login.account
  session.service.contacts.attach(login.account, login.feeds)
}

export function followWatchers(session: ClientSession, login: Login): void {
  if (login.feeds.watchers !== undefined) return
  login.feeds.watchers = new Feed(session, login, 'watchers')
  session.service.presence.watchWatchers(login.account, login.feeds)
}
