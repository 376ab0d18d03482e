// The relay of our domains (RFC 3340 §1.2): who is attached, the services behind their well-known endpoints (§6), and what these send.

import { randomBelow } from '#base'
import type { Service } from '#core'
import type { Condition, Outcome } from '#model'
import type { OutgoingEntity } from '#protocols/beep'
import type { Element } from '#wire/xml'
import type { Attachment } from './attachment.ts'
import {
  type Data,
  dataDocument,
  dataTimingOf,
  type EndpointName,
  entityOf,
  serviceEndpoint,
  statusResponseText,
  uniqueIdMax,
  xmlPayload,
} from './codec/index.ts'
import { Endpoints } from './endpoints.ts'
import { type ApexMetrics, apexMetrics } from './metrics.ts'
import { wishesOf } from './option-rules.ts'
import { AccessService } from './services/access.ts'
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
    this.holdings = new Holdings(new KeptTimes(this))
    this.presence = new PresenceService(this)
    this.access = new AccessService(this)
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

  /** Best effort, as all data: who is not attached is not told. True where it was given on; `onOutcome` hears of another domain alone. */
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
      if (keeps) this.reports.keep(to, document)
    }
    const attachment = this.endpoints.find(to)
    if (attachment === undefined) {
      keep()
      return false
    }
    return attachment.send(entityOf(xmlPayload(document)), (answer) => {
      const isLost = answer.kind === 'declined' && lostBy.has(answer.condition)
      if (isLost) keep()
    })
  }

  /** An application was too slow, and answers again: what it missed is for it. */
  caughtUp(attachment: Attachment): void {
    this.service.messages.ready(attachment.account)
    this.presence.catchUp(attachment)
    this.reports.attached(attachment)
  }

  /** A statusResponse of the report service (§5.1, §6.2). `onTold` is called once: when it was taken, or can't be. */
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
    // Of its own domain nothing more is heard: it is given on, or there is nobody.
    if (this.isOurs(originator.domain) || this.mesh === undefined) {
      this.post(post)
      return onTold()
    }
    let isTold = false
    const told = (): void => {
      if (isTold) return
      isTold = true
      lease.cancel()
      onTold()
    }
    // It is tried for longer; who waits for `ok` is not.
    const lease = this.service.leases.grant(this.settings.domainReportSeconds, told)
    this.post(post, told)
  }

  /** Data that was held has been taken: those who asked hear so (RFC 3340 §5.1, RFC 3342 §2.1.1). */
  deliveredLate(data: Data): void {
    const [recipient] = data.recipients
    if (recipient === undefined) return
    const { statusRequests, timing } = wishesOf(data, recipient, true)
    const { domain } = recipient.identity
    const { identity } = data.originator
    for (const transId of statusRequests)
      this.report(domain, identity, recipient.identity, { transId, code: 250 })
    if (timing === undefined) return
    this.holdings.delivered(data)
    this.finalHop(
      domain,
      identity,
      recipient.identity,
      timing.option.transId as number,
      dataTimingOf(timing.option)?.returnTrip ?? 0,
    )
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
      const { reporter, originator, recipient, transId, timing } = kept
      return new Tracking({
        clock,
        timing,
        tell: (code) => this.report(reporter, originator, recipient, { transId, code }),
        onOver: () => this.holdings.over(kept),
      })
    })
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
