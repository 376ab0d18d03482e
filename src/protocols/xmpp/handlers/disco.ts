// Service discovery (XEP-0030): what the server and the account are and can.
import { xml } from '#wire/xml'
import { fullJid } from '../codec/jid.ts'
import {
  carbonsNamespace,
  discoInfoNamespace,
  discoItemsNamespace,
  pingNamespace,
  rosterNamespace,
  stanzaIdNamespace,
  timeNamespace,
  versionNamespace,
} from '../codec/namespaces.ts'
import { stanzaError } from '../codec/stanza-error.ts'
import { isAvailable } from '../is-available.ts'
import type { IqHandler, IqRequest } from './iq.ts'

const shared = [discoInfoNamespace, discoItemsNamespace, pingNamespace]
/** `msgoffline` is XEP-0160's. */
const ofServer = [...shared, rosterNamespace, versionNamespace, timeNamespace, carbonsNamespace, 'msgoffline']
const ofAccount = [...shared, stanzaIdNamespace]

export const discoInfoIq: IqHandler = {
  payload: `{${discoInfoNamespace}}query`,
  addressee: 'either',
  get: (request) => {
    if (hasNode(request)) return request.error(stanzaError('item-not-found'))
    const isServer = request.addressee === 'server'
    const identity = isServer
      ? { category: 'server', type: 'im', name: 'Verona' }
      : { category: 'account', type: 'registered' }
    request.result(
      xml(
        'query',
        discoInfoNamespace,
        {},
        xml('identity', discoInfoNamespace, identity),
        ...(isServer ? ofServer : ofAccount).map((feature) =>
          xml('feature', discoInfoNamespace, { var: feature }),
        ),
      ),
    )
  },
}

export const discoItemsIq: IqHandler = {
  payload: `{${discoItemsNamespace}}query`,
  addressee: 'either',
  get: (request) => {
    if (hasNode(request)) return request.error(stanzaError('item-not-found'))
    const { session } = request
    // XEP-0030 §8.2: one's own available resources; the server has no parts with addresses.
    const devices = request.addressee === 'server' ? [] : session.account.inbox.agents
    const items = devices
      .filter(isAvailable)
      .map((agent) => xml('item', discoItemsNamespace, { jid: fullJid(session.owner, agent.id) }))
    request.result(xml('query', discoItemsNamespace, {}, ...items))
  },
}

/** XEP-0030 §7: we have no nodes. */
function hasNode({ payload }: IqRequest): boolean {
  return (payload.attribute('node') ?? '') !== ''
}
