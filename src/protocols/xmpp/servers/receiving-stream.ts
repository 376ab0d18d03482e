// A connection that a server of another domain opened to us: its stream is negotiated, its domains are verified, and its stanzas go to
// its channel once there is one.
import { randomId } from '#base'
import type { Lease } from '#core'
import type { Connection } from '#net'
import { elementOf, type Frame } from '#wire/xml'
import {
  bidiNamespace,
  clientNamespace,
  saslNamespace,
  serverNamespace,
  tlsNamespace,
} from '../codec/namespaces.ts'
import { saslInput } from '../codec/sasl.ts'
import {
  type Dialback,
  dialbackOf,
  dialbackText,
  serverFeaturesText,
  serverHeaderOf,
  serverHeaderText,
  streamErrorIn,
} from '../codec/server-stream.ts'
import { limitsInFrame, type ToldLimits } from '../codec/stream-limits.ts'
import { enabledText, failedText, unstanzaOf } from '../codec/stream-management.ts'
import type { StreamCondition } from '../codec/stream-text.ts'
import { Channel, type ChannelOwner } from './channel.ts'
import { pairOf, type ReceivingPolicy } from './dialback-requests.ts'
import { ownLimits, type ServersEnvironment } from './environment.ts'
import { type Proof, proofOf } from './identity.ts'
import type { Verify } from './multiplexing.ts'
import { type OctetsHandler, StreamOctets } from './octets.ts'
import {
  type ReceivingEffect,
  type ReceivingInput,
  type ReceivingState,
  receivingStart,
  receivingStep,
} from './receiving.ts'

/** LIMIT: seconds in which a server that can acknowledge says that it will. */
const undecidedSecondsMax = 2

export interface ReceivingParts {
  readonly connection: Connection
  readonly environment: ServersEnvironment
  readonly policy: ReceivingPolicy
  readonly owner: ChannelOwner
  readonly verify: Verify
  /** False when the domain has too many streams to us. */
  readonly admits: (theirs: string) => boolean
  /** A pair of domains may use its channel from now on. */
  readonly onAuthorized: (channel: Channel, ours: string, theirs: string) => void
  /** We may send by the channel too (XEP-0288), for pairs in its `outward`. */
  readonly onOutward: (channel: Channel) => void
  /** A domain could not prove itself. */
  readonly onRefused: (theirs: string, why: string) => void
  /** The channel of that identifier, for the domain that asks. */
  readonly resumable: (id: string, theirs: string) => Channel | undefined
  /** How many stanzas of that domain we took by a stream that can't be resumed. */
  readonly takenBy: (id: string, theirs: string) => number | undefined
  readonly onOver: (stream: ReceivingStream) => void
}

export class ReceivingStream implements OctetsHandler {
  readonly octets: StreamOctets
  readonly #parts: ReceivingParts
  #state: ReceivingState
  #channel: Channel | undefined
  /** Of the stream, anew where it is restarted (RFC 6120 §4.7.3). */
  #id = ''
  /** Pairs for which we may send once the other side has said whether it acknowledges: before, what is cut is lost. */
  readonly #outward: string[] = []
  #undecided: Lease | undefined
  /** What the other side takes on a stream that goes both ways. */
  #limits: ToldLimits | undefined

  constructor(parts: ReceivingParts) {
    this.#parts = parts
    this.octets = new StreamOctets(parts.connection, parts.environment, this)
    this.#state = receivingStart(parts.connection.tls !== undefined)
  }

  start(): void {
    this.octets.start()
  }

