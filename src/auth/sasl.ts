// SASL (RFC 4422) for every protocol that logs people in: which mechanisms are offered on a channel, and the exchange of one.
import type { ScramHash, Secrets } from '#core'
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
    return [...plus, ...scram, ...(channel.plainAllowed ? ['PLAIN'] : [])]
  }

  /** Begins an exchange; undefined when the mechanism is not offered on this channel. */
  begin(mechanism: string, channel: SaslChannel): SaslMechanism | undefined {
    if (!this.mechanisms(channel).includes(mechanism)) return undefined
    if (mechanism === 'PLAIN') return new PlainExchange(this.#options, channel, this.#checks)
    const plus = mechanism.endsWith('-PLUS')
    const hash = mechanism.slice(6, plus ? -5 : undefined) as ScramHash
    return new ScramExchange(this.#options, channel, mechanism, hash, plus)
  }
}
