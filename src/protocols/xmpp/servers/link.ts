// One other domain as the core sees it (PeerLink): messages, words, probes, and presence as its own stanzas (RFC 6121 §3, §4).

import type { Bytes } from '#base'
import type { AuthorizationEvent, FetchOutcome, PeerLink, PresenceNotification, WatcherAgent } from '#core'
import {
  type Address,
  type Condition,
  type Envelope,
  type Outcome,
  type PresenceEnvelope,
  refused,
  relayed,
} from '#model'
import type { Jid } from '../codec/jid.ts'
import type { ServersEnvironment } from './environment.ts'
import type { Fetches } from './fetches.ts'
import type { Looks } from './looks.ts'
import type { ServerPair } from './pair.ts'
import type { ParcelFate } from './parcel.ts'
import { envelopeBytes, presenceBytes, probeBytes, wordBytes } from './writing.ts'

export interface LinkParts {
  readonly domain: string
  readonly environment: ServersEnvironment
  readonly pairOf: (ours: string) => ServerPair
  readonly looks: Looks
  readonly fetches: Fetches
}

/** It remembers nothing itself: who holds one that was forgotten uses it as ever. */
export class ServerLink implements PeerLink {
  readonly protocol = 'xmpp'
  readonly words = true
  readonly keepsOrder = true
  readonly domain: string
  readonly #parts: LinkParts

  constructor(parts: LinkParts) {
    this.#parts = parts
    this.domain = parts.domain
  }

  // As a PeerLink.

  send(envelope: Envelope, onOutcome: (outcome: Outcome) => void): void {
    const { head } = envelope
    if (head.hops <= 1) return onOutcome(refused('too-many-hops'))
    const bytes = envelopeBytes(envelope, this.#parts.environment.service.clock.now())
    this.#parts.pairOf(head.from.domain).send({
      bytes,
      head: head.whenAbsent === 'store' ? head : undefined,
      settle: (fate) => onOutcome(fate === 'taken' ? relayed : refused(conditionOf(fate))),
    })
  }

  say(event: AuthorizationEvent, from: Address, to: Address, source: Envelope | undefined): void {
    this.write(from.domain, wordBytes(event, from, to, source))
  }

  watch(watcher: Address, presentity: Address): void {
    this.#parts.looks.begin(watcher, presentity)
    this.write(watcher.domain, probeBytes(watcher, presentity))
  }

  unwatch(watcher: Address, presentity: Address): void {
    // Nothing is said: that nobody is here, its own presence says (RFC 6121 §4.5.2).
    this.#parts.looks.end(watcher, presentity)
  }

  fetch(watcher: Address, presentity: Address, onFetched: (fetched: FetchOutcome) => void): void {
    const { fetches } = this.#parts
    fetches.begin(watcher, presentity, onFetched)
    const bytes = probeBytes(watcher, presentity)
    this.#parts.pairOf(watcher.domain).send({
      bytes,
      settle: (fate) => {
        if (fate !== 'taken') fetches.refuse(watcher, presentity, 'connection-failed')
      },
    })
  }

  watcher(watcher: Address): WatcherAgent {
    return this.prober(watcher, undefined)
  }

  // For what comes from there.

  /** The agent of somebody there who asked; `id`: of the probe, which an answer for nobody repeats (RFC 6121 §4.3.2.1). */
  prober(watcher: Address, id: string | undefined): WatcherAgent {
    return {
      protocol: this.protocol,
      watcher,
      standsForWatcher: true,
      notify: (notification) => this.#notify(watcher, notification, id),
      terminated: () => {
        // There are no leased subscriptions (`words`).
      },
    }
  }

  /** Somebody's device there tells somebody here of itself; false where nobody looks. */
  learnt(watcher: Address, { address, resource }: Jid, source: PresenceEnvelope, isGone: boolean): boolean {
    const { fetches, looks } = this.#parts
    fetches.learnt(watcher, address, resource, isGone ? undefined : source)
    const look = looks.of(watcher, address)
    if (look === undefined) return false
    // A bare address is no device: the whole person is not here (RFC 6121 §4.3.2).
    const isWhole = (resource === '' && isGone) || !look.heard
    const kind = isGone ? 'removed' : 'changed'
    const isNothing = isGone && (resource === '' || !look.heard)
    // Kept at once, so that the same octets again are seen to be the same.
    const changes = isNothing ? [] : [{ kind, tuple: deviceOf(resource), source: source.keep() } as const]
    const { remotePresence } = this.#parts.environment.service
    look.heard = true
    return remotePresence.changed(watcher, address, changes, isWhole) === 'known'
  }

  /** Somebody there is not shown to somebody here. */
  refused(watcher: Address, presentity: Address): void {
    this.#parts.fetches.refuse(watcher, presentity, 'permission-denied')
  }

  /** A stanza that nobody waits for. */
  write(ours: string, bytes: Bytes): void {
    this.#parts.pairOf(ours).send({ bytes })
  }

  /** A stanza between two domains, one of which is a component's. */
  carry(ours: string, bytes: Bytes, onLost: (condition: Condition) => void): void {
    this.#parts.pairOf(ours).send({
      bytes,
      settle: (fate) => {
        if (fate !== 'taken') onLost(conditionOf(fate))
      },
    })
  }

  #notify(watcher: Address, notification: PresenceNotification, id: string | undefined): void {
    const ours = notification.presentity.domain
    for (const bytes of presenceBytes(notification, watcher, id)) this.write(ours, bytes)
  }
}

const conditions = {
  'given-back': 'connection-failed',
  'too-large': 'message-too-large',
  'host-unknown': 'domain-unknown',
} as const

function conditionOf(fate: Exclude<ParcelFate, 'taken'>): Condition {
  return conditions[fate]
}

/** RFC 6121 §4: presence of an address without a resource has a tuple too. */
function deviceOf(resource: string): string {
  return resource === '' ? 'presence' : resource
}
