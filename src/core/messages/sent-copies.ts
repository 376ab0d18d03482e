// A message to its sender's other agents, as their own sent one (XEP-0280 §5).
import type { Envelope } from '#model'
import type { DeliveryContext } from '../agents.ts'
import type { Account } from '../people/account.ts'
import type { Directory } from '../people/directory.ts'
import { archives } from './archiving.ts'
import type { Offer } from './offer.ts'

export function offerSentCopies(sender: Account, envelope: Envelope, archiveId: string, offer: Offer): void {
  const { head } = envelope
  const context: DeliveryContext = { copy: 'sent', archiveId, storedAt: undefined }
  for (const agent of [...sender.inbox.agents]) {
    if (agent.id === head.fromAgent || !agent.capabilities.sentCopies) continue
    offer([agent], envelope, context, () => {})
  }
}

/** The same for a message to somebody here. */
export function copyToSender(
  directory: Directory,
  account: Account,
  envelope: Envelope,
  archiveId: string,
  offer: Offer,
): void {
  const { head } = envelope
  if (head.kind !== 'message' || head.divertedFrom !== undefined) return
  const sender = directory.resident(head.from)
  // One's own other agents get what one writes to oneself as received.
  if (sender === undefined || sender === account || sender.inbox.agents.length === 0) return
  offerSentCopies(sender, envelope, archives(sender, head.to, head.toAgent) ? archiveId : '', offer)
}
