// The user agent of this server towards other domains, RFC 3261 §8.1: requests outside dialogs, calls and subscriptions that somebody here
// drives. Another folder comes to it by the door; what it may count on is in the README.

import { randomId } from '#base'
import { type Address, imUri, type Principal, presUri, sipUri } from '#model'
import { encodeRequest, type HeaderLine, type RequestParts } from '../codec/encode.ts'
import type { SipRequest } from '../codec/message.ts'
import { contactUri, viaFor } from '../context.ts'
import { type Dialog, dialogKey, nextHopOf, nextRequest } from '../dialog.ts'
import type { DomainsEnvironment, Ends } from '../domains/environment.ts'
import type { Reach } from '../domains/reach.ts'
import type { Flow } from '../flow.ts'
import type { Incoming } from '../incoming.ts'
import type { Received } from '../transaction/transaction-layer.ts'
import { Call, type CallUser } from './call.ts'
import { Outgoing, type OutgoingUser } from './outgoing.ts'
import { endsOf, type Parts, type RequestWish } from './request-wish.ts'
import { Subscriber, type SubscriberUser, type SubscriptionWish } from './subscriber.ts'

/** LIMIT: dialogs of ours at a time: calls and subscriptions together. */
const dialogsMax = 200_000

/** An end of a dialog, which its requests are given to. */
export interface DialogEnd {
  readonly ends: Ends
  takes(incoming: Incoming): void
  /** The ACK of a 2xx. */
  acknowledged?(received: Received): void
}

/**
 * Looks at an INVITE of another domain; who answers with a user has taken it, and answers it by the call. `from.vouchedBy` is `peer-domain`
 * where the domain has proven itself.
 */
export type CallTaker = (call: Call, invite: SipRequest, from: Principal) => CallUser | undefined

/** How a request of ours is begun. */
export interface Opening {
  readonly from: string
  readonly tag: string
  readonly to: string
  readonly callId: string
}

export class UserAgent {
  readonly environment: DomainsEnvironment
  readonly reach: Reach
  readonly #dialogs = new Map<string, DialogEnd>()
  readonly #takers: CallTaker[] = []
  readonly #reachable: ((domain: string) => void)[] = []

  constructor(environment: DomainsEnvironment, reach: Reach) {
    this.environment = environment
    this.reach = reach
  }

  // What other folders call.

  /** Sends it to the servers of the domain until one answers; `user` is told of every response, then no more. */
  request(wish: RequestWish, user: OutgoingUser): Outgoing {
    return this.send(this.opening(wish), wish, 1, endsOf(wish), user)
  }

  /** Begins a call (RFC 3261 §13.2). */
  invite(wish: Omit<RequestWish, 'method'>, user: CallUser): Call {
    return Call.begin(this, wish, user)
  }

  /** Begins a subscription, which renews itself until it is ended (RFC 6665 §4.1). */
  subscribe(wish: SubscriptionWish, user: SubscriberUser): Subscriber {
    return new Subscriber(this, wish, user)
  }

  /** Offers every INVITE that another domain has sent for a person here, before phones are called; the first that takes it has it. */
  onInvite(taker: CallTaker): void {
    this.#takers.push(taker)
  }

  /** Told of a domain that failed, and has answered again. */
  onReachable(told: (domain: string) => void): void {
    this.#reachable.push(told)
  }

  // What this folder calls.

