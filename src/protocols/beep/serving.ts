// A start that the peer asks for (RFC 3080 §2.3.1.2): who may have which number, which profile is chosen, and the one answer to it.

import { type Bytes, noBytes, ownBytes, utf8 } from '#base'
import {
  type BeepError,
  beepError,
  beepXmlType,
  errorMessage,
  initializationOctetsMax,
  type ProposedProfile,
  profileText,
  type Start,
} from './codec/index.ts'
import type { Exchange } from './exchange.ts'
import type { BeepProfile, Channel, ChannelHandler, ChannelStart, Session } from './profile.ts'
import type { BeepSession } from './session.ts'

/** Serves one start. `inTheirLanguage` marks a diagnostic where the peer wants another language than ours. */
export function served(
  session: BeepSession,
  start: Start,
  exchange: Exchange,
  inTheirLanguage: (error: BeepError) => BeepError,
): void {
  const refuse = (error: BeepError): void =>
    exchange.negative({ contentType: beepXmlType, body: utf8(errorMessage(inTheirLanguage(error))) })
  const refusal = refusalOf(session, start)
  if (refusal !== undefined) return refuse(refusal)
  session.starting.add(start.number)
  next(session, start, exchange, start.profiles.values(), refuse, undefined)
}

/** What speaks against any channel of that number, and against the server's name. */
function refusalOf(session: BeepSession, { number, serverName }: Start): BeepError | undefined {
  // "BEEP peers acting in the initiating role use only positive integers that are odd-numbered".
  const parity = session.role === 'listener' ? 1 : 0
  if (number % 2 !== parity)
    return beepError(
      501,
      `number attribute in <start> element must be ${parity === 1 ? 'odd' : 'even'}-valued`,
    )
  if (session.closing) return beepError(550, 'the session is being released')
  if (session.channel(number) !== undefined || session.starting.has(number))
    return beepError(550, 'the channel number is in use')
  // RFC 3081 §3.1.1: who can't give it 4096 octets declines.
  if (session.channels.length + session.starting.size >= session.limits.channelsMax)
    return beepError(450, 'too many channels')
  // Only the first successful start decides; "if not, an error element is sent in a negative reply".
  if (
    session.serverName === undefined &&
    serverName !== undefined &&
    session.options.serves?.(serverName) === false
  )
    return beepError(553, 'no such server here')
  return undefined
}

/** Offers the start to the profiles that are served, in the order of the peer's preference, until one takes it. */
function next(
  session: BeepSession,
  start: Start,
  exchange: Exchange,
  proposals: Iterator<ProposedProfile>,
  refuse: (error: BeepError) => void,
  refusedBy: BeepError | undefined,
): void {
  for (
    let { value: proposed, done } = proposals.next();
    !done;
    { value: proposed, done } = proposals.next()
  ) {
    const profile = session.options.profiles?.find(({ uri }) => uri === proposed.uri)
    if (profile === undefined) continue
    const refusal = notOffered(session, profile)
    if (refusal === undefined) {
      const again = (error: BeepError): void => next(session, start, exchange, proposals, refuse, error)
      return profile.start(new ServedStart(session, start, profile, proposed, exchange, again))
    }
    refusedBy ??= refusal
  }
  session.starting.delete(start.number)
  refuse(refusedBy ?? beepError(550, 'all requested profiles are unsupported'))
}

function notOffered(session: BeepSession, profile: BeepProfile): BeepError | undefined {
  // §2: "only one tuning channel may be established at any given time".
  if (profile.isTuning === true && session.isUnderWay) return beepError(450, 'another tuning is under way')
  if (profile.isOffered?.(session) !== false) return undefined
  return profile.refusal?.(session) ?? beepError(550, 'the requested profile is not available')
}

class ServedStart implements ChannelStart {
  readonly session: Session
  readonly number: number
  readonly uri: string
  readonly serverName: string | undefined
  readonly content: Bytes
  readonly #session: BeepSession
  readonly #profile: BeepProfile
  readonly #exchange: Exchange
  readonly #refused: (error: BeepError) => void
  #isSettled = false

  constructor(
    session: BeepSession,
    { number, serverName }: Start,
    profile: BeepProfile,
    { content = noBytes }: ProposedProfile,
    exchange: Exchange,
    refused: (error: BeepError) => void,
  ) {
    this.session = session
    this.number = number
    this.uri = profile.uri
    this.serverName = serverName
    this.content = ownBytes(content)
    this.#session = session
    this.#profile = profile
    this.#exchange = exchange
    this.#refused = refused
  }

  accept(handler: ChannelHandler, content: Bytes = noBytes): Channel | undefined {
    this.#settle()
    if (content.length > initializationOctetsMax)
      throw new RangeError('more than 4K octets of initialization')
    const session = this.#session
    session.starting.delete(this.number)
    if (!this.#exchange.open) return undefined
    session.serverName ??= this.serverName
    const channel = session.open(this.number, this.uri, handler, this.#profile.isTuning === true)
    // The peer knows the channel by our reply, so nothing goes out on it before.
    channel.isHeld = true
    this.#exchange.onReplied = () => {
      channel.isHeld = false
      session.pump(channel)
    }
    const body = utf8(profileText({ uri: this.uri, content }))
    this.#exchange.positive({ contentType: beepXmlType, body })
    return channel
  }

  refuse(error: BeepError): void {
    this.#settle()
    this.#refused(error)
  }

  #settle(): void {
    if (this.#isSettled) throw new Error('a start is answered once')
    this.#isSettled = true
  }
}
