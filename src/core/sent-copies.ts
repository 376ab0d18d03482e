// A message to its sender's other agents, as their own sent one (XEP-0280 §5).
import type { Envelope } from '#model'
import type { Account } from './account.ts'
import type { DeliveryContext } from './agents.ts'
import type { Offer } from './offer.ts'

export function offerSentCopies(sender: Account, envelope: Envelope, archiveId: string, offer: Offer): void {
  const { head } = envelope
  const context: DeliveryContext = { copy: 'sent', archiveId, storedAt: undefined }
  for (const agent of [...sender.inbox.agents]) {
    if (agent.id === head.fromAgent || !agent.capabilities.sentCopies) continue
    offer([agent], envelope, context, () => {})
  }
}
