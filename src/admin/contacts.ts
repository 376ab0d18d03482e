// The management API's contacts: by it SIP and IMPP presentities decide who sees them, until their own means exist.

import { type Account, type Contact, readSubject, type Service, type VisibilityClass } from '#core'
import type { Address, Outcome } from '#model'
import type { HttpRequest, HttpResponse } from '#net'
import { json, Refusal } from './refusal.ts'
import { readContactAction, readPerson } from './requests.ts'
import type { Route, Segments } from './router.ts'
import type { ContactAction, ContactInfo, ContactList } from './types.ts'

type Answer = Promise<HttpResponse | Refusal>

export function contactRoutes(service: Service): Route[] {
  return [
    {
      method: 'GET',
      path: '/accounts/:owner/contacts',
      handle: (_request, segments) => list(service, segments),
    },
    {
      method: 'POST',
      path: '/accounts/:owner/contacts/:watcher',
      handle: (request, segments) => decide(service, request, segments),
    },
  ]
}

async function list(service: Service, segments: Segments): Answer {
  const owner = readPerson(segments['owner'] as string)
  if (owner instanceof Refusal) return owner
  const account = await accountOf(service, owner)
  if (account instanceof Refusal) return account
  const contacts = [...account.contacts.values()].sort((a, b) => (a.address.key < b.address.key ? -1 : 1))
  const answer: ContactList = {
    owner: account.address.key,
    contacts: contacts.map(contactInfo),
    rules: [...account.rules.values()],
  }
  return json(200, answer)
}

async function decide(service: Service, request: HttpRequest, segments: Segments): Answer {
  const owner = readPerson(segments['owner'] as string)
  if (owner instanceof Refusal) return owner
  const body = readContactAction(request)
  if (body instanceof Refusal) return body
  // Whether the owner exists is asked first, so that `target-unknown` can only be about the owner.
  const account = await accountOf(service, owner)
  if (account instanceof Refusal) return account
  const watcher = segments['watcher'] as string
  const outcome =
    body.action === 'approve' || body.action === 'refuse'
      ? await answerRequest(service, account, watcher, body.action)
      : await setRule(service, account, watcher, body.action, body.visibility ?? 'full')
  if (outcome instanceof Refusal) return outcome
  return outcome.kind === 'refused' ? new Refusal(outcome.condition) : json(200, {})
}

async function answerRequest(
  service: Service,
  account: Account,
  written: string,
  action: 'approve' | 'refuse',
): Promise<Outcome | Refusal> {
  const watcher = readPerson(written)
  if (watcher instanceof Refusal) return watcher
  return new Promise((resolve) => {
    service.contacts[action](account.address, watcher, undefined, resolve)
  })
}

async function setRule(
  service: Service,
  account: Account,
  written: string,
  action: Exclude<ContactAction, 'approve' | 'refuse'>,
  visibility: VisibilityClass,
): Promise<Outcome | Refusal> {
  const subject = readSubject(written)
  if (subject === undefined) {
    return new Refusal(
      'address-malformed',
      `"${written}" is neither an address nor a domain nor *.domain nor *`,
    )
  }
  return new Promise((resolve) => {
    if (action === 'no-rule') service.contacts.removeRule(account.address, subject, resolve)
    else service.contacts.setRule(account.address, { subject, action, visibility }, resolve)
  })
}

function accountOf(service: Service, owner: Address): Promise<Account | Refusal> {
  return new Promise((resolve) => {
    service.directory.find(owner, (found) => {
      if (found === 'unknown') resolve(new Refusal('target-unknown'))
      else if (found === 'fault') resolve(new Refusal('internal-fault'))
      else resolve(found)
    })
  })
}

function contactInfo(contact: Contact): ContactInfo {
  const { to, from, pendingIn, pendingOut, preApproved } = contact.authorization
  return {
    address: contact.address.key,
    name: contact.name,
    groups: contact.groups,
    subscription: to && from ? 'both' : to ? 'to' : from ? 'from' : 'none',
    pendingIn,
    pendingOut,
    preApproved,
    listed: contact.listed,
  }
}
