// The SASL family of profiles (RFC 3080 §4.1), the server's side: one profile a mechanism, over the logins that all protocols share.

import type { SaslChannel, SaslFailure, SaslMechanism, SaslStep } from '#auth'
import { type Bytes, noBytes, utf8 } from '#base'
import { channelBindings } from '#net'
import type { Log } from '#observe'
import {
  type BeepError,
  beepError,
  beepXmlType,
  blobText,
  type Entity,
  errorText,
  isBeepError,
  type OutgoingEntity,
  type ReplyCode,
  readBeepXml,
  readTuning,
  saslProfile,
  type TuningMessage,
  tuningOf,
} from '../codec/index.ts'
import type {
  BeepIdentity,
  BeepProfile,
  ChannelHandler,
  ChannelStart,
  Replying,
  Session,
} from '../profile.ts'

/** `#auth`'s Sasl, or something like it. */
export interface SaslServer {
  mechanisms(channel: SaslChannel): readonly string[]
  begin(mechanism: string, channel: SaslChannel): SaslMechanism | undefined
}

export interface SaslProfilesOptions {
  readonly sasl: SaslServer
  readonly log: Log
  /** The domain that a session is for: by its serverName where that is one of ours. */
  readonly domainOf: (session: Session) => string
  /** True where a setting lets PLAIN go without TLS. */
  readonly plainWithoutTls?: boolean
  /** May still refuse who has proven himself, for reasons of the account. Called before `complete` is sent. */
  readonly admit?: (session: Session, identity: BeepIdentity, decided: (error?: BeepError) => void) => void
}

/** All mechanisms that may ever be offered; which of them are is a matter of the session. */
const mechanismNames = [
  'EXTERNAL',
  'SCRAM-SHA-512-PLUS',
  'SCRAM-SHA-256-PLUS',
  'SCRAM-SHA-1-PLUS',
  'SCRAM-SHA-512',
  'SCRAM-SHA-256',
  'SCRAM-SHA-1',
  'DIGEST-MD5',
  'PLAIN',
]

/** Those in which the server speaks first. */
const serverFirst = new Set(['DIGEST-MD5'])
const emptyBlob: TuningMessage = { kind: 'blob', status: 'continue', data: noBytes }

/** §8: what each failure is called. All other reasons stay in the log. */
const codeOf: Readonly<Record<SaslFailure, ReplyCode>> = {
  'not-authorized': 535,
  'malformed-request': 501,
  'invalid-authzid': 537,
  'invalid-mechanism': 534,
  'temporary-auth-failure': 454,
}

/** Serves SASL; none of the profiles is offered once a login has succeeded (§4: "no additional attempts"). */
export function saslProfilesOf(options: SaslProfilesOptions): BeepProfile[] {
  return mechanismNames.map((mechanism) => ({
    uri: saslProfile + mechanism,
    isTuning: true,
    isOffered: (session) =>
      session.identity === undefined &&
      options.sasl.mechanisms(channelOf(session, options)).includes(mechanism),
    refusal: (session) => refusalOf(session, mechanism, options),
    start: (start) => new SaslExchange(start.session, mechanism, options).begin(start),
  }))
}

/** Why a mechanism is not offered: 538 where TLS would bring it. */
function refusalOf(session: Session, mechanism: string, options: SaslProfilesOptions): BeepError | undefined {
  if (session.identity !== undefined) return beepError(550, 'the session is authenticated already')
  const secured = { ...channelOf(session, options), plainAllowed: true }
  return options.sasl.mechanisms(secured).includes(mechanism) ? beepError(538) : undefined
}

function channelOf(
  session: Session,
  { domainOf, plainWithoutTls = false }: SaslProfilesOptions,
): SaslChannel {
  const { tls, remote } = session.connection
  return {
    domain: domainOf(session),
    remoteAddress: remote.address,
    plainAllowed: tls !== undefined || plainWithoutTls,
    bindings: channelBindings(tls),
    certificate: tls?.peerCertificate(),
    service: 'beep',
  }
}

/** Puts an answer where it belongs: into the reply to start, or into a reply on the channel. */
type Answer = (text: string, isError: boolean) => void

/** A channel of one mechanism. After a failure a new exchange may begin on it. */
class SaslExchange implements ChannelHandler {
  readonly #session: Session
  readonly #name: string
  readonly #options: SaslProfilesOptions
  #mechanism: SaslMechanism | undefined
  #isDeciding = false

