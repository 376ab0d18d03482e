// The presence service (RFC 3343 §4), a view of the core's: subscribe, watch, publish, terminate. The steps of each are in the RFC's order.

import type { Account } from '#core'
import type { Address, Condition } from '#model'
import { ForeignSubscriptions } from '#protocols/exchange'
import type { Element } from '#wire/xml'
import type { Attachment } from '../attachment.ts'
import { protocolName } from '../binding.ts'
import {
  type Data,
  type EndpointName,
  foreignPersonOf,
  isService,
  personOf,
  publishText,
  readEndpoint,
  readPresence,
  readServiceMessage,
  readTimestamp,
  replyText,
  type ServiceMessage,
  timestampText,
} from '../codec/index.ts'
import { partsOfStored } from '../domains/foreign-state.ts'
import { ForeignWatcher } from '../domains/foreign-watcher.ts'
import { codeOf, reasonOf } from '../errors.ts'
import type { ApexService, Relay, ServiceRequest } from '../relay.ts'
import { Entries } from './entries.ts'
import { type KeptOperation, KeptOperations } from './kept-operations.ts'
import { type Operation, Operations } from './operation.ts'
import { Subscription, type SubscriptionParts } from './subscription.ts'
import { WatcherFeed } from './watcher-feed.ts'

type Said<Kind extends ServiceMessage['kind']> = Extract<ServiceMessage, { readonly kind: Kind }>

export class PresenceService implements ApexService {
  readonly entries: Entries
  /** Of people of other domains. */
  readonly foreign: ForeignSubscriptions<ForeignWatcher>
  readonly #kept: KeptOperations
  readonly #relay: Relay
  readonly #operations = new Operations()

  constructor(relay: Relay) {
    this.#relay = relay
    this.entries = new Entries(relay)
    this.foreign = new ForeignSubscriptions({
      service: relay.service,
      protocol: protocolName,
      perDomainMax: relay.settings.domainSubscriptionsMax,
      revive: (stored) => {
        const parts = partsOfStored(stored)
        return this.#foreignBegun({ ...parts, relay, onOver: (over) => this.#operations.delete(over) })
      },
    })
    this.#kept = new KeptOperations(relay)
  }

