// An owner's phone that watches the registrations of their address: the reg package, RFC 3680.

import { createHash } from 'node:crypto'
import type { Bytes } from '#base'
import type { Account } from '#core'
import { type Address, sipUri } from '#model'
import {
  type ContactElement,
  type ContactEvent,
  registrationInfoMediaType,
  writeRegistrationInfo,
} from './codec/registration-info.ts'
import type { SipContext } from './context.ts'
import type { Dialog } from './dialog.ts'
import type { Flow } from './flow.ts'
import type { OtherContact } from './other-contacts.ts'
import type { RegisteredContact, Registration } from './registered-contact.ts'
import { VersionedDialog } from './versioned-dialog.ts'

export const registrationPackage = { name: 'reg', mediaType: registrationInfoMediaType } as const

export class RegistrationDialog extends VersionedDialog<ContactElement> {
  constructor(
    context: SipContext,
    account: Account,
    watcher: Address,
    dialog: Dialog,
    flow: Flow,
    eventId: string | undefined,
  ) {
    super(context, account.address, watcher, dialog, flow, eventId, registrationPackage)
  }

  protected begin(): void {
    this.context.registrar.watch(this)
  }

  protected release(): void {
    this.context.registrar.unwatch(this)
  }

  /** Told by the registrar. */
  registrationChanged(contact: RegisteredContact, registration: Registration, event: ContactEvent): void {
    this.changed([this.#element(contact, registration, event)])
  }

  otherChanged(contact: OtherContact, event: ContactEvent): void {
    this.changed([this.#otherElement(contact, event)])
  }

  protected document(version: number, changes: readonly ContactElement[] | undefined): Bytes {
    const all = this.#all()
    const empty = changes === undefined ? 'init' : 'terminated'
    return writeRegistrationInfo({
      version,
      state: changes === undefined ? 'full' : 'partial',
      record: sipUri(this.presentity),
      id: idOf(this.presentity.key),
      registration: all.length > 0 ? 'active' : empty,
      contacts: changes ?? all,
    })
  }

  /** The account may have left memory and come back since it was subscribed to. */
  #all(): ContactElement[] {
    const { service, registrar } = this.context
    const account = service.directory.resident(this.presentity)
    if (account === undefined) return []
    const phones = registrar
      .contactsOf(account)
      .flatMap((contact) => contact.registrations.map((one) => this.#element(contact, one, stateEvent(one))))
    const others = registrar.others.of(account).map((one) => this.#otherElement(one, stateEvent(one)))
    return [...phones, ...others]
  }

  #element(contact: RegisteredContact, registration: Registration, event: ContactEvent): ContactElement {
    const { registrar } = this.context
    const { facts } = registration
    const { instance, regId } = facts
    const params: [string, string][] = []
    if (instance !== undefined) params.push(['+sip.instance', `"${instance}"`])
    if (regId !== undefined) params.push(['reg-id', String(regId)])
    for (const { name, value = '' } of facts.params) params.push([name, value])
    return {
      ...this.#common(registration, event),
      id: idOf(`${contact.id} ${regId ?? ''}`),
      params,
      publicGruu: instance === undefined ? undefined : registrar.gruus.publicOf(contact, this.presentity),
    }
  }

  #otherElement(contact: OtherContact, event: ContactEvent): ContactElement {
    const { uri, params } = contact.facts
    return {
      ...this.#common(contact, event),
      id: idOf(uri),
      params: params.map(({ name, value = '' }) => [name, value]),
      publicGruu: undefined,
    }
  }

  #common({ facts, lease, since }: Registration | OtherContact, event: ContactEvent) {
    const isActive = event === 'registered' || event === 'refreshed'
    return {
      state: isActive ? 'active' : 'terminated',
      event,
      uri: facts.uri,
      registered: Math.max(0, Math.floor((this.context.service.clock.now() - since) / 1000)),
      expires: isActive ? lease?.secondsLeft() : undefined,
      q: facts.q,
      callId: facts.callId,
      cseq: facts.cseq,
    } as const
  }
}

/** How one that is there came to its state. */
const stateEvent = ({ renewed }: { readonly renewed: boolean }): ContactEvent =>
  renewed ? 'refreshed' : 'registered'

/** A name for a thing, which tells nothing of it. */
const idOf = (text: string): string => createHash('sha256').update(text).digest('base64url').slice(0, 16)
