// Stanza errors (RFC 6120 §8.3): the conditions, their types, how they are written and read.
import { type Element, type Node, xml } from '#wire/xml'
import { clientNamespace, stanzaErrorsNamespace } from './namespaces.ts'

export type StanzaErrorType = 'auth' | 'cancel' | 'continue' | 'modify' | 'wait'

/** RFC 6120 §8.3.3, each with the type that its section gives or recommends. */
export const stanzaErrorTypes = {
  'bad-request': 'modify',
  conflict: 'cancel',
  'feature-not-implemented': 'cancel',
  forbidden: 'auth',
  gone: 'cancel',
  'internal-server-error': 'cancel',
  'item-not-found': 'cancel',
  'jid-malformed': 'modify',
  'not-acceptable': 'modify',
  'not-allowed': 'cancel',
  'not-authorized': 'auth',
  'policy-violation': 'modify',
  'recipient-unavailable': 'wait',
  redirect: 'modify',
  'registration-required': 'auth',
  'remote-server-not-found': 'cancel',
  'remote-server-timeout': 'wait',
  'resource-constraint': 'wait',
  'service-unavailable': 'cancel',
  'subscription-required': 'auth',
  'undefined-condition': 'cancel',
  'unexpected-request': 'wait',
} as const satisfies Record<string, StanzaErrorType>

export type StanzaCondition = keyof typeof stanzaErrorTypes

export interface StanzaError {
  readonly condition: StanzaCondition
  /** Where it differs from the one in the table. */
  readonly type?: StanzaErrorType
  /** The new address of <gone/> and <redirect/> (RFC 6120 §8.3.3.5, §8.3.3.14). */
  readonly location?: string
  /** An application's own condition beside it (RFC 6120 §8.3.4). */
  readonly application?: Element
}

export function stanzaError(condition: StanzaCondition): StanzaError {
  return { condition }
}

/** The <error/> child. */
export function errorElement(error: StanzaError): Element {
  const location: Node[] = error.location === undefined ? [] : [error.location]
  const condition = xml(error.condition, stanzaErrorsNamespace, {}, ...location)
  return xml(
    'error',
    clientNamespace,
    { type: error.type ?? stanzaErrorTypes[error.condition] },
    condition,
    error.application,
  )
}

/** The condition of a stanza of type error; `undefined-condition` when it gives none that we know. */
export function conditionOf(stanza: Element): StanzaCondition {
  for (const child of stanza.child('error')?.elements() ?? []) {
    if (child.namespace === stanzaErrorsNamespace && child.name in stanzaErrorTypes) {
      return child.name as StanzaCondition
    }
  }
  return 'undefined-condition'
}
