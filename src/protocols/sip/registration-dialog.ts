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
    return registrar
      .contactsOf(account)
      .flatMap((contact) =>
        contact.registrations.map((one) =>
          this.#element(contact, one, one.renewed ? 'refreshed' : 'registered'),
        ),
      )
  }

  #element(contact: RegisteredContact, registration: Registration, event: ContactEvent): ContactElement {
    const { service, registrar } = this.context
    const { facts, lease, since } = registration
    const isActive = event === 'registered' || event === 'refreshed'
    const { instance, regId } = facts
    const params: [string, string][] = []
    if (instance !== undefined) params.push(['+sip.instance', `"${instance}"`])
    if (regId !== undefined) params.push(['reg-id', String(regId)])
    for (const { name, value = '' } of facts.params) params.push([name, value])
    return {
      id: idOf(`${contact.id} ${regId ?? ''}`),
      state: isActive ? 'active' : 'terminated',
      event,
      uri: facts.uri,
      registered: Math.max(0, Math.floor((service.clock.now() - since) / 1000)),
      expires: isActive ? lease?.secondsLeft() : undefined,
      q: facts.q,
      callId: facts.callId,
      cseq: facts.cseq,
      params,
      publicGruu: instance === undefined ? undefined : registrar.gruus.publicOf(contact, this.presentity),
    }
  }
}

/** A name for a thing, which tells nothing of it. */
const idOf = (text: string): string => createHash('sha256').update(text).digest('base64url').slice(0, 16)
