// A request that the store, or another machine, held.
import type { Bytes } from '#base'
import { ServiceError } from '#core'
import type { Head } from '#model'
import type { UnitOctets } from '#wire/exchange'

/** What cuts octets into units. */
interface Framer<Unit> {
  push(octets: Bytes): void
  next(): Unit | undefined
}

type Kind<Unit> = Extract<Unit, { readonly kind: 'request' } & UnitOctets>

/** The one request that the octets are. @throws ServiceError when they are none of that protocol. */
export function keptRequest<Unit extends { readonly kind: string }>(
  framer: Framer<Unit>,
  { id, protocol }: Head,
  raw: Bytes,
): Kind<Unit> {
  framer.push(raw)
  const unit = framer.next()
  if (unit?.kind === 'request' && (unit as Kind<Unit>).raw.length === raw.length) return unit as Kind<Unit>
  throw new ServiceError('internal-fault', 'kept octets are no request of their protocol', { id, protocol })
}
