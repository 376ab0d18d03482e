// Service discovery (XEP-0030): what the server and the account are and can, each feature named by the handler that has it; the
// server's contact addresses (XEP-0157); and the hash by which clients know the server again (XEP-0115).
import type { Account, Service } from '#core'
import type { Address } from '#model'
import { type Element, xml } from '#wire/xml'
import { fullJid } from '../codec/jid.ts'
import {
  capsNamespace,
  discoInfoNamespace,
  discoItemsNamespace,
  stanzaIdNamespace,
} from '../codec/namespaces.ts'
import {
  capsElement,
  type InfoForm,
  infoElement,
  type ServiceInfo,
  verificationOf,
} from '../codec/service-info.ts'
import { stanzaError } from '../codec/stanza-error.ts'
import { isAvailable } from '../is-available.ts'
import type { XmppSettings } from '../settings.ts'
import type { Asker, IqHandler, IqRequest, OpenIqHandler } from './iq.ts'

/** What decides which of our features there are. */
export interface ServerSide {
  readonly service: Service
  readonly settings: XmppSettings
}

/** Names the software (XEP-0115 §4). */
const capsNode = 'urn:verona:server'

/** Features that no request asks for. `msgoffline` is XEP-0160's. */
const unasked = { server: ['msgoffline', capsNamespace], account: [stanzaIdNamespace] }

export const discoInfoIq: OpenIqHandler = {
  payload: `{${discoInfoNamespace}}query`,
  addressee: 'either',
  ofPersons: 'answered',
  features: { server: [discoInfoNamespace], account: [discoInfoNamespace] },
  get: (request) => {
    if (request.addressee === 'server') return tellServer(request)
    if (!mayKnow(request.person, request.session.owner))
      return request.error(stanzaError('service-unavailable'))
    if (nodeOf(request) !== '') return request.error(stanzaError('item-not-found'))
    request.result(infoElement(accountInfo(request.session, request.handlers), undefined))
  },
}

function tellServer(request: IqRequest<Asker>): void {
  const node = nodeOf(request)
  const { info, verification } = serverInfo(request.session, request.handlers)
  // XEP-0115 §6.2: the node of our hash is ourselves.
  if (node !== '' && node !== `${capsNode}#${verification}`)
    return request.error(stanzaError('item-not-found'))
  request.result(infoElement(info, node === '' ? undefined : node))
}

export const discoItemsIq: OpenIqHandler = {
  payload: `{${discoItemsNamespace}}query`,
  addressee: 'either',
  ofPersons: 'answered',
  features: { server: [discoItemsNamespace], account: [discoItemsNamespace] },
  get: (request) => {
    const isServer = request.addressee === 'server'
    if (!isServer && !mayKnow(request.person, request.session.owner))
      return request.error(stanzaError('service-unavailable'))
    if (nodeOf(request) !== '') return request.error(stanzaError('item-not-found'))
    // XEP-0030 §8: a person's available resources; the server has no parts with addresses.
    const { person } = request
    const items = (isServer ? [] : person.inbox.agents)
      .filter(isAvailable)
      .map((agent) => xml('item', discoItemsNamespace, { jid: fullJid(person.address, agent.id) }))
    request.result(xml('query', discoItemsNamespace, {}, ...items))
  },
}

/** XEP-0030 §8: only those who may see a person learn that there is one. */
function mayKnow(person: Account, asker: Address): boolean {
  return person.address.key === asker.key || person.contacts.get(asker.key)?.authorization.from === true
}

function nodeOf({ payload }: IqRequest<Asker>): string {
  return payload.attribute('node') ?? ''
}

/** The features that the handlers name, once each. */
function featuresOf(
  side: ServerSide,
  handlers: readonly IqHandler[],
  of: 'server' | 'account',
): readonly string[] {
  const offered = handlers.filter((handler) => handler.isOffered?.(side) !== false)
  return [...new Set([...offered.flatMap((handler) => handler.features?.[of] ?? []), ...unasked[of]])]
}

function accountInfo(side: ServerSide, handlers: readonly IqHandler[]): ServiceInfo {
  const identities = [{ category: 'account', type: 'registered' }]
  return { identities, features: featuresOf(side, handlers, 'account'), forms: [] }
}

interface ServerInfo {
  readonly info: ServiceInfo
  readonly verification: string
}

/** It never changes while the server runs. */
const known = new WeakMap<Service, ServerInfo>()

function serverInfo(side: ServerSide, handlers: readonly IqHandler[]): ServerInfo {
  const before = known.get(side.service)
  if (before !== undefined) return before
  const info = {
    identities: [{ category: 'server', type: 'im', name: 'Verona' }],
    features: featuresOf(side, handlers, 'server'),
    forms: contactForms(side.settings),
  }
  const made = { info, verification: verificationOf(info) }
  known.set(side.service, made)
  return made
}

/** The <c/> of our stream features (XEP-0115 §6.3). */
export function serverCaps(side: ServerSide, handlers: readonly IqHandler[]): Element {
  return capsElement(capsNode, serverInfo(side, handlers).verification)
}

/** XEP-0157 §3: only the addresses that are set. */
function contactForms(settings: XmppSettings): readonly InfoForm[] {
  const fields = [
    ['abuse-addresses', settings.abuseAddresses],
    ['admin-addresses', settings.adminAddresses],
    ['feedback-addresses', settings.feedbackAddresses],
    ['sales-addresses', settings.salesAddresses],
    ['security-addresses', settings.securityAddresses],
    ['status-addresses', settings.statusAddresses],
    ['support-addresses', settings.supportAddresses],
  ] as const
  const set = fields.flatMap(([name, values]) =>
    values === undefined || values.length === 0 ? [] : [[name, values] as const],
  )
  return set.length === 0 ? [] : [{ type: 'http://jabber.org/network/serverinfo', fields: set }]
}
