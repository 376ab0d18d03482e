// The elements of a SASL negotiation (RFC 6120 §6.4) and the base64 inside them.
import { type Bytes, noBytes } from '#base'
import type { Element } from '#wire/xml'
import { saslNamespace } from './namespaces.ts'

export type SaslInput =
  | { readonly kind: 'auth'; readonly mechanism: string; readonly data: Bytes | undefined }
  | { readonly kind: 'response'; readonly data: Bytes }
  | { readonly kind: 'abort' }
  /** RFC 6120 §6.5.5 */
  | { readonly kind: 'incorrect-encoding' }
  | { readonly kind: 'malformed-request' }

/** Conditions of RFC 6120 §6.5 that we answer with. */
export type SaslCondition =
  | 'aborted'
  | 'encryption-required'
  | 'incorrect-encoding'
  | 'invalid-authzid'
  | 'invalid-mechanism'
  | 'malformed-request'
  | 'not-authorized'
  | 'temporary-auth-failure'

/** Reads an element of the SASL namespace; undefined when it is none that a client sends. */
export function saslInput(element: Element): SaslInput | undefined {
  if (element.namespace !== saslNamespace) return undefined
  if (element.name === 'abort') return { kind: 'abort' }
  if (element.name !== 'auth' && element.name !== 'response') return undefined
  if (element.elements().length > 0) return { kind: 'malformed-request' }
  const data = readBase64(element.text())
  if (data === undefined) return { kind: 'incorrect-encoding' }
  if (element.name === 'response') return { kind: 'response', data: data === 'absent' ? noBytes : data }
  const mechanism = element.attribute('mechanism')
  if (mechanism === undefined) return { kind: 'malformed-request' }
  return { kind: 'auth', mechanism, data: data === 'absent' ? undefined : data }
}

/** RFC 6120 §6.4.2: a single `=` is empty data, nothing at all is no data. Undefined: not base64 (RFC 4648 §4). */
function readBase64(text: string): Bytes | 'absent' | undefined {
  if (text === '') return 'absent'
  if (text === '=') return noBytes
  // RFC 6120 §13.9.1: no whitespace or other characters inside, and padding in its place.
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined
  return Buffer.from(text, 'base64')
}

export function challengeText(data: Bytes): string {
  return `<challenge xmlns='${saslNamespace}'>${base64(data)}</challenge>`
}

/** RFC 6120 §6.4.6; additional data with success where the mechanism has any. */
export function successText(data: Bytes | undefined): string {
  if (data === undefined) return `<success xmlns='${saslNamespace}'/>`
  return `<success xmlns='${saslNamespace}'>${data.length === 0 ? '=' : base64(data)}</success>`
}

export function failureText(condition: SaslCondition): string {
  return `<failure xmlns='${saslNamespace}'><${condition}/></failure>`
}

function base64(data: Bytes): string {
  return Buffer.from(data.buffer, data.byteOffset, data.length).toString('base64')
}
