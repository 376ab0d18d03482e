// GRUUs, RFC 5627: URIs that lead to one phone of a person from anywhere. The public one is the address with the phone's id as `gr`. A temporary
// one tells nothing: its user part is a block of AES over a random number that stands for the phone and its Call-ID, and a count.

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { type Address, sipUri } from '#model'
import { addressOfSipUri, agentOf } from './binding.ts'
import type { SipUri } from './codec/uri.ts'
import type { RegisteredContact } from './registered-contact.ts'

const prefix = 'tgruu.'
const blockOctets = 16
const epochOctets = 8

/** Whom a Request-URI means: a person, and which phone of theirs; `agent` is '' for all. */
export interface Aim {
  readonly to: Address
  readonly agent: string
}

export class Gruus {
  readonly #key = randomBytes(blockOctets)
  #count = 0
  /** Epoch, as hex, to the phone that has it. Bounded by the phones that are registered. */
  readonly #epochs = new Map<string, RegisteredContact>()

  /** RFC 5627 §5.4: the address of record with `gr`. */
  publicOf(contact: RegisteredContact, record: Address): string {
    return `${sipUri(record)};gr=${contact.id}`
  }

  /** A new one, beside those that it has. */
  temporaryOf(contact: RegisteredContact, record: Address): string {
    contact.epoch ??= this.#begin(contact)
    const block = Buffer.alloc(blockOctets)
    block.write(contact.epoch, 'hex')
    block.writeUInt32BE(++this.#count >>> 0, epochOctets)
    const cipher = createCipheriv('aes-128-ecb', this.#key, null).setAutoPadding(false)
    return `sip:${prefix}${cipher.update(block).toString('base64url')}@${record.domain};gr`
  }

  /** "the registrar MUST invalidate all previously generated temporary GRUUs" (RFC 5627 §5.1). */
  invalidate(contact: RegisteredContact): void {
    if (contact.epoch !== undefined) this.#epochs.delete(contact.epoch)
    contact.epoch = undefined
  }

  /** Whom the URI means; undefined when it names nobody, or a temporary GRUU that is over: 404 (RFC 5627 §5.1). */
  aimOf(uri: SipUri, text: string): Aim | undefined {
    if (uri.user?.startsWith(prefix) === true) return this.#aimOfTemporary(uri.user.slice(prefix.length))
    const to = addressOfSipUri(text)
    return to === undefined || to.user === '' ? undefined : { to, agent: agentOf(uri) }
  }

  #aimOfTemporary(token: string): Aim | undefined {
    const block = Buffer.from(token, 'base64url')
    if (block.length !== blockOctets) return undefined
    const plain = createDecipheriv('aes-128-ecb', this.#key, null).setAutoPadding(false).update(block)
    const contact = this.#epochs.get(plain.toString('hex', 0, epochOctets))
    return contact === undefined ? undefined : { to: contact.owner, agent: contact.id }
  }

  #begin(contact: RegisteredContact): string {
    const epoch = randomBytes(epochOctets).toString('hex')
    this.#epochs.set(epoch, contact)
    return epoch
  }
}
