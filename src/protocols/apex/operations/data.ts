// The data operation at a relay (RFC 3340 §4.4.4.1): one copy for each recipient, to a service, a person of ours, or another domain.

import { Custody, type Lease } from '#core'
import type { Address, Outcome } from '#model'
import { type BeepError, beepError } from '#protocols/beep'
import { type Element, isXmlFault, parseElement } from '#wire/xml'
import { codeOfOutcome, messageEnvelope, reasonOfOutcome } from '../binding.ts'
import {
  type ApexOption,
  type EndpointName,
  foreignPersonOf,
  isService,
  optionAround,
  type Party,
  partContent,
  partNamed,
  partOf,
  payloadFor,
  personOf,
  serviceOf,
} from '../codec/index.ts'
import { withoutMark } from '../domains/marks.ts'
import type { ReadData } from '../envelope.ts'
import { optionFault, recipientFault, type Wishes, wishesOf } from '../option-rules.ts'
import type { Relay } from '../relay.ts'
import type { HeldData } from '../services/kept-times.ts'
import { type About, Tracking } from '../tracking.ts'

/** Who gave it to us, already found to be allowed to (step 1). */
export interface Sender {
  readonly from: Address
  /** The attachment; empty for another relay. */
  readonly agent: string
}

/** Who waits for what becomes of data; each is called once. */
export interface Waiting {
  /** Nothing of it can be lost any more: it is delivered, refused, kept, or under way and kept (decision 0143). */
  readonly onKept?: () => void
  /** The error, or nothing where all recipients have it or will have it. */
  readonly onSettled?: (error: BeepError | undefined) => void
}

/** Undefined: it was taken (step 2). `ok` (step 3) is answered once it is kept, or settled; it says nothing of what becomes of it. */
export function takeData(
  relay: Relay,
  read: ReadData,
  sender: Sender,
  { onKept = () => {}, onSettled = () => {} }: Waiting,
): BeepError | undefined {
  const { data } = read
  const isFinal = data.recipients.some(({ identity }) => relay.isFinalFor(identity.domain))
  // Those of the originator are looked at with those of the data: an error after `ok` would reach nobody (docs/specs/apex.md).
  const fault = optionFault(data, isFinal) ?? contentFault(read) ?? copiesFault(read)
  if (fault !== undefined) {
    onSettled(fault)
    return fault
  }
  relay.metrics.data.add()
  let left = data.recipients.length
  const codes: number[] = []
  const onCode = (code: number): void => {
    codes.push(code)
    if (--left === 0) onSettled(errorOf(codes))
  }
  let late: Lease | undefined
  const unkept = new Set<Matter>()
  const kept = (matter: Matter): void => {
    if (!unkept.delete(matter) || unkept.size > 0) return
    late?.cancel()
    onKept()
  }
  // In a loop: a closure that named what was read would hold on to it until the last outcome.
  for (const recipient of data.recipients)
    unkept.add(new Matter(relay, read, { recipient, onCode, onKept: kept }))
  for (const matter of [...unkept]) matter.take(read, sender)
  // Answers leave in order: what takes long is kept where it is, so that nothing waits behind it.
  if (unkept.size > 0)
    late = relay.service.leases.grant(relay.settings.okSeconds, () => {
      for (const matter of [...unkept]) matter.hurry()
    })
  return undefined
}

/** Of several recipients an error would have the whole come again: then it is for their reports to say. */
function errorOf(codes: readonly number[]): BeepError | undefined {
  const [code] = codes
  return code === undefined || code < 400 || codes.length > 1 ? undefined : { code }
}

/** §4.1: what the content attribute names must be there; an absolute URI of another scheme is a reference that we only pass on. */
function contentFault({ payload, data }: ReadData): BeepError | undefined {
  const isThere =
    data.inline !== undefined ||
    !/^cid:/i.test(data.content) ||
    partNamed(payload, data.content) !== undefined
  return isThere ? undefined : beepError(501, 'no part is the one that content names')
}

/** LIMIT: octets of one data element, times its recipients: each gets, or has stored, a copy of its own. */
const copiesOctetsMax = 16_777_216

function copiesFault({ payload, data }: ReadData): BeepError | undefined {
  const octets = payload.body.length * data.recipients.length
  return octets > copiesOctetsMax ? beepError(554, 'that is too much for so many recipients') : undefined
}

/** What of data is one recipient's. */
interface Share {
  readonly recipient: Party
  /** Called once with what became of it. */
  readonly onCode: (code: number) => void
  /** Called once nothing of it can be lost any more. */
  readonly onKept: (matter: Matter) => void
}

/** One piece of data on its way to one recipient. Its octets are a loan, and of what was read of them nothing is held on to. */
class Matter {
  readonly #relay: Relay
  readonly #originator: EndpointName
  readonly #recipient: Party
  readonly #wishes: Wishes
  readonly #isOurs: boolean
  readonly #share: Share
  readonly #custody = new Custody()
  /** False where nobody is to store it. */
  #isHeld = false
  #tracking: Tracking | undefined
  /** The report that was promised has been made. */
  #fulfil: () => void = () => {}
  #isCoded = false

