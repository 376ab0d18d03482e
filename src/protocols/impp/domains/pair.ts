// One domain of ours and one other: every connection between them, what waits for a response, and what was answered (IMPP §13,
// D45 to D48; docs/specs/impp-1.0.md §12.5). What it carries does not depend on any connection's staying open.

import type { Timer } from '#base'
import { Answered } from '#core'
import { type ImppRequest, type ImppResponse, responseBytes } from '../codec/index.ts'
import { reasonOf, sentenceOf } from '../errors.ts'
import { Reply } from '../reply.ts'
import type { DomainsEnvironment } from './environment.ts'
import { Outstanding } from './outstanding.ts'
import type { DomainSession, Parties, SessionOwner } from './session.ts'

/** Asked for twice these give the state of their moment, and change nothing more. */
const repeatable: ReadonlySet<string> = new Set(['SUBSCRIBE', 'FETCH'])

/** LIMIT: connections between two domains that the other side opened. */
const acceptedMax = 16
/** LIMIT: responses that wait for a connection. */
const answersMax = 1000
/** Connections that may end one after another before there is a pause; two may well end at one moment. */
const fruitlessMax = 4
/** LIMIT: seconds between tries when connections end as soon as they are ready. */
const pauseSecondsMax = 16

/** Opens a connection and gives it to `join`; rejects with an Error that says why not. */
export type Open = (pair: DomainPair, bulk: boolean, signal: AbortSignal) => Promise<void>

export interface PairParts {
  readonly environment: DomainsEnvironment
  readonly ours: string
  readonly theirs: string
  readonly open: Open
  /** Carries out a request of the other domain. */
  readonly take: (pair: DomainPair, request: ImppRequest, reply: Reply) => void
}

export class DomainPair implements SessionOwner {
  readonly ours: string
  readonly theirs: string
  readonly environment: DomainsEnvironment
  readonly outstanding: Outstanding
  readonly answered: Answered<string | Uint8Array>
  readonly sessions = new Set<DomainSession>()
  /** Who tries something again when its time has come, and at once when the other domain is heard of. */
  readonly trying = new Set<() => void>()
  /** Monotonic milliseconds at which the operator was last told that it speaks in others' names. */
  forgeryTold = Number.NEGATIVE_INFINITY
  /** The last failure, with its time; empty when there was none. */
  lastError = ''
  readonly #parts: PairParts
  readonly #opening = new Map<boolean, AbortController>()
  readonly #pauses = new Map<boolean, Timer>()
  /** Connections in a row that ended before anything was answered on them. */
  #fruitless = 0
  /** Responses for which there was no connection. */
  #answers: (string | Uint8Array)[] = []
  #over = false

  constructor(parts: PairParts) {
    const { environment } = parts
    const { service, settings } = environment
    this.#parts = parts
    this.ours = parts.ours
    this.theirs = parts.theirs
    this.environment = environment
    this.outstanding = new Outstanding(service.clock, {
      countMax: settings.domainQueuedMax,
      octetsMax: settings.domainQueuedOctetsMax,
      timeout: settings.domainResponseSeconds * 1000,
      bulkOctets: settings.domainBulkOctets,
    })
    this.answered = new Answered(service.clock, {
      seconds: settings.domainAnswersSeconds,
      countMax: settings.domainAnswersMax,
    })
    this.outstanding.onWanted = (bulk) => this.#want(bulk)
    this.outstanding.onAgain = () => environment.metrics.sentAgain.add()
  }

