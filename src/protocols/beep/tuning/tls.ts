// The TLS transport security profile (RFC 3080 §3.1), from both sides. The side that sends `ready` is the TLS client: the text does
// not say who is (decision 0110).

import { type Bytes, utf8 } from '#base'
import type { TlsContext } from '#net'
import {
  type BeepError,
  beepError,
  beepXmlType,
  type Entity,
  errorText,
  isBeepError,
  type OutgoingEntity,
  proceedText,
  readBeepXml,
  readTuning,
  readyText,
  tlsProfile,
  tuningOf,
} from '../codec/index.ts'
import type { BeepProfile, ChannelHandler, ChannelStart, Replying, Session } from '../profile.ts'

export interface TlsProfileOptions {
  readonly context: TlsContext
  /** Whether clients are asked for a certificate. */
  readonly requestCertificate?: boolean
}

/** Serves TLS: offered until it is there, and not after a login (§4.1: "once any SASL negotiation is successful"). */
export function tlsProfileOf(options: TlsProfileOptions): BeepProfile {
  return {
    uri: tlsProfile,
    isTuning: true,
    isOffered: ({ connection, identity }) => connection.tls === undefined && identity === undefined,
    start: (start) => serve(start, options),
  }
}

function serve(start: ChannelStart, options: TlsProfileOptions): void {
  const handler = new TlsChannel(start.session, options)
  // Without `ready` in it, the channel is there, and `ready` comes on it.
  if (start.content.length === 0) return void start.accept(handler)
  const error = readyFault(readTuning(start.content))
  // §3.1.1: the channel is created, and the operation inside has failed.
  if (error !== undefined) return void start.accept(handler, utf8(errorText(error)))
  handler.begin(() => start.accept(handler, utf8(proceedText)))
}

class TlsChannel implements ChannelHandler {
  readonly #session: Session
  readonly #options: TlsProfileOptions

  constructor(session: Session, options: TlsProfileOptions) {
    this.#session = session
    this.#options = options
  }

  onMessage(entity: Entity, replying: Replying): void {
    const element = readBeepXml(entity)
    const error = readyFault(isBeepError(element) ? element : tuningOf(element))
    if (error !== undefined) return replying.negative(errorEntity(error))
    if (this.#session.tuning.isUnderWay) return replying.negative(errorEntity(beepError(450)))
    this.begin(() => replying.positive({ contentType: beepXmlType, body: utf8(proceedText) }))
  }

  /** §3.1.3.2: sends `proceed`, closes all channels and awaits the handshake; before, what is due must have left (§3.1.3.1). */
  begin(proceed: () => void): void {
    const { context, requestCertificate = false } = this.#options
    const { tuning } = this.#session
    tuning.isUnderWay = true
    // The reply to `ready` itself is the one that is left.
    tuning.whenReplied(1, () => {
      proceed()
      tuning.whenReplied(0, () => {
        const { serverName } = this.#session
        tuning.secure(contextFor(context, serverName), { server: true, requestCertificate })
      })
    })
  }
}

/** §2.3.1.2: the serverName chooses "the desired server-side certificate"; a name in TLS itself is more exact. */
function contextFor(context: TlsContext, serverName: string | undefined): TlsContext {
  return { secureContext: (name) => context.secureContext(name ?? serverName) }
}

/** What is wrong with a `ready`; versions are those of TLS, 1 where none is said: the earliest that is acceptable. */
function readyFault(message: ReturnType<typeof readTuning>): BeepError | undefined {
  if (isBeepError(message)) return message
  if (message.kind !== 'ready') return beepError(501, `unexpected element <${message.kind}>`)
  if (!/^1(\.[0-9])?$/.test(message.version))
    return beepError(501, 'version attribute poorly formed in <ready> element')
  return Number(message.version.slice(2)) > 3
    ? beepError(504, 'that version of TLS is not supported')
    : undefined
}

function errorEntity(error: BeepError): OutgoingEntity {
  return { contentType: beepXmlType, body: utf8(errorText(error)) }
}

export interface StartTlsRequest {
  readonly context: TlsContext
  /** The name to ask for and to check the certificate against; and the serverName of the session. */
  readonly serverName: string
  /** The earliest version of TLS that will do. */
  readonly version?: string
}

/**
 * Asks the peer for TLS. `onOutcome` gets nothing when it is there (the greeting follows), or why it is not; where the handshake fails the
 * session ends. To be called before other channels are opened: they would be closed.
 */
export function startTls(
  session: Session,
  { context, serverName, version }: StartTlsRequest,
  onOutcome: (error?: BeepError) => void,
): void {
  const { tuning } = session
  if (tuning.isUnderWay || session.connection.tls !== undefined) return onOutcome(beepError(450))
  tuning.isUnderWay = true
  const refused = (error: BeepError): void => {
    tuning.isUnderWay = false
    tuning.speak()
    onOutcome(error)
  }
  const handler: ChannelHandler = {
    // §2.7: nothing is asked of us on it.
    onMessage: (_entity, replying) => replying.negative(errorEntity(beepError(550))),
  }
  tuning.whenQuiet(() => {
    const profiles = [{ uri: tlsProfile, content: utf8(readyText(version)) }]
    session.start({ profiles, serverName, handler, isTuning: true }, (outcome) => {
      if (outcome.kind === 'lost') return onOutcome(beepError(421))
      if (outcome.kind === 'refused') return refused(outcome.error)
      const answer = answerOf(outcome.content)
      if (answer !== undefined) {
        refused(answer)
        return outcome.channel.close()
      }
      tuning.secure(context, { server: false, servername: serverName }, () => onOutcome())
    })
    // §3.1.3.1: no further traffic until the reply has come.
    tuning.silence()
  })
}

/** Undefined for `proceed`. */
function answerOf(content: Bytes): BeepError | undefined {
  const message = readTuning(content)
  if (isBeepError(message)) return message
  if (message.kind === 'proceed') return undefined
  return message.kind === 'error' ? message.error : beepError(501)
}
