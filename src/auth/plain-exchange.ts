// A PLAIN login (RFC 4616): one message, checked against whatever is kept of the account's password.
import { type Bytes, noBytes } from '#base'
import type { Credentials, ScramHash, Secrets } from '#core'
import { type Address, prepareOpaque } from '#model'
import { digestHashes, ha1Key, ha1Of } from './digest-hash.ts'
import { type PlainMessage, readPlain } from './plain.ts'
import { Exchange, type SaslChannel, type SaslOptions, type SaslStep } from './sasl-exchange.ts'
import { equalSecrets, isPasswordOf } from './scram-keys.ts'
import { pretendedVerifier } from './unknown-name.ts'

export class PlainExchange extends Exchange {
  readonly #checks: PasswordChecks

  constructor(options: SaslOptions, channel: SaslChannel, checks: PasswordChecks) {
    super(options, channel, 'PLAIN')
    this.#checks = checks
  }

  protected async answer(message: Bytes): Promise<SaslStep> {
    if (message.length === 0) return { kind: 'challenge', data: noBytes }
    const plain = readPlain(message)
    if (plain === undefined) return this.fail('malformed-request', 'malformed')
    if (!this.takeName(plain.name)) return this.fail('not-authorized', 'no name')
    const wait = this.countAttempt()
    if (wait !== undefined) return wait
    if (this.#checks.underWay >= passwordChecksMax) {
      this.attempt?.withdrawn()
      return this.fail('temporary-auth-failure', 'too many passwords to check at one time')
    }
    this.#checks.underWay++
    try {
      return await this.#check(plain)
    } finally {
      this.#checks.underWay--
    }
  }

  async #check(plain: PlainMessage): Promise<SaslStep> {
    const password = prepareOpaque(plain.password)
    const credentials = await this.options.authenticator.credentials(this.name as Address)
    const right = await this.#isRight(credentials, password ?? '')
    if (credentials === undefined || password === undefined || !right)
      return this.fail('not-authorized', 'password')
    const step = this.succeed(credentials.owner, plain.authorization, undefined)
    if (step.kind === 'success') this.options.onPassword?.(credentials.owner, credentials.secrets, password)
    return step
  }

  /** One derivation in every case: of the account's verifier, or of a pretended one. */
  async #isRight(credentials: Credentials | undefined, password: string): Promise<boolean> {
    const name = this.name as Address
    const hash = plainHashes.find((one) => credentials?.secrets.scram[one] !== undefined)
    const verifier = hash === undefined ? undefined : credentials?.secrets.scram[hash]
    if (hash !== undefined && verifier !== undefined) return isPasswordOf(hash, verifier, password)
    const pretended = pretendedVerifier(this.options.serverKey, 'SHA-256', name.key, this.options.iterations)
    await isPasswordOf('SHA-256', pretended, password)
    return credentials !== undefined && isHa1Right(credentials.secrets, name, password)
  }
}

/** LIMIT: passwords that are being checked at one time; past it logins fail for the moment. A check keeps a thread for milliseconds. */
export const passwordChecksMax = 256

/** How many passwords are being checked now. */
export interface PasswordChecks {
  underWay: number
}

/** The same cost for most accounts: SHA-256 where it is kept. */
const plainHashes: readonly ScramHash[] = ['SHA-256', 'SHA-512', 'SHA-1']

/** An account that was imported with digests only is checked against one of them. */
function isHa1Right(secrets: Secrets, name: Address, password: string): boolean {
  for (const algorithm of digestHashes) {
    for (const form of [name.user, name.key]) {
      const kept = secrets.ha1[ha1Key(algorithm, form, name.domain)]
      if (kept === undefined) continue
      return equalSecrets(Buffer.from(ha1Of(algorithm, form, name.domain, password)), Buffer.from(kept))
    }
  }
  return false
}
