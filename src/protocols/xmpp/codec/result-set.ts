// Result set management (XEP-0059): which page of a long answer is wanted, and where the page that is given begins and ends.
import { type Element, xml } from '#wire/xml'
import { resultSetNamespace } from './namespaces.ts'
import { type StanzaError, stanzaError } from './stanza-error.ts'

export interface PageRequest {
  /** Undefined: as many as we like. 0: only how many there are (§2.7). */
  readonly max: number | undefined
  readonly after: string | undefined
  /** Empty: the last page (§2.5). */
  readonly before: string | undefined
}

export interface Page {
  readonly first: string | undefined
  readonly last: string | undefined
  /** Of the first in the whole set, where it is known. */
  readonly index: number | undefined
  /** Of the whole set, where it is known. */
  readonly count: number | undefined
}

const anyPage: PageRequest = { max: undefined, after: undefined, before: undefined }

/** The <set/> within a request; an error when it is none. */
export function readPageRequest(request: Element): PageRequest | StanzaError {
  const set = request.child('set', resultSetNamespace)
  if (set === undefined) return anyPage
  // §2.6: a page by its index would have to be counted to; who gives no count has none.
  if (set.child('index', resultSetNamespace) !== undefined) return stanzaError('feature-not-implemented')
  const max = set.child('max', resultSetNamespace)?.text().trim()
  if (max !== undefined && !/^\d{1,9}$/.test(max)) return stanzaError('bad-request')
  const after = set.child('after', resultSetNamespace)?.text()
  return {
    max: max === undefined ? undefined : Number(max),
    // An empty <after/> is before the first of all.
    after: after === '' ? undefined : after,
    before: set.child('before', resultSetNamespace)?.text(),
  }
}

export function isPageRequest(read: PageRequest | StanzaError): read is PageRequest {
  return !('condition' in read)
}

export function pageElement({ first, last, index, count }: Page): Element {
  return xml(
    'set',
    resultSetNamespace,
    {},
    first === undefined ? undefined : xml('first', resultSetNamespace, { index: index?.toString() }, first),
    last === undefined ? undefined : xml('last', resultSetNamespace, {}, last),
    count === undefined ? undefined : xml('count', resultSetNamespace, {}, count.toString()),
  )
}
