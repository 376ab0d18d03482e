// Who is attached as which endpoint (RFC 3340 §4.4.1): one application at a time.

import type { Attachment } from './attachment.ts'
import { type EndpointName, personOf } from './codec/index.ts'

export class Endpoints {
  readonly #attached = new Map<string, Attachment>()

  find(endpoint: EndpointName): Attachment | undefined {
    const key = keyOf(endpoint)
    return key === undefined ? undefined : this.#attached.get(key)
  }

  add(attachment: Attachment): void {
    const key = keyOf(attachment.endpoint)
    if (key !== undefined) this.#attached.set(key, attachment)
  }

  delete(attachment: Attachment): void {
    const key = keyOf(attachment.endpoint)
    if (key !== undefined && this.#attached.get(key) === attachment) this.#attached.delete(key)
  }

  all(): readonly Attachment[] {
    return [...this.#attached.values()]
  }
}

/** §2.2.1: our domain "may choose to treat the two endpoints identically": names of people are prepared, subaddresses are not. */
function keyOf(endpoint: EndpointName): string | undefined {
  const person = personOf(endpoint)
  return person && `${person.key}/${endpoint.subaddress}`
}