  /** Ends it, whatever it carries. */
  close(condition: StreamCondition, why: string): void {
    if (this.#channel === undefined) this.#step({ kind: 'error', condition, why })
    else this.#channel.close(why, condition)
  }

  onHeader(header: Frame): void {
    const said = serverHeaderOf(header)
    this.#step({ kind: 'header', header: said, proves: this.#proves(said.from ?? '') })
  }

  /** Hot path: a stanza goes straight to its channel. */
  onElement(frame: Frame): void {
    const channel = this.#channel
    if (channel !== undefined && frame.namespace === clientNamespace && this.#state.phase === 'features') {
      if (this.#outward.length > 0) this.#decided(channel)
      return channel.receive(frame)
    }
    const error = streamErrorIn(frame)
    if (error !== undefined) return this.#errored(error)
    const dialback = dialbackOf(frame)
    if (dialback !== undefined) return this.#dialback(dialback)
    const input = this.#inputOf(frame)
    if (input !== undefined) return this.#step(input)
    if (channel === undefined) return this.#step({ kind: 'not-authorized' })
    this.#managed(frame, channel)
  }

  onSecure(): void {
    this.#step({ kind: 'secured' })
  }

  onDrain(): void {
    this.#channel?.drained(this.octets)
  }

  onEnd(): void {
    if (this.#channel === undefined) this.#step({ kind: 'end' })
    else this.#channel.close('the other side closed it')
  }

  onFault(condition: StreamCondition, why: string): void {
    if (this.#channel === undefined) this.#step({ kind: 'error', condition, why })
    else this.#channel.fail(condition, why)
  }

  onOver(why: string, broke: boolean): void {
    const { theirs } = this.#state
    if (this.#channel === undefined && theirs !== '' && broke) this.#parts.onRefused(theirs, why)
    this.#undecided?.cancel()
    this.#channel?.lost(this.octets, why, broke)
    this.#parts.onOver(this)
  }

  #proofOf(domain: string): Proof {
    const { identity } = this.#parts.environment.routeTo(domain)
    return proofOf(this.octets.connection.tls, domain, identity)
  }

  #proves(domain: string): boolean {
    return domain !== '' && this.#proofOf(domain).proven
  }

  #errored(error: string): void {
    if (this.#channel === undefined) this.#step({ kind: 'end' })
    else this.#channel.errored(error)
  }

  #dialback(dialback: Dialback): void {
    const { kind, from, to, id, key } = dialback
    const { keys } = this.#parts.environment
    const proves =
      kind === 'result'
        ? this.#proves(from)
        : keys.isKey(key, { receiving: from, originating: to, streamId: id })
    this.#step({ kind: 'dialback', dialback, proves })
  }

  #inputOf(frame: Frame): ReceivingInput | undefined {
    if (frame.namespace === tlsNamespace && frame.name === 'starttls')
      return { kind: 'starttls', unread: this.octets.unread }
    if (frame.namespace === bidiNamespace) {
      this.#limits = limitsInFrame(frame)
      return { kind: 'bidi' }
    }
    if (frame.namespace !== saslNamespace) return undefined
    const sasl = saslInput(elementOf(frame))
    if (sasl?.kind !== 'auth' || sasl.mechanism !== 'EXTERNAL') return { kind: 'other-mechanism' }
    const domain = Buffer.from(sasl.data ?? [])
      .toString('utf8')
      .toLowerCase()
    return { kind: 'external', domain, proves: this.#proves(domain === '' ? this.#state.theirs : domain) }
  }

  /** XEP-0198 §3, §5: once somebody may send. */
  #managed(frame: Frame, channel: Channel): void {
    const unstanza = unstanzaOf(frame)
    if (unstanza?.kind === 'enable') return this.#enable(channel, unstanza.resume, unstanza.seconds)
    if (unstanza?.kind === 'resume') return this.#resume(channel, unstanza)
    // RFC 6120 §4.8.3: what declares the namespace itself may still be a stanza.
    if (unstanza !== undefined || frame.namespace === serverNamespace) return channel.receive(frame)
    channel.fail('unsupported-stanza-type', 'it sends what is no stanza')
  }

  #enable(channel: Channel, resume: boolean, wanted: number | undefined): void {
    if (channel.management !== undefined) return this.octets.writeUtf8(failedText('unexpected-request'))
    const { serverResumptionSeconds: most } = this.#parts.environment.settings
    const seconds = Math.min(wanted ?? most, most)
    // Also what is not awaited has an id, by which may be asked how much of it was taken (decision 0088).
    const resumable = resume ? { id: randomId(), seconds } : undefined
    this.octets.writeUtf8(enabledText(resumable))
    channel.manage(resumable)
    this.#decided(channel)
  }

