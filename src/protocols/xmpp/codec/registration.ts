// In-band registration on the wire (XEP-0077 §3): the fields of a request, and the answers before there is a session.
import { childElementOf, type Element, type Frame, serialize, xml } from '#wire/xml'
import { clientNamespace, clientStream, registerNamespace } from './namespaces.ts'
import { errorElement, type StanzaError } from './stanza-error.ts'

/** The feature of a stream on which one may register (XEP-0077 §7.1). */
export const registerFeatureNamespace = 'http://jabber.org/features/iq-register'

export interface RegistrationRequest {
  readonly type: 'get' | 'set'
  readonly id: string | undefined
  readonly to: string | undefined
  readonly fields: RegistrationFields
}

export interface RegistrationFields {
  readonly username: string | undefined
  readonly password: string | undefined
  readonly remove: boolean
  /** Whether <remove/> is all that there is (XEP-0077 §3.2, bad-request). */
  readonly removeAlone: boolean
}

/** The request that a stanza is, or undefined when it is none. */
export function registrationRequest(frame: Frame): RegistrationRequest | undefined {
  const type = frame.attribute('type')
  if (frame.name !== 'iq' || frame.namespace !== clientNamespace || frame.childCount !== 1) return undefined
  if (frame.childName(0) !== 'query' || frame.childNamespace(0) !== registerNamespace) return undefined
  if (type !== 'get' && type !== 'set') return undefined
  const fields = registrationFields(childElementOf(frame, 0))
  return { type, id: frame.attribute('id'), to: frame.attribute('to'), fields }
}

export function registrationFields(query: Element): RegistrationFields {
  const remove = query.child('remove') !== undefined
  return {
    username: query.childText('username'),
    password: query.childText('password'),
    remove,
    removeAlone: remove && query.elements().length === 1,
  }
}

/** What is asked of who registers: no more than a name and a password. */
export function registrationForm(): Element {
  const field = (name: string, text?: string): Element =>
    xml(name, registerNamespace, {}, ...(text === undefined ? [] : [text]))
  return xml(
    'query',
    registerNamespace,
    {},
    field('instructions', 'Choose a username and a password.'),
    field('username'),
    field('password'),
  )
}

/** What is on file; never the password. */
export function registeredForm(username: string): Element {
  return xml(
    'query',
    registerNamespace,
    {},
    xml('registered', registerNamespace),
    xml('username', registerNamespace, {}, username),
    xml('password', registerNamespace),
  )
}

/** An answer on a stream without a session. */
export function registrationAnswer(id: string | undefined, answer: Element | StanzaError | 'done'): string {
  const isError = answer !== 'done' && 'condition' in answer
  const child = answer === 'done' ? [] : [isError ? errorElement(answer) : (answer as Element)]
  const attributes = { type: isError ? 'error' : 'result', id }
  return serialize(xml('iq', clientNamespace, attributes, ...child), { outer: clientStream })
}