  reachable(domain: string): void {
    for (const told of this.#reachable) told(domain)
  }

  /** True when somebody has taken the INVITE. */
  offer(incoming: Incoming, from: Principal, ours: string): boolean {
    if (this.#takers.length === 0) return false
    incoming.keep()
    const call = Call.offered(this, incoming, { ours, theirs: from.address.domain })
    for (const taker of this.#takers) {
      const user = taker(call, incoming.request, from)
      if (user === undefined) continue
      call.taken(user)
      return true
    }
    return false
  }

  /** The end of ours that a request is for; undefined: it is no dialog of ours. */
  endOf(callId: string, localTag: string | undefined): DialogEnd | undefined {
    return localTag === undefined || this.#dialogs.size === 0
      ? undefined
      : this.#dialogs.get(dialogKey(callId, localTag, ''))
  }

  /** False when there are too many. */
  add(callId: string, localTag: string, end: DialogEnd): boolean {
    if (this.#dialogs.size >= dialogsMax) return false
    this.#dialogs.set(dialogKey(callId, localTag, ''), end)
    return true
  }

  remove(callId: string, localTag: string): void {
    this.#dialogs.delete(dialogKey(callId, localTag, ''))
  }

  get size(): number {
    return this.#dialogs.size
  }

  opening({ from, uri, to, callId }: Pick<RequestWish, 'from' | 'uri' | 'to' | 'callId'>): Opening {
    const tag = this.environment.layer.newTag()
    return {
      from: `<${writerOf(uri)(from)}>;tag=${tag}`,
      tag,
      to: `<${to ?? uri}>`,
      callId: callId ?? randomId(),
    }
  }

  /** A request outside a dialog, or the next try of one. */
  send(
    { from, to, callId }: Opening,
    wish: Pick<RequestWish, 'method' | 'uri' | 'maxForwards'> & Parts,
    cseq: number,
    ends: Ends,
    user: OutgoingUser,
  ): Outgoing {
    const { method, uri, maxForwards } = wish
    const parts = {
      method,
      uri,
      from,
      to,
      callId,
      cseq,
      ...(maxForwards === undefined ? {} : { maxForwards }),
    }
    return this.#begin(parts, wish, ends, uri, undefined, user)
  }

  /** A request in a dialog; the dialog after it. */
  sendIn(
    dialog: Dialog,
    method: string,
    more: Parts,
    ends: Ends,
    flow: Flow | undefined,
    user: OutgoingUser,
  ): { readonly dialog: Dialog; readonly outgoing: Outgoing } {
    const next = nextRequest(dialog)
    const outgoing = this.#begin({ ...next.parts, method }, more, ends, nextHopOf(dialog), flow, user)
    return { dialog: next.dialog, outgoing }
  }

  /** An ACK for a 2xx: without a transaction, by the way of the dialog (RFC 3261 §13.2.2.4). `sent` gets what to send again. */
  acknowledge(
    dialog: Dialog,
    cseq: number,
    more: Parts,
    ends: Ends,
    flow: Flow | undefined,
    sent: (again: () => void) => void,
  ): void {
    const { parts } = nextRequest(dialog)
    this.reach
      .journey({ ...ends, uri: nextHopOf(dialog), size: more.body?.length ?? 0, first: flow })
      .next((found) => {
        if (found === undefined) return
        const branch = this.environment.layer.newBranch()
        const octets = encodeRequest({ ...parts, method: 'ACK', cseq, ...more, via: viaFor(found, branch) })
        found.send(Buffer.from(octets))
        sent(() => void found.send(Buffer.from(octets)))
      })
  }

  #begin(
    parts: Omit<RequestParts, 'via' | 'headers'>,
    { headers = [], contentType, body }: Parts,
    ends: Ends,
    uri: string,
    first: Flow | undefined,
    user: OutgoingUser,
  ): Outgoing {
    const { settings, layer } = this.environment
    const size =
      600 +
      (body?.length ?? 0) +
      headers.reduce((sum, [name, value]) => sum + name.length + String(value).length + 4, 0)
    return new Outgoing({
      layer,
      reach: this.reach,
      journey: this.reach.journey({ ...ends, uri: isOf(uri, ends.theirs) ? undefined : uri, size, first }),
      theirs: ends.theirs,
      method: parts.method,
      write: (flow, branch) =>
        encodeRequest({
          ...parts,
          via: viaFor(flow, branch),
          headers: [
            ...(hasContact(headers) || !makesDialog.has(parts.method)
              ? []
              : [['Contact', `<${contactUri(flow, settings.host, ends.ours)}>`] as const]),
            ...headers,
          ],
          ...(contentType === undefined ? {} : { contentType }),
          ...(body === undefined ? {} : { body }),
        }),
      user,
    }).begin()
  }
}

/** RFC 3261 §8.1.1.8, RFC 6665 §4.1.2.1, RFC 3311 §5.1: "MUST be present". */
const makesDialog: ReadonlySet<string> = new Set(['INVITE', 'SUBSCRIBE', 'UPDATE', 'NOTIFY', 'REFER'])

const hasContact = (headers: readonly HeaderLine[]): boolean =>
  headers.some(([name]) => name.toLowerCase() === 'contact')

/** The next hop is but the domain itself, which may have its servers named. */
const isOf = (uri: string, domain: string): boolean =>
  /^(?:sips?|im|pres):(?:[^@]*@)?([^:;?]*)$/i.exec(uri)?.[1]?.toLowerCase() === domain

/** UMPP §3: who is addressed by an `im:` or `pres:` URI is addressed by one of the same. */
function writerOf(uri: string): (address: Address) => string {
  const scheme = uri.slice(0, uri.indexOf(':')).toLowerCase()
  return scheme === 'im' ? imUri : scheme === 'pres' ? presUri : sipUri
}