  /** Not between the proof and the stream that follows it (RFC 6120 §6.4.6): nothing of ours may stand there. */
  #awaitDecision(): void {
    const channel = this.#channel
    if (channel === undefined || this.#outward.length === 0 || this.#state.phase !== 'features') return
    if (this.#undecided?.active === true) return
    const { leases } = this.#parts.environment.service
    this.#undecided = leases.grant(undecidedSecondsMax, () => this.#decided(channel))
  }

  #decided(channel: Channel): void {
    this.#undecided?.cancel()
    for (const pair of this.#outward.splice(0)) channel.outward.add(pair)
    this.#parts.onOutward(channel)
  }

  /** XEP-0198 §5: by the same domain alone, whatever streams it has besides. */
  #resume(fresh: Channel, { previous, h }: { readonly previous: string; readonly h: number }): void {
    const { theirs } = this.#state
    const known = fresh.management === undefined ? this.#parts.resumable(previous, theirs) : undefined
    if (known === undefined || known === fresh || !known.mayResume(h))
      return this.octets.writeUtf8(failedText('item-not-found', this.#parts.takenBy(previous, theirs)))
    this.#channel = known
    // LIMIT: what came by the streams before counts.
    const authorized = [...known.admitted].map((domain) => pairOf(this.#state.ours, domain))
    this.#state = { ...this.#state, authorized }
    this.#undecided?.cancel()
    this.#outward.length = 0
    known.keepTo(this.#limits)
    known.resume(this.octets, h)
    fresh.end('it goes on as an earlier one', false)
  }

  #step(input: ReceivingInput): void {
    const [state, effects] = receivingStep(this.#parts.policy, this.#state, input)
    this.#state = state
    for (const effect of effects) this.#carryOut(effect)
  }

  #carryOut(effect: ReceivingEffect): void {
    const { octets } = this
    switch (effect.do) {
      case 'send-header':
        this.#id = randomId()
        return octets.writeUtf8(
          serverHeaderText(this.#state.ours || undefined, this.#state.theirs || undefined, this.#id),
        )
      case 'send-features':
        octets.writeUtf8(serverFeaturesText(effect.features, ownLimits(this.#parts.environment)))
        return this.#awaitDecision()
      case 'proceed':
        return this.#startTls()
      case 'send-success':
        octets.restart()
        return octets.writeUtf8(`<success xmlns='${saslNamespace}'/>`)
      case 'send-failure':
        return octets.writeUtf8(`<failure xmlns='${saslNamespace}'><${effect.condition}/></failure>`)
      case 'send-dialback':
        return octets.writeUtf8(dialbackText(effect.answer))
      case 'check-key':
        return this.#checkKey(effect)
      case 'authorize':
        return this.#authorize(effect.ours, effect.theirs, effect.by)
      case 'refused':
        return this.#parts.onRefused(effect.theirs, effect.why)
      case 'close':
        return this.#close(effect)
    }
  }

  #startTls(): void {
    this.octets.writeUtf8(`<proceed xmlns='${tlsNamespace}'/>`)
    this.octets.startTls(this.#parts.environment.tls, { server: true, requestCertificate: true })
  }

  #checkKey({ from, to, key }: { readonly from: string; readonly to: string; readonly key: string }): void {
    this.#parts.verify({ from, to, key, id: this.#id }, (answer, why) => {
      if (answer !== 'valid' && this.octets.isOpen) this.#parts.onRefused(from, why)
      this.#step({ kind: 'verified', from, to, answer })
    })
  }

  #authorize(ours: string, theirs: string, by: 'certificate' | 'dialback'): void {
    const { environment, owner } = this.#parts
    if (this.#channel === undefined && !this.#parts.admits(theirs))
      return this.#step({
        kind: 'error',
        condition: 'resource-constraint',
        why: 'too many streams of the domain',
      })
    this.octets.ready()
    this.#channel ??= new Channel('receiver', environment, this.octets, owner)
    const channel = this.#channel
    channel.admitted.add(theirs)
    if (this.#limits !== undefined) channel.keepTo(this.#limits)
    const proof = this.#proofOf(theirs)
    const identity = by === 'certificate' && proof.proven ? proof.identity : `dialback of ${theirs}`
    channel.identities.set(theirs, identity)
    this.#parts.onAuthorized(channel, ours, theirs)
    if (!this.#state.bidi) return
    this.#outward.push(pairOf(ours, theirs))
    if (channel.management !== undefined) this.#decided(channel)
    else this.#awaitDecision()
  }

  #close({ error, why }: { readonly error: StreamCondition | undefined; readonly why: string }): void {
    const { theirs } = this.#state
    if (error !== undefined && theirs !== '') this.#parts.onRefused(theirs, `${error}: ${why}`)
    if (this.#channel === undefined) this.octets.close(error, why)
    else this.#channel.close(why, error)
  }
}