  get state(): 'connected' | 'connecting' | 'backing-off' | 'idle' {
    if (this.sessions.size > 0) return 'connected'
    if (this.#opening.size > 0) return 'connecting'
    return this.#pauses.size > 0 ? 'backing-off' : 'idle'
  }

  /** Nothing would be lost with it but what it failed at. */
  get isForgettable(): boolean {
    const isUsed = this.sessions.size > 0 || this.#opening.size > 0 || this.outstanding.size > 0
    return !isUsed && this.trying.size === 0 && this.answered.isEmpty
  }

  /** Something is on its way, and there is a connection for it. */
  get isBusy(): boolean {
    return this.sessions.size > 0 && this.outstanding.size > 0
  }

  /** Whether another connection that they open is welcome. */
  admits(): boolean {
    let accepted = 0
    for (const { role } of this.sessions) if (role === 'responder') accepted++
    return accepted < acceptedMax
  }

  /** A connection is ready. */
  join(session: DomainSession, parties: Parties): void {
    if (this.#over) return session.close('the server stops')
    session.ready(parties, this)
    this.sessions.add(session)
    this.environment.metrics.sessions.add(1)
    const waiting = this.#answers
    this.#answers = []
    for (const response of waiting) session.respond(response)
    this.outstanding.add(session)
    if (this.sessions.size > 1) return
    const again = [...this.trying]
    this.trying.clear()
    for (const each of again) each()
    this.environment.service.relay.retry(this.theirs)
  }

  onRequest(session: DomainSession, request: ImppRequest): void {
    const { metrics } = this.environment
    session.count(1)
    const answer = (response: string | Uint8Array, isLast: boolean): void => {
      session.count(-1)
      if (isLast) this.#answer(session, response)
    }
    const take = (respond: (response: string | Uint8Array, done: boolean) => void): void =>
      this.#take(request, respond)
    if (repeatable.has(request.method)) {
      metrics.taken.add()
      return take((response) => answer(response, true))
    }
    const taken = this.answered.once(nameOf(request), answer, take)
    if (taken === 'again') metrics.takenAgain.add()
    else metrics.taken.add()
  }

  onResponse(_session: DomainSession, response: ImppResponse): boolean {
    this.#fruitless = 0
    return this.outstanding.respond(response)
  }

  isAwaited(session: DomainSession): boolean {
    return this.outstanding.pendingOn(session) > 0
  }

  onOver(session: DomainSession, why: string): void {
    if (!this.sessions.delete(session)) return
    const { service, metrics } = this.environment
    metrics.sessions.add(-1)
    const awaited = this.isAwaited(session)
    service.log.debug('impp connection to a domain over', {
      connection: session.connection.id,
      domain: this.theirs,
      why,
    })
    if (awaited) {
      this.#fruitless++
      this.failed(why)
    }
    this.outstanding.remove(session)
  }

  /** Remembers why something with this domain did not work. */
  failed(why: string): void {
    this.lastError = `${new Date(this.environment.service.clock.now()).toISOString()} ${why}`
  }

  /** Says goodbye on every connection; what waits is told. */
  close(): void {
    this.#over = true
    for (const opening of this.#opening.values()) opening.abort()
    for (const pause of this.#pauses.values()) pause.cancel()
    this.outstanding.close()
    for (const session of [...this.sessions]) session.end('temporarily-unavailable', 'the server stops')
  }

  #take(request: ImppRequest, respond: (response: string | Uint8Array, ok: boolean) => void): void {
    const sink = {
      respond: (response: string | Uint8Array): void =>
        respond(response, typeof response === 'string' || response[0] === letterO),
    }
    this.#parts.take(this, request, new Reply(request, sink))
  }

  /** By the connection the request came on last, else by any other, else by a new one (D47). */
  #answer(session: DomainSession, response: string | Uint8Array): void {
    const by = session.state === 'ready' ? session : [...this.sessions].find(({ state }) => state === 'ready')
    if (by !== undefined)
      return by.respond(response.length > by.unitOctetsMax ? tooLarge(response) : response)
    // LIMIT: who asks more than this and never stays to hear it asks again, and is answered from memory.
    if (this.#answers.length >= answersMax || this.#over) return
    this.#answers.push(response)
    this.#want(false)
  }

  /** A connection is needed: opens one, unless one is being opened. */
  #want(bulk: boolean): void {
    if (this.#over || this.#opening.has(bulk) || this.#pauses.has(bulk)) return
    const { clock } = this.environment.service
    if (this.#fruitless < fruitlessMax) return this.#open(bulk)
    const seconds = Math.min(2 ** (this.#fruitless - fruitlessMax), pauseSecondsMax)
    const pause = clock.schedule(seconds * 1000, () => {
      this.#pauses.delete(bulk)
      this.#open(bulk)
    })
    this.#pauses.set(bulk, pause)
  }

  #open(bulk: boolean): void {
    const { service, settings } = this.environment
    const abort = new AbortController()
    this.#opening.set(bulk, abort)
    const late = service.clock.schedule(settings.domainConnectSeconds * 1000, () => abort.abort())
    const done = (): void => {
      late.cancel()
      this.#opening.delete(bulk)
      // It may be over already, when nobody else could be asked for.
      if (!this.#over) this.outstanding.flush()
    }
    this.#parts.open(this, bulk, abort.signal).then(done, (error: Error) => {
      late.cancel()
      this.#opening.delete(bulk)
      if (this.#over) return
      this.failed(error.message)
      service.log.warn('a domain cannot be reached by IMPP', {
        domain: this.theirs,
        from: this.ours,
        why: error.message,
      })
      // Who asked finds their answers with us when they come again.
      this.#answers = []
      this.outstanding.unreachable(bulk)
    })
  }
}

const letterO = 'O'.charCodeAt(0)

/** IMPP §12 (D44): what the far end does not take is not sent; that it is too large is. */
function tooLarge(response: string | Uint8Array): Uint8Array {
  const text = typeof response === 'string' ? response : Buffer.from(response).toString('utf8')
  const [first = '', ...lines] = text.slice(0, text.indexOf('\r\n\r\n')).split('\r\n')
  const [, method = '-', id = '-'] = /^\S+ \((\S+)\) (\S+)/.exec(first) ?? []
  const field = (name: string): string | undefined =>
    lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2)
  return responseBytes(false, method, id, [
    ['To', field('To')],
    ['Connection-ID', field('Connection-ID')],
    ['Reason', reasonOf['message-too-large']],
    ['Text', sentenceOf['message-too-large']],
  ])
}

/** What tells a request from all others: the mark that its domain gave it, else what its response is matched by. */
function nameOf({ method, id, headers, envelope }: ImppRequest): string {
  const mark = envelope?.get('transmission')
  const said =
    mark === undefined ? `${headers.get('from')}\n${headers.get('connection-id')}\n${id}` : `=${mark}`
  return `${method}\n${said}`
}