  constructor(relay: Relay, read: ReadData, share: Share) {
    const { domain } = share.recipient.identity
    this.#relay = relay
    this.#originator = read.data.originator.identity
    this.#recipient = share.recipient
    this.#share = share
    this.#isOurs = relay.isOurs(domain)
    this.#wishes = wishesOf(read.data, share.recipient, relay.isFinalFor(domain))
  }

  /** Step 5. */
  take(read: ReadData, sender: Sender): void {
    const { identity } = this.#recipient
    const fault = recipientFault(this.#recipient, this.#relay.isFinalFor(identity.domain))
    if (fault !== undefined) return this.#failed(fault.code, fault.text)
    if (this.#isOurs && isService(identity)) return this.#toService(elementIn(read))
    if (isService(identity)) return this.#toForeignService(read, sender)
    const to = this.#isOurs ? personOf(identity) : foreignPersonOf(identity)
    if (to === undefined) return this.#failed(550, 'unknown endpoint identity')
    this.#send(read, sender, to)
  }

  /** Its outcome takes long: it is kept where it is under way, where it is one to be kept. */
  hurry(): void {
    if (!this.#isHeld) return this.#promise()
    this.#custody.take(() => {
      this.#hold(() => {
        this.#kept()
        this.#coded(250)
      })
    })
  }

  /** Nobody keeps it: `ok` is said, and whoever asked for a report has one, also after a kill. */
  #promise(): void {
    const { statusRequests: transIds } = this.#wishes
    if (transIds.length === 0) return this.#kept()
    const { identity: recipient } = this.#recipient
    const promised = { reporter: this.#reporter(), originator: this.#originator, recipient, transIds }
    this.#fulfil = this.#relay.promises.keep(promised, () => this.#kept())
  }

  #toService(element: Element | undefined): void {
    const { identity } = this.#recipient
    const service = this.#relay.serviceNamed(serviceOf(identity) ?? '')
    if (service === undefined) return this.#failed(550, 'unknown endpoint identity')
    if (element === undefined) return this.#failed(501, 'services are told XML')
    this.#tell(250)
    service.take({ originator: this.#originator, domain: identity.domain, element })
  }

  /** Where the domain has relays, its service is asked by them. */
  #toForeignService(read: ReadData, { from }: Sender): void {
    const { mesh } = this.#relay
    const { payload, data } = read
    const { domain } = this.#recipient.identity
    // What came is a loan: what is needed later is read now.
    const element = elementIn(read)
    if (mesh === undefined) return this.#answerForService(element)
    // One person's subscription there is one, whichever device looks (decision 0135).
    if (
      serviceOf(this.#recipient.identity) === 'presence' &&
      this.#relay.presence.isOursToAnswer(data, element)
    )
      return this.#toService(element)
    const change = { recipient: this.#recipient, leaves: true, adds: mesh.freshMark() }
    const { contentType, fields, body } = payloadFor(payload, data, change)
    const entity = { contentType, fields, body: body.slice() }
    mesh.carries(domain).then((isCarried) => {
      if (!isCarried) return this.#answerForService(element)
      mesh.pass(entity, from.domain, domain, (outcome) => this.#tell(codeOfOutcome(outcome)))
    })
  }

  /**
   * The presence of people elsewhere is known to our core by whatever protocol their domain speaks: ours answers for that service
   * (docs/specs/apex.md). No other is.
   */
  #answerForService(element: Element | undefined): void {
    if (serviceOf(this.#recipient.identity) === 'presence') return this.#toService(element)
    this.#failed(550, 'no way to a service of that domain')
  }

  #send(read: ReadData, sender: Sender, to: Address): void {
    const { hopping, hold } = this.#wishes
    // RFC 3342 §4: one hop less, and none left is an error.
    const hopsLeft =
      hopping === undefined || hopping.value.noMoreThan === 0 ? 256 : hopping.value.noMoreThan - 1
    if (!this.#isOurs && hopsLeft <= 0) return this.#hopsUsedUp()
    this.#tracking = this.#track()
    const envelope = messageEnvelope(read, this.#recipient, {
      custody: this.#custody,
      from: sender.from,
      fromAgent: sender.agent,
      to,
      hold: hold || this.#relay.settings.holdAlways,
      leaves: !this.#isOurs,
      option: (option: ApexOption) => (this.#isOurs ? withoutMark(option) : oneHopLess(option, hopsLeft)),
    })
    const { head } = envelope
    this.#isHeld = head.whenAbsent === 'store'
    this.#relay.service.messages.send(envelope, this.#whenKnown(head), this.#custody)
  }

  #whenKnown(about: About): (outcome: Outcome) => void {
    return (outcome) => {
      this.#kept()
      this.#known(outcome, about)
    }
  }

  #known(outcome: Outcome, about: About): void {
    const tracking = this.#tracking
    if (outcome.kind === 'stored') this.#remember(about)
    this.#settled(outcome, tracking, () => this.#custody.told())
    if (outcome.kind === 'stored') this.#hold()
  }

  /** It may fail yet, and who asked is to know which it was. */
  #remember(about: About): void {
    const [transId] = this.#wishes.statusRequests
    if (transId !== undefined) this.#relay.asked.remember(about, transId)
  }

  /** Its times run on over a restart. */
  #hold(onHeld: () => void = () => {}): void {
    const held = this.#held()
    if (this.#tracking === undefined || held === undefined || this.#tracking.isOver) return onHeld()
    this.#relay.holdings.add(held, this.#tracking, onHeld)
  }

  #failed(code: number, text = ''): void {
    this.#tell(code, text)
    const { timing } = this.#wishes
    if (timing?.value.reportErrors && timing.value.noLaterThan > 0) this.#report(timing.option, 550)
  }

  #settled(outcome: Outcome, tracking: Tracking | undefined, told: () => void): void {
    this.#answerRequests(codeOfOutcome(outcome), reasonOfOutcome(outcome), told)
    if (tracking === undefined || outcome.kind === 'stored') return
    if (outcome.kind === 'refused') return tracking.failed()
    const { timing } = this.#wishes
    // Of what another protocol only passed on nobody knows whether it was delivered.
    if (!tracking.end() || timing === undefined || outcome.kind !== 'delivered') return
    const identity = this.#originator
    const recipient = this.#recipient.identity
    const transId = timing.option.transId as number
    this.#relay.finalHop(this.#reporter(), identity, recipient, transId, timing.value.returnTrip)
  }

  #track(): Tracking | undefined {
    const { timing } = this.#wishes
    const held = this.#held()
    if (timing === undefined || held === undefined) return undefined
    this.#relay.holdings.begin(held)
    return new Tracking({
      clock: this.#relay.service.clock,
      timing: timing.value,
      tell: (code) => this.#report(timing.option, code),
      onOver: () => this.#relay.holdings.over(held),
    })
  }

  #held(): HeldData | undefined {
    const { timing } = this.#wishes
    return (
      timing && {
        reporter: this.#reporter(),
        originator: this.#originator,
        recipient: this.#recipient.identity,
        transId: timing.option.transId as number,
        timing: timing.value,
      }
    )
  }

  #hopsUsedUp(): void {
    const { hopping } = this.#wishes
    this.#tell(550, 'too many hops')
    if (hopping?.value.reportErrors) this.#report(hopping.option, 550)
  }

  #report(option: ApexOption, code: number): void {
    this.#reported(option.transId as number, code)
  }

  #tell(code: number, text?: string): void {
    this.#kept()
    this.#answerRequests(code, text)
  }

  #kept(): void {
    this.#share.onKept(this)
  }

  #coded(code: number): void {
    if (this.#isCoded) return
    this.#isCoded = true
    this.#share.onCode(code)
  }

  /** §5.1: each statusRequest that is for this relay is answered. Whoever waits for the outcome has it when those of other domains have their answer. */
  #answerRequests(code: number, text?: string, onTold: () => void = () => {}): void {
    const { statusRequests } = this.#wishes
    let left = statusRequests.length + 1
    const told = (): void => {
      if (--left > 0) return
      this.#fulfil()
      this.#coded(code)
      onTold()
    }
    for (const transId of statusRequests) this.#reported(transId, code, text, told)
    told()
  }

  #reported(transId: number, code: number, text?: string, onTold: () => void = () => {}): void {
    const identity = this.#originator
    const recipient = this.#recipient.identity
    const report = { transId, code, ...(text !== undefined && { text }) }
    this.#relay.report(this.#reporter(), identity, recipient, report, onTold)
  }

  #reporter(): string {
    return this.#relay.reporterFor(this.#originator, this.#recipient.identity)
  }
}

function oneHopLess(option: ApexOption, hopsLeft: number): string | undefined {
  if (option.name !== 'dataHopping' || !option.isRegistered || hopsLeft > 255) return undefined
  const inside = option.element.elements()[0]
  const errors = inside?.attribute('reportErrors') === 'true' ? " reportErrors='true'" : ''
  return optionAround(option, `<dataHopping noMoreThan='${hopsLeft}'${errors} />`)
}

/** What a service is told: inline, or a part of its own that is XML (RFC 3341 §4.1). */
export function elementIn({ payload, data }: ReadData): Element | undefined {
  if (data.inline !== undefined) return data.inline
  const part = partOf(payload, data.content)
  const octets = part && partContent(part)
  if (octets === undefined || !/xml/i.test(part?.headers.get('content-type') ?? '')) return undefined
  const element = parseElement(octets.slice(), { isDocument: true })
  return isXmlFault(element) ? undefined : element
}
