// The blocking command (XEP-0191): the account's access rules as XMPP shows them. A block holds for senders of every protocol, and one that
// was set by another protocol or by the operator is on the list here.
import { randomId } from '#base'
import {
  type AccessRule,
  type AccessRules,
  type Account,
  blocks,
  deviceKey,
  isWholeDomain,
  partyOfKey,
  ruleFor,
} from '#core'
import type { Address, Outcome } from '#model'
import { type Element, xml } from '#wire/xml'
import type { BoundSession } from '../bound-session.ts'
import { fullJid, type Jid, parseJid } from '../codec/jid.ts'
import { blockingErrorsNamespace, blockingNamespace, clientNamespace } from '../codec/namespaces.ts'
import type { Stanza } from '../codec/stanza.ts'
import { type StanzaError, stanzaError } from '../codec/stanza-error.ts'
import { stanzaErrorOf } from '../errors.ts'
import type { IqHandler, IqRequest } from './iq.ts'

/** What no JID names is on no list: everybody, and a domain with all its subdomains. */
function isListable({ subject }: AccessRule): boolean {
  return subject !== '*' && !isWholeDomain(subject)
}

export const blockingIq: readonly IqHandler[] = [
  {
    payload: `{${blockingNamespace}}blocklist`,
    addressee: 'account',
    ofPersons: 'forbidden',
    features: { server: [blockingNamespace] },
    get: sendList,
  },
  { payload: `{${blockingNamespace}}block`, addressee: 'account', ofPersons: 'forbidden', set: block },
  { payload: `{${blockingNamespace}}unblock`, addressee: 'account', ofPersons: 'forbidden', set: unblock },
]

/** §3.2; from here on the client gets the pushes. */
function sendList({ session, result }: IqRequest): void {
  session.wantsBlockList = true
  session.service.contacts.attach(session.account, session)
  result(listElement('blocklist', blockedSubjects(session.account.rules)))
}

/** §3.3. A politely blocked one is blocked already. */
function block({ session, payload, result, error }: IqRequest): void {
  const jids = readItems(payload)
  if ('condition' in jids) return error(jids)
  if (jids.length === 0) return error(stanzaError('bad-request'))
  // §5: nobody's devices are kept from each other.
  if (jids.some(({ address }) => address.key === session.owner.key)) return error(stanzaError('not-allowed'))
  const decide = ({ rules }: Account): { removed: string[]; put: AccessRule[] } => ({
    removed: [],
    put: jids
      .map(({ address, resource }) => deviceKey(address, resource))
      .filter((subject) => !blocks(rules.get(subject)))
      .map((subject) => ({
        subject,
        action: 'block',
        visibility: rules.get(subject)?.visibility ?? 'full',
      })),
  })
  session.service.contacts.changeRules(session.owner, decide, answerTo(result, error))
}

/** Accounts whose list is being emptied by its owner's one word, which is pushed as such (§3.5). */
const emptied = new WeakSet<Account>()

/** §3.4, and without items all that the list shows (§3.5). What is not on it is not blocked, as was asked. */
function unblock({ session, payload, result, error }: IqRequest): void {
  const jids = readItems(payload)
  if ('condition' in jids) return error(jids)
  const asked = new Set(jids.map(({ address, resource }) => deviceKey(address, resource)))
  const decide = ({ rules }: Account): { removed: string[]; put: AccessRule[] } => ({
    removed: blockedSubjects(rules).filter((subject) => asked.size === 0 || asked.has(subject)),
    put: [],
  })
  if (asked.size === 0) emptied.add(session.account)
  session.service.contacts.changeRules(session.owner, decide, answerTo(result, error))
  emptied.delete(session.account)
}

function answerTo(result: IqRequest['result'], error: IqRequest['error']): (outcome: Outcome) => void {
  return (outcome) => {
    if (outcome.kind === 'refused') error(stanzaErrorOf(outcome.condition))
    else result()
  }
}

function readItems(payload: Element): readonly Jid[] | StanzaError {
  const jids: Jid[] = []
  for (const item of payload.childrenNamed('item')) {
    const written = item.attribute('jid')
    if (written === undefined) return stanzaError('bad-request')
    const jid = parseJid(written)
    if (jid === undefined) return stanzaError('jid-malformed')
    jids.push(jid)
  }
  return jids
}

/** What the list shows: all that is blocked and has a JID. */
function blockedSubjects(rules: AccessRules): readonly string[] {
  const subjects: string[] = []
  for (const rule of rules.values()) if (blocks(rule) && isListable(rule)) subjects.push(rule.subject)
  return subjects
}

function listElement(name: string, subjects: readonly string[]): Element {
  return xml(
    name,
    blockingNamespace,
    {},
    ...subjects.map((subject) => {
      const { address, agent } = partyOfKey(subject)
      return xml('item', blockingNamespace, { jid: fullJid(address, agent) })
    }),
  )
}

/** §3.3 to §3.5: what the change means for the list, whoever made it; and whom the person may see again is shown. */
export function pushRules(session: BoundSession, before: AccessRules): void {
  const now = session.account.rules
  if (session.wantsBlockList) pushList(session, blockedSubjects(before), blockedSubjects(now))
  if (!session.available) return
  for (const { address, authorization } of session.account.contacts.values()) {
    if (!authorization.to || !isListed(before, address) || isListed(now, address)) continue
    session.service.presence.probe(address, session)
  }
}

function pushList(session: BoundSession, before: readonly string[], now: readonly string[]): void {
  const [was, is] = [new Set(before), new Set(now)]
  const blocked = now.filter((subject) => !was.has(subject))
  const unblocked = before.filter((subject) => !is.has(subject))
  if (blocked.length > 0) push(session, 'block', blocked)
  if (unblocked.length > 0) push(session, 'unblock', emptied.has(session.account) ? [] : unblocked)
}

function push(session: BoundSession, name: 'block' | 'unblock', subjects: readonly string[]): void {
  const attributes = { type: 'set', id: randomId(12), from: session.bare, to: session.full }
  session.send(xml('iq', clientNamespace, attributes, listElement(name, subjects)))
}

/** Whether a rule that the list shows is about that one. Who lets nobody in still speaks to whom they like. */
function isListed(rules: AccessRules, address: Address, resource = ''): boolean {
  const rule = ruleFor(rules, address, resource)
  return rule !== undefined && blocks(rule) && isListable(rule)
}

/** Whether the person wants nothing of that one. */
export function hasBlocked({ account, owner }: BoundSession, address: Address, resource = ''): boolean {
  return account.rules.size > 0 && address.key !== owner.key && isListed(account.rules, address, resource)
}

const toBlocked: StanzaError = {
  condition: 'not-acceptable',
  type: 'cancel',
  application: xml('blocked', blockingErrorsNamespace),
}

/** §3.3: what its own sender has blocked gets nothing of it; an answer goes nowhere, without a word. */
export function refuseToBlocked(session: BoundSession, stanza: Stanza): boolean {
  const to = stanza.to === undefined ? undefined : parseJid(stanza.to)
  if (to === undefined || !hasBlocked(session, to.address, to.resource)) return false
  // The server that the client uses is no contact.
  const isOurs = session.service.router.isLocal(to.address.domain)
  if (to.address.user === '' && to.resource === '' && isOurs) return false
  if (stanza.kind !== 'iq' || stanza.type !== 'result') session.sendError(stanza, toBlocked)
  return true
}
