// A connection that we opened to a server of another domain, while its stream is negotiated; then its elements go to its channel.
import type { Connection, TlsContext } from '#net'
import { elementOf, type Frame } from '#wire/xml'
import { clientNamespace, saslNamespace, tlsNamespace } from '../codec/namespaces.ts'
import {
  bidiText,
  dialbackOf,
  dialbackText,
  externalText,
  serverFeaturesOf,
  serverHeaderOf,
  serverHeaderText,
  streamErrorIn,
} from '../codec/server-stream.ts'
import type { ToldLimits } from '../codec/stream-limits.ts'
import { enableText, managementAnswerOf, resumeText } from '../codec/stream-management.ts'
import type { StreamCondition } from '../codec/stream-text.ts'
import type { Channel } from './channel.ts'
import { ownLimits, type ServersEnvironment } from './environment.ts'
import { proofOf } from './identity.ts'
import {
  type InitiatingEffect,
  type InitiatingInput,
  type InitiatingPolicy,
  type InitiatingState,
  initiatingStart,
  initiatingStep,
} from './initiating.ts'
import type { MultiplexingParts } from './multiplexing.ts'
import { type OctetsHandler, StreamOctets } from './octets.ts'

/** LIMIT: stanzas that come before stream management is settled. */
const earlyMax = 100

/** What is settled about a stream that is ready. */
export interface Ready {
  readonly octets: StreamOctets
  readonly bidi: boolean
  /** How the other side proved itself; empty where it did not. */
  readonly identity: string
  readonly managed: 'no' | 'enabled' | 'resumed'
  /** How it may be resumed, where it may. */
  readonly resumable: { readonly id: string; readonly seconds: number } | undefined
  /** What the other side took of the stream before: where it is resumed, and where it said so though it can't be. */
  readonly h: number | undefined
  readonly limits: ToldLimits | undefined
  /** What matters to more domains by this stream (XEP-0220 §2.6). */
  readonly dialback: Pick<MultiplexingParts, 'streamId' | 'provenBy' | 'hasDialback' | 'hasErrors'>
}

export interface InitiatingParts {
  readonly connection: Connection
  readonly environment: ServersEnvironment
  readonly policy: Omit<InitiatingPolicy, 'resumes'>
  /** The key to ask about, and the stream that it is for. */
  readonly question?: { readonly key: string; readonly id: string }
  readonly resume?: { readonly id: string; readonly h: number } | undefined
  /** Answers the channel that its elements go to. */
  readonly onReady: (stream: InitiatingStream, ready: Ready) => Channel
  readonly onAnswer?: (answer: string) => void
  /** It never got ready. */
  readonly onFailed: (why: string, how: StreamFailure) => void
}

/** `unsaid`: the other side broke it off without a word; `host-unknown`: it says that the domain is not there. */
export type StreamFailure = 'said' | 'unsaid' | 'host-unknown'

export class InitiatingStream implements OctetsHandler {
  readonly octets: StreamOctets
  readonly #parts: InitiatingParts
  readonly #policy: InitiatingPolicy
  #state: InitiatingState
  #channel: Channel | undefined
  #identity = ''
  #resumable: Ready['resumable']
  #h: number | undefined
  readonly #early: Frame[] = []
  #failed = false
  #isUnknown = false

  constructor(parts: InitiatingParts) {
    this.#parts = parts
    this.#policy = { ...parts.policy, resumes: parts.resume !== undefined }
    this.octets = new StreamOctets(parts.connection, parts.environment, this)
    const { tls } = parts.connection
    this.#state = initiatingStart(tls !== undefined)
  }

