// The scripts of our people (RFC 3880): kept with their accounts, and asked at one named step of each spine about what comes for their owner and
// what their owner sends: messages, calls and all else that SIP passes on, and wishes to watch. What the access rules refuse is not asked about.
import { type Bytes, type Clock, TokenBucket } from '#base'
import {
  type Address,
  addressOfUri,
  type Envelope,
  type Outcome,
  type Refused,
  type RequestFacts,
  refused,
  type Script,
  type ScriptFault,
  type ScriptLocation,
  stored,
} from '#model'
import type { CounterFamily, Log, Metrics } from '#observe'
import type { InboxAgent } from '../agents.ts'
import { noticeEnvelope } from '../messages/core-message.ts'
import { type AccessPolicy, maySubscribe } from '../people/access.ts'
import type { Account } from '../people/account.ts'
import type { Directory } from '../people/directory.ts'
import { ServiceError } from '../service-error.ts'
import type { Store } from '../store.ts'
import { factsOfWatching, personUri } from './facts.ts'
import { mailOf } from './mail.ts'
import type { ReadScript } from './reading.ts'
import { redirection, rejection } from './results.ts'
import { type Decision, type ScriptNote, ScriptRun } from './run.ts'

/** The account's document that holds its script, as its owner wrote it. */
export const scriptDocument = 'script'

/** LIMIT: how often a request is sent on by scripts; then there is no further place for it. */
export const diversionsMax = 10

/** LIMIT: what a script tells its owner: so many at once, and one every ten seconds. */
const noticesAtOnce = 10
const noticesPerSecond = 0.1

/** What kind of request it is, for logs. */
export type ScriptedKind = 'message' | 'call' | 'request' | 'subscription'

/** A request that a script is asked about. */
export interface Asked {
  readonly kind: ScriptedKind
  readonly facts: RequestFacts
  readonly side: 'incoming' | 'outgoing'
  /** Whether a request can be sent on to such a place. */
  readonly canProxy: (uri: string) => boolean
  readonly registrations: () => readonly ScriptLocation[]
  /** A mere hint, as that somebody writes: nobody is told of it. */
  readonly isHint?: boolean
}

/** Where a request is on its way through a script, and what is to be done now. */
export interface Scripted {
  readonly run: ScriptRun
  readonly decision: Decision
}

export interface ScriptParts {
  readonly clock: Clock
  readonly directory: Directory
  readonly store: Store
  readonly log: Log
  readonly metrics: Metrics
  readonly read: ReadScript
  readonly policy: AccessPolicy
  /** Takes what a script tells somebody. */
  readonly send: (envelope: Envelope) => void
}

export class Scripts {
  readonly #parts: ScriptParts
  readonly #asked: CounterFamily

