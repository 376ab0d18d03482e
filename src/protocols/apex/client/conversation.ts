// A channel of the APEX profile, the application's side (RFC 3340 §4.4): one attachment, what is said on it, and what services answer.

import type { Clock, Timer } from '#base'
import {
  type BeepError,
  type Channel,
  type ChannelHandler,
  type Entity,
  isBeepError,
  type OutgoingEntity,
  type Replying,
} from '#protocols/beep'
import {
  controlOf,
  type Data,
  dataDocument,
  type EndpointName,
  entityOf,
  errorDocument,
  isRefusal,
  isService,
  okDocument,
  type Payload,
  readMessage,
  readPayload,
  readServiceMessage,
  type ServiceMessage,
  serviceEndpoint,
  uniqueIdMax,
  xmlPayload,
} from '../codec/index.ts'
import { ConnectionLost, Refused } from './failures.ts'

/** LIMIT: milliseconds that the server may take to answer. */
const answerMax = 30_000

/** Data of a person: `undefined` where it was taken, or the code of the error to answer with. */
export type OnData = (data: Data, payload: Payload) => number | undefined

export class Conversation implements ChannelHandler {
  /** What the application is attached as. */
  endpoint: EndpointName | undefined
  channel: Channel | undefined
  /** The attachment was taken from us (§4.4.3), with why. */
  onTerminated: (why: string) => void = () => {}
  readonly #clock: Clock
  readonly #onData: OnData
  readonly #services = new Map<number, (message: ServiceMessage) => void>()
  #lastTransId = Math.floor(Math.random() * 1_000_000_000)

  constructor(clock: Clock, onData: OnData) {
    this.#clock = clock
    this.#onData = onData
  }

  /** §6.1.1: unpredictable to others, and not the same twice. */
  freshTransId(): number {
    this.#lastTransId = (this.#lastTransId + 1 + Math.floor(Math.random() * 1000)) % uniqueIdMax
    return Math.max(1, this.#lastTransId)
  }

  /** Resolves with ok. Rejects with Refused or ConnectionLost. */
  say(entity: OutgoingEntity): Promise<void> {
    return this.#within(`no answer came in ${answerMax / 1000} s`, (resolve, reject) => {
      const sent = this.channel?.send(entity, (reply) => {
        if (reply.kind === 'RPY') return resolve()
        if (reply.kind !== 'ERR') return reject(new ConnectionLost('the server closed the channel'))
        const message = readMessage(reply.entity.body)
        const isError = !isRefusal(message) && message.kind === 'error'
        reject(isError ? new Refused(message.code, message.text) : new Refused(550))
      })
      if (sent === undefined || sent === 'refused') reject(new ConnectionLost('the channel takes no more'))
    })
  }

  sayDocument(document: string): Promise<void> {
    return this.say(entityOf(xmlPayload(document)))
  }

  /** Tells a service something; what it answers comes to who listens. */
  tell(service: 'presence' | 'access', domain: string, inline: string): Promise<void> {
    return this.sayDocument(
      dataDocument({
        content: '#Content',
        originator: this.endpoint as EndpointName,
        recipient: serviceEndpoint(service, domain),
        inline,
      }),
    )
  }

  /** Whatever a service says with that identifier, until silence() is called. */
  listen(transId: number, heard: (message: ServiceMessage) => void): void {
    this.#services.set(transId, heard)
  }

  silence(transId: number): void {
    this.#services.delete(transId)
  }

  /** The first word of a service with that identifier, while `ask` is carried out. Undefined where none came in time. */
  async answer(
    transId: number,
    ask: () => Promise<void>,
    milliseconds = answerMax,
  ): Promise<ServiceMessage | undefined> {
    let timer: Timer | undefined
    try {
      const first = new Promise<ServiceMessage | undefined>((resolve) => {
        this.listen(transId, resolve)
        timer = this.#clock.schedule(milliseconds, () => resolve(undefined))
      })
      await ask()
      return await first
    } finally {
      timer?.cancel()
      this.silence(transId)
    }
  }

  onMessage(entity: Entity, replying: Replying): void {
    const { contentType, headers, body } = entity
    const payload = readPayload({ contentType, headers, body })
    if (isBeepError(payload)) return replying.negative(errorEntity(payload))
    const message = readMessage(controlOf(payload))
    if (isRefusal(message)) return replying.negative(errorEntity(message))
    if (message.kind === 'data') return this.#data(message, payload, replying)
    if (message.kind !== 'terminate') return replying.negative(errorEntity({ code: 501 }))
    replying.positive(okEntity)
    this.onTerminated(
      message.code === 556
        ? 'another application has attached in our place'
        : `the server ended it: ${message.text === '' ? message.code : message.text}`,
    )
  }

  onClosed(): void {
    this.channel = undefined
  }

  /** §4.4.4.2. */
  #data(data: Data, payload: Payload, replying: Replying): void {
    if (isService(data.originator.identity)) {
      replying.positive(okEntity)
      const said = data.inline && readServiceMessage(data.inline)
      if (said !== undefined && said.kind !== 'fault') this.#services.get(said.transId)?.(said)
      return
    }
    const code = this.#onData(data, payload)
    if (code === undefined) replying.positive(okEntity)
    else replying.negative(errorEntity({ code }))
  }

  #within<T>(
    late: string,
    begin: (resolve: (value: T) => void, reject: (error: Error) => void) => void,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = this.#clock.schedule(answerMax, () => reject(new ConnectionLost(late)))
      begin(
        (value) => {
          timer.cancel()
          resolve(value)
        },
        (error) => {
          timer.cancel()
          reject(error)
        },
      )
    })
  }
}

const okEntity: OutgoingEntity = entityOf(xmlPayload(okDocument))

function errorEntity({
  code,
  text = '',
}: Pick<BeepError, 'text'> & { readonly code: number }): OutgoingEntity {
  return entityOf(xmlPayload(errorDocument(code, text)))
}
