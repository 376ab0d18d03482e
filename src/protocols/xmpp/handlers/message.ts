// Messages from the client (RFC 6121 §5.2.2, §8.5): addressed, stamped, given to the core.
import { concat } from '#base'
import type { Head, Outcome } from '#model'
import { messageEnvelope } from '../binding.ts'
import type { BoundSession } from '../bound-session.ts'
import { fullJid, type Jid, parseJid } from '../codec/jid.ts'
import type { Stanza } from '../codec/stanza.ts'
import { stanzaError } from '../codec/stanza-error.ts'
import { stanzaErrorOfRefusal } from '../errors.ts'

/** Hot path: no promise, no tree, one envelope and one closure. */
export function handleMessage(session: BoundSession, stanza: Stanza): void {
  const written = stanza.to
  // RFC 6120 §10.3.1: without `to` it is for the sender's own bare address.
  const to = written === undefined ? session.bareJid : parseJid(written)
  if (to === undefined) return session.sendError(stanza, stanzaError('jid-malformed'))
  const refusal = refusedHere(session, stanza, to)
  if (refusal === 'ignore') return
  if (refusal === 'refuse') return session.sendError(stanza, stanzaError('service-unavailable'))
  let stamp = session.stampFor(stanza)
  if (written === undefined) stamp = concat([stamp, session.toAttribute])
  const envelope = messageEnvelope(stanza, session.owner, session.id, to, stamp)
  session.service.messages.send(envelope, answerTo(session, envelope.head))
}

/** What is answered without asking anybody. */
function refusedHere(session: BoundSession, { type }: Stanza, to: Jid): 'ignore' | 'refuse' | undefined {
  if (to.resource !== '' || !session.service.router.isLocal(to.address.domain)) {
    if (to.address.user !== '' || !session.service.router.isLocal(to.address.domain)) return undefined
  }
  // RFC 6121 §8.5.2.1.1
  if (type === 'error') return 'ignore'
  if (type === 'groupchat') return 'refuse'
  // RFC 6120 §10.5.1: the server itself reads no messages.
  return to.address.user === '' ? 'refuse' : undefined
}

/** Keeps nothing of the stanza's octets. */
function answerTo(session: BoundSession, head: Head): (outcome: Outcome) => void {
  const known = session.handled?.defer()
  return (outcome) => {
    known?.()
    if (outcome.kind !== 'refused' || head.kind === 'report') return
    if (session.ended) {
      session.service.messages.report({ about: head.id, event: 'failed', condition: outcome.condition }, head)
      return
    }
    const id = head.id === '' ? undefined : head.id
    session.sendErrorFor('message', id, fullJid(head.to, head.toAgent), stanzaErrorOfRefusal(outcome))
  }
}
