// Elements that the server keeps for an account: as documents of the store, whole, as text.
import { utf8 } from '#base'
import { ServiceError } from '#core'
import type { Address } from '#model'
import { type Element, elementOf, frameDocument, isXmlFault, serialize } from '#wire/xml'
import { storedLimits } from '../codec/stanza.ts'
import { stanzaErrorOf } from '../errors.ts'
import type { Asker, IqRequest } from './iq.ts'

export async function storedElement(
  { service }: Asker,
  owner: Address,
  name: string,
): Promise<Element | undefined> {
  const document = await service.store.document(owner, name)
  if (document === undefined) return undefined
  const frame = frameDocument(document, { limits: storedLimits })
  if (isXmlFault(frame))
    throw new ServiceError('internal-fault', 'a stored element is not readable', { name })
  return elementOf(frame)
}

/** With undefined it is kept no more. */
export function storeElement(session: Asker, name: string, element: Element | undefined): Promise<void> {
  const octets = element === undefined ? undefined : utf8(serialize(element))
  return session.service.store.putDocument(session.owner, name, octets)
}

/** Octets of an element as it would be stored. */
export function octetsOf(element: Element): number {
  return Buffer.byteLength(serialize(element))
}

/** Answers when the store has; what it refuses or can't do is told in the words of XMPP. */
export function answerLater({ session, error }: IqRequest<Asker>, work: Promise<void>): void {
  work.catch((cause: unknown) => {
    if (!(cause instanceof ServiceError) || cause.condition === 'internal-fault')
      session.service.log.error('what is kept for an account was not reached', { error: cause })
    error(stanzaErrorOf(cause instanceof ServiceError ? cause.condition : 'internal-fault'))
  })
}
