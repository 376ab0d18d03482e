// Private XML storage (XEP-0049): elements that a client keeps for itself, by name and namespace; its owner's devices alone read them.
import { type Element, xml } from '#wire/xml'
import { clientNamespace, privateNamespace } from '../codec/namespaces.ts'
import { type StanzaError, stanzaError } from '../codec/stanza-error.ts'
import type { IqHandler, IqRequest } from './iq.ts'
import { answerLater, octetsOf, storedElement, storeElement } from './stored-elements.ts'

/** LIMIT: octets of one element, and characters of its name with its namespace; how many there may be is a limit of the store's. */
export const privateOctetsMax = 65_536
const nameMax = 512

export const privateIq: IqHandler = {
  payload: `{${privateNamespace}}query`,
  addressee: 'account',
  // §2.3
  ofPersons: 'forbidden',
  features: { server: [privateNamespace] },
  get: (request) => {
    const [asked, ...more] = request.payload.elements()
    if (asked === undefined) return request.error(stanzaError('bad-request'))
    // §2.3: one at a time.
    const wrong = more.length > 0 ? stanzaError('not-acceptable') : wrongNamespace(asked)
    if (wrong !== undefined) return request.error(wrong)
    answerLater(request, tell(request, asked))
  },
  set: (request) => {
    const elements = request.payload.elements()
    if (elements.length === 0) return request.error(stanzaError('not-acceptable'))
    for (const element of elements) {
      const wrong = wrongNamespace(element)
      if (wrong !== undefined) return request.error(wrong)
      if (octetsOf(element) > privateOctetsMax) return request.error(stanzaError('policy-violation'))
    }
    answerLater(request, keep(request, elements))
  },
}

/** §2.3: a namespace of its own. */
function wrongNamespace({ name, namespace }: Element): StanzaError | undefined {
  const isProper = namespace !== '' && namespace !== privateNamespace && namespace !== clientNamespace
  return isProper && name.length + namespace.length <= nameMax ? undefined : stanzaError('not-acceptable')
}

function documentOf({ name, namespace }: Element): string {
  return `private {${namespace}}${name}`
}

/** What was never kept is empty. */
async function tell({ session, result }: IqRequest, asked: Element): Promise<void> {
  const kept = await storedElement(session, session.owner, documentOf(asked))
  result(xml('query', privateNamespace, {}, kept ?? xml(asked.name, asked.namespace)))
}

/** An empty element takes away what was kept. Of several with one name the last counts. */
async function keep({ session, result }: IqRequest, elements: readonly Element[]): Promise<void> {
  const kept = elements.map((element) => {
    const isEmpty = element.children.length === 0 && element.attributes.size === 0
    return storeElement(session, documentOf(element), isEmpty ? undefined : element)
  })
  await Promise.all(kept)
  result()
}
