// One client's connection: octets in and out, the stream's negotiation, and the bound session once there is one.

import type { Logins, SaslChannel, SaslMechanism, SaslStep } from '#auth'
import { type Bytes, ownBytes, randomId } from '#base'
import type { Account, Lease, Service } from '#core'
import type { Address, Refused } from '#model'
import type { CloseReason, Connection, TlsContext } from '#net'
import { elementOf, type Frame, Framer } from '#wire/xml'
import { BoundSession, type Stream } from './bound-session.ts'
import { bareJid } from './codec/jid.ts'
import { pingNamespace, tlsNamespace } from './codec/namespaces.ts'
import { bindErrorText, bindResultText, elementInput, headerInput, langOf } from './codec/negotiation.ts'
import { challengeText, failureText, successText } from './codec/sasl.ts'
import { stanzaError } from './codec/stanza-error.ts'
import {
  featuresText,
  headerText,
  type StreamCondition,
  streamEnd,
  streamErrorText,
} from './codec/stream-text.ts'
import { streamErrorOfXml } from './errors.ts'
import { serverCaps } from './handlers/disco.ts'
import { iqHandlers } from './handlers/iq-handlers.ts'
import { Idleness } from './idleness.ts'
import type { XmppMetrics } from './metrics.ts'
import type { XmppSettings } from './settings.ts'
import {
  type StreamEffect,
  type StreamInput,
  type StreamPolicy,
  type StreamState,
  streamStart,
  streamStep,
} from './stream.ts'

/** LIMIT: octets of a header or element of a client that has not bound a resource; no login needs more. */
const octetsBeforeBindingMax = 16_384

export interface SessionEnvironment {
  readonly service: Service
  readonly settings: XmppSettings
  readonly logins: Logins
  readonly version: string
  readonly metrics: XmppMetrics
  /** Undefined where there is no certificate. */
  readonly tls: TlsContext | undefined
  /** Called once when the session is over. */
  readonly onOver: (session: ClientSession) => void
}

export class ClientSession implements Stream {
  readonly #environment: SessionEnvironment
  readonly #connection: Connection
  readonly #policy: StreamPolicy
  readonly #framer: Framer
  #state: StreamState
  #bound: BoundSession | undefined
  #sasl: SaslMechanism | undefined
  /** Until a resource is bound; then idleness. */
  readonly #lease: Lease
  #idleness: Idleness | undefined
  /** True while stanzas may not be read on: a login or a binding is under way. */
  #waiting = false
  #reading = false
  /** More waits for the client than it should. */
  #isSlow = false
  #over = false

