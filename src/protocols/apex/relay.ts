// The relay of our domains (RFC 3340 §1.2): who is attached, the services behind their well-known endpoints (§6), and what these send.

import { randomBelow } from '#base'
import type { Service } from '#core'
import { type Condition, delivered, type Outcome, refused, stored } from '#model'
import type { OutgoingEntity } from '#protocols/beep'
import type { Element } from '#wire/xml'
import type { Attachment } from './attachment.ts'
import { codeOfOutcome, protocolName, reasonOfOutcome } from './binding.ts'
import {
  dataDocument,
  type EndpointName,
  entityOf,
  serviceEndpoint,
  statusResponseText,
  uniqueIdMax,
  xmlPayload,
} from './codec/index.ts'
import { Endpoints } from './endpoints.ts'
import { ApexEnvelope, type ReadData } from './envelope.ts'
import { type ApexMetrics, apexMetrics } from './metrics.ts'
import { wishesOf } from './option-rules.ts'
import { AccessService } from './services/access.ts'
import { KeptPromises } from './services/kept-promises.ts'
import { KeptReports } from './services/kept-reports.ts'
import { KeptTimes } from './services/kept-times.ts'
import { PresenceService } from './services/presence.ts'
import type { ApexSettings } from './settings.ts'
import { AskedStatus, Holdings, Tracking } from './tracking.ts'

/** What a service is told. */
export interface ServiceRequest {
  readonly originator: EndpointName
  /** The service's own domain: one of ours. */
  readonly domain: string
  readonly element: Element
}

export interface ApexService {
  take(request: ServiceRequest): void
}

/** What a service says. */
export interface Post {
  readonly service: 'report' | 'access' | 'presence'
  readonly domain: string
  readonly to: EndpointName
  /** The element for data-content. */
  readonly inline: string
  readonly options?: string
  /** Whether it waits for one of ours who is not attached. */
  readonly keeps?: boolean
}

/** How data gets to endpoints of other domains. */
export interface Mesh {
  /** The option by which another relay knows data that it has taken before. */
  freshMark(): string
  post(document: string, to: EndpointName, from: string, onOutcome?: (outcome: Outcome) => void): void
  /** Has `run` called once when the domain is heard of; answers with how to forget it. */
  whenHeardOf(ours: string, domain: string, run: () => void): () => void
  /** Whether the domain has relays. */
  carries(domain: string): Promise<boolean>
  /** Data for somebody there, on behalf of a domain of ours. */
  pass(entity: OutgoingEntity, ours: string, domain: string, onOutcome: (outcome: Outcome) => void): void
}

export class Relay {
  readonly service: Service
  readonly settings: ApexSettings
  readonly metrics: ApexMetrics
  readonly endpoints = new Endpoints()
  readonly reports: KeptReports
  readonly promises: KeptPromises
  readonly holdings: Holdings
  readonly asked = new AskedStatus()
  readonly presence: PresenceService
  readonly access: AccessService
  mesh: Mesh | undefined

  constructor(service: Service, settings: ApexSettings) {
    this.service = service
    this.settings = settings
    this.metrics = apexMetrics(service.metrics)
    this.reports = new KeptReports(this)
    this.promises = new KeptPromises(this)
    this.holdings = new Holdings(new KeptTimes(this))
    this.presence = new PresenceService(this)
    this.access = new AccessService(this)
    service.late.listen(protocolName, (envelope, outcome, since, told) =>
      envelope instanceof ApexEnvelope ? this.#lateOutcome(envelope.read, outcome, since, told) : false,
    )
  }

  isOurs(domain: string): boolean {
    return this.service.router.isLocal(domain)
  }

  /** Whether we are the last relay for the domain: it is ours, or reached by another protocol, which knows no options. */
  isFinalFor(domain: string): boolean {
    return this.isOurs(domain) || this.mesh === undefined
  }

  /** Undefined where nothing of that name is told anything: `apex=report` only speaks (§6.2). */
  serviceNamed(name: string): ApexService | undefined {
    if (name === 'presence') return this.presence
    return name === 'access' ? this.access : undefined
  }

  /**
   * Best effort, as all data: who is not attached is not told. True where it was given on. `onOutcome` is called once, where anything is to be heard:
   * of one of ours when the application has it, or it is kept for it.
   */
  post(
    { service, domain, to, inline, options = '', keeps = false }: Post,
    onOutcome?: (outcome: Outcome) => void,
  ): boolean {
    const originator = serviceEndpoint(service, domain)
    const isOurs = this.isOurs(to.domain)
    const mark = isOurs ? '' : (this.mesh?.freshMark() ?? '')
    const document = dataDocument({
      content: '#Content',
      originator,
      recipient: to,
      inline,
      options: options + mark,
    })
    if (!isOurs) {
      this.mesh?.post(document, to, domain, onOutcome)
      return this.mesh !== undefined
    }
    const keep = (): void => {
      if (keeps) this.reports.keep(to, document, () => onOutcome?.(stored))
      else onOutcome?.(refused('temporarily-unavailable'))
    }
    const attachment = this.endpoints.find(to)
    if (attachment === undefined) {
      keep()
      return false
    }
    return attachment.send(entityOf(xmlPayload(document)), (answer) => {
      if (answer.kind === 'declined' && lostBy.has(answer.condition)) keep()
      else onOutcome?.(delivered)
    })
  }

