// One client's connection: octets in and out, the stream's negotiation, and the bound session once there is one.

import { type Bytes, ownBytes, randomId } from '#base'
import type { Lease } from '#core'
import type { Address } from '#model'
import type { CloseReason, Connection } from '#net'
import { type Frame, Framer } from '#wire/xml'
import { BoundSession, type Stream } from './bound-session.ts'
import { seeOtherUriText } from './codec/framing.ts'
import { bareJid } from './codec/jid.ts'
import { pingNamespace, tlsNamespace } from './codec/namespaces.ts'
import { bindErrorText, bindResultText, elementInput, headerInput, langOf } from './codec/negotiation.ts'
import { challengeText, failureText, successText } from './codec/sasl.ts'
import { stanzaError } from './codec/stanza-error.ts'
import { failedText, handledTooHighText } from './codec/stream-management.ts'
import { headerText, type StreamCondition, streamEnd, streamErrorText } from './codec/stream-text.ts'
import { streamErrorOfXml } from './errors.ts'
import { Idleness } from './idleness.ts'
import { Login } from './login.ts'
import { takeRegistration } from './registration.ts'
import { bindResource, type Entering, resumeSession } from './session-entry.ts'
import type { SessionEnvironment } from './session-environment.ts'
import {
  type StreamEffect,
  type StreamInput,
  type StreamPolicy,
  type StreamState,
  streamStart,
  streamStep,
} from './stream.ts'
import { streamFeatures } from './stream-features.ts'

/** LIMIT: octets of a header or element of a client that has not bound a resource; no login needs more. */
const octetsBeforeBindingMax = 16_384

export class ClientSession implements Stream {
  readonly #environment: SessionEnvironment
  readonly #connection: Connection
  readonly #policy: StreamPolicy
  readonly #framer: Framer
  #state: StreamState
  #bound: BoundSession | undefined
  readonly #login: Login
  /** Until a resource is bound; then idleness. */
  readonly #lease: Lease
  #idleness: Idleness | undefined
  /** True while stanzas may not be read on: a login or a binding is under way. */
  #waiting = false
  #reading = false
  /** More waits for the client than it should. */
  #isSlow = false
  #over = false
  readonly isFramed: boolean

