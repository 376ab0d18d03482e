// What a protocol needs to log people in: both families of mechanisms over one back-off, so that guesses at one name count
// together whatever protocol they come by.
import type { Bytes, Clock } from '#base'
import type { Authenticator, DigestHash, ScramHash } from '#core'
import { BackOff, type BackOffLimits } from './back-off.ts'
import { iterationsDefault } from './derivation.ts'
import { Digest } from './digest.ts'
import type { NonceLimits } from './digest-nonce.ts'
import { Sasl } from './sasl.ts'
import type { LoginEvent, SaslOptions } from './sasl-exchange.ts'

export interface Logins {
  readonly sasl: Sasl
  readonly digest: Digest
}

export interface LoginsOptions {
  readonly authenticator: Authenticator
  readonly clock: Clock
  /** `serverKeyOf(store)`. */
  readonly serverKey: Bytes
  /** Those of new passwords. */
  readonly iterations?: number
  readonly scram?: readonly ScramHash[]
  readonly digests?: readonly DigestHash[]
  readonly backOff?: Partial<BackOffLimits>
  readonly nonces?: Partial<NonceLimits>
  readonly onLogin?: (event: LoginEvent) => void
  readonly onPassword?: SaslOptions['onPassword']
}

export function createLogins(options: LoginsOptions): Logins {
  const { authenticator, clock, serverKey, scram, digests, nonces, onLogin, onPassword } = options
  const backOff = new BackOff(clock, options.backOff)
  const told = onLogin === undefined ? {} : { onLogin }
  return {
    sasl: new Sasl({
      authenticator,
      backOff,
      serverKey,
      iterations: options.iterations ?? iterationsDefault,
      ...(scram === undefined ? {} : { scram }),
      ...(onPassword === undefined ? {} : { onPassword }),
      ...told,
    }),
    digest: new Digest({
      authenticator,
      clock,
      backOff,
      serverKey,
      withoutQop: true,
      ...(digests === undefined ? {} : { algorithms: digests }),
      ...(nonces === undefined ? {} : { nonces }),
      ...told,
    }),
  }
}
