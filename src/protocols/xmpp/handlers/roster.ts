// The roster (RFC 6121 §2): XMPP's view of the person's one contact list.
import { randomId } from '#base'
import type { Contact } from '#core'
import type { Address, Outcome } from '#model'
import { type Element, xml } from '#wire/xml'
import type { BoundSession } from '../bound-session.ts'
import { bareJid } from '../codec/jid.ts'
import { clientNamespace, rosterNamespace } from '../codec/namespaces.ts'
import { readRosterSet, rosterItem } from '../codec/roster.ts'
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
function sendRoster({ session, result }: IqRequest): void {
  session.interested = true
  session.service.contacts.attach(session.account, session)
  const items: Element[] = []
  for (const contact of session.account.contacts.values()) {
    // RFC 6121 §3.1.3: who only asked is not in the roster.
    if (contact.listed) items.push(rosterItem(contact))
  }
  result(xml('query', rosterNamespace, {}, ...items))
}

/** RFC 6121 §2.3, §2.4, §2.5. The push goes out by `contactChanged`. */
function changeRoster({ session, payload, result, error }: IqRequest): void {
  const change = readRosterSet(payload)
  if (change.kind === 'wrong') return error(change.error)
  const { contacts } = session.service
  const onOutcome = (outcome: Outcome): void => {
    if (outcome.kind === 'refused') error(stanzaErrorOf(outcome.condition))
    else result()
  }
  if (change.kind === 'remove') contacts.remove(session.owner, change.address, onOutcome)
  else contacts.put(session.owner, change.address, change.name, change.groups, onOutcome)
}

/** RFC 6121 §2.1.6. */
export function pushRosterItem(session: BoundSession, address: Address, contact: Contact | undefined): void {
  const item =
    contact === undefined || !contact.listed
      ? xml('item', rosterNamespace, { jid: bareJid(address), subscription: 'remove' })
      : rosterItem(contact)
  const attributes = { type: 'set', id: randomId(12), from: session.bare, to: session.full }
  session.send(xml('iq', clientNamespace, attributes, xml('query', rosterNamespace, {}, item)))
}
