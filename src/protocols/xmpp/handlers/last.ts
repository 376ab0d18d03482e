// Last activity (XEP-0012): how long the server runs, and how long a person has been away, told to those who may see the person's presence.
import { lastActivityOf, visible } from '#core'
import { type Element, xml } from '#wire/xml'
import { lastNamespace } from '../codec/namespaces.ts'
import { stanzaError } from '../codec/stanza-error.ts'
import type { Asker, IqRequest, OpenIqHandler } from './iq.ts'
import { answerLater } from './stored-elements.ts'

export const lastIq: OpenIqHandler = {
  payload: `{${lastNamespace}}query`,
  addressee: 'either',
  ofPersons: 'answered',
  features: { server: [lastNamespace], account: [lastNamespace] },
  get: (request) => {
    const { session, addressee } = request
    // §5
    if (addressee === 'server') return request.result(lastElement(request, session.service.started, ''))
    if (!mayKnow(request)) return request.error(stanzaError('forbidden'))
    // §3: somebody who is here, on whatever device.
    if (request.person.presentity.tuples.size > 0)
      return request.result(lastElement(request, session.service.clock.now(), ''))
    answerLater(request, tell(request))
  },
}

/** §3: what presence is not shown to somebody tells them nothing here either. */
function mayKnow({ person, session: { owner } }: IqRequest<Asker>): boolean {
  if (person.address.key === owner.key) return true
  return person.contacts.get(owner.key)?.authorization.from === true && visible(person, owner) !== 'nothing'
}

async function tell(request: IqRequest<Asker>): Promise<void> {
  const { session, person, result, error } = request
  const last = await lastActivityOf(session.service.store, person.address)
  if (last === undefined) return error(stanzaError('item-not-found'))
  // The words are for those who see all (RFC 2779 2.3.3).
  const seesAll = visible(person, session.owner) === 'full'
  result(lastElement(request, last.at, seesAll ? last.status : ''))
}

function lastElement({ session }: IqRequest<Asker>, since: number, status: string): Element {
  const seconds = Math.max(0, Math.floor((session.service.clock.now() - since) / 1000))
  const words = status === '' ? [] : [status]
  return xml('query', lastNamespace, { seconds: seconds.toString() }, ...words)
}
