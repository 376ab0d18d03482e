// Channel 0 (RFC 3080 §2.3): greetings, and channels that are started and closed, asked by either side.

import { type Bytes, utf8 } from '#base'
import type { BeepChannel } from './channel.ts'
import {
  type BeepError,
  beepError,
  beepXmlType,
  closeText,
  type Entity,
  errorMessage,
  greetingText,
  isBeepError,
  type OutgoingEntity,
  okText,
  readBeepXml,
  readReply,
  readRequest,
  startText,
} from './codec/index.ts'
import type { Exchange } from './exchange.ts'
import type {
  ChannelHandler,
  CloseOutcome,
  Reply,
  Replying,
  SessionReason,
  StartOutcome,
  StartRequest,
} from './profile.ts'
import { served } from './serving.ts'
import type { BeepSession } from './session.ts'

type CloseRequest = Extract<ReturnType<typeof readRequest>, { kind: 'close' }>

export class Management implements ChannelHandler {
  readonly #session: BeepSession
  #zero: BeepChannel | undefined

  constructor(session: BeepSession) {
    this.#session = session
  }

  /** Says who we are, or that we are not there (§2.3.1.5, the last case). */
  greet(zero: BeepChannel): void {
    this.#zero = zero
    const { role, options } = this.#session
    const onReply = (reply: Reply): void => this.#greeted(reply)
    const unavailable = role === 'listener' ? options.unavailable?.() : undefined
    if (unavailable !== undefined) {
      zero.greet('ERR', utf8(errorMessage(unavailable)), onReply)
      options.log.info('a beep session was refused', {
        connection: this.#session.connection.id,
        ...unavailable,
      })
      return this.#session.terminate({ why: 'refused', detail: 'we are not available' })
    }
    const offered = (options.profiles ?? []).filter((profile) => profile.isOffered?.(this.#session) !== false)
    const profiles = offered.map(({ uri }) => uri)
    const { features = [], localize = [] } = options
    zero.greet('RPY', utf8(greetingText({ profiles, features, localize })), onReply)
  }

  #greeted(reply: Reply): void {
    if (reply.kind === 'lost') return
    const read = this.#read(reply)
    if (typeof read === 'string') return this.#poor(read)
    if (read.kind === 'greeting' && reply.kind === 'RPY') return this.#session.greeted(read)
    // Only the listener may say that it is not available.
    if (read.kind === 'error' && reply.kind === 'ERR' && this.#session.role === 'initiator')
      return this.#session.terminate({
        why: 'refused',
        detail: `${read.error.code} ${read.error.text ?? ''}`,
      })
    this.#poor(`not a greeting: ${reply.kind} ${read.kind}`)
  }

  // --- asked by the peer

  onMessage(entity: Entity, replying: Replying): void {
    const element = readBeepXml(entity)
    if (isBeepError(element)) return this.#refuse(replying, element)
    const request = readRequest(element)
    if (request.kind === 'error') this.#refuse(replying, request.error)
    else if (request.kind === 'start') served(this.#session, request, replying as Exchange, this.language)
    else if (request.number === 0) this.#releaseAsked(request, replying as Exchange)
    else this.#closeAsked(request, replying)
  }

  negative(why: 'malformed' | 'too-large'): OutgoingEntity {
    return xmlEntity(
      errorMessage(why === 'malformed' ? beepError(500) : beepError(501, 'the message is too large')),
    )
  }

  /** §2.3.1.5: absent "only if the language indicated as the remote BEEP peer's first choice is used". Ours is English. */
  readonly language = (error: BeepError): BeepError => {
    const first = this.#session.peer?.localize[0] ?? 'i-default'
    const isTheirs = first === 'i-default' || /^en(-|$)/i.test(first)
    return isTheirs || error.language !== undefined ? error : { ...error, language: 'en' }
  }

  #refuse(replying: Replying, error: BeepError): void {
    replying.negative(xmlEntity(errorMessage(this.language(error))))
  }

