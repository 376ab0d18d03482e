// The registrar, RFC 3261 §10.3: which contacts an address of record has, each a lease and an agent of the inbox.

import { createHash } from 'node:crypto'
import type { Account } from '#core'
import type { Address, Condition } from '#model'
import { phoneIdPrefix } from './binding-message.ts'
import type { ContactEvent } from './codec/registration-info.ts'
import { formatSipUri, sameSipUri } from './codec/uri.ts'
import type { SipContext } from './context.ts'
import { type Flow, sameRemote } from './flow.ts'
import { Gruus } from './gruu.ts'
import { OtherContacts, type OtherUpdate } from './other-contacts.ts'
import {
  type ContactFacts,
  newRegistration,
  RegisteredContact,
  type Registration,
} from './registered-contact.ts'
import type { RegistrationDialog } from './registration-dialog.ts'

/** One Contact of a REGISTER; `seconds` 0 takes it away. */
export interface ContactUpdate {
  readonly facts: ContactFacts
  readonly seconds: number
}

/** LIMIT: flows of one instance at a time (RFC 5626 §4.2.1 has no more than a few in mind). */
const flowsMax = 4

export type RegistrationFault = 'out-of-order' | Condition

export class Registrar {
  #context: SipContext | undefined
  /** Contacts whose connection, once over, is their end. */
  readonly #byFlow = new Map<Flow, Set<RegisteredContact>>()
  readonly gruus: Gruus
  /** What is registered beside phones. */
  readonly others = new OtherContacts((account, other, event) => {
    for (const watcher of this.#watchers.get(account.address.key) ?? []) watcher.otherChanged(other, event)
  })
  readonly #accounts = new WeakMap<RegisteredContact, Account>()
  /** Subscriptions to registrations (RFC 3680), by the key of whose they are. */
  readonly #watchers = new Map<string, Set<RegistrationDialog>>()

  /** @param secret the server's own */
  constructor(secret: Uint8Array) {
    this.gruus = new Gruus(secret)
  }

  /** Given once: contacts and registrar need each other. */
  set context(context: SipContext) {
    this.#context = context
  }

  /** The contacts of an account, in the order they came. */
  contactsOf(account: Account): RegisteredContact[] {
    return account.inbox.agents.filter((agent) => agent instanceof RegisteredContact)
  }

  /** The contact that a request came from: the one at the same far end. */
  contactAt(account: Account | undefined, flow: Flow): RegisteredContact | undefined {
    if (account === undefined) return undefined
    for (const agent of account.inbox.agents)
      if (
        agent instanceof RegisteredContact &&
        agent.registrations.some(({ facts }) => sameRemote(facts.flow, flow))
      )
        return agent
    return undefined
  }

  /**
   * The contact that a publication came from. Where several phones of one person are at the same far end, a proxy's, none of them: one
   * must not speak in another's place (RFC 3903 §4.1).
   */
  onlyContactAt(account: Account | undefined, flow: Flow): RegisteredContact | undefined {
    const contact = this.contactAt(account, flow)
    if (account === undefined || contact === undefined) return contact
    const isThere = ({ registrations }: RegisteredContact): boolean =>
      registrations.some(({ facts }) => sameRemote(facts.flow, flow))
    return this.contactsOf(account).filter(isThere).length === 1 ? contact : undefined
  }

  /** All updates or none of them (RFC 3261 §10.3 step 7). Stored messages are not yet handed over: `ready` does that. */
  update(
    account: Account,
    updates: readonly ContactUpdate[],
    others: readonly OtherUpdate[],
    contactsMax: number,
  ): RegistrationFault | undefined {
    const known = this.contactsOf(account)
    const matched = updates.map(({ facts }) => known.find((contact) => isSame(contact.facts, facts)))
    // "If the CSeq value is higher [...] Otherwise, the update MUST be aborted and the request fails."
    const isLate = updates.some(({ facts }, i) => {
      const before = registrationOf(matched[i], facts)?.facts
      return before !== undefined && before.callId === facts.callId && facts.cseq <= before.cseq
    })
    if (isLate || this.others.isLate(account, others)) return 'out-of-order'
    const added = updates.filter(({ seconds }, i) => matched[i] === undefined && seconds > 0)
    const removed = updates.filter(({ seconds }, i) => matched[i] !== undefined && seconds === 0)
    const count = known.length + added.length - removed.length + this.others.countAfter(account, others)
    if (count > contactsMax) return 'resource-limit'
    const made: RegisteredContact[] = []
    for (const { facts } of added) {
      const contact = this.#attach(account, facts)
      if (contact === undefined) {
        for (const undone of made) this.remove(undone, 'deactivated')
        return 'resource-limit'
      }
      made.push(contact)
    }
    updates.forEach(({ facts, seconds }, i) => {
      const contact = matched[i] ?? made.find((one) => one.facts === facts)
      if (contact === undefined) return
      const registration = registrationOf(contact, facts)
      if (seconds > 0) this.#grant(contact, registration, facts, seconds)
      else if (registration !== undefined) this.#removeOne(contact, registration, 'unregistered')
    })
    for (const update of others) this.others.update(this.#required, account, update)
    return undefined
  }

  /** `Contact: *`, RFC 3261 §10.3 step 6: all of them, unless one was registered later by the same Call-ID. */
  removeAll(account: Account, callId: string, cseq: number): RegistrationFault | undefined {
    const known = this.contactsOf(account)
    const all = [...known.flatMap(({ registrations }) => registrations), ...this.others.of(account)]
    if (all.some(({ facts }) => facts.callId === callId && cseq <= facts.cseq)) return 'out-of-order'
    for (const contact of known) this.remove(contact, 'unregistered')
    this.others.removeAll(account)
    return undefined
  }

  /** Ends a registration: its lease, its place in the inbox, and its presence where nothing was published. */
  remove(contact: RegisteredContact, event: ContactEvent): void {
    const account = this.#accounts.get(contact)
    if (account === undefined) return
    this.#accounts.delete(contact)
    this.gruus.invalidate(contact)
    for (const { facts, lease } of contact.registrations) {
      lease?.cancel()
      this.#forgetFlow(contact, facts.flow)
    }
    this.#required.service.messages.detach(account, contact)
    // An attempt that was undone was never there.
    for (const one of contact.registrations) if (one.lease !== undefined) this.#tell(contact, one, event)
    if (!contact.published) this.#publish(contact, false)
  }

  /** A connection is over: so are the phones at its far end that have no other, until they register again. */
  flowEnded(flow: Flow): void {
    for (const contact of [...(this.#byFlow.get(flow) ?? [])])
      for (const registration of contact.registrations)
        if (registration.facts.flow === flow) this.#removeOne(contact, registration, 'deactivated')
  }

  /** The contact whose presence is that tuple, if it is still there. */
  contactWith(account: Account | undefined, tuple: string): RegisteredContact | undefined {
    return account === undefined ? undefined : this.contactsOf(account).find(({ id }) => id === tuple)
  }

  /** A subscription is told of each change from now on. */
  watch(dialog: RegistrationDialog): void {
    const { key } = dialog.presentity
    const watchers = this.#watchers.get(key)
    if (watchers === undefined) this.#watchers.set(key, new Set([dialog]))
    else watchers.add(dialog)
  }

  unwatch(dialog: RegistrationDialog): void {
    const { key } = dialog.presentity
    const watchers = this.#watchers.get(key)
    watchers?.delete(dialog)
    if (watchers?.size === 0) this.#watchers.delete(key)
  }

  watchersOf(owner: Address): number {
    return this.#watchers.get(owner.key)?.size ?? 0
  }

  #tell(contact: RegisteredContact, registration: Registration, event: ContactEvent): void {
    const watchers = this.#watchers.get(contact.owner.key)
    if (watchers === undefined) return
    for (const watcher of watchers) watcher.registrationChanged(contact, registration, event)
  }

  get #required(): SipContext {
    if (this.#context === undefined) throw new Error('the registrar was not given its context')
    return this.#context
  }

  #attach(account: Account, facts: ContactFacts): RegisteredContact | undefined {
    const context = this.#required
    const contact = new RegisteredContact(context, account.address, contactId(facts), facts)
    if (!context.service.messages.attachTo(account, contact)) return undefined
    this.#accounts.set(contact, account)
    return contact
  }

  /** One way to a phone is over; with the last the phone is gone. */
  #removeOne(contact: RegisteredContact, registration: Registration, event: ContactEvent): void {
    if (!contact.drop(registration)) return this.remove(contact, event)
    this.#forgetFlow(contact, registration.facts.flow)
    this.#tell(contact, registration, event)
  }

  #grant(
    contact: RegisteredContact,
    known: Registration | undefined,
    facts: ContactFacts,
    seconds: number,
  ): void {
    // RFC 5627 §5.1: the phone was started anew.
    if (contact.facts.callId !== facts.callId) this.gruus.invalidate(contact)
    const registration = known ?? newRegistration(this.#required, facts)
    registration.renewed = registration.lease !== undefined
    const before = registration.facts.flow
    contact.refresh(registration, facts)
    if (before !== facts.flow) this.#forgetFlow(contact, before)
    if (facts.flow.reliable) this.#rememberFlow(contact, facts.flow)
    if (registration.lease?.active === true) registration.lease.renew(seconds)
    else
      registration.lease = this.#required.service.leases.grant(seconds, () =>
        this.#removeOne(contact, registration, 'expired'),
      )
    this.#tell(contact, registration, registration.renewed ? 'refreshed' : 'registered')
    const [, ...others] = contact.registrations
    for (const oldest of others.slice(flowsMax - 1)) this.#removeOne(contact, oldest, 'deactivated')
    const isAlone = this.onlyContactAt(this.#accounts.get(contact), facts.flow) === contact
    contact.published ||= this.#required.publications.speaksFor(contact, isAlone)
    if (!contact.published) this.#publish(contact, true)
  }

  #rememberFlow(contact: RegisteredContact, flow: Flow): void {
    const bound = this.#byFlow.get(flow)
    if (bound === undefined) this.#byFlow.set(flow, new Set([contact]))
    else bound.add(contact)
  }

  /** Unless another of its registrations has it. */
  #forgetFlow(contact: RegisteredContact, flow: Flow): void {
    if (this.#accounts.has(contact) && contact.registrations.some(({ facts }) => facts.flow === flow)) return
    const bound = this.#byFlow.get(flow)
    bound?.delete(contact)
    if (bound?.size === 0) this.#byFlow.delete(flow)
  }

  /** A registered phone that has published nothing is a tuple all the same: open. */
  #publish(contact: RegisteredContact, isThere: boolean): void {
    const { service } = this.#required
    const { owner, id } = contact
    const source = isThere ? contact.registeredPresence() : undefined
    service.presence.publish(
      { presentity: owner, by: owner, tuple: id, source, seconds: undefined },
      (outcome) => {
        // An account that is gone has no presence left to take away.
        if (isThere && outcome.kind === 'refused')
          service.log.warn('a registration could not be shown as presence', { owner: owner.key, outcome })
      },
    )
  }
}

/** The same phone: by instance where both give one (RFC 5626 §6), else by the URI (RFC 3261 §10.3 step 7, §19.1.4). */
function isSame(a: ContactFacts, b: ContactFacts): boolean {
  if (a.instance !== undefined && b.instance !== undefined) return a.instance === b.instance
  return sameSipUri(a.parsed, b.parsed)
}

/** The same binding: of one phone, by reg-id (RFC 5626 §6). */
const registrationOf = (
  contact: RegisteredContact | undefined,
  facts: ContactFacts,
): Registration | undefined => contact?.registrations.find((one) => one.facts.regId === facts.regId)

/** A legal resourcepart that is stable for the life of the device: of its instance, else of its Contact. */
function contactId(facts: ContactFacts): string {
  const { parsed, instance } = facts
  const of = instance ?? formatSipUri({ ...parsed, params: [], headers: undefined })
  return `${phoneIdPrefix}${createHash('sha256').update(of).digest('base64url').slice(0, 16)}`
}