  start(): void {
    const { connection } = this.#parts
    this.octets.start()
    if (connection.tls !== undefined && !this.#isWhom()) return
    this.#sendHeader()
  }

  /** The time is up, or nobody wants it any more. */
  giveUp(why: string): void {
    this.#step({ kind: 'give-up', why })
  }

  onHeader(header: Frame): void {
    this.#step({ kind: 'header', header: serverHeaderOf(header) })
  }

  onElement(frame: Frame): void {
    const error = streamErrorIn(frame)
    if (error !== undefined) return this.#errored(error)
    if (this.#channel !== undefined) return this.#carried(frame, this.#channel)
    if (frame.namespace === clientNamespace && this.#holds(frame)) return
    const answer = managementAnswerOf(frame)
    if (answer?.kind === 'enabled') {
      const { serverResumptionSeconds: most } = this.#parts.environment.settings
      const seconds = Math.min(answer.seconds ?? most, most)
      this.#resumable = answer.id === undefined ? undefined : { id: answer.id, seconds }
      return this.#step({ kind: 'enabled' })
    }
    if (answer !== undefined) {
      this.#h = answer.h
      return this.#step({ kind: answer.kind === 'resumed' ? 'resumed' : 'not-managed' })
    }
    this.#step(inputOf(frame))
  }

  /** Where both sides may send, the other may begin before stream management is settled: that is not counted, and not lost. */
  #holds(frame: Frame): boolean {
    const { phase, bidi } = this.#state
    if (!bidi || (phase !== 'enabling' && phase !== 'resuming')) return false
    if (this.#early.length >= earlyMax) this.onFault('policy-violation', 'it does not wait for our answer')
    else this.#early.push(frame.keep())
    return true
  }

  #carried(frame: Frame, channel: Channel): void {
    const asked = dialbackOf(frame)
    if (asked === undefined) return channel.receive(frame)
    channel.multiplexing?.take(asked)
  }

  onSecure(): void {
    if (!this.#isWhom()) return
    this.#step({ kind: 'secured', proof: this.#proof })
  }

  onDrain(): void {
    this.#channel?.drained(this.octets)
  }

  onEnd(): void {
    if (this.#channel === undefined) this.#step({ kind: 'end' })
    else this.#channel.close('the other side closed it')
  }

  onFault(condition: StreamCondition, why: string): void {
    if (this.#channel === undefined) this.#step({ kind: 'give-up', why })
    else this.#channel.fail(condition, why)
  }

  onOver(why: string, broke: boolean): void {
    if (this.#channel !== undefined) return this.#channel.lost(this.octets, why, broke)
    this.#fail(why, broke && this.#state.phase !== 'closed')
  }

  get #proof() {
    const { theirs } = this.#policy
    return proofOf(this.octets.connection.tls, theirs, this.#parts.environment.routeTo(theirs).identity)
  }

  /** False when who answers under TLS is not the domain, and must be: then it is over. */
  #isWhom(): boolean {
    const proof = this.#proof
    if (proof.proven) this.#identity = proof.identity
    if (proof.proven || this.#policy.tls !== 'verified') return true
    this.#step({ kind: 'give-up', why: proof.why })
    return false
  }

  #errored(error: string): void {
    if (this.#channel === undefined) {
      // RFC 6120 §4.9.3.5, §4.9.3.6
      this.#isUnknown = /^host-(unknown|gone)\b/.test(error)
      return this.#step({ kind: 'stream-error', condition: error })
    }
    this.#channel.errored(error)
  }

  #step(input: InitiatingInput): void {
    const [state, effects] = initiatingStep(this.#policy, this.#state, input)
    this.#state = state
    for (const effect of effects) this.#carryOut(effect)
  }

  #carryOut(effect: InitiatingEffect): void {
    const { environment, question, resume } = this.#parts
    const { ours, theirs } = this.#policy
    const write = (text: string): void => this.octets.writeUtf8(text)
    switch (effect.do) {
      case 'send-header':
        return this.#sendHeader()
      case 'send-starttls':
        return write(`<starttls xmlns='${tlsNamespace}'/>`)
      case 'start-tls':
        return this.octets.startTls(ownContext(environment, ours), { server: false, servername: theirs })
      case 'send-bidi':
        return write(bidiText(ownLimits(environment)))
      case 'send-external':
        return write(externalText(ours))
      case 'send-key': {
        const key = environment.keys.keyOf({
          receiving: theirs,
          originating: ours,
          streamId: effect.streamId,
        })
        return write(dialbackText({ kind: 'result', from: ours, to: theirs, key }))
      }
      case 'send-verify':
        return write(dialbackText({ kind: 'verify', from: ours, to: theirs, ...question }))
      case 'send-enable':
        return write(enableText)
      case 'send-resume':
        return write(resumeText(resume?.id ?? '', resume?.h ?? 0))
      case 'restart':
        return this.octets.restart()
      case 'answered':
        return this.#parts.onAnswer?.(effect.answer)
      case 'ready':
        return this.#ready(effect.managed)
      case 'close':
        this.octets.close(undefined, effect.why)
        return this.#fail(effect.why, effect.unsaid)
    }
  }

  #ready(managed: Ready['managed']): void {
    this.octets.ready()
    this.#channel = this.#parts.onReady(this, {
      octets: this.octets,
      bidi: this.#state.bidi,
      identity: this.#identity,
      managed,
      resumable: this.#resumable,
      h: this.#h,
      limits: this.#state.features?.limits,
      dialback: {
        streamId: this.#state.streamId,
        provenBy: this.#state.provenBy,
        // Some declare its namespace and are silent (ejabberd 23.01 without mod_s2s_dialback): what may be left is asked of who offers it.
        hasDialback: this.#state.features?.dialback === true,
        hasErrors: this.#state.features?.dialbackErrors === true,
      },
    })
    for (const frame of this.#early.splice(0)) this.#channel.receiveEarly(frame)
  }

  #sendHeader(): void {
    this.octets.writeUtf8(serverHeaderText(this.#policy.ours, this.#policy.theirs))
  }

  #fail(why: string, unsaid: boolean): void {
    if (this.#failed) return
    this.#failed = true
    this.#parts.onFailed(why, this.#isUnknown ? 'host-unknown' : unsaid ? 'unsaid' : 'said')
  }
}

/** As the client of TLS we show the certificate of the domain that we speak for. */
export function ownContext({ tls }: ServersEnvironment, ours: string): TlsContext {
  return { secureContext: () => tls.secureContext(ours) }
}

function inputOf(frame: Frame): InitiatingInput {
  const features = serverFeaturesOf(frame)
  if (features !== undefined) return { kind: 'features', features }
  const dialback = dialbackOf(frame)
  if (dialback !== undefined) return { kind: 'dialback', dialback }
  if (frame.namespace === tlsNamespace) {
    if (frame.name === 'proceed') return { kind: 'proceed' }
    if (frame.name === 'failure') return { kind: 'tls-failure' }
  }
  if (frame.namespace === saslNamespace) {
    if (frame.name === 'success') return { kind: 'success' }
    if (frame.name === 'failure')
      return { kind: 'failure', condition: elementOf(frame).elements()[0]?.name ?? 'no reason' }
  }
  return { kind: 'other' }
}