  constructor(session: Session, name: string, options: SaslProfilesOptions) {
    this.#session = session
    this.#name = name
    this.#options = options
  }

  /** §4.1.1: the initial response may ride in the start, and its answer in the reply. */
  begin(start: ChannelStart): void {
    const isEmpty = start.content.length === 0
    if (isEmpty && !serverFirst.has(this.#name)) return void start.accept(this)
    // §4.1.1, the last example: the challenge of who speaks first rides in the reply.
    const message = isEmpty ? emptyBlob : readTuning(start.content)
    this.#take(message, (text) => void start.accept(this, utf8(text)))
  }

  onMessage(entity: Entity, replying: Replying): void {
    const element = readBeepXml(entity)
    this.#take(isBeepError(element) ? element : tuningOf(element), (text, isError) => {
      const reply: OutgoingEntity = { contentType: beepXmlType, body: utf8(text) }
      if (isError) replying.negative(reply)
      else replying.positive(reply)
    })
  }

  onClosed(): void {
    if (this.#mechanism !== undefined) this.#session.tuning.isUnderWay = false
    this.#mechanism = undefined
  }

  #take(message: TuningMessage | BeepError, answer: Answer): void {
    const refuse = (error: BeepError): void => answer(errorText(error), true)
    if (isBeepError(message)) return refuse(message)
    if (message.kind !== 'blob') return refuse(beepError(501, `unexpected element <${message.kind}>`))
    // §4.1.3: `complete` is a server's word.
    if (message.status === 'complete') return refuse(beepError(501, 'status attribute in <blob> element'))
    if (this.#isDeciding) return refuse(beepError(450, 'another blob is being decided'))
    if (message.status === 'abort') {
      this.#stop()
      return refuse(beepError(451))
    }
    const mechanism = this.#mechanism ?? this.#fresh()
    if (mechanism === undefined) return refuse(this.#unavailable())
    this.#mechanism = mechanism
    this.#isDeciding = true
    mechanism.step(message.data).then(
      (step) => this.#decided(step, answer),
      (error: unknown) => {
        this.#options.log.error('a login failed by a fault', { error })
        this.#decided({ kind: 'failure', failure: 'temporary-auth-failure', isGuess: false }, answer)
      },
    )
  }

  /** A new exchange, where this mechanism may begin one now. */
  #fresh(): SaslMechanism | undefined {
    const { tuning, identity } = this.#session
    if (tuning.isUnderWay || identity !== undefined) return undefined
    const mechanism = this.#options.sasl.begin(this.#name, channelOf(this.#session, this.#options))
    if (mechanism !== undefined) tuning.isUnderWay = true
    return mechanism
  }

  #unavailable(): BeepError {
    return (
      refusalOf(this.#session, this.#name, this.#options) ?? beepError(450, 'another tuning is under way')
    )
  }

  #decided(step: SaslStep, answer: Answer): void {
    this.#isDeciding = false
    // The session or the channel may have ended meanwhile.
    if (this.#mechanism === undefined) return answer(errorText(beepError(451)), true)
    if (step.kind === 'challenge') return answer(blobText('continue', step.data), false)
    if (step.kind === 'failure')
      return this.#failed(beepError(codeOf[step.failure]), answer, step.isGuess !== false)
    const identity = { owner: step.owner, name: step.name }
    const { admit } = this.#options
    if (admit === undefined) return this.#succeed(identity, step.data, answer)
    this.#isDeciding = true
    admit(this.#session, identity, (error) => {
      this.#isDeciding = false
      if (this.#mechanism === undefined) answer(errorText(beepError(451)), true)
      else if (error !== undefined) this.#failed(error, answer, false)
      else this.#succeed(identity, step.data, answer)
    })
  }

  #succeed(identity: BeepIdentity, data: Bytes | undefined, answer: Answer): void {
    this.#stop()
    this.#session.tuning.identify(identity)
    answer(blobText('complete', data ?? noBytes), false)
  }

  #failed(error: BeepError, answer: Answer, isGuess: boolean): void {
    this.#stop()
    answer(errorText(error), true)
    if (isGuess) this.#session.tuning.failedLogin()
  }

  #stop(): void {
    if (this.#mechanism !== undefined) this.#session.tuning.isUnderWay = false
    this.#mechanism = undefined
  }
}
