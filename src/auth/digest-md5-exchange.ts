// A DIGEST-MD5 login (RFC 2831), against the MD5 digests that are kept for SIP and HTTP. Off unless a setting says otherwise (RFC 6331).
import { type Bytes, randomId, utf8 } from '#base'
import type { Address } from '#model'
import { ha1Key } from './digest-hash.ts'
import {
  type DigestMd5Response,
  digestMd5Challenge,
  digestMd5Responses,
  readDigestMd5,
} from './digest-md5.ts'
import { Exchange, type SaslChannel, type SaslOptions, type SaslStep } from './sasl-exchange.ts'
import { equalSecrets } from './scram-keys.ts'
import { pretendedHa1 } from './unknown-name.ts'

export class DigestMd5Exchange extends Exchange {
  readonly #nonce: string
  #isAsked = false

  constructor(options: SaslOptions, channel: SaslChannel, nonce = randomId(24)) {
    super(options, channel, 'DIGEST-MD5')
    this.#nonce = nonce
  }

  protected async answer(message: Bytes): Promise<SaslStep> {
    if (!this.#isAsked) {
      // The server begins; what a client could say first is for a subsequent authentication (§2.2), which is not offered.
      if (message.length > 0) return this.fail('malformed-request', 'an initial response')
      this.#isAsked = true
      return { kind: 'challenge', data: utf8(digestMd5Challenge(this.channel.domain, this.#nonce)) }
    }
    const said = readDigestMd5(message)
    if (said === undefined || said.qop !== 'auth') return this.fail('malformed-request', 'malformed')
    if (!this.takeName(said.username)) return this.fail('not-authorized', 'no name')
    const wait = this.countAttempt()
    if (wait !== undefined) return wait
    return this.#check(said)
  }

  async #check(said: DigestMd5Response): Promise<SaslStep> {
    const { domain, service = '' } = this.channel
    const name = this.name as Address
    const credentials = await this.options.authenticator.credentials(name)
    const ha1 = credentials?.secrets.ha1[ha1Key('MD5', said.username, said.realm)]
    const { client, server } = digestMd5Responses(
      ha1 ?? pretendedHa1(this.options.serverKey, 'MD5', name.key),
      said,
    )
    const isRight = equalSecrets(utf8(client), utf8(said.response))
    // §2.1.2: the nonce is ours, used once; the realm and the service are those that were asked for.
    const isOurs = said.nonce === this.#nonce && said.nc === '00000001' && said.realm === domain
    const isHere = said.uri.toLowerCase().startsWith(`${service}/`)
    if (credentials === undefined || ha1 === undefined || !isRight || !isOurs || !isHere)
      return this.fail('not-authorized', 'response')
    return this.succeed(credentials.owner, said.authorization || undefined, utf8(`rspauth=${server}`))
  }
}
