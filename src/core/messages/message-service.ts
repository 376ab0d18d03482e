// The message service (RFC 3860): a message is delivered, stored, relayed or refused, and its sender told which. Delivery does
// not wait for the disk; the outcome does.
import { orderedId } from '#base'
import {
  type Condition,
  delivered,
  type Envelope,
  type Head,
  type Outcome,
  type Refused,
  type Report,
  refused,
  relayed,
  stored,
} from '#model'
import type { DeliveryContext, InboxAgent } from '../agents.ts'
import type { Account, Told } from '../people/account.ts'
import { ScriptedMessages } from '../scripts/scripted-messages.ts'
import { ServiceError } from '../service-error.ts'
import { archives } from './archiving.ts'
import { custodianOf } from './custodian.ts'
import type { Custody, Keeper } from './custody.ts'
import { messageRefusal } from './forward.ts'
import { HandOver } from './hand-over.ts'
import { HistoryWriter } from './history-writer.ts'
import { Lanes } from './lanes.ts'
import type { MessageParts } from './message-parts.ts'
import { type Offer, offersOf, type Verdict } from './offer.ts'
import { reportEnvelope } from './report-envelope.ts'
import { copyToSender } from './sent-copies.ts'

type OnOutcome = (outcome: Outcome) => void

const noAgents: readonly InboxAgent[] = []

interface Waiting {
  readonly envelope: Envelope
  readonly onOutcome: OnOutcome
  readonly custody: Custody | undefined
}

export class MessageService {
  readonly #parts: MessageParts
  readonly #lanes = new Lanes<Waiting>()
  readonly #offer: Offer
  readonly #history: HistoryWriter
  readonly #handOver: HandOver
  readonly #keep: Keeper
  readonly #scripted: ScriptedMessages

