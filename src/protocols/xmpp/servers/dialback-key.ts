// Dialback keys (XEP-0185 §2): they prove without anything being remembered that a stream was asked for by us.
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** What a key is made of. */
export interface KeyFor {
  readonly receiving: string
  readonly originating: string
  /** The receiving server's stream id. */
  readonly streamId: string
}

export class DialbackKeys {
  readonly #secret: string

  /** @param secret shared by all machines that serve the domains (XEP-0185 §2 rule 3); made anew where there is none */
  constructor(secret: string | undefined) {
    this.#secret = createHash('sha256')
      .update(secret ?? randomBytes(32).toString('hex'))
      .digest('hex')
  }

  keyOf({ receiving, originating, streamId }: KeyFor): string {
    return createHmac('sha256', this.#secret).update(`${receiving} ${originating} ${streamId}`).digest('hex')
  }

  /** In constant time. */
  isKey(key: string, wanted: KeyFor): boolean {
    const right = Buffer.from(this.keyOf(wanted))
    const given = Buffer.from(key)
    return given.length === right.length && timingSafeEqual(given, right)
  }
}
