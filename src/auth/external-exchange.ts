// An EXTERNAL login (RFC 4422 appendix A): the certificate that TLS has seen names the person; the message, whom it is for.
import { type Bytes, strictText } from '#base'
import type { Address } from '#model'
import { Exchange, type SaslChannel, type SaslOptions, type SaslStep } from './sasl-exchange.ts'

export class ExternalExchange extends Exchange {
  readonly #persons: readonly Address[]

  constructor(options: SaslOptions, channel: SaslChannel, persons: readonly Address[]) {
    super(options, channel, 'EXTERNAL')
    this.#persons = persons
  }

  protected async answer(message: Bytes): Promise<SaslStep> {
    const authorization = strictText(message)
    if (authorization === undefined || authorization.includes('\0'))
      return this.fail('malformed-request', 'malformed')
    // Who has several names says which; who has one need not.
    const [only, ...others] = this.#persons
    const name = authorization === '' && others.length === 0 ? only?.key : authorization
    if (name === undefined || name === '' || !this.takeName(name))
      return this.fail('invalid-authzid', 'no name')
    if (!this.#persons.some(({ key }) => key === this.name?.key))
      return this.fail('invalid-authzid', 'not in the certificate')
    const credentials = await this.options.authenticator.credentials(this.name as Address)
    if (credentials === undefined) return this.fail('not-authorized', 'unknown name')
    return this.succeed(credentials.owner, undefined, undefined)
  }
}
