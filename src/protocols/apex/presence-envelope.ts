// A presence entry that somebody published (RFC 3343 §3) as the core's envelope.

import { type Bytes, text, utf8 } from '#base'
import { ServiceError } from '#core'
import type { Content, Head, PresenceDocument, PresenceEnvelope } from '#model'
import { isXmlFault, parseElement } from '#wire/xml'
import { documentOf, type PresenceEntry, presenceText, readPresence } from './codec/index.ts'

export class ApexPresenceEnvelope implements PresenceEnvelope {
  readonly head: Head
  readonly raw: Bytes
  readonly entry: PresenceEntry
  readonly #now: number
  readonly #tuple: string | undefined
  #view: PresenceDocument | undefined

  /**
   * @param now the moment for which it says who is available; `Infinity`: nobody any more
   * @param tuple what the one tuple of it is called; an entry names none
   */
  constructor(head: Head, entry: PresenceEntry, now: number, tuple?: string) {
    this.raw = utf8(presenceText(entry))
    this.head = { ...head, size: this.raw.length }
    this.entry = entry
    this.#now = now
    this.#tuple = tuple
  }

  content(): Content {
    return { type: 'application/beep+xml', bytes: this.raw, fields: [] }
  }

  view(): PresenceDocument {
    this.#view ??= documentOf(this.entry, this.head.from, this.#now, this.#tuple)
    return this.#view
  }

  keep(): ApexPresenceEnvelope {
    return this
  }
}

/** What the store held: the entry as it is while nothing is known of who is available. @throws ServiceError when it is none. */
export function revivePresence(head: Head, raw: Bytes): ApexPresenceEnvelope {
  const element = parseElement(utf8(text(raw)))
  const entry = isXmlFault(element) ? undefined : readPresence(element)
  if (entry === undefined)
    throw new ServiceError('internal-fault', 'kept presence is no entry of APEX', { id: head.id })
  return new ApexPresenceEnvelope(head, entry, Number.POSITIVE_INFINITY)
}