  constructor(parts: MessageParts) {
    this.#parts = parts
    this.#offer = offersOf(parts.fault, parts.translations)
    this.#history = new HistoryWriter(parts)
    this.#handOver = new HandOver({
      ...parts,
      offer: this.#offer,
      deliver: (account, { envelope, told }) => this.#deliver(account, envelope, told),
      report: (report, about) => this.report(report, about),
    })
    const keepHere = custodianOf({
      ...parts,
      append: (account, envelope, id, done) => this.#history.appendUnderWay(account, envelope, id, done),
      release: (account, id, head) => this.#handOver.settle(account, id, head, { kind: 'accepted' }),
    })
    this.#keep = (custody, envelope) =>
      parts.router.isLocal(envelope.head.to.domain)
        ? keepHere(custody, envelope)
        : parts.outgoing.keep(custody, envelope)
    this.#scripted = new ScriptedMessages({
      ...parts,
      deliver: (account, envelope, wish, onOutcome) =>
        this.#inTurn(account, envelope, { ...alone(onOutcome), wish }),
      send: (envelope, onOutcome) => this.send(envelope, onOutcome),
      goOn: (envelope, onOutcome) => this.#locate(envelope, alone(onOutcome)),
      keepSent: (envelope) => parts.outgoing.keepSent(envelope, this.#offer),
    })
  }

  /**
   * Takes a message. `onOutcome` is called once: in the same tick when everything needed is in memory; after the disk when
   * the outcome promises durability. The envelope's octets may be a loan; what leaves the tick keeps them.
   * @param custody by which who sends has it kept while its outcome is not known
   */
  send(envelope: Envelope, onOutcome: OnOutcome, custody?: Custody): void {
    const told = custody === undefined ? onOutcome : custody.telling(onOutcome)
    // Its sender did not hear that it was kept: it hears so now.
    if (this.#parts.earlier.hasTaken(envelope.head)) return told(stored)
    const lane = this.#lanes.behind(envelope.head)
    if (lane === undefined) this.#carry(envelope, told, custody)
    else if (!lane.push({ envelope: envelope.keep(), onOutcome: told, custody }))
      told(this.#refuse('rate-exceeded'))
    custody?.begin(envelope, this.#keep)
  }

  /** Tells a sender what became known of its message after it was answered (never of a report: then without an outcome). */
  report(report: Report, about: Head, onOutcome: (outcome?: Outcome) => void = () => {}): void {
    if (about.kind === 'report') return onOutcome()
    const told =
      about.failureAsked === true && report.event === 'failed' ? { ...report, asked: true } : report
    const sent = this.#parts.router.isLocal(about.from.domain) ? told : { ...told, protocol: about.protocol }
    const envelope = reportEnvelope(sent, { address: about.from, agent: about.fromAgent }, about.to)
    this.#parts.metrics.reports.add()
    this.send(envelope, onOutcome)
  }

  /** Signs a device in to its owner's inbox. What waits for the owner is handed over once it is `ready`. */
  attach(agent: InboxAgent, onAttached: (attached: Account | Refused) => void): void {
    this.#parts.directory.find(agent.owner, (found) => {
      if (found === 'unknown') return onAttached(refused('target-unknown'))
      if (found === 'fault') return onAttached(refused('internal-fault'))
      onAttached(found.inbox.attach(agent) ? found : refused('resource-limit'))
    })
  }

  /** The same where the account is at hand, in this tick; false when its inbox has too many. */
  attachTo(account: Account, agent: InboxAgent): boolean {
    return account.inbox.attach(agent)
  }

  /** The agent can take messages (now, or again): hands over what waits. */
  ready(account: Account): void {
    if (account.inbox.agents.some((agent) => agent.capabilities.messages)) this.#handOver.begin(account)
  }

  detach(account: Account, agent: InboxAgent): void {
    account.inbox.detach(agent)
  }

  /** True when the order of what follows is settled within the tick. */
  #carry(envelope: Envelope, onOutcome: OnOutcome, custody: Custody | undefined): boolean {
    let inTick = true
    let ordered = false
    let key = ''
    const onOrdered = (): void => {
      if (ordered) return
      ordered = true
      if (!inTick) this.#release(key)
    }
    this.#route(envelope, { onOutcome, onOrdered, custody })
    inTick = false
    if (ordered) return true
    key = Lanes.key(envelope.head)
    this.#lanes.open(key)
    return false
  }

  #release(key: string): void {
    for (let next = this.#lanes.next(key); next !== undefined; next = this.#lanes.next(key)) {
      if (!this.#carry(next.envelope, next.onOutcome, next.custody)) return
    }
  }

  #route(envelope: Envelope, told: Told): void {
    const { head } = envelope
    if (head.hops <= 0) return settling(told)(this.#refuse('too-many-hops'))
    const { hasOutgoingScripts } = this.#parts.directory
    if (hasOutgoingScripts && head.divertedFrom === undefined && head.kind === 'message') {
      const sender = this.#parts.directory.resident(head.from)
      if (sender?.script !== undefined && this.#scripted.outgoing(sender, envelope, settling(told))) return
    }
    this.#locate(envelope, told)
  }

  #locate(envelope: Envelope, told: Told): void {
    const { head } = envelope
    const settle = settling(told)
    if (!this.#parts.router.isLocal(head.to.domain)) return this.#depart(envelope, settle, told)
    const account = this.#parts.directory.resident(head.to)
    if (account !== undefined) return this.#accept(account, envelope, told)
    const kept = envelope.keep()
    this.#parts.directory.find(head.to, (found) => {
      if (found === 'unknown') settle(this.#refuse('target-unknown'))
      else if (found === 'fault') settle(this.#refuse('internal-fault'))
      else this.#accept(found, kept, told)
    })
  }

  /** To another domain. Until its word is known, later ones of the same two people wait in their lane, where its link keeps no order. */
  #depart(envelope: Envelope, settle: OnOutcome, { onOrdered, custody }: Told): void {
    const onOutcome = (outcome: Outcome): void => {
      if (outcome.kind === 'refused') this.#parts.metrics.refused.with(outcome.condition).add()
      settle(outcome)
    }
    this.#parts.outgoing.send(envelope, this.#offer, conditionOf, onOutcome, onOrdered, custody)
  }

  #accept(account: Account, envelope: Envelope, told: Told): void {
    const { head } = envelope
    const refusal = head.kind === 'message' ? messageRefusal(account, head.from, head.fromAgent) : undefined
    if (refusal !== undefined) {
      this.#parts.metrics.refused.with(refusal.condition).add()
      return settling(told)(refusal)
    }
    // The step of scripts (RFC 3880): behind the rules, before the choice of devices.
    const isScripted = account.script !== undefined && head.kind === 'message'
    if (isScripted && this.#scripted.incoming(account, envelope, settling(told))) return
    this.#inTurn(account, envelope, told)
  }

  #inTurn(account: Account, envelope: Envelope, told: Told): void {
    if (account.flushing === undefined) return this.#deliver(account, envelope, told)
    // It is in order once it was offered, not once it waits: later ones of the same two parties stay in their lane.
    if (account.flushing.push({ envelope: envelope.keep(), told })) return
    told.onOutcome(this.#refuse('rate-exceeded'))
    told.onOrdered()
  }

  #deliver(account: Account, envelope: Envelope, told: Told): void {
    const { head } = envelope
    const { onOutcome, onOrdered, custody, wish } = told
    const agents = wish?.among ?? account.inbox.choose(head)
    if (agents === 'gone') {
      onOutcome(head.whenAgentGone === 'drop' ? this.#drop() : this.#refuse('temporarily-unavailable'))
      return onOrdered()
    }
    const archiveId = this.#history.mayArchive(head) ? custody?.archiveId || orderedId(this.#parts.now()) : ''
    if (custody !== undefined && archiveId !== '') custody.archiveId = archiveId
    if (agents.length === 0 && wish?.mayStore === false)
      return settling(told)(refused('temporarily-unavailable'))
    if (agents.length === 0) return this.#absent(account, envelope, archiveId, undefined, noAgents, told)
    const ownId = archives(account, head.from, head.fromAgent) ? archiveId : ''
    const context: DeliveryContext = { copy: 'received', archiveId: ownId, storedAt: undefined }
    // An agent may sign out while it is offered something: the list must not shift below us.
    const offered = [...agents]
    let kept: Envelope = envelope
    // What becomes of it is told when all were offered it: what the sender does then must not overtake it at the others.
    let offering = true
    let verdict: Verdict | undefined
    let heldId = ''
    const judged = (): void => {
      if (verdict === undefined || custody?.waits(judged) === true) return
      custody?.decide()
      if (verdict.kind === 'accepted') this.#delivered(account, kept, archiveId, told)
      else if (verdict.kind === 'held') heldId = this.#held(account, kept, archiveId, told)
      else if (verdict.kind === 'refused') {
        this.#parts.metrics.refused.with(verdict.reason.condition).add()
        onOutcome(verdict.reason)
      } else if (wish?.mayStore === false) onOutcome(verdict.reason)
      else return this.#absent(account, kept, archiveId, verdict.reason, offered, told)
      onOrdered()
    }
    this.#offer(offered, envelope, context, (reached) => {
      if (verdict !== undefined) {
        const again = (): void => this.#settle(account, head, heldId, reached)
        if (custody?.waits(again) !== true) again()
        return
      }
      verdict = reached
      if (offering) return
      account.underWay--
      judged()
    })
    offering = false
    if (verdict !== undefined) return judged()
    account.underWay++
    kept = envelope.keep()
    if (offered.every((agent) => agent.keepsOrder)) onOrdered()
  }

  #delivered(account: Account, envelope: Envelope, archiveId: string, { onOutcome, custody }: Told): void {
    this.#parts.metrics.delivered.add()
    if (envelope.head.copyable) this.#copyToSender(account, envelope, archiveId)
    if (archiveId === '' || custody?.row !== undefined) return onOutcome(delivered)
    this.#history.append(account, envelope, archiveId, false, (fault) =>
      onOutcome(fault === undefined ? delivered : this.#unstored(fault)),
    )
  }

  /**
   * An agent has it for a device that has yet to acknowledge it: what would be stored were nobody there is stored as undelivered, so that
   * it survives us. Answers the entry's id; empty when there is none.
   */
  #held(account: Account, envelope: Envelope, archiveId: string, told: Told): string {
    const { head } = envelope
    const { onOutcome, custody } = told
    const row = custody?.row
    if (head.whenAbsent !== 'store' || row !== undefined) {
      custody?.adopt()
      this.#delivered(account, envelope, archiveId, told)
      return row?.entryId ?? ''
    }
    const id = archiveId === '' ? orderedId(this.#parts.now()) : archiveId
    this.#parts.metrics.delivered.add()
    account.held.add(id)
    account.undelivered++
    this.#history.append(account, envelope, id, true, (fault) => {
      if (fault !== undefined) {
        account.held.delete(id)
        account.undelivered = Math.max(0, account.undelivered - 1)
      }
      onOutcome(fault === undefined ? delivered : this.#unstored(fault))
    })
    if (head.copyable) this.#copyToSender(account, envelope, archiveId)
    return id
  }

  /** The second word about what was held. Who was told `delivered` and wants no store hears of its loss. */
  #settle(account: Account, head: Head, id: string, verdict: Verdict): void {
    if (id !== '') return this.#handOver.settle(account, id, head, verdict)
    if (verdict.kind === 'accepted' || verdict.kind === 'held') return
    if (head.whenAbsent === 'drop') this.#parts.metrics.dropped.add()
    else this.report({ about: head.id, event: 'failed', condition: verdict.reason.condition }, head)
  }

  /** Nobody can take it now: it is stored, dropped or refused, as its sender's protocol wants (RFC 6121 §8.5.2.2). */
  #absent(
    account: Account,
    envelope: Envelope,
    archiveId: string,
    reason: Refused | undefined,
    offered: readonly InboxAgent[],
    told: Told,
  ): void {
    const { head } = envelope
    const { onOutcome, onOrdered, custody } = told
    if (custody !== undefined) {
      const again = (): void => this.#absent(account, envelope, archiveId, reason, offered, told)
      if (custody.waits(again)) return
      custody.decide()
    }
    if (head.whenAbsent !== 'store') {
      onOutcome(
        head.whenAbsent === 'drop' ? this.#drop() : (reason ?? this.#refuse('temporarily-unavailable')),
      )
      return onOrdered()
    }
    const row = custody?.row
    if (row === undefined && account.undelivered >= this.#parts.policy.undeliveredMax) {
      onOutcome(this.#refuse('mailbox-full'))
      return onOrdered()
    }
    if (row === undefined) this.#storeAbsent(account, envelope, archiveId, onOutcome)
    else {
      // It waits from here on, for whoever is there.
      account.held.delete(row.entryId)
      custody?.adopt()
      this.#parts.metrics.stored.add()
      onOutcome(stored)
    }
    if (head.copyable) this.#copyToSender(account, envelope, archiveId)
    // Who signed in while the others were thinking has not been offered it; later ones wait until they are.
    if (this.#hasNewcomer(account, offered)) this.#handOver.begin(account)
    onOrdered()
  }

  #storeAbsent(account: Account, envelope: Envelope, archiveId: string, onOutcome: OnOutcome): void {
    account.undelivered++
    const id = archiveId === '' ? orderedId(this.#parts.now()) : archiveId
    this.#history.append(account, envelope, id, true, (fault) => {
      if (fault === undefined) this.#parts.metrics.stored.add()
      else account.undelivered = Math.max(0, account.undelivered - 1)
      onOutcome(fault === undefined ? stored : this.#unstored(fault))
    })
  }

  #hasNewcomer(account: Account, offered: readonly InboxAgent[]): boolean {
    if (offered === noAgents) return false
    return account.inbox.agents.some((agent) => agent.capabilities.messages && !offered.includes(agent))
  }

  /** Offers the message to the sender's other agents as their own sent one (DESIGN: sent copies; XEP-0280 §5). */
  #copyToSender(account: Account, envelope: Envelope, archiveId: string): void {
    copyToSender(this.#parts.directory, account, envelope, archiveId, this.#offer)
  }

  /** The store could not keep it: its sender must not believe that it did. */
  #unstored(fault: Error): Refused {
    return this.#refuse(conditionOf(fault))
  }

  #refuse(condition: Refused['condition']): Refused {
    this.#parts.metrics.refused.with(condition).add()
    return refused(condition)
  }

  /** Silently ignored, as the sender's protocol wants it: nobody is told, the metric is. */
  #drop(): Outcome {
    this.#parts.metrics.dropped.add()
    return relayed
  }
}

/** The outcome is all that is waited for. */
function settling({ onOutcome, onOrdered }: Told): OnOutcome {
  return (outcome) => {
    onOutcome(outcome)
    onOrdered()
  }
}

/** For whom no order matters but its own. */
function alone(onOutcome: OnOutcome): Told {
  return { onOutcome, onOrdered: () => {}, custody: undefined }
}

function conditionOf(fault: Error): Condition {
  return fault instanceof ServiceError ? fault.condition : 'internal-fault'
}
