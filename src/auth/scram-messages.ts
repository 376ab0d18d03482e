// The messages of SCRAM, read and written (RFC 5802 §7). Complete; extensions are passed over as the text demands.
import { type Bytes, strictText } from '#base'

/** LIMIT: octets of one message of a client; a user name of 1023 octets, each escaped, fits. */
export const scramMessageOctetsMax = 4096

/** RFC 5802 §6: not supported, supported but believed not offered, or used with the named type. */
export type ChannelBindingFlag = { kind: 'n' } | { kind: 'y' } | { kind: 'p'; type: string }

export interface ClientFirst {
  /** Flag and authorization identity with both commas: what `c=` must repeat. */
  readonly gs2Header: string
  readonly flag: ChannelBindingFlag
  readonly authorization: string | undefined
  readonly bare: string
  readonly name: string
  readonly nonce: string
}

export interface ClientFinal {
  readonly withoutProof: string
  readonly channelBinding: string
  readonly nonce: string
  readonly proof: Bytes
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const nonceCharacters = /^[!-+\--~]+$/ // printable ASCII but the comma
const bindingName = /^[A-Za-z0-9.-]+$/
const attribute = /^[A-Za-z]=/

/** Reads client-first-message; undefined when it breaks the grammar or asks for a mandatory extension. */
export function readClientFirst(bytes: Bytes): ClientFirst | undefined {
  const message = messageText(bytes)
  if (message === undefined) return undefined
  const flagEnd = message.indexOf(',')
  const headerEnd = message.indexOf(',', flagEnd + 1)
  if (flagEnd < 0 || headerEnd < 0) return undefined
  const flag = readFlag(message.slice(0, flagEnd))
  const authorizationField = message.slice(flagEnd + 1, headerEnd)
  const authorization = authorizationField === '' ? '' : readName(authorizationField, 'a=')
  const bare = message.slice(headerEnd + 1)
  // `m=` is reserved: its presence MUST cause failure (RFC 5802 §5.1); here it stands where `n=` must.
  const [nameField, nonceField, ...extensions] = bare.split(',')
  const name = readName(nameField ?? '', 'n=')
  const nonce = readNonce(nonceField)
  if (flag === undefined || authorization === undefined || name === undefined || nonce === undefined)
    return undefined
  if (!extensions.every((one) => attribute.test(one))) return undefined
  return {
    gs2Header: message.slice(0, headerEnd + 1),
    flag,
    authorization: authorization === '' ? undefined : authorization,
    bare,
    name,
    nonce,
  }
}

/** Reads client-final-message; undefined when it breaks the grammar. */
export function readClientFinal(bytes: Bytes): ClientFinal | undefined {
  const message = messageText(bytes)
  if (message === undefined) return undefined
  const proofStart = message.lastIndexOf(',p=')
  if (proofStart < 0) return undefined
  const withoutProof = message.slice(0, proofStart)
  const proof = message.slice(proofStart + 3)
  const [bindingField, nonceField, ...extensions] = withoutProof.split(',')
  const nonce = readNonce(nonceField)
  if (!bindingField?.startsWith('c=') || nonce === undefined || !base64.test(proof)) return undefined
  if (!extensions.every((one) => attribute.test(one) && !one.startsWith('m='))) return undefined
  return {
    withoutProof,
    channelBinding: bindingField.slice(2),
    nonce,
    proof: Buffer.from(proof, 'base64'),
  }
}

/** server-first-message. */
export function serverFirst(nonce: string, salt: string, iterations: number): string {
  return `r=${nonce},s=${salt},i=${iterations}`
}

function messageText(bytes: Bytes): string | undefined {
  if (bytes.length === 0 || bytes.length > scramMessageOctetsMax) return undefined
  const message = strictText(bytes)
  return message?.includes('\0') ? undefined : message
}

function readFlag(field: string): ChannelBindingFlag | undefined {
  if (field === 'n') return { kind: 'n' }
  if (field === 'y') return { kind: 'y' }
  const type = field.slice(2)
  return field.startsWith('p=') && bindingName.test(type) ? { kind: 'p', type } : undefined
}

/** A saslname: `=` only as `=2C` or `=3D`, else the server MUST fail (RFC 5802 §5.1, `n`). */
function readName(field: string, prefix: string): string | undefined {
  const escaped = field.slice(prefix.length)
  if (!field.startsWith(prefix) || escaped === '' || /=(?!2C|3D)/.test(escaped)) return undefined
  return escaped.replaceAll('=2C', ',').replaceAll('=3D', '=')
}

function readNonce(field: string | undefined): string | undefined {
  if (!field?.startsWith('r=')) return undefined
  const nonce = field.slice(2)
  return nonceCharacters.test(nonce) ? nonce : undefined
}
