// The roster (RFC 6121 §2): XMPP's view of the person's one contact list.
import { randomId } from '#base'
import type { Contact } from '#core'
import type { Address, Outcome } from '#model'
import { type Element, xml } from '#wire/xml'
import type { BoundSession } from '../bound-session.ts'
import { bareJid } from '../codec/jid.ts'
import { clientNamespace, rosterNamespace } from '../codec/namespaces.ts'
import { readRosterSet, rosterItem } from '../codec/roster.ts'
import { stanzaError } from '../codec/stanza-error.ts'
import { stanzaErrorOf } from '../errors.ts'
import type { IqHandler, IqRequest } from './iq.ts'

export const rosterIq: IqHandler = {
  payload: `{${rosterNamespace}}query`,
  addressee: 'account',
  // RFC 6121 §2.1.5, §2.3.3
  ofPersons: 'forbidden',
  features: { server: [rosterNamespace] },
  get: sendRoster,
  set: changeRoster,
}

/** RFC 6121 §2.1.3, §2.1.4; from here on the client is interested in pushes. */
function sendRoster({ session, payload, result }: IqRequest): void {
  session.interested = true
  const { account } = session
  session.service.contacts.attach(account, session)
  const known = payload.attribute('ver')
  const version = account.listVersions.current(account.contacts)
  const changes = known === undefined ? undefined : account.listVersions.since(known)
  // RFC 6121 §2.6.3: an empty result, then a push of each that changed, unless the whole is less.
  if (changes !== undefined && changes.length <= account.contacts.size) {
    result()
    for (const change of changes)
      writePush(session, change.address, account.contacts.get(change.address.key), change.version)
    return
  }
  const items: Element[] = []
  for (const contact of account.contacts.values()) {
    // RFC 6121 §3.1.3: who only asked is not in the roster.
    if (contact.listed) items.push(rosterItem(contact))
  }
  result(xml('query', rosterNamespace, { ver: version }, ...items))
}

/** RFC 6121 §2.3, §2.4, §2.5. The push goes out by `contactChanged`. */
function changeRoster({ session, payload, result, error }: IqRequest): void {
  const change = readRosterSet(payload)
  if (change.kind === 'wrong') return error(change.error)
  // We choose as others do (decision 0075): one's own presence needs no item.
  if (change.kind === 'put' && session.service.directory.resident(change.address) === session.account)
    return error(stanzaError('not-allowed'))
  const { contacts } = session.service
  const onOutcome = (outcome: Outcome): void => {
    if (outcome.kind === 'refused') error(stanzaErrorOf(outcome.condition))
    else result()
  }
  if (change.kind === 'remove') contacts.remove(session.owner, change.address, onOutcome)
  else contacts.put(session.owner, change.address, change.name, change.groups, onOutcome)
}

/** RFC 6121 §2.1.6, §2.6.3: with the version that the roster has by it. */
export function pushRosterItem(session: BoundSession, address: Address, contact: Contact | undefined): void {
  const { listVersions, contacts } = session.account
  writePush(session, address, contact, listVersions.current(contacts))
}

function writePush(
  session: BoundSession,
  address: Address,
  contact: Contact | undefined,
  version: string,
): void {
  const item =
    contact === undefined || !contact.listed
      ? xml('item', rosterNamespace, { jid: bareJid(address), subscription: 'remove' })
      : rosterItem(contact)
  const attributes = { type: 'set', id: randomId(12), from: session.bare, to: session.full }
  session.send(xml('iq', clientNamespace, attributes, xml('query', rosterNamespace, { ver: version }, item)))
}
