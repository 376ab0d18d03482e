// GRUUs, RFC 5627: URIs that lead to one phone of a person from anywhere. The public one is the address with the phone's id as `gr`. A temporary
// one tells nothing: its user part is a block of AES over an epoch, which stands for the phone and its Call-ID, and random octets.
//
// Nothing of them is kept but a key: an epoch is a keyed hash, so that after a restart the phone that comes again with its Call-ID has its
// temporary GRUUs again.

import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto'
import { type Address, sipUri } from '#model'
import { addressOfSipUri, agentOf } from './binding.ts'
import type { SipUri } from './codec/uri.ts'
import type { RegisteredContact } from './registered-contact.ts'

const prefix = 'tgruu.'
const blockOctets = 16
const epochOctets = 8

/** LIMIT: epochs that were ended and are remembered, so that they do not begin again with the same Call-ID. */
const endedMax = 16_384

/** Whom a Request-URI means: a person, and which phone of theirs; `agent` is '' for all. */
export interface Aim {
  readonly to: Address
  readonly agent: string
}

export class Gruus {
  readonly #key: Uint8Array
  /** Epoch, as hex, to the phone that has it. Bounded by the phones that are registered. */
  readonly #epochs = new Map<string, RegisteredContact>()
  readonly #ended = new Set<string>()

  /** @param secret the server's own: temporary GRUUs that it gave before a restart lead to the same phones after it */
  constructor(secret: Uint8Array) {
    this.#key = createHmac('sha256', secret).update('sip GRUUs').digest()
  }

  /** RFC 5627 §5.4: the address of record with `gr`. */
  publicOf(contact: RegisteredContact, record: Address): string {
    return `${sipUri(record)};gr=${contact.id}`
  }

  /** A new one, beside those that it has. */
  temporaryOf(contact: RegisteredContact, record: Address): string {
    contact.epoch ??= this.#begin(contact)
    const block = Buffer.concat([Buffer.from(contact.epoch, 'hex'), randomBytes(blockOctets - epochOctets)])
    const cipher = createCipheriv('aes-128-ecb', this.#cipherKey(), null).setAutoPadding(false)
    return `sip:${prefix}${cipher.update(block).toString('base64url')}@${record.domain};gr`
  }

  /** "the registrar MUST invalidate all previously generated temporary GRUUs" (RFC 5627 §5.1). */
  invalidate(contact: RegisteredContact): void {
    const { epoch } = contact
    contact.epoch = undefined
    if (epoch === undefined) return
    this.#epochs.delete(epoch)
    this.#ended.add(epoch)
    if (this.#ended.size > endedMax) this.#ended.delete(this.#ended.values().next().value as string)
  }

  /** Whom the URI means; undefined when it names nobody, or a temporary GRUU that is over: 404 (RFC 5627 §5.1). */
  aimOf(uri: SipUri, text: string): Aim | undefined {
    if (isTemporaryGruu(uri)) return this.#aimOfTemporary((uri.user ?? '').slice(prefix.length))
    const to = addressOfSipUri(text)
    return to === undefined || to.user === '' ? undefined : { to, agent: agentOf(uri) }
  }

  #aimOfTemporary(token: string): Aim | undefined {
    const block = Buffer.from(token, 'base64url')
    if (block.length !== blockOctets) return undefined
    const plain = createDecipheriv('aes-128-ecb', this.#cipherKey(), null).setAutoPadding(false).update(block)
    const contact = this.#epochs.get(plain.toString('hex', 0, epochOctets))
    return contact === undefined ? undefined : { to: contact.owner, agent: contact.id }
  }

  #begin(contact: RegisteredContact): string {
    const of = `${contact.owner.key} ${contact.id} ${contact.facts.callId}`
    let epoch = this.#hash(of, epochOctets).toString('hex')
    for (let again = 1; this.#ended.has(epoch); again++)
      epoch = this.#hash(`${of} ${again}`, epochOctets).toString('hex')
    this.#epochs.set(epoch, contact)
    return epoch
  }

  #cipherKey(): Buffer {
    return this.#hash('cipher', blockOctets)
  }

  #hash(text: string, octets: number): Buffer {
    return createHmac('sha256', this.#key).update(text).digest().subarray(0, octets)
  }
}

/** By its looks. */
export const isTemporaryGruu = ({ user }: SipUri): boolean => user?.startsWith(prefix) === true
