// SCRAM-SHA-256 and -PLUS, the client's side (RFC 5802, RFC 7677), by Web Crypto: the same in Node and in a browser.

import { type Bytes, concat, noBytes, randomId, sameBytes, text, utf8 } from '#base'
import { prepareOpaque } from '#model'
import { decodeBase64, encodeBase64 } from '#wire/mime'
import type { ChannelBinding } from './transport.ts'

/** LIMIT: iterations that a server may ask for, so that it cannot keep us computing. */
export const iterationsMax = 1_000_000
/** RFC 7677 §4. */
const iterationsMin = 4096

/** RFC 5802 §6: `none`: we can't bind; `unasked`: we could, and the server does not offer it. */
export type Binding = ChannelBinding | 'none' | 'unasked'

export class ScramClient {
  readonly mechanism: 'SCRAM-SHA-256' | 'SCRAM-SHA-256-PLUS'
  readonly #header: string
  readonly #bound: Bytes
  readonly #password: string
  readonly #firstBare: string
  readonly #nonce: string
  #serverSignature: Bytes | undefined

  /** @param nonce printable, for tests; random otherwise */
  constructor(user: string, password: string, binding: Binding = 'none', nonce = randomId(24)) {
    const bound = typeof binding === 'object'
    this.mechanism = bound ? 'SCRAM-SHA-256-PLUS' : 'SCRAM-SHA-256'
    this.#header = bound ? `p=${binding.type},,` : binding === 'none' ? 'n,,' : 'y,,'
    this.#bound = bound ? binding.data : noBytes
    // RFC 5802 §5.1 wants SASLprep; ours is OpaqueString (RFC 8265 §4), as the server derives its verifiers.
    this.#password = prepareOpaque(password) ?? password
    this.#nonce = nonce
    this.#firstBare = `n=${user.replace(/=/g, '=3D').replace(/,/g, '=2C')},r=${nonce}`
  }

  /** The client-first-message. */
  first(): Bytes {
    return utf8(`${this.#header}${this.#firstBare}`)
  }

  /** The client-final-message for the server's first one. @throws Error when the server does not keep to RFC 5802. */
  async final(serverFirst: Bytes): Promise<Bytes> {
    const message = text(serverFirst)
    const match = /^r=([!-+\--~]+),s=([A-Za-z0-9+/]+=*),i=([1-9][0-9]{0,6})(?:,|$)/.exec(message)
    const salt = match && decodeBase64(utf8(match[2] as string))
    if (!match || !salt) throw new Error('the server’s SCRAM message is not well-formed')
    const [, nonce = '', , iterations = ''] = match
    if (!nonce.startsWith(this.#nonce) || nonce.length === this.#nonce.length) {
      throw new Error('the server’s SCRAM message answers somebody else')
    }
    const count = Number(iterations)
    if (count < iterationsMin || count > iterationsMax)
      throw new Error(`the server wants ${count} iterations of SCRAM`)
    const salted = await hi(this.#password, salt, count)
    const clientKey = await hmac(salted, utf8('Client Key'))
    const storedKey = await sha256(clientKey)
    const binding = encodeBase64(concat([utf8(this.#header), this.#bound]))
    const withoutProof = `c=${binding},r=${nonce}`
    const authMessage = utf8(`${this.#firstBare},${message},${withoutProof}`)
    const signature = await hmac(storedKey, authMessage)
    this.#serverSignature = await hmac(await hmac(salted, utf8('Server Key')), authMessage)
    const proof = clientKey.map((octet, i) => octet ^ (signature[i] as number))
    return utf8(`${withoutProof},p=${encodeBase64(proof)}`)
  }

  /** True when the server-final-message proves that the server knows the password's verifier too (RFC 5802 §3). */
  verify(serverFinal: Bytes): boolean {
    const match = /^v=([A-Za-z0-9+/]+=*)(?:,|$)/.exec(text(serverFinal))
    const signature = match && decodeBase64(utf8(match[1] as string))
    return !!signature && this.#serverSignature !== undefined && sameBytes(signature, this.#serverSignature)
  }
}

const hash = 'SHA-256'

async function hi(password: string, salt: Bytes, iterations: number): Promise<Bytes> {
  const key = await crypto.subtle.importKey('raw', own(utf8(password)), 'PBKDF2', false, ['deriveBits'])
  const parameters = { name: 'PBKDF2', hash, salt: own(salt), iterations }
  return new Uint8Array(await crypto.subtle.deriveBits(parameters, key, 256))
}

async function hmac(key: Bytes, data: Bytes): Promise<Bytes> {
  const imported = await crypto.subtle.importKey('raw', own(key), { name: 'HMAC', hash }, false, ['sign'])
  return new Uint8Array(await crypto.subtle.sign('HMAC', imported, own(data)))
}

async function sha256(data: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest(hash, own(data)))
}

/** Web Crypto's types want octets that no other thread shares. */
function own(bytes: Bytes): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes)
}
