// The client's side of SASL (RFC 4422), for us as a client of other servers: EXTERNAL, PLAIN, and SCRAM with every hash that we know.
import { type Bytes, noBytes, randomId, strictText, utf8 } from '#base'
import { type ScramHash, ServiceError } from '#core'
import { prepareOpaque } from '#model'
import { clientProof, saltedPassword, scramVerifier, serverSignature } from './scram-keys.ts'

/** One exchange. All of ours speak first. */
export interface SaslClient {
  readonly mechanism: string
  initial(): Bytes
  /** The response to a challenge. Rejects with ServiceError when the server breaks the rules: then there is nothing to go on with. */
  respond(challenge: Bytes): Promise<Bytes>
  /** Whether the end is right: with SCRAM the server has to prove, too, that it knows the password. */
  isProven(data: Bytes): boolean
}

/** RFC 4422 appendix A; an empty name leaves it to what the certificate says. */
export function externalClient(authorization = ''): SaslClient {
  return oneMessage('EXTERNAL', utf8(authorization))
}

/** RFC 4616. Only where nobody listens: the caller sees to it. */
export function plainClient(user: string, password: string): SaslClient {
  return oneMessage('PLAIN', utf8(`\0${user}\0${password}`))
}

function oneMessage(mechanism: string, message: Bytes): SaslClient {
  return {
    mechanism,
    initial: () => message,
    respond: () => Promise.reject(broken('a challenge that the mechanism does not have')),
    isProven: () => true,
  }
}

export interface ScramClientOptions {
  readonly hash: ScramHash
  readonly user: string
  readonly password: string
  /** Binds to the channel (-PLUS); `unasked`: we could, and the server does not offer it (RFC 5802 §6). */
  readonly binding?: { readonly type: string; readonly data: Bytes } | 'unasked'
  /** For tests. */
  readonly nonce?: string
}

/** LIMIT: iterations that a server may ask for, so that it cannot keep us computing. */
const iterationsMax = 1_000_000
/** RFC 7677 §4. */
const iterationsMin = 4096

/** RFC 5802, RFC 7677. */
export class ScramClient implements SaslClient {
  readonly mechanism: string
  readonly #hash: ScramHash
  readonly #header: string
  readonly #bound: Bytes
  readonly #password: string
  readonly #nonce: string
  readonly #firstBare: string
  #signature: string | undefined

  constructor({ hash, user, password, binding, nonce = randomId(24) }: ScramClientOptions) {
    const bound = typeof binding === 'object'
    this.mechanism = `SCRAM-${hash}${bound ? '-PLUS' : ''}`
    this.#hash = hash
    this.#header = bound ? `p=${binding.type},,` : binding === 'unasked' ? 'y,,' : 'n,,'
    this.#bound = bound ? binding.data : noBytes
    // As the server derives its verifiers (decision 0010).
    this.#password = prepareOpaque(password) ?? password
    this.#nonce = nonce
    this.#firstBare = `n=${user.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}`
  }

  initial(): Bytes {
    return utf8(`${this.#header}${this.#firstBare}`)
  }

  async respond(challenge: Bytes): Promise<Bytes> {
    const message = strictText(challenge) ?? ''
    const match = /^r=([!-+\--~]+),s=([A-Za-z0-9+/]+={0,2}),i=([1-9][0-9]{0,6})(?:,|$)/.exec(message)
    if (match === null || this.#signature !== undefined)
      throw broken('a SCRAM message that is not well-formed')
    const [, nonce = '', saltText = '', iterationsText = ''] = match
    if (!nonce.startsWith(this.#nonce) || nonce.length === this.#nonce.length)
      throw broken('a SCRAM message that answers somebody else')
    const iterations = Number(iterationsText)
    if (iterations < iterationsMin || iterations > iterationsMax)
      throw broken(`${iterations} iterations of SCRAM`)
    const salt = Buffer.from(saltText, 'base64')
    const salted = await saltedPassword(this.#hash, this.#password, salt, iterations)
    const binding = Buffer.concat([utf8(this.#header), this.#bound]).toString('base64')
    const withoutProof = `c=${binding},r=${nonce}`
    const authMessage = `${this.#firstBare},${message},${withoutProof}`
    const verifier = scramVerifier(this.#hash, salted, salt, iterations)
    this.#signature = serverSignature(this.#hash, verifier, authMessage)
    return utf8(`${withoutProof},p=${clientProof(this.#hash, salted, authMessage)}`)
  }

  isProven(data: Bytes): boolean {
    const text = strictText(data)
    if (this.#signature === undefined || text === undefined) return false
    return text === `v=${this.#signature}` || text.startsWith(`v=${this.#signature},`)
  }
}

function broken(what: string): ServiceError {
  return new ServiceError('malformed', `the server sent ${what}`)
}
