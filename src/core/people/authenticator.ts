// The contracts of authentication: the authenticator of IMPP §4 (D4, D5), apart from forwarder and locator, so that another
// can stand in for it. `#auth` implements the mechanisms over them.
import type { Address, Condition } from '#model'

/** What is kept instead of a password: verifiers by mechanism; no clear text. */
export interface Secrets {
  /** SCRAM verifiers by hash (RFC 5802 §3), octets in base64. */
  readonly scram: Partial<Record<ScramHash, ScramVerifier>>
  /** HTTP and SIP Digest: HA1 in lower-case hexadecimal by `HASH user-form:realm` (RFC 7616 §3.4.2). */
  readonly ha1: Readonly<Record<string, string>>
}

export type ScramHash = 'SHA-1' | 'SHA-256' | 'SHA-512'
export type DigestHash = 'MD5' | 'SHA-256'

export interface ScramVerifier {
  readonly salt: string
  readonly iterations: number
  readonly storedKey: string
  readonly serverKey: string
}

export interface Credentials {
  /** The account's primary address. */
  readonly owner: Address
  readonly secrets: Secrets
}

export interface Authenticator {
  /** What is known of the name (primary or alias); undefined when there is no such account or it is disabled. */
  credentials(name: Address): Promise<Credentials | undefined>
}

/** What another server kept of a password instead of it: one HA1, made for the realm of the account's own domain. */
export interface ImportedDigest {
  readonly hash: DigestHash
  /** Which user name was hashed: `user`, or `user@domain`. */
  readonly form: 'user' | 'user@domain'
  /** Hexadecimal. */
  readonly ha1: string
}

/** Setting a password: prepared once, refused when its profile forbids it. */
export interface PasswordSetter {
  /** Secrets out of digests alone; `malformed`: one is no HA1; `not-acceptable`: none is of a hash that is kept here. */
  adopt(name: Address, digests: readonly ImportedDigest[]): { secrets: Secrets } | { refused: Condition }
  derive(names: readonly Address[], password: string): Promise<{ secrets: Secrets } | { refused: Condition }>
}