  /** An application was too slow, and answers again: what it missed is for it. */
  caughtUp(attachment: Attachment): void {
    this.service.messages.ready(attachment.account)
    this.presence.catchUp(attachment)
    this.reports.attached(attachment)
  }

  /** A statusResponse of the report service (§5.1, §6.2). `onTold` is called once: when it was taken or is kept, or can't be, or that takes long. */
  report(
    domain: string,
    originator: EndpointName,
    recipient: EndpointName,
    { transId, code, text = '', options }: StatusReport,
    onTold: () => void = () => {},
  ): void {
    if (!this.settings.reports) return onTold()
    this.metrics.reports.add()
    const inline = statusResponseText(transId, [{ identity: recipient.written, code, text }])
    const post: Post = {
      service: 'report',
      domain,
      to: originator,
      inline,
      keeps: true,
      ...(options !== undefined && { options }),
    }
    if (!this.isOurs(originator.domain) && this.mesh === undefined) return onTold()
    let isTold = false
    const told = (): void => {
      if (isTold) return
      isTold = true
      lease.cancel()
      onTold()
    }
    // It is tried for longer than somebody waits for that.
    const lease = this.service.leases.grant(this.settings.domainReportSeconds, told)
    this.post(post, told)
  }

  /**
   * What became of data that waited: those who asked hear so (RFC 3340 §5.1, RFC 3342 §2.1.1). What was given to nobody because it was too late was
   * reported when it became so.
   */
  #lateOutcome({ data }: ReadData, outcome: Outcome, since: number, told: () => void): boolean {
    const [recipient] = data.recipients
    if (recipient === undefined) return false
    const { statusRequests, timing } = wishesOf(data, recipient, this.isFinalFor(recipient.identity.domain))
    const { noLaterThan = 0, returnTrip = 0 } = timing?.value ?? {}
    if (noLaterThan > 0 && this.service.clock.now() - since >= noLaterThan) return false
    const { identity } = data.originator
    const reporter = this.reporterFor(identity, recipient.identity)
    if (outcome.kind === 'refused') this.holdings.failed(data)
    else this.holdings.delivered(data)
    if (timing !== undefined && outcome.kind === 'delivered')
      this.finalHop(reporter, identity, recipient.identity, timing.option.transId as number, returnTrip)
    let left = statusRequests.length
    const code = codeOfOutcome(outcome)
    const text = reasonOfOutcome(outcome)
    for (const transId of statusRequests)
      this.report(reporter, identity, recipient.identity, { transId, code, text }, () => {
        if (--left === 0) told()
      })
    return statusRequests.length > 0
  }

  /** "the report service associated with the issuing relay". */
  reporterFor(originator: EndpointName, recipient: EndpointName): string {
    if (this.isOurs(recipient.domain)) return recipient.domain
    const { domain } = originator
    return this.isOurs(domain) ? domain : (this.service.router.domains[0] ?? domain)
  }

  /** RFC 3342 §2.1.1. */
  finalHop(
    domain: string,
    originator: EndpointName,
    recipient: EndpointName,
    transId: number,
    returnTrip: number,
  ): void {
    if (returnTrip === 0) return
    const options =
      `<option internal='dataTiming' targetHop='all' mustUnderstand='true' transID='${this.freshTransId()}'>` +
      `<dataTiming noLaterThan='${returnTrip}' /></option>`
    this.report(domain, originator, recipient, { transId, code: 250, options })
  }

  /** What was under way before a restart goes on. */
  async restore(): Promise<void> {
    const { clock } = this.service
    await this.holdings.restore((kept) => {
      const { reporter, originator, recipient, transId, timing, used = 0 } = kept
      return new Tracking({
        clock,
        timing,
        usedBefore: used,
        tell: (code) => this.report(reporter, originator, recipient, { transId, code }),
        onOver: () => this.holdings.over(kept),
      })
    })
    await this.promises.restore()
    await this.presence.restore()
  }

  stop(): void {
    this.holdings.stop()
  }

  /** "should appear to be unpredictable" (§6.1.1). */
  freshTransId(): number {
    return 1 + randomBelow(uniqueIdMax)
  }
}

/** It was not told: its connection broke, or it has too much to answer. */
const lostBy: ReadonlySet<Condition> = new Set(['connection-failed', 'resource-limit'])

export interface StatusReport {
  readonly transId: number
  readonly code: number
  readonly text?: string
  readonly options?: string
}
