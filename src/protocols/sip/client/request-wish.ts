// What is asked of the user agent: a request, what is in it, and between which domains it goes.

import type { Bytes } from '#base'
import type { Address } from '#model'
import type { HeaderLine } from '../codec/encode.ts'
import type { Ends } from '../domains/environment.ts'

/** A request outside a dialog. */
export interface RequestWish {
  readonly method: string
  /** Whom it is for, and where it goes: `sip:juliet@capulet.example`, or by `im:` or `pres:`, as which From is written too. Its domain is the other one. */
  readonly uri: string
  /** Where the servers of that domain are known from, where that is not RFC 3263. */
  readonly places?: Ends['places']
  /** Whose it is: From, and the domain whose certificate is shown. */
  readonly from: Address
  /** The URI of To; left out, `uri`. */
  readonly to?: string
  readonly callId?: string
  readonly maxForwards?: number
  readonly headers?: readonly HeaderLine[]
  readonly contentType?: string
  readonly body?: Bytes
}

/** What may be in a request or response of a dialog. */
export interface Parts {
  readonly headers?: readonly HeaderLine[]
  readonly contentType?: string
  readonly body?: Bytes
}

/** Whose request it is, and for which domain. */
export function endsOf({ from, uri, places }: Pick<RequestWish, 'from' | 'uri' | 'places'>): Ends {
  const host = /^(?:sips?|im|pres):(?:[^@]*@)?(\[[^\]]*\]|[^:;?]*)/i.exec(uri)?.[1] ?? ''
  return { ours: from.domain, theirs: host.toLowerCase(), places }
}
