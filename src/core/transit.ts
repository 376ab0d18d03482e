// Carries what is neither message nor presence service between parties of the same protocol: XMPP IQ and directed presence, INVITE
// and in-dialog SIP, APEX data. Same access rules, same router.
import { type Envelope, type Outcome, refused } from '#model'
import { moved } from './messages/forward.ts'
import type { PeerShares } from './peers/peer-shares.ts'
import { mayReach } from './people/access.ts'
import type { Account } from './people/account.ts'
import type { Directory } from './people/directory.ts'
import type { Router } from './router.ts'

export class Transit {
  readonly #router: Router
  readonly #directory: Directory
  readonly #shares: PeerShares

  constructor(router: Router, directory: Directory, shares: PeerShares) {
    this.#router = router
    this.#directory = directory
    this.#shares = shares
  }

  /** Hands the envelope to the agent its head names. The sender's protocol decides what to do where none is named. */
  forward(envelope: Envelope, onOutcome: (outcome: Outcome) => void): void {
    const { head } = envelope
    if (head.hops <= 0) return onOutcome(refused('too-many-hops'))
    if (!this.#router.isLocal(head.to.domain)) return this.#afar(envelope, onOutcome)
    const account = this.#directory.resident(head.to)
    if (account !== undefined) return this.#toAgent(account, envelope, onOutcome)
    const kept = envelope.keep()
    this.#directory.find(head.to, (found) => {
      if (found === 'unknown') onOutcome(refused('target-unknown'))
      else if (found === 'fault') onOutcome(refused('internal-fault'))
      else this.#toAgent(found, kept, onOutcome)
    })
  }

  #afar(envelope: Envelope, onOutcome: (outcome: Outcome) => void): void {
    const { head } = envelope
    // Nobody's requests are carried from one foreign domain to another.
    if (!this.#router.isLocal(head.from.domain)) return onOutcome(refused('permission-denied'))
    const { domain } = head.to
    // Nobody keeps it, and an answer is waited for: its sender asks again.
    if (this.#shares.untilTo(domain) > 0) {
      this.#shares.beyond(domain, 'to', 'refused')
      return onOutcome(refused('rate-exceeded'))
    }
    this.#shares.sent(domain, envelope.raw.length)
    this.#router.findLink(head.to, head.protocol, (link) => {
      if (typeof link === 'string') onOutcome(refused(link))
      else if (link.protocol !== head.protocol) onOutcome(refused('operation-not-supported'))
      else link.send(envelope, onOutcome)
    })
  }

  #toAgent(account: Account, envelope: Envelope, onOutcome: (outcome: Outcome) => void): void {
    const { head } = envelope
    if (!mayReach(account, head.from, head.fromAgent)) return onOutcome(refused('permission-denied'))
    const agent = account.inbox.find(head.protocol, head.toAgent)
    if (agent?.forward === undefined)
      return onOutcome(moved(account, head.from) ?? refused('temporarily-unavailable'))
    agent.forward(envelope, onOutcome)
  }
}
