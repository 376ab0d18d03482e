// The SASL family of profiles (RFC 3080 §4.1), the client's side: logging in at a peer.

import type { SaslClient } from '#auth'
import { type Bytes, noBytes, utf8 } from '#base'
import {
  type BeepError,
  beepError,
  beepXmlType,
  blobText,
  errorText,
  isBeepError,
  readBeepXml,
  readTuning,
  saslProfile,
  type TuningMessage,
  tuningOf,
} from '../codec/index.ts'
import type { Channel, ChannelHandler, Reply, Session } from '../profile.ts'

/** How a login ended; `session.identity` is not set by it: that is who the peer is to us. */
export type LoginOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'refused'; readonly error: BeepError }
  /** The peer broke the rules of the mechanism, or could not prove itself: nothing it says is to be trusted. */
  | { readonly kind: 'broken'; readonly why: string }
  | { readonly kind: 'lost' }

/** The mechanisms that the peer offers, in its order. */
export function offeredMechanisms({ peer }: Session): string[] {
  const uris = peer?.profiles ?? []
  return uris.filter((uri) => uri.startsWith(saslProfile)).map((uri) => uri.slice(saslProfile.length))
}

/** Logs in by one mechanism, on a channel of its own that is closed behind it. `onOutcome` is called once, later. */
export function authenticate(
  session: Session,
  client: SaslClient,
  onOutcome: (outcome: LoginOutcome) => void,
  serverName?: string,
): void {
  if (session.tuning.isUnderWay) return onOutcome({ kind: 'refused', error: beepError(450) })
  new ClientExchange(session, client, onOutcome).begin(serverName)
}

class ClientExchange implements ChannelHandler {
  readonly #session: Session
  readonly #client: SaslClient
  #channel: Channel | undefined
  #onOutcome: ((outcome: LoginOutcome) => void) | undefined

  constructor(session: Session, client: SaslClient, onOutcome: (outcome: LoginOutcome) => void) {
    this.#session = session
    this.#client = client
    this.#onOutcome = onOutcome
  }

  begin(serverName: string | undefined): void {
    this.#session.tuning.isUnderWay = true
    const uri = saslProfile + this.#client.mechanism
    const profiles = [{ uri, content: utf8(blobText('continue', this.#client.initial())) }]
    const request = {
      profiles,
      handler: this,
      isTuning: true,
      ...(serverName !== undefined && { serverName }),
    }
    this.#session.start(request, (outcome) => {
      if (outcome.kind === 'lost') return this.#end({ kind: 'lost' })
      if (outcome.kind === 'refused') return this.#end(outcome)
      this.#channel = outcome.channel
      // A peer may have passed over the initial response: it is sent again, on the channel.
      if (outcome.content.length === 0) return this.#say(this.#client.initial())
      this.#take(readTuning(outcome.content))
    })
  }

  /** §2.7: the server asks nothing of the client. */
  readonly onMessage: ChannelHandler['onMessage'] = (_entity, replying) =>
    replying.negative({ contentType: beepXmlType, body: utf8(errorText(beepError(550))) })

  onClosed(): void {
    this.#end({ kind: 'lost' })
  }

  #say(data: Bytes): void {
    const body = utf8(blobText('continue', data))
    this.#channel?.send({ contentType: beepXmlType, body }, (reply) => this.#replied(reply))
  }

  #replied(reply: Reply): void {
    if (reply.kind === 'lost') return this.#end({ kind: 'lost' })
    if (reply.kind === 'ANS' || reply.kind === 'NUL') return this.#broken(`${reply.kind} from a SASL profile`)
    const element = readBeepXml(reply.entity)
    this.#take(isBeepError(element) ? element : tuningOf(element))
  }

  #take(message: TuningMessage | BeepError): void {
    if (isBeepError(message)) return this.#broken(message.text ?? 'not understood')
    if (message.kind === 'error') return this.#end({ kind: 'refused', error: message.error })
    if (message.kind !== 'blob' || message.status === 'abort') return this.#broken('neither blob nor error')
    if (message.status === 'complete') {
      if (!this.#client.isProven(message.data)) return this.#broken('the server did not prove itself')
      return this.#end({ kind: 'done' })
    }
    this.#client.respond(message.data).then(
      (data) => this.#say(data),
      (error: unknown) => this.#broken(error instanceof Error ? error.message : String(error)),
    )
  }

  /** §4.1.3: the client ends what it does not want to go on with. */
  #broken(why: string): void {
    this.#channel?.send({ contentType: beepXmlType, body: utf8(blobText('abort', noBytes)) }, () => {})
    this.#end({ kind: 'broken', why })
  }

  #end(outcome: LoginOutcome): void {
    const onOutcome = this.#onOutcome
    this.#onOutcome = undefined
    if (onOutcome === undefined) return
    this.#session.tuning.isUnderWay = false
    this.#channel?.close()
    onOutcome(outcome)
  }
}
