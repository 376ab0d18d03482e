// SASL (RFC 4422) for every protocol that logs people in: which mechanisms are offered on a channel, and the exchange of one.
import type { ScramHash, Secrets } from '#core'
import type { Address } from '#model'
import { DigestMd5Exchange } from './digest-md5-exchange.ts'
import { ExternalExchange } from './external-exchange.ts'
import { type PasswordChecks, PlainExchange } from './plain-exchange.ts'
import type { SaslChannel, SaslMechanism, SaslOptions } from './sasl-exchange.ts'
import { ScramExchange } from './scram-exchange.ts'
import { scramHashes } from './scram-keys.ts'

export class Sasl {
  readonly #options: SaslOptions
  readonly #hashes: readonly ScramHash[]
  readonly #checks: PasswordChecks = { underWay: 0 }

  constructor(options: SaslOptions) {
    this.#options = options
    this.#hashes = options.scram ?? scramHashes
  }

  /** Mechanisms to offer on a channel, strongest first. With `secrets`, only what the account has the means for. */
  mechanisms(channel: SaslChannel, secrets?: Secrets): string[] {
    const hashes = this.#hashes.filter((hash) => secrets === undefined || secrets.scram[hash] !== undefined)
    const scram = hashes.map((hash) => `SCRAM-${hash}`)
    const plus = channel.bindings.size > 0 ? scram.map((name) => `${name}-PLUS`) : []
    const external = this.#personsOn(channel).length > 0 ? ['EXTERNAL'] : []
    const isMd5 = this.#options.digestMd5 === true && channel.service !== undefined
    const older = isMd5 ? ['DIGEST-MD5'] : []
    return [...external, ...plus, ...scram, ...older, ...(channel.plainAllowed ? ['PLAIN'] : [])]
  }

  /** Begins an exchange; undefined when the mechanism is not offered on this channel. */
  begin(mechanism: string, channel: SaslChannel): SaslMechanism | undefined {
    if (!this.mechanisms(channel).includes(mechanism)) return undefined
    if (mechanism === 'EXTERNAL')
      return new ExternalExchange(this.#options, channel, this.#personsOn(channel))
    if (mechanism === 'PLAIN') return new PlainExchange(this.#options, channel, this.#checks)
    if (mechanism === 'DIGEST-MD5') return new DigestMd5Exchange(this.#options, channel)
    const plus = mechanism.endsWith('-PLUS')
    const hash = mechanism.slice(6, plus ? -5 : undefined) as ScramHash
    return new ScramExchange(this.#options, channel, mechanism, hash, plus)
  }

  /** Whether clients are to be asked for a certificate in TLS. */
  get takesCertificates(): boolean {
    return this.#options.persons !== undefined
  }

  /** Of the domain that is logged in to: another's are no concern of this login. */
  #personsOn({ certificate, domain }: SaslChannel): readonly Address[] {
    if (certificate === undefined) return []
    const persons = this.#options.persons?.personsOf(certificate) ?? []
    return persons.filter((person) => person.domain === domain)
  }
}
