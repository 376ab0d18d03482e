// The step of the message spine at which scripts are asked (RFC 3880), and what becomes of a message that they want sent on, back or away. A
// message is never lost by a script: it is somebody's, or its sender is told.
import {
  addressOfUri,
  type Envelope,
  type Head,
  type Outcome,
  oneHopLess,
  type ProxyResult,
  type Refused,
  refused,
  type ScriptLocation,
} from '#model'
import type { InboxAgent } from '../agents.ts'
import { readdressed } from '../messages/core-message.ts'
import type { MessageMetrics } from '../messages/message-metrics.ts'
import type { Account } from '../people/account.ts'
import type { Router } from '../router.ts'
import { factsOfMessage } from './facts.ts'
import { bestOf, isTaken, redirection, rejection, resultOf } from './results.ts'
import type { Decision, Proxying, ScriptRun } from './run.ts'
import { diversionsMax, locationsOf, type Scripts } from './scripts.ts'

type OnOutcome = (outcome: Outcome) => void

/** How a message is given to its own recipient's devices by a script's wish. */
export interface DeliveryWish {
  /** Undefined: to those to whom it would go without a script. */
  readonly among: readonly InboxAgent[] | undefined
  /** False: the script has something else to do where no device takes it. */
  readonly mayStore: boolean
}

export interface ScriptedMessageParts {
  readonly scripts: Scripts
  readonly router: Router
  readonly deliver: (account: Account, envelope: Envelope, wish: DeliveryWish, onOutcome: OnOutcome) => void
  readonly send: (envelope: Envelope, onOutcome: OnOutcome) => void
  /** To where it was going, without asking its sender's script again. */
  readonly goOn: (envelope: Envelope, onOutcome: OnOutcome) => void
  /** Shows its sender's other devices, and keeps in the sender's history, what was sent on. */
  readonly keepSent: (envelope: Envelope) => void
  readonly metrics: MessageMetrics
}

/** LIMIT: places that redirections add to one message. */
const redirectionsMax = 5

export class ScriptedMessages {
  readonly #parts: ScriptedMessageParts

  constructor(parts: ScriptedMessageParts) {
    this.#parts = parts
  }

  /** What comes for the account's owner; false where it is delivered as without a script. */
  incoming(account: Account, envelope: Envelope, onOutcome: OnOutcome): boolean {
    const { head } = envelope
    // XEP-0191 §5 has it so for rules: nothing stands between a person's own devices.
    if (head.from.key === account.address.key || isAmong(account, head)) return false
    return this.#ask('incoming', account, envelope, onOutcome)
  }

  /** What the account's owner sends; false where it goes on as without a script. */
  outgoing(account: Account, envelope: Envelope, onOutcome: OnOutcome): boolean {
    if (envelope.head.to.key === account.address.key) return false
    return this.#ask('outgoing', account, envelope, onOutcome)
  }

  #ask(side: 'incoming' | 'outgoing', account: Account, envelope: Envelope, onOutcome: OnOutcome): boolean {
    const scripted = this.#parts.scripts.ask(account, {
      kind: 'message',
      side,
      facts: factsOfMessage(envelope),
      canProxy: (uri) => this.#canProxy(envelope.head, uri),
      registrations: () => locationsOf(account.inbox.agents),
      isHint: envelope.head.whenAbsent === 'drop',
    })
    if (scripted === undefined) return false
    account.underWay++
    new Journey(this.#parts, side, account, envelope.keep(), scripted.run, (outcome) => {
      account.underWay--
      onOutcome(outcome)
    }).decided(scripted.decision)
    return true
  }

  /** Nobody's messages are carried from one foreign domain to another. */
  #canProxy({ from, divertedFrom }: Head, uri: string): boolean {
    const address = addressOfUri(uri)
    if (address === undefined || address.user === '') return false
    if ((divertedFrom?.length ?? 0) >= diversionsMax) return false
    const { router } = this.#parts
    return router.isLocal(address.domain) || router.isLocal(from.domain)
  }
}

/** Whether the account's script has sent it on already. */
function isAmong({ record }: Account, { divertedFrom }: Head): boolean {
  if (divertedFrom === undefined) return false
  return [record.address, ...record.aliases].some(({ key }) => divertedFrom.some((one) => one.key === key))
}

/** One message that is being sent on. */
class Journey {
  readonly #parts: ScriptedMessageParts
  readonly #side: 'incoming' | 'outgoing'
  readonly #account: Account
  readonly #envelope: Envelope
  readonly #run: ScriptRun
  readonly #onOutcome: OnOutcome
  readonly #refusals: Refused[] = []
  #redirections = 0
  /** Whether it was given to somebody other than it was for: then its sender's devices are shown it here. */
  #isDiverted = false

  constructor(
    parts: ScriptedMessageParts,
    side: 'incoming' | 'outgoing',
    account: Account,
    envelope: Envelope,
    run: ScriptRun,
    onOutcome: OnOutcome,
  ) {
    this.#parts = parts
    this.#side = side
    this.#account = account
    this.#envelope = envelope
    this.#run = run
    this.#onOutcome = onOutcome
  }

