// vCards (XEP-0054): kept for their owner as they were written, shown to all whom the owner's rules let through. Nothing in one is used elsewhere.
import { vcardNamespace } from '../codec/namespaces.ts'
import { stanzaError } from '../codec/stanza-error.ts'
import type { Asker, IqRequest, OpenIqHandler } from './iq.ts'
import { answerLater, octetsOf, storedElement, storeElement } from './stored-elements.ts'

const vcardDocument = 'vcard'

export const vcardIq: OpenIqHandler = {
  payload: `{${vcardNamespace}}vCard`,
  addressee: 'account',
  ofPersons: 'answered',
  features: { server: [vcardNamespace], account: [vcardNamespace] },
  get: (request) => answerLater(request, tell(request)),
  set: (request) => {
    // §3.2
    if (request.addressee !== 'account') return request.error(stanzaError('forbidden'))
    if (octetsOf(request.payload) > request.session.settings.vcardOctetsMax)
      return request.error(stanzaError('policy-violation'))
    answerLater(request, change(request))
  },
}

async function tell({ session, person, addressee, result, error }: IqRequest<Asker>): Promise<void> {
  const vcard = await storedElement(session, person.address, vcardDocument)
  if (vcard !== undefined) return result(vcard)
  // §3.3: of others the same is said where there is no vCard and where there is no person.
  error(stanzaError(addressee === 'account' ? 'item-not-found' : 'service-unavailable'))
}

async function change({ session, payload, result }: IqRequest<Asker>): Promise<void> {
  const isEmpty = payload.elements().length === 0
  await storeElement(session, vcardDocument, isEmpty ? undefined : payload)
  result()
}
