// What becomes of a stanza on its way to a client: whether it may wait (XEP-0352), and who hears of its loss (XEP-0198 §4).
import { utf8 } from '#base'
import type { DeliveryAnswer, DeliveryContext } from '#core'
import type { Envelope } from '#model'
import { escapeValue, frameDocument, isXmlFault, serialize } from '#wire/xml'
import { transitEnvelope } from './binding.ts'
import type { BoundSession } from './bound-session.ts'
import { fullJid } from './codec/jid.ts'
import { chatStatesNamespace, clientNamespace, clientStream, hintsNamespace } from './codec/namespaces.ts'
import { stanzaOf } from './codec/stanza.ts'
import { errorElement } from './codec/stanza-error.ts'
import { StanzaEnvelope } from './envelope.ts'
import { stanzaErrorOf } from './errors.ts'
import type { Fate } from './outgoing.ts'

export function fateOfMessage(
  envelope: Envelope,
  context: DeliveryContext,
  answer: (answer: DeliveryAnswer) => void,
): Fate {
  const replaces = replaceableKeyOf(envelope)
  if (replaces !== undefined) return { replaces, answer }
  return { answer, isStampable: context.storedAt === undefined }
}

export function fateOfTransit(session: BoundSession, envelope: StanzaEnvelope): Fate | undefined {
  const { head, stanza } = envelope
  const isPresence = stanza.kind === 'presence' && (stanza.type ?? 'unavailable') === 'unavailable'
  if (isPresence) return { replaces: `presence ${head.from.key}/${head.fromAgent}` }
  const isRequest = stanza.kind === 'iq' && (stanza.type === 'get' || stanza.type === 'set')
  if (!isRequest) return undefined
  const kept = envelope.keep()
  return { onLost: () => refuseLost(session, kept) }
}

/** XEP-0352 §3.2: a chat state alone can wait until somebody looks: the key of what a newer one replaces; undefined for what can't. */
function replaceableKeyOf(envelope: Envelope): string | undefined {
  const { head } = envelope
  if (head.kind !== 'message' || head.whenAbsent !== 'drop') return undefined
  if (!(envelope instanceof StanzaEnvelope)) return `state ${head.from.key}/${head.fromAgent}`
  const { frame } = envelope.stanza
  for (let k = 0; k < frame.childCount; k++) {
    const namespace = frame.childNamespace(k)
    const isThread = namespace === clientNamespace && frame.childName(k) === 'thread'
    if (namespace !== chatStatesNamespace && namespace !== hintsNamespace && !isThread) return undefined
  }
  return `state ${head.from.key}/${head.fromAgent}`
}

/** The request died with the session that it was carried to: whoever asked hears that nobody answers. */
function refuseLost(session: BoundSession, envelope: StanzaEnvelope): void {
  const { head, stanza } = envelope
  const id = escapeValue(stanza.id ?? '')
  const to = escapeValue(fullJid(head.from, head.fromAgent))
  const error = serialize(errorElement(stanzaErrorOf('temporarily-unavailable')), { outer: clientStream })
  const text = `<iq type='error' id='${id}' to='${to}'>${error}</iq>`
  const frame = frameDocument(utf8(text), { outer: clientStream })
  const answer = isXmlFault(frame) ? undefined : stanzaOf(frame)
  if (answer === undefined) return
  session.service.transit.forward(
    transitEnvelope(answer, session.owner, session.id, { address: head.from, resource: head.fromAgent }),
    () => {
      // RFC 6120 §8.2.3: an answer is never answered.
    },
  )
}