  /**
   * Whether what one of our people tells the presence service of another domain is for us to answer: a person subscribes there once, for all
   * his devices (decision 0135). What has a subaddress is an application that speaks for itself.
   */
  isOursToAnswer({ originator: { identity } }: Data, element: Element | undefined): boolean {
    if (identity.subaddress !== '' || !this.#relay.isOurs(identity.domain)) return false
    if (element?.name === 'subscribe') return true
    const transId = Number(element?.attribute('transID'))
    return element?.name === 'terminate' && this.#operations.find(identity, transId) !== undefined
  }

  /** What was in progress before a restart goes on: each originator hears how things stand, once it is attached. */
  async restore(): Promise<void> {
    await this.#kept.restore((operation, seconds) => {
      if (operation.kind === 'subscribe') return this.#resume(operation, seconds)
      this.#relay.service.directory.find(operation.presentity, (found) => {
        if (typeof found === 'string') this.#kept.forget(operation)
        else this.#feed(operation, found, seconds)
      })
    })
    await this.foreign.restore()
  }

  #resume(operation: KeptOperation, seconds: number): void {
    const { watcher, presentity } = operation
    const subscription = new Subscription({
      ...operation,
      relay: this.#relay,
      onOver: (over) => this.#over(over),
    })
    this.#operations.add(subscription)
    this.#relay.service.presence.subscribe(
      { id: subscription.id, watcher, presentity, seconds, agent: subscription },
      (outcome) => {
        if (outcome.kind === 'refused') subscription.terminated(subscription.id, 'rejected')
      },
    )
  }

  #over(operation: Operation): void {
    this.#operations.delete(operation)
    if (this.#relay.isOurs(operation.originator.domain)) this.#kept.forget(operation)
  }

  #foreignBegun(parts: SubscriptionParts): ForeignWatcher {
    const begun = new ForeignWatcher(parts, this.foreign.onOver)
    this.#operations.add(begun)
    return begun
  }

  take(request: ServiceRequest): void {
    const message = readServiceMessage(request.element)
    switch (message.kind) {
      case 'subscribe':
        return this.#subscribe(request, message)
      case 'watch':
        return this.#watch(request, message)
      case 'publish':
        return this.#publish(request, message)
      case 'terminate':
        return this.#terminate(request, message.transId)
      case 'fault':
        return this.#reply(request, message.transId, 501, message.text)
      default:
        return this.#reply(request, message.transId, 501, `the service is not told <${message.kind}>`)
    }
  }

  /** An endpoint is there again: it hears what it missed, and its owner's entry is shown. */
  attached(attachment: Attachment): void {
    this.entries.restore(attachment.account)
    this.catchUp(attachment)
  }

  /** It takes data again. */
  catchUp({ endpoint }: Attachment): void {
    for (const operation of this.#operations.of(endpoint)) operation.catchUp()
  }

  /** §4.2. */
  #subscribe(request: ServiceRequest, { publisher, transId, duration }: Said<'subscribe'>): void {
    const { originator, domain } = request
    const subject = this.#subjectOf(request, publisher)
    if (typeof subject === 'number') return this.#reply(request, transId, subject)
    const watcher = this.#personOf(originator)
    if (watcher === undefined) return this.#reply(request, transId, 537)
    const older = this.#operations.about(originator, 'subscribe', subject.key)
    if (this.#isInUse(originator, transId, older?.transId)) return this.#reply(request, transId, 555)
    const { presence } = this.#relay.service
    if (duration === 0) {
      older?.end()
      return presence.fetch(watcher, subject, (fetched) => {
        if (fetched.kind === 'refused') return this.#refuse(request, transId, fetched.condition)
        const now = timestampText(this.#relay.service.clock.now())
        const shown = this.entries.shown(fetched.notification)
        this.#say(request, publishText(publisher, transId, now, shown))
      })
    }
    if (older === undefined && this.#isFull(originator)) return this.#reply(request, transId, 554)
    const parts: SubscriptionParts = {
      relay: this.#relay,
      originator,
      watcher,
      presentity: subject,
      publisher,
      domain,
      transId,
      onOver: (over) => this.#over(over),
    }
    const subscription = this.#renewed(older, transId) ?? this.#begun(parts)
    const seconds = Math.min(duration, this.#relay.settings.subscriptionSecondsMax)
    const begin = (): void => {
      // It was terminated meanwhile.
      if (this.#operations.find(originator, transId) !== subscription) return
      presence.subscribe(
        { id: subscription.id, watcher, presentity: subject, seconds, agent: subscription },
        (outcome) => {
          if (outcome.kind === 'refused') {
            subscription.refused()
            return this.#refuse(request, transId, outcome.condition)
          }
          // Step 4: "silently terminated", once this one may be.
          if (older !== undefined && older.transId !== transId) older.end()
          if (subscription instanceof ForeignWatcher)
            subscription.keptBy(this.foreign.keep(subscription, outcome.seconds))
          // It waits for the presentity's word: until then nothing is to be seen.
          if (outcome.kind === 'pending') subscription.tell(this.entries.absent(subject))
        },
      )
    }
    if (subscription instanceof ForeignWatcher) return begin()
    // What its publish says is to hold over a restart.
    this.#kept.keep({ kind: 'subscribe', ...parts }, seconds).then(begin, (error: unknown) => {
      this.#relay.service.log.error('a subscription could not be stored', { error })
      subscription.refused()
      this.#refuse(request, transId, 'internal-fault')
    })
  }

  /** The same once more, with another duration. */
  #renewed(older: Operation | undefined, transId: number): Subscription | ForeignWatcher | undefined {
    const isKind = older instanceof Subscription || older instanceof ForeignWatcher
    return isKind && older.transId === transId ? older : undefined
  }

  #begun(parts: SubscriptionParts): Subscription | ForeignWatcher {
    if (!this.#relay.isOurs(parts.originator.domain)) return this.foreign.add(this.#foreignBegun(parts))
    const begun = new Subscription(parts)
    this.#operations.add(begun)
    return begun
  }

  /** §4.3. Nobody but the presentity learns who watches. */
  #watch(request: ServiceRequest, { publisher, transId, duration }: Said<'watch'>): void {
    const { originator, domain } = request
    this.#asOwner(request, transId, publisher, (account) => {
      const older = this.#operations.about(originator, 'watch', account.address.key)
      older?.end()
      if (this.#isInUse(originator, transId)) return this.#reply(request, transId, 555)
      if (this.#isFull(originator)) return this.#reply(request, transId, 554)
      const seconds = Math.min(duration, this.#relay.settings.subscriptionSecondsMax)
      const { address } = account
      const kind = 'watch'
      const operation = {
        kind,
        originator,
        transId,
        watcher: address,
        presentity: address,
        publisher,
        domain,
      } as const
      const begin = (): void => {
        if (this.#isInUse(originator, transId)) return this.#reply(request, transId, 555)
        this.#reply(request, transId, 250)
        this.#feed(operation, account, seconds)
      }
      if (seconds === 0 || !this.#relay.isOurs(originator.domain)) return begin()
      this.#kept.keep(operation, seconds).then(begin, (error: unknown) => {
        this.#relay.service.log.error('a watch operation could not be stored', { error })
        this.#refuse(request, transId, 'internal-fault')
      })
    })
  }

  #feed({ originator, transId, domain }: KeptOperation, account: Account, seconds: number): void {
    const feed: WatcherFeed = new WatcherFeed({
      relay: this.#relay,
      originator,
      account,
      domain,
      transId,
      seconds,
      onOver: (over) => this.#over(over),
    })
    if (seconds > 0) this.#operations.add(feed)
  }

  /** §4.4. */
  #publish(request: ServiceRequest, { publisher, transId, presence }: Said<'publish'>): void {
    const entry = readPresence(presence)
    if (entry === undefined) return this.#reply(request, transId, 501, "<presence> can't be read")
    if (entry.publisher !== publisher)
      return this.#reply(request, transId, 503, 'the publishers are not the same')
    this.#asOwner(request, transId, publisher, (account) => {
      const { address } = account
      // Step 5, against what the owner could read last; who has not read it can't have its time.
      this.#relay.service.presence.fetch(address, address, (fetched) => {
        if (fetched.kind === 'refused') return this.#refuse(request, transId, fetched.condition)
        this.entries.shown(fetched.notification)
        if (readTimestamp(entry.lastUpdate) !== this.entries.lastUpdateOf(address))
          return this.#reply(request, transId, 555, 'the entry was updated since')
        this.entries.publish(account, entry, (outcome) => {
          if (outcome.kind === 'refused') this.#refuse(request, transId, outcome.condition)
          else this.#reply(request, transId, 250)
        })
      })
    })
  }

  /** §4.5. */
  #terminate(request: ServiceRequest, transId: number): void {
    const operation = this.#operations.find(request.originator, transId)
    if (operation === undefined) return this.#reply(request, transId, 550)
    operation.end()
    this.#reply(request, transId, 250)
  }

  /** Steps 1 and 2 as far as a name tells; whether there is such a person the core knows. */
  #subjectOf({ domain }: ServiceRequest, publisher: string): Address | number {
    const endpoint = readEndpoint(publisher)
    if (endpoint === undefined) return 550
    if (endpoint.domain !== domain && !(this.#relay.isOurs(domain) && this.#relay.isOurs(endpoint.domain)))
      return 553
    if (isService(endpoint) || endpoint.subaddress !== '') return 550
    return this.#personOf(endpoint) ?? 550
  }

  /** Steps 1 to 3 of what only the owner may; `use` where it is. */
  #asOwner(
    request: ServiceRequest,
    transId: number,
    publisher: string,
    use: (account: Account) => void,
  ): void {
    const subject = this.#subjectOf(request, publisher)
    if (typeof subject === 'number') return this.#reply(request, transId, subject)
    if (!this.#relay.isOurs(subject.domain)) return this.#reply(request, transId, 537)
    this.#relay.service.directory.find(subject, (found) => {
      if (found === 'fault') return this.#refuse(request, transId, 'internal-fault')
      if (found === 'unknown') return this.#reply(request, transId, 550)
      const by = this.#personOf(request.originator)
      const isOwner = [found.address, ...found.record.aliases].some(({ key }) => key === by?.key)
      if (!isOwner) return this.#reply(request, transId, 537)
      use(found)
    })
  }

  #personOf(endpoint: EndpointName): Address | undefined {
    return this.#relay.isOurs(endpoint.domain) ? personOf(endpoint) : foreignPersonOf(endpoint)
  }

  #isInUse(originator: EndpointName, transId: number, replaced?: number): boolean {
    return transId !== replaced && this.#operations.find(originator, transId) !== undefined
  }

  #isFull(originator: EndpointName): boolean {
    if (!this.#relay.isOurs(originator.domain) && this.foreign.isFullFor(originator.domain)) return true
    return this.#operations.of(originator).length >= this.#relay.settings.subscriptionsMax
  }

  #refuse(request: ServiceRequest, transId: number, condition: Condition): void {
    this.#reply(request, transId, codeOf[condition], reasonOf[condition])
  }

  #reply(request: ServiceRequest, transId: number | undefined, code: number, text?: string): void {
    this.#say(request, replyText(code, transId, text))
  }

  #say({ originator, domain }: ServiceRequest, inline: string): void {
    this.#relay.post({ service: 'presence', domain, to: originator, inline })
  }
}