  constructor(connection: Connection, environment: SessionEnvironment) {
    const { service, settings } = environment
    this.#connection = connection
    this.#environment = environment
    this.isFramed = environment.isFramed === true
    this.#policy = {
      domains: service.router.domains,
      // RFC 7395 §3.9: TLS is below the frames.
      hasTls: environment.tls !== undefined && !this.isFramed,
      mayStayClear: settings.plainWithoutTls,
      failuresMax: settings.loginFailuresMax,
      isElsewhere: (this.isFramed ? settings.seeOtherUri : settings.seeOtherHost) !== undefined,
      limits: {
        login: { octets: this.#octetsMax(false), seconds: settings.negotiationSecondsMax },
        open: { octets: settings.stanzaOctetsMax, seconds: settings.idleSeconds },
      },
    }
    this.#login = new Login({
      logins: environment.logins,
      connection,
      plainWithoutTls: settings.plainWithoutTls,
      log: service.log,
    })
    this.#framer = new Framer({ bytesMax: this.#octetsMax(false) })
    this.#state = streamStart(this.#policy, connection.tls !== undefined)
    // LIMIT: whoever does not log in is not kept.
    this.#lease = service.leases.grant(settings.negotiationSecondsMax, () => this.fail('connection-timeout'))
    connection.start({
      onData: (bytes) => this.#receive(bytes),
      onSecure: () => this.#step({ kind: 'secured' }),
      onDrain: () => this.#drained(),
      onEnd: () => this.#cutOff(),
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

  fail(condition: StreamCondition, more?: string): void {
    this.#step({ kind: 'error', condition, more })
  }

  replaced(): void {
    this.#bound = undefined
    this.fail('conflict')
  }

  #octetsMax(isBound: boolean): number {
    const { stanzaOctetsMax } = this.#environment.settings
    return isBound ? stanzaOctetsMax : Math.min(octetsBeforeBindingMax, stanzaOctetsMax)
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
          else this.#negotiate(frame)
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
    const header = headerInput(frame)
    const offered = this.#login.offered(header.to ?? this.#policy.domains[0] ?? '')
    this.#step({ kind: 'header', ...header, ...offered })
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
        return this.writeUtf8(streamFeatures(this.#environment, effect.features))
      case 'proceed':
        return this.#startTls()
      case 'begin-sasl':
        return this.#beginLogin(effect.mechanism, effect.data)
      case 'continue-sasl':
        return this.#proceedLogin(effect.data)
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
      case 'resume':
        return this.#resume(effect)
      case 'send-failed':
        return this.writeUtf8(failedText('unexpected-request'))
      case 'close':
        return this.#close(effect.error, effect.more)
    }
  }

  #negotiate(frame: Frame): void {
    const { remote } = this.#connection
    this.#waiting = true
    const isTaken = takeRegistration(this.#environment, this.#state, frame, remote.address, (text) => {
      this.#waiting = false
      if (this.#over) return
      this.writeUtf8(text)
      if (!this.#reading) this.#goOn()
    })
    if (isTaken) return
    this.#waiting = false
    this.#step(elementInput(frame, this.#framer.unreadBeyondSpace))
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

  #beginLogin(mechanism: string, data: Bytes | undefined): void {
    const answer = this.#login.begin(mechanism, data, this.#state.domain)
    if (answer !== undefined) this.#step(answer)
    else this.#proceedLogin(data as Bytes)
  }

  #proceedLogin(data: Bytes): void {
    this.#waiting = true
    this.#login.proceed(data, this.#state.domain, (input) => {
      this.#waiting = false
      if (this.#over) return
      this.#step(input)
      this.#goOn()
    })
  }

  /** Reads what came meanwhile. */
  #goOn(): void {
    if (!this.#isSlow) this.#connection.resume()
    this.#read()
  }

  // The session of this stream.

  get #entering(): Entering {
    const { header } = this.#framer
    return {
      user: this.#state.user as Address,
      domain: this.#state.domain,
      lang: header === undefined ? undefined : langOf(header),
      stream: this,
    }
  }

  #bind(id: string, wanted: string | undefined): void {
    this.#waiting = true
    bindResource(this.#environment, this.#entering, wanted, (bound) => {
      this.#waiting = false
      if (bound instanceof BoundSession) {
        this.writeUtf8(bindResultText(id, bound.full))
        this.#carries(bound)
      } else {
        this.writeUtf8(bindErrorText(id, stanzaError(bound)))
        this.#step({ kind: 'not-bound' })
      }
      if (!this.#reading) this.#goOn()
    })
  }

  #resume(wanted: { readonly previous: string; readonly h: number }): void {
    this.#waiting = true
    resumeSession(this.#environment, this.#entering, wanted, (resumed) => {
      this.#waiting = false
      if (resumed.kind === 'resumed') this.#carries(resumed.session)
      else if (resumed.kind === 'impossible')
        return this.fail('undefined-condition', handledTooHighText(wanted.h, resumed.sent))
      else {
        // RFC 6120 §7 goes on here: the client may bind a resource instead.
        this.writeUtf8(failedText('item-not-found', resumed.h))
        this.#step({ kind: 'not-bound' })
      }
      if (!this.#reading) this.#goOn()
    })
  }

  /** The stream is that session's from now on. */
  #carries(session: BoundSession): void {
    const { service, settings } = this.#environment
    this.#bound = session
    this.#framer.bytesMax = this.#octetsMax(true)
    this.#lease.cancel()
    this.#idleness = new Idleness({
      service,
      seconds: settings.idleSeconds,
      lastReceived: () => this.#connection.lastReceived,
      ping: () => this.#ping(),
      gone: () => this.#silent(),
    })
    this.#step({ kind: 'bound' })
  }

  /** XEP-0199 §4.1: any answer will do, an error too. A stanza like others, where these are counted. */
  #ping(): void {
    const { outgoing, domain } = this.#bound ?? {}
    if (outgoing === undefined) return
    const attributes = `type='get' id='${randomId(12)}' from='${domain}'`
    outgoing.begin().writeUtf8(`<iq ${attributes}><ping xmlns='${pingNamespace}'/></iq>`)
    outgoing.end()
  }

  // The end.

  /** The server stops. */
  stop(): void {
    this.fail('system-shutdown')
  }

  /** The client said nothing, not even to a ping: its connection is dead, and it may come back. */
  #silent(): void {
    this.#bound?.lost()
    this.fail('connection-timeout')
  }

  /** The connection ended from the other side without an end of the stream (XEP-0198 §7). */
  #cutOff(): void {
    this.#bound?.lost()
    this.#step({ kind: 'end' })
  }

  #close(error: StreamCondition | undefined, more = ''): void {
    if (error !== undefined) this.#environment.metrics.streamErrors.with(error).add()
    const { seeOtherHost, seeOtherUri } = this.#environment.settings
    const isElsewhere = error === 'see-other-host'
    if (isElsewhere && this.isFramed && seeOtherUri !== undefined)
      this.writeUtf8(seeOtherUriText(seeOtherUri))
    else {
      if (error !== undefined)
        this.writeUtf8(streamErrorText(error, more, isElsewhere ? seeOtherHost : undefined))
      // RFC 6120 §4.4: the other side's end tag is answered by ours.
      this.writeUtf8(streamEnd)
    }
    this.#end()
    this.#connection.close()
  }

  #closed(reason: CloseReason): void {
    if (!this.#over) {
      this.#environment.service.log.debug('an XMPP client is gone', {
        connection: this.#connection.id,
        ...reason,
      })
      this.#bound?.lost()
    }
    this.#end()
    this.#environment.onOver()
  }

  #end(): void {
    if (this.#over) return
    this.#over = true
    this.#lease.cancel()
    this.#idleness?.stop()
    this.#held.length = 0
    // Where the session waits for another stream, this is none of its streams any more.
    if (this.#bound?.isOn(this) === true) this.#bound.end()
    this.#bound = undefined
  }
}
