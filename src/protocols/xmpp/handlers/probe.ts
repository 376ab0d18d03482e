// Presence probes that a client sends itself (RFC 6121 §4.3, §4.6.6): it need not, and may.
import { type Account, mayReach, moved, visible, type WatcherAgent } from '#core'
import { escapeValue } from '#wire/xml'
import type { BoundSession } from '../bound-session.ts'
import { bareJid, fullJid, type Jid } from '../codec/jid.ts'
import type { Stanza } from '../codec/stanza.ts'
import { writePresenceChanges } from '../delivery.ts'
import { stanzaErrorOfRefusal } from '../errors.ts'

export function handleProbe(session: BoundSession, stanza: Stanza, to: Jid): void {
  const { router, directory, presence } = session.service
  if (!router.isLocal(to.address.domain)) return presence.probe(to.address, session)
  const id = stanza.id
  directory.find(to.address, (found) => {
    if (session.ended || found === 'fault') return
    if (found === 'unknown' || !maySee(session, found)) {
      // RFC 6121 §4.6.6: what the subscription does not allow, directed presence may.
      if (found !== 'unknown' && tellDirectedTo(session, found, to)) return
      return presence.probe(to.address, prober(session, id))
    }
    // RFC 6121 §4.3.2 rule 2.
    const elsewhere = moved(found, session.owner)
    if (elsewhere !== undefined)
      return session.sendErrorFor('presence', id, bareJid(to.address), stanzaErrorOfRefusal(elsewhere))
    if (to.resource === '') return presence.probe(to.address, prober(session, id))
    tellOfDevice(session, found, to, id)
  })
}

function maySee(session: BoundSession, { address, contacts }: Account): boolean {
  const { key } = session.owner
  return address.key === key || contacts.get(key)?.authorization.from === true
}

/** The session as one who asks: what answers for nobody repeats the probe's id (RFC 6121 §4.3.2.1). */
function prober(session: BoundSession, id: string | undefined): WatcherAgent {
  return {
    protocol: session.protocol,
    watcher: session.owner,
    notify: (notification) => {
      if (!session.ended) writePresenceChanges(session, notification, id)
    },
    terminated: () => {
      // A probe opens no subscription.
    },
  }
}

/** RFC 6121 §4.3.2: of the device that is named, only whether it is here. */
function tellOfDevice(session: BoundSession, account: Account, to: Jid, id: string | undefined): void {
  const isHere = account.presentity.tuples.has(to.resource) && visible(account, session.owner) !== 'nothing'
  if (isHere) return writeMere(session, to, session.bare)
  const idText = id === undefined ? '' : ` id='${escapeValue(id)}'`
  writeMere(session, to, session.bare, `${idText} type='unavailable'`)
}

/** RFC 6121 §4.6.6: mere presence of each device that let this one know; false where none did, or who asks was blocked since. */
function tellDirectedTo(session: BoundSession, account: Account, { address, resource }: Jid): boolean {
  if (!mayReach(account, session.owner, session.id)) return false
  const devices = account.inbox.agents.filter(
    (agent): agent is BoundSession =>
      agent.protocol === 'xmpp' &&
      (resource === '' || agent.id === resource) &&
      (agent as BoundSession).directed.has(session.owner, session.id),
  )
  for (const { id } of devices) writeMere(session, { address, resource: id }, session.full)
  return devices.length > 0
}

function writeMere(session: BoundSession, { address, resource }: Jid, to: string, more = ''): void {
  const from = escapeValue(fullJid(address, resource))
  session.outgoing.begin().writeUtf8(`<presence from='${from}' to='${escapeValue(to)}'${more}/>`)
  session.outgoing.end()
}