  constructor(connection: Connection, environment: SessionEnvironment) {
    const { service, settings } = environment
    this.#connection = connection
    this.#environment = environment
    this.#policy = {
      domains: service.router.domains,
      hasTls: environment.tls !== undefined,
      mayStayClear: settings.plainWithoutTls,
      failuresMax: settings.loginFailuresMax,
    }
    this.#framer = new Framer({ bytesMax: Math.min(octetsBeforeBindingMax, settings.stanzaOctetsMax) })
    this.#state = streamStart(this.#policy, connection.tls !== undefined)
    // LIMIT: whoever does not log in is not kept.
    this.#lease = service.leases.grant(settings.negotiationSecondsMax, () => this.fail('connection-timeout'))
    connection.start({
      onData: (bytes) => this.#receive(bytes),
      onSecure: () => this.#secured(),
      onDrain: () => this.#drained(),
      onEnd: () => this.#step({ kind: 'end' }),
      onClose: (reason) => this.#closed(reason),
    })
  }

  // As a Stream.

  get isOpen(): boolean {
    return !this.#over && !this.#connection.closing
  }

  write(bytes: Bytes): void {
    if (!this.#connection.write(bytes)) this.#isSlow = true
  }

  writeUtf8(text: string): void {
    if (!this.#connection.writeUtf8(text)) this.#isSlow = true
  }

  fail(condition: StreamCondition): void {
    this.#step({ kind: 'error', condition })
  }

  // Octets in.

  #receive(bytes: Bytes): void {
    if (this.#waiting) {
      // While a login or a binding is under way the client has nothing to say (RFC 6120 §6.3.4): all but whitespace waits.
      this.#held.push(ownBytes(bytes))
      this.#connection.pause()
      return
    }
    this.#framer.feed(bytes)
    this.#read()
    // The loan ends here, whatever is still to be read.
    if (this.#waiting) this.#framer.keepUnread()
    // Who does not read what it asks for is not read on either.
    if (this.#isSlow) this.#connection.pause()
  }

  #drained(): void {
    this.#isSlow = false
    if (!this.#waiting) this.#goOn()
  }

  /** What came while reading was not allowed; the connection is paused then, so that it stays small. */
  readonly #held: Bytes[] = []

  /** Reads everything fed. Hot path once a resource is bound. */
  #read(): void {
    if (this.#reading) return
    this.#reading = true
    try {
      while (!this.#over && !this.#waiting) {
        const event = this.#framer.next()
        if (event === 'more') {
          const held = this.#held.shift()
          if (held === undefined) return
          this.#framer.feed(held)
        } else if (event === 'stanza') {
          const frame = this.#framer.frame as Frame
          if (this.#bound !== undefined) this.#bound.receive(frame)
          else this.#step(elementInput(elementOf(frame), this.#framer.unreadBeyondSpace))
        } else if (event === 'header') {
          this.#header(this.#framer.header as Frame)
        } else if (event === 'end') {
          return this.#step({ kind: 'end' })
        } else {
          const fault = this.#framer.fault
          return this.fail(fault === undefined ? 'internal-server-error' : streamErrorOfXml[fault.family])
        }
      }
    } finally {
      this.#reading = false
    }
  }

  #header(frame: Frame): void {
    const channel = this.#channel(headerInput(frame).to ?? this.#policy.domains[0] ?? '')
    this.#step({
      kind: 'header',
      ...headerInput(frame),
      mechanisms: this.#environment.logins.sasl.mechanisms(channel),
      channelBindings: [...channel.bindings.keys()],
    })
  }

  // The negotiation.

  #step(input: StreamInput): void {
    const [state, effects] = streamStep(this.#policy, this.#state, input)
    this.#state = state
    for (const effect of effects) this.#carryOut(effect)
  }

  #carryOut(effect: StreamEffect): void {
    switch (effect.do) {
      case 'send-header':
        return this.#sendHeader()
      case 'send-features':
        return this.writeUtf8(featuresText(effect.features, serverCaps(this.#environment, iqHandlers)))
      case 'proceed':
        return this.#startTls()
      case 'begin-sasl':
        return this.#beginSasl(effect.mechanism, effect.data)
      case 'continue-sasl':
        return this.#proceedSasl(effect.data)
      case 'send-challenge':
        return this.writeUtf8(challengeText(effect.data))
      case 'send-success':
        // RFC 6120 §6.4.6: the next octet begins a new stream.
        this.#framer.restart()
        return this.writeUtf8(successText(effect.data))
      case 'send-failure':
        return this.writeUtf8(failureText(effect.condition))
      case 'bind':
        return this.#bind(effect.id, effect.resource)
      case 'close':
        return this.#close(effect.error)
    }
  }

  #sendHeader(): void {
    const header = this.#framer.header
    const from = header?.attribute('from')
    // RFC 6120 §4.7.2: to whom, once we know it, else as the client says.
    const to = this.#state.user === undefined ? from : bareJid(this.#state.user)
    this.writeUtf8(headerText(randomId(), this.#state.domain, to, undefined))
  }

  #startTls(): void {
    const { tls } = this.#environment
    if (tls === undefined) return this.fail('internal-server-error')
    this.writeUtf8(`<proceed xmlns='${tlsNamespace}'/>`)
    // RFC 6120 §5.4.3.3: all knowledge from before TLS is discarded.
    this.#framer.restart()
    this.#framer.discardUnread()
    this.#connection.startTls(tls, { server: true, alpn: ['xmpp-client'] })
  }

  #secured(): void {
    this.#step({ kind: 'secured' })
  }

  #channel(domain: string): SaslChannel {
    const { tls, remote } = this.#connection
    const bindings = new Map<string, Bytes>()
    const exporter = tls?.tlsExporter()
    const unique = tls?.tlsUnique()
    const endPoint = tls?.tlsServerEndPoint()
    if (exporter !== undefined) bindings.set('tls-exporter', exporter)
    // RFC 5802 §6.1: who binds channels at all must know it where the channel has it.
    if (unique !== undefined) bindings.set('tls-unique', unique)
    if (endPoint !== undefined) bindings.set('tls-server-end-point', endPoint)
    return {
      domain,
      remoteAddress: remote.address,
      plainAllowed: tls !== undefined || this.#environment.settings.plainWithoutTls,
      bindings,
    }
  }

  #beginSasl(mechanism: string, data: Bytes | undefined): void {
    this.#sasl = this.#environment.logins.sasl.begin(mechanism, this.#channel(this.#state.domain))
    if (this.#sasl === undefined) return this.#step({ kind: 'failed', condition: 'invalid-mechanism' })
    // RFC 6120 §6.4.2: without an initial response the client is asked for it.
    if (data === undefined) return this.#step({ kind: 'challenge', data: new Uint8Array(0) })
    this.#proceedSasl(data)
  }

  #proceedSasl(data: Bytes): void {
    if (this.#sasl === undefined) return this.#step({ kind: 'failed', condition: 'malformed-request' })
    this.#waiting = true
    this.#sasl.step(data).then(
      (step) => this.#answered(step),
      (cause: unknown) => {
        this.#environment.service.log.error('a login failed by a fault', { error: cause })
        this.#answered({ kind: 'failure', failure: 'temporary-auth-failure' })
      },
    )
  }

  #answered(step: SaslStep): void {
    this.#waiting = false
    if (this.#over) return
    if (step.kind === 'challenge') this.#step({ kind: 'challenge', data: step.data })
    else {
      this.#sasl = undefined
      this.#step(this.#verdict(step))
    }
    this.#goOn()
  }

  #verdict(step: Exclude<SaslStep, { kind: 'challenge' }>): StreamInput {
    if (step.kind === 'failure') {
      return { kind: 'failed', condition: step.failure, isGuess: step.isGuess !== false }
    }
    // The name must be one of the domain that the stream is for.
    if (step.name.domain !== this.#state.domain) return { kind: 'failed', condition: 'not-authorized' }
    return { kind: 'proven', user: step.owner, data: step.data }
  }

  /** Reads what came meanwhile. */
  #goOn(): void {
    if (!this.#isSlow) this.#connection.resume()
    this.#read()
  }

  // Binding (RFC 6120 §7).

  #bind(id: string, wanted: string | undefined): void {
    const user = this.#state.user as Address
    this.#waiting = true
    this.#environment.service.directory.find(user, (found) => {
      if (this.#over) return
      this.#waiting = false
      if (found === 'unknown' || found === 'fault') this.#notBound(id, found === 'fault')
      else this.#take(id, found, wanted ?? randomId())
      if (!this.#reading) this.#goOn()
    })
  }

  #take(id: string, account: Account, wanted: string): void {
    const { service, settings, version, metrics } = this.#environment
    let resource = wanted
    const older = account.inbox.named(resource)
    // RFC 6120 §7.7.2.2: we choose to end the older session. What is not ours keeps its name.
    if (older instanceof BoundSession) older.signOut('conflict')
    else if (older !== undefined) resource = randomId()
    const session = new BoundSession({
      service,
      settings,
      version,
      metrics,
      account,
      resource,
      domain: this.#state.domain,
      lang: this.#framer.header === undefined ? undefined : langOf(this.#framer.header),
      stream: this,
    })
    service.messages.attach(session, (attached: Account | Refused) => {
      if ('kind' in attached) return this.#notBound(id, attached.condition === 'internal-fault')
      this.#bound = session
      metrics.sessions.add()
      this.#framer.bytesMax = settings.stanzaOctetsMax
      service.contacts.attach(account, session)
      this.#lease.cancel()
      this.#idleness = new Idleness({
        service,
        seconds: settings.idleSeconds,
        lastReceived: () => this.#connection.lastReceived,
        ping: () => this.#ping(),
        gone: () => this.fail('connection-timeout'),
      })
      this.writeUtf8(bindResultText(id, session.full))
      this.#step({ kind: 'bound' })
    })
  }

  #notBound(id: string, isFault: boolean): void {
    this.writeUtf8(bindErrorText(id, stanzaError(isFault ? 'internal-server-error' : 'resource-constraint')))
    this.#step({ kind: 'not-bound' })
  }

  /** XEP-0199 §4.1: any answer will do, an error too. */
  #ping(): void {
    const bound = this.#bound
    if (bound === undefined) return
    const attributes = `type='get' id='${randomId(12)}' from='${bound.domain}'`
    this.writeUtf8(`<iq ${attributes}><ping xmlns='${pingNamespace}'/></iq>`)
  }

  // The end.

  /** The server stops. */
  stop(): void {
    this.fail('system-shutdown')
  }

  #close(error: StreamCondition | undefined): void {
    if (error !== undefined) this.#environment.metrics.streamErrors.with(error).add()
    // RFC 6120 §4.4: the other side's end tag is answered by ours.
    this.writeUtf8(error === undefined ? streamEnd : streamErrorText(error))
    this.#end()
    this.#connection.close()
  }

  #closed(reason: CloseReason): void {
    if (!this.#over) {
      this.#environment.service.log.debug('an XMPP client is gone', {
        connection: this.#connection.id,
        ...reason,
      })
    }
    this.#end()
    this.#environment.onOver(this)
  }

  #end(): void {
    if (this.#over) return
    this.#over = true
    this.#lease.cancel()
    this.#idleness?.stop()
    this.#held.length = 0
    if (this.#bound === undefined) return
    this.#bound.end()
    this.#environment.metrics.sessions.add(-1)
  }
}