  #closeAsked(request: CloseRequest, replying: Replying): void {
    const channel = this.#session.channel(request.number)
    if (channel === undefined) return this.#refuse(replying, beepError(553, 'no such channel'))
    const refusal = channel.handler.onCloseAsked?.(request.code, request.text)
    if (refusal !== undefined) return this.#refuse(replying, refusal)
    channel.state = 'closing'
    // §2.3.1.3: queued MSGs leave, replies to them come, replies of ours leave; then `ok`.
    channel.whenQuiet(false, () => {
      replying.positive(xmlEntity(okText))
      this.#session.remove(channel)
    })
  }

  #releaseAsked(request: CloseRequest, exchange: Exchange): void {
    const { channels } = this.#session
    for (const channel of channels) {
      const refusal = channel.handler.onCloseAsked?.(request.code, request.text)
      if (refusal !== undefined) return this.#refuse(exchange, refusal)
    }
    for (const channel of channels) channel.state = 'closing'
    this.#session.tuning.whenQuiet(() => {
      exchange.onReplied = () => this.#session.released()
      exchange.positive(xmlEntity(okText))
    })
  }

  // --- asked by us

  start(number: number, request: StartRequest, onOutcome: (outcome: StartOutcome) => void): void {
    const { serverName, profiles, handler } = request
    const text = startText({ number, serverName, profiles })
    const asked = this.#ask(text, (read) => {
      if (read === undefined) return onOutcome({ kind: 'lost' })
      if (read.kind === 'error') return onOutcome({ kind: 'refused', error: read.error })
      if (read.kind !== 'profile' || !profiles.some(({ uri }) => uri === read.uri)) {
        this.#poor('a profile that was not asked for')
        return onOutcome({ kind: 'lost' })
      }
      const { uri, content = nothing } = read
      this.#session.serverName ??= serverName
      const channel = this.#session.open(number, uri, handler, request.isTuning === true)
      onOutcome({ kind: 'started', channel, uri, content })
    })
    if (!asked) onOutcome({ kind: 'refused', error: beepError(450, 'too much waits on channel 0') })
  }

  askToClose(
    channel: BeepChannel,
    code: number,
    text: string,
    onOutcome: (outcome: CloseOutcome) => void,
  ): void {
    if (channel.state === 'closed') return onOutcome({ kind: 'lost' })
    const { language } = this.language({ code, text })
    const asked = this.#ask(closeText({ number: channel.number, code, text, language }), (read) => {
      // Both may have asked at the same time: then it is gone already.
      const isOpen = channel.state !== 'closed'
      if (read?.kind === 'ok' && isOpen) this.#session.remove(channel)
      else if (read?.kind === 'error') channel.reopen()
      else if (read !== undefined && read.kind !== 'ok') this.#poor('neither ok nor error')
      onOutcome(closeOutcome(read, !isOpen))
    })
    if (!asked) onOutcome({ kind: 'lost' })
  }

  release(onOutcome: (outcome: CloseOutcome) => void): void {
    this.#session.tuning.whenQuiet(() => {
      const asked = this.#ask(closeText({ number: 0, code: 200, text: '', language: undefined }), (read) => {
        if (read !== undefined && read.kind !== 'ok' && read.kind !== 'error')
          this.#poor('neither ok nor error')
        onOutcome(closeOutcome(read, false))
        if (read?.kind === 'ok') this.#session.released()
      })
      if (!asked) onOutcome({ kind: 'lost' })
    })
  }

  /** A MSG on channel 0; undefined where no reply will come. False when it could not be sent. */
  #ask(
    text: string,
    onRead: (read: Exclude<ReturnType<typeof readReply>, string> | undefined) => void,
  ): boolean {
    const zero = this.#zero
    if (zero === undefined) return false
    const result = zero.send(xmlEntity(text), (reply) => {
      if (reply.kind === 'lost') return onRead(undefined)
      const read = this.#read(reply)
      // §6.1: which messages are in positive replies, and which in negative ones.
      const isRight = typeof read !== 'string' && (read.kind === 'error') === (reply.kind === 'ERR')
      if (!isRight) this.#poor(typeof read === 'string' ? read : `${reply.kind} with ${read.kind}`)
      onRead(isRight ? read : undefined)
    })
    return result !== 'refused'
  }

  #read(reply: Exclude<Reply, { kind: 'lost' }>): ReturnType<typeof readReply> {
    // §6.1: "Messages in one-to-many exchanges: none".
    if (reply.kind === 'ANS' || reply.kind === 'NUL') return `${reply.kind} on channel 0`
    const element = readBeepXml(reply.entity)
    return isBeepError(element) ? (element.text ?? 'not understood') : readReply(element)
  }

  /** §2.2.2.1: "the session is terminated without generating a response". */
  #poor(detail: string): void {
    const { connection, options } = this.#session
    options.log.info('a beep session ended by a poorly formed reply on channel 0', {
      connection: connection.id,
      remote: connection.remote.address,
      detail,
    })
    const reason: SessionReason = { why: 'malformed', detail }
    this.#session.terminate(reason)
  }
}

const nothing: Bytes = new Uint8Array(0)

/** A message of channel 0. */
export function xmlEntity(text: string): OutgoingEntity {
  return { contentType: beepXmlType, body: utf8(text) }
}

function closeOutcome(
  read: Exclude<ReturnType<typeof readReply>, string> | undefined,
  isGone: boolean,
): CloseOutcome {
  if (isGone || read?.kind === 'ok') return { kind: 'closed' }
  return read?.kind === 'error' ? { kind: 'refused', error: read.error } : { kind: 'lost' }
}