  constructor(parts: ScriptParts) {
    this.#parts = parts
    this.#asked = parts.metrics.counterFamily({
      name: 'verona_scripts_asked',
      help: 'Requests about which a script of CPL was asked, by what it decided first.',
      labels: ['decision'],
    })
  }

  /** What is wrong with a document first; undefined where it is a script. */
  check(document: Bytes): ScriptFault | undefined {
    const read = this.#parts.read(document)
    return 'reason' in read ? read : undefined
  }

  /** The document as it was put; undefined where there is none. */
  async document(owner: Address): Promise<Bytes | undefined | 'unknown'> {
    const record = await this.#parts.store.account(owner)
    return record === undefined ? 'unknown' : this.#parts.store.document(record.address, scriptDocument)
  }

  /** Puts an account's script, or takes it away; from then on, `stored` once that is durable. A document that is no script changes nothing. */
  put(
    owner: Address,
    document: Bytes | undefined,
    onOutcome: (outcome: Outcome | ScriptFault) => void,
  ): void {
    const script = document === undefined ? undefined : this.#parts.read(document)
    if (script !== undefined && 'reason' in script) return onOutcome(script)
    this.#parts.directory.find(owner, (found) => {
      if (found === 'unknown') return onOutcome(refused('target-unknown'))
      if (found === 'fault') return onOutcome(refused('internal-fault'))
      this.#put(found, document, script, onOutcome)
    })
  }

  #put(
    account: Account,
    document: Bytes | undefined,
    script: Script | undefined,
    onOutcome: (outcome: Outcome) => void,
  ): void {
    const { directory, store, log } = this.#parts
    const before = account.script
    directory.setScript(account, script)
    account.underWay++
    store.putDocument(account.address, scriptDocument, document).then(
      () => {
        account.underWay--
        onOutcome(stored)
      },
      (error: unknown) => {
        account.underWay--
        if (account.script === script) directory.setScript(account, before)
        log.error('a script could not be stored', { error })
        onOutcome(refused(error instanceof ServiceError ? error.condition : 'internal-fault'))
      },
    )
  }

  /**
   * Asks the script of an account; undefined where there is nothing to ask, or the script wants what would be without it. A script is asked
   * once about a request: one that comes back to its owner is for their devices (decision 0148).
   */
  ask(account: Account, asked: Asked): Scripted | undefined {
    const action = account.script?.[asked.side]
    if (action === undefined) return undefined
    const { facts, side } = asked
    const destination = side === 'outgoing' ? facts.address('destination') : undefined
    const run = new ScriptRun({
      facts,
      now: this.#parts.clock.now(),
      locations: destination === undefined ? [] : [{ uri: destination.uri, priority: 1 }],
      registrations: asked.registrations,
      canProxy: asked.canProxy,
      note: (note) => this.#note(account, asked, note),
    })
    const decision = run.begin(action)
    this.#asked.with(decision.kind).add()
    return decision.kind === 'default' ? undefined : { run, decision }
  }

  /**
   * Why somebody is not to watch somebody, by the script of either; undefined: as without one. Whom the presentity's rules block, politely or
   * not, is answered by them alone. Accounts that are to be asked are in memory.
   */
  aboutWish(watcher: Address, presentity: Address): Refused | undefined {
    const { directory, policy } = this.#parts
    const account = directory.resident(presentity)
    const own = this.#aboutPresentity(watcher, account?.address ?? presentity)
    if (own !== undefined || account?.script === undefined) return own
    const decision = maySubscribe(account, watcher, policy)
    return decision === 'block' || decision === 'polite-block'
      ? undefined
      : this.#aboutWatcher(account, watcher)
  }

  #aboutWatcher(account: Account, watcher: Address): Refused | undefined {
    if (account.script?.incoming === undefined || watcher.key === account.address.key) return undefined
    const { record } = account
    const names = [record.address, ...record.aliases].map(({ key }) => key)
    return this.#aboutWatching(account, 'incoming', watcher, account.address, (key) => names.includes(key))
  }

  /** The watcher's own script. */
  #aboutPresentity(watcher: Address, presentity: Address): Refused | undefined {
    const { directory } = this.#parts
    const account = directory.hasOutgoingScripts ? directory.resident(watcher) : undefined
    if (account?.script?.outgoing === undefined || presentity.key === account.address.key) return undefined
    return this.#aboutWatching(account, 'outgoing', watcher, presentity, (key) => key === presentity.key)
  }

  /** Nobody else's presence takes the place of what was asked for: who is sent on is told where (decision 0150). */
  #aboutWatching(
    account: Account,
    side: 'incoming' | 'outgoing',
    watcher: Address,
    presentity: Address,
    isMeant: (key: string) => boolean,
  ): Refused | undefined {
    const scripted = this.ask(account, {
      kind: 'subscription',
      side,
      facts: factsOfWatching(watcher, presentity),
      canProxy: (uri) => addressOfUri(uri) !== undefined,
      registrations: () => locationsOf(account.inbox.agents),
    })
    if (scripted === undefined) return undefined
    const { decision } = scripted
    if (decision.kind === 'reject') return rejection(decision.status, decision.reason)
    if (decision.kind === 'redirect') return redirection(decision.locations, decision.permanent)
    if (decision.kind !== 'proxy') return undefined
    const { locations } = decision.proxy
    const stays = locations.some(
      ({ uri, device }) => device !== undefined || isMeant(addressOfUri(uri)?.key ?? ''),
    )
    return stays ? undefined : redirection(locations, false)
  }

  /** RFC 3880 §7: the log, and for want of a mail server an instant message. Neither ever fails. */
  #note(account: Account, { kind, facts, side, isHint }: Asked, note: ScriptNote): void {
    if (isHint === true) return
    const from = facts.address('origin')
    const to = facts.address('original-destination')
    const about = { owner: account.address.key, side, kind, from: from?.uri, to: to?.uri }
    if (note.kind === 'log') {
      this.#parts.log.info('a script logged', { ...about, name: note.name, comment: note.comment })
      return
    }
    this.#parts.log.info('a script notified', { ...about, url: note.url })
    account.scriptNotices ??= new TokenBucket(this.#parts.clock, noticesPerSecond, noticesAtOnce)
    if (account.scriptNotices.wait() > 0) return
    account.scriptNotices.take()
    const mail = mailOf(note.url, kind, facts, this.#parts.clock.now())
    this.#parts.send(noticeEnvelope(account.address.domain, account.address, mail.subject, mail.body))
  }
}

/** The devices that take messages, as places (RFC 3880 §5.2). */
export function locationsOf(agents: readonly InboxAgent[]): readonly ScriptLocation[] {
  return agents
    .filter(({ capabilities }) => capabilities.messages)
    .map((agent) => ({
      uri: agent.contactUri ?? personUri(agent.owner),
      priority: 1,
      device: { protocol: agent.protocol, id: agent.id },
    }))
}
