// GET-CONTACTS, SET-CONTACT and AUTHORIZE (docs/specs/impp-1.0.md §11.3, §11.4): the list and the authorizations that a person has in every
// protocol.

import type { Outcome } from '#model'
import { contactEntry, personOf } from '../binding-lists.ts'
import type { ClientSession, Login } from '../client-session.ts'
import { contactText, type ImppRequest, listMediaType, parseContacts } from '../codec/index.ts'
import { followContacts } from '../feeds.ts'
import type { Reply } from '../reply.ts'
import type { Method } from './method.ts'
import { giveList, ownTargetFault } from './own.ts'

export const getContacts: Method = {
  when: 'logged-in',
  take(session: ClientSession, { headers }: ImppRequest, reply: Reply): void {
    const login = session.login as Login
    const fault = ownTargetFault(login, headers)
    if (fault !== undefined) return reply.error(fault)
    if (headers.get('notify') === 'yes') followContacts(session, login)
    const entries = [...login.account.contacts.values()].map((contact) => ({
      key: contact.address.key,
      text: contactText(contactEntry(contact.address, contact)),
    }))
    giveList(session, headers, reply, 'contacts', entries)
  },
}

export const setContact: Method = {
  when: 'logged-in',
  take(session: ClientSession, { headers, body }: ImppRequest, reply: Reply): void {
    const login = session.login as Login
    const target = headers.get('target')
    const change = headers.get('change')
    if (target === undefined || (change !== 'put' && change !== 'remove')) return reply.error('malformed')
    const person = personOf(target)
    if (person === undefined) return reply.error('address-malformed')
    const owner = login.account.address
    const { contacts } = session.service
    if (change === 'remove') return contacts.remove(owner, person, answering(reply))
    if (headers.get('content-type')?.toLowerCase() !== listMediaType)
      return reply.error('content-not-understood')
    const [entry, ...more] = parseContacts(body) ?? []
    if (entry === undefined || more.length > 0) return reply.error('malformed')
    contacts.put(owner, person, entry.name, entry.groups, answering(reply))
  },
}

/** The owner's word about one who asks to watch, or may (RFC 2779 §2.3). */
export const authorize: Method = {
  when: 'logged-in',
  take(session: ClientSession, { headers }: ImppRequest, reply: Reply): void {
    const login = session.login as Login
    const target = headers.get('target')
    const decision = headers.get('decision')
    if (target === undefined || (decision !== 'allow' && decision !== 'deny')) return reply.error('malformed')
    const watcher = personOf(target)
    if (watcher === undefined) return reply.error('address-malformed')
    const owner = login.account.address
    if (watcher.key === owner.key) return reply.error('not-acceptable')
    const { contacts } = session.service
    if (decision === 'allow') contacts.approve(owner, watcher, undefined, answering(reply))
    else contacts.refuse(owner, watcher, undefined, answering(reply))
  },
}

function answering(reply: Reply): (outcome: Outcome) => void {
  return (outcome) => (outcome.kind === 'refused' ? reply.refuse(outcome) : reply.ok())
}
