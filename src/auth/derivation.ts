// Setting a password: prepared once, everything derived at once, no clear text kept (decision 0010).

import { randomBytes } from 'node:crypto'
import { availableParallelism } from 'node:os'
import type { DigestHash, ImportedDigest, PasswordSetter, ScramHash, ScramVerifier, Secrets } from '#core'
import { type Address, type Condition, prepareOpaque } from '#model'
import { digestHashes, ha1Key, ha1Of } from './digest-hash.ts'
import { saltedPassword, scramHashes, scramVerifier } from './scram-keys.ts'
import { saltOctets } from './unknown-name.ts'

/** RFC 7677 §4 asks for 4096 at least. We choose 10,000 (decision 0010). */
export const iterationsDefault = 10_000
export const iterationsMin = 4096

/** Derivations that are worth having under way at once: the thread pool's four threads, never idle. */
export const derivationsAtOnce = Math.max(4, availableParallelism() * 2)

export interface DerivationOptions {
  readonly iterations?: number
  readonly scram?: readonly ScramHash[]
  /** False: no MD5 digest is kept, and phones that know only MD5 cannot log in. */
  readonly digests?: readonly DigestHash[]
}

/**
 * The PasswordSetter. With the defaults a derivation costs about 10 ms on one thread of the pool (SHA-1 2, SHA-256
 * 2, SHA-512 6 at 10,000 iterations), none of it on the main thread: about 100 accounts a second and core.
 */
export class Derivation implements PasswordSetter {
  readonly #iterations: number
  readonly #scram: readonly ScramHash[]
  readonly #digests: readonly DigestHash[]

  constructor(options: DerivationOptions = {}) {
    this.#iterations = Math.max(iterationsMin, options.iterations ?? iterationsDefault)
    this.#scram = options.scram ?? scramHashes
    this.#digests = options.digests ?? digestHashes
  }

  /**
   * Derives the secrets of an account with these addresses (primary and aliases). Refused: `not-acceptable` when the
   * password's profile forbids it.
   */
  async derive(
    names: readonly Address[],
    password: string,
  ): Promise<{ secrets: Secrets } | { refused: Condition }> {
    const prepared = preparePassword(password)
    if (prepared === undefined) return { refused: 'not-acceptable' }
    const verifiers = await Promise.all(this.#scram.map((hash) => this.#verifier(hash, prepared)))
    const scram = Object.fromEntries(this.#scram.map((hash, i) => [hash, verifiers[i] as ScramVerifier]))
    return { secrets: { scram, ha1: ha1s(this.#digests, names, prepared) } }
  }

  /** Digests that another server made: Digest logins work with them at once, a login that shows the password brings the rest. */
  adopt(name: Address, digests: readonly ImportedDigest[]): { secrets: Secrets } | { refused: Condition } {
    if (digests.some(({ hash, ha1 }) => !isHa1(hash, ha1))) return { refused: 'malformed' }
    const kept = digests.filter(({ hash }) => this.#digests.includes(hash))
    if (kept.length === 0) return { refused: 'not-acceptable' }
    const keyed = kept.map(({ hash, form, ha1 }) => [
      ha1Key(hash, form === 'user' ? name.user : name.key, name.domain),
      ha1.toLowerCase(),
    ])
    return { secrets: { scram: {}, ha1: Object.fromEntries(keyed) } }
  }

  /** True when the secrets hold all that this derivation would make for these addresses. */
  isComplete(names: readonly Address[], secrets: Secrets): boolean {
    const wanted = Object.keys(ha1s(this.#digests, names, ''))
    return (
      this.#scram.every((hash) => secrets.scram[hash] !== undefined) &&
      wanted.every((key) => secrets.ha1[key] !== undefined)
    )
  }

  async #verifier(hash: ScramHash, password: string): Promise<ScramVerifier> {
    const salt = randomBytes(saltOctets)
    return scramVerifier(
      hash,
      await saltedPassword(hash, password, salt, this.#iterations),
      salt,
      this.#iterations,
    )
  }
}

/** Hexadecimal digits, as many as the hash has. */
const isHa1 = (hash: DigestHash, ha1: string): boolean =>
  ha1.length === (hash === 'MD5' ? 32 : 64) && /^[0-9a-f]+$/i.test(ha1)

/** What SASLprep maps to nothing and OpaqueString keeps (RFC 3454 B.1). */
const mappedToNothing = /[\u1806\u200c\u200d]/u

/**
 * The octets that all mechanisms hash: OpaqueString (RFC 8265 §4.2). Undefined when it refuses the password, and when SASLprep
 * (RFC 4013), which most SCRAM clients still apply, would turn it into something else: such a password could never match.
 */
export function preparePassword(password: string): string | undefined {
  const prepared = prepareOpaque(password)
  if (prepared === undefined || mappedToNothing.test(prepared)) return undefined
  return prepared.normalize('NFKC') === prepared ? prepared : undefined
}

/** HA1 of both forms of the user name, in the realm of each address' own domain. */
function ha1s(
  algorithms: readonly DigestHash[],
  names: readonly Address[],
  password: string,
): Record<string, string> {
  const all: Record<string, string> = {}
  for (const { user, domain, key } of names) {
    for (const algorithm of algorithms) {
      for (const name of [user, key])
        all[ha1Key(algorithm, name, domain)] = ha1Of(algorithm, name, domain, password)
    }
  }
  return all
}
