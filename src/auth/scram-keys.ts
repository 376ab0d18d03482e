// The keys of SCRAM (RFC 5802 §3) for SHA-1, SHA-256 (RFC 7677) and SHA-512, and what is kept of them.
import { createHmac, hash, pbkdf2, timingSafeEqual } from 'node:crypto'
import type { Bytes } from '#base'
import type { ScramHash, ScramVerifier } from '#core'

/** Strongest first: the order in which mechanisms are offered. */
export const scramHashes: readonly ScramHash[] = ['SHA-512', 'SHA-256', 'SHA-1']

const digestNames = { 'SHA-1': 'sha1', 'SHA-256': 'sha256', 'SHA-512': 'sha512' } as const
const digestOctets = { 'SHA-1': 20, 'SHA-256': 32, 'SHA-512': 64 } as const

/** SaltedPassword := Hi(Normalize(password), salt, i); on the thread pool, since it takes milliseconds. */
export function saltedPassword(
  scramHash: ScramHash,
  password: string,
  salt: Bytes,
  iterations: number,
): Promise<Bytes> {
  return new Promise((resolve, reject) => {
    pbkdf2(password, salt, iterations, digestOctets[scramHash], digestNames[scramHash], (fault, key) => {
      if (fault === null) resolve(key)
      else reject(fault)
    })
  })
}

/** StoredKey and ServerKey of a salted password. */
export function scramVerifier(
  scramHash: ScramHash,
  salted: Bytes,
  salt: Bytes,
  iterations: number,
): ScramVerifier {
  return {
    salt: Buffer.from(salt).toString('base64'),
    iterations,
    storedKey: h(scramHash, hmac(scramHash, salted, 'Client Key')).toString('base64'),
    serverKey: hmac(scramHash, salted, 'Server Key').toString('base64'),
  }
}

/**
 * Checks ClientProof: ClientKey := ClientProof XOR ClientSignature, and H(ClientKey) must be StoredKey.
 * Takes the same time whether or not it is right.
 */
export function isProofRight(
  scramHash: ScramHash,
  verifier: ScramVerifier,
  authMessage: string,
  proof: Bytes,
): boolean {
  const storedKey = Buffer.from(verifier.storedKey, 'base64')
  const signature = hmac(scramHash, storedKey, authMessage)
  const clientKey = Buffer.alloc(signature.length)
  for (let i = 0; i < signature.length; i++) clientKey[i] = (signature[i] as number) ^ (proof[i] ?? 0)
  const right = equalSecrets(h(scramHash, clientKey), storedKey)
  return right && proof.length === signature.length
}

/** ClientProof := ClientKey XOR ClientSignature: the client's side of it, in base64. */
export function clientProof(scramHash: ScramHash, salted: Bytes, authMessage: string): string {
  const clientKey = hmac(scramHash, salted, 'Client Key')
  const signature = hmac(scramHash, h(scramHash, clientKey), authMessage)
  return Buffer.from(clientKey.map((octet, i) => octet ^ (signature[i] as number))).toString('base64')
}

/** ServerSignature := HMAC(ServerKey, AuthMessage), in base64. */
export function serverSignature(scramHash: ScramHash, verifier: ScramVerifier, authMessage: string): string {
  return hmac(scramHash, Buffer.from(verifier.serverKey, 'base64'), authMessage).toString('base64')
}

/** True when a password gives the kept verifier. */
export async function isPasswordOf(
  scramHash: ScramHash,
  verifier: ScramVerifier,
  password: string,
): Promise<boolean> {
  const salt = Buffer.from(verifier.salt, 'base64')
  const salted = await saltedPassword(scramHash, password, salt, verifier.iterations)
  const derived = scramVerifier(scramHash, salted, salt, verifier.iterations)
  return equalSecrets(Buffer.from(derived.storedKey, 'base64'), Buffer.from(verifier.storedKey, 'base64'))
}

/** Constant-time comparison; the lengths are no secret. */
export function equalSecrets(a: Bytes, b: Bytes): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

export function octetsOf(scramHash: ScramHash): number {
  return digestOctets[scramHash]
}

function hmac(scramHash: ScramHash, key: Bytes, message: string): Buffer {
  return createHmac(digestNames[scramHash], key).update(message, 'utf8').digest()
}

function h(scramHash: ScramHash, message: Bytes): Buffer {
  return hash(digestNames[scramHash], message, 'buffer')
}