  decided(decision: Decision): void {
    switch (decision.kind) {
      case 'reject':
        return this.#refuse(rejection(decision.status, decision.reason))
      case 'redirect':
        return this.#refuse(redirection(decision.locations, decision.permanent))
      case 'proxy':
        return this.#try(decision.proxy, this.#groupsOf(decision.proxy), [])
      default:
        return this.#onOutcome(bestOf(this.#refusals) ?? refused('temporarily-unavailable'))
    }
  }

  #refuse(refusal: Refused): void {
    this.#parts.metrics.refused.with(refusal.condition).add()
    this.#onOutcome(refusal)
  }

  /** Those that are tried together; devices of one inbox are one place. */
  #groupsOf({ locations, ordering }: Proxying): (readonly ScriptLocation[])[] {
    return ordering === 'parallel' ? [locations] : locations.map((one) => [one])
  }

  #try(proxy: Proxying, groups: (readonly ScriptLocation[])[], refusals: readonly Refused[]): void {
    const [group, ...later] = groups
    if (group === undefined) return this.#failed(proxy, refusals)
    this.#sendTo(group, proxy, (outcome) => {
      if (isTaken(outcome)) return this.#taken(outcome)
      const told = outcome.location
      if (told !== undefined && proxy.recurse && this.#mayFollow(told))
        return this.#try(proxy, [[{ uri: told, priority: 1 }], ...later], refusals)
      this.#try(proxy, later, [...refusals, outcome])
    })
  }

  #mayFollow(uri: string): boolean {
    const address = addressOfUri(uri)
    if (address === undefined || this.#redirections >= redirectionsMax) return false
    this.#redirections++
    const { router } = this.#parts
    return router.isLocal(address.domain) || router.isLocal(this.#envelope.head.from.domain)
  }

  #taken(outcome: Outcome): void {
    if (this.#isDiverted) this.#parts.keepSent(this.#envelope)
    this.#onOutcome(outcome)
  }

  #failed({ recurse }: Proxying, refusals: readonly Refused[]): void {
    this.#refusals.push(...refusals)
    const best = bestOf(refusals)
    const found = best === undefined ? 'failure' : resultOf(best)
    // "if the value of "recurse" is "yes", the "redirection" output to the script is never taken."
    const result: ProxyResult = found === 'redirection' && recurse ? 'failure' : found
    const added =
      best?.locations ?? (best?.location === undefined ? [] : [{ uri: best.location, priority: 1 }])
    this.decided(this.#run.proxied(result, added))
  }

  /** To all of them at once: the first that takes it answers; when none does, the best of their refusals. */
  #sendTo(group: readonly ScriptLocation[], proxy: Proxying, onOutcome: OnOutcome): void {
    const mayStore = !proxy.continuesAfter('failure')
    const { own, devices, others } = this.#sorted(group)
    const refusals: Refused[] = []
    const isOwn = own || devices.length > 0
    let waiting = others.length + (isOwn ? 1 : 0)
    let isOver = false
    const answered = (outcome: Outcome): void => {
      waiting--
      if (isOver) return
      if (!isTaken(outcome)) refusals.push(outcome)
      if (!isTaken(outcome) && waiting > 0) return
      isOver = true
      onOutcome(isTaken(outcome) ? outcome : (bestOf(refusals) as Refused))
    }
    this.#isDiverted = !isOwn
    if (isOwn) this.#toOwn(own ? undefined : devices, mayStore, answered)
    for (const location of others) this.#toOther(location, mayStore, answered)
  }

  /** Of the message's own recipient: all devices or some; and other people. */
  #sorted(group: readonly ScriptLocation[]) {
    const { head } = this.#envelope
    const { record, inbox } = this.#account
    const names = this.#side === 'incoming' ? [record.address, ...record.aliases] : [head.to]
    const isOwn = (uri: string): boolean => names.some(({ key }) => key === addressOfUri(uri)?.key)
    const devices: InboxAgent[] = []
    const others: ScriptLocation[] = []
    let own = false
    for (const location of group) {
      const { device, uri } = location
      const agent = device === undefined ? undefined : inbox.find(device.protocol, device.id)
      if (agent !== undefined) devices.push(agent)
      else if (device === undefined && !isOwn(uri)) others.push(location)
      else own = true
    }
    return { own, devices, others }
  }

  #toOwn(among: readonly InboxAgent[] | undefined, mayStore: boolean, onOutcome: OnOutcome): void {
    if (this.#side === 'outgoing' && among === undefined) this.#parts.goOn(this.#envelope, onOutcome)
    else this.#parts.deliver(this.#account, this.#envelope, { among, mayStore }, onOutcome)
  }

  #toOther({ uri }: ScriptLocation, mayStore: boolean, onOutcome: OnOutcome): void {
    const to = addressOfUri(uri)
    const { head } = this.#envelope
    if (to === undefined) return onOutcome(refused('address-malformed'))
    const sentOn: Head = {
      ...oneHopLess(head),
      to,
      toAgent: '',
      whenAgentGone: 'inbox',
      whenAbsent: mayStore || head.whenAbsent !== 'store' ? head.whenAbsent : 'refuse',
      divertedFrom: [
        ...(head.divertedFrom ?? []),
        this.#side === 'incoming' ? this.#account.address : head.to,
      ],
    }
    this.#parts.send(readdressed(this.#envelope, sentOn), onOutcome)
  }
}
