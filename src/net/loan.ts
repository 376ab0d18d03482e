// Octets that came are lent to the handler until it returns. With VERONA_POISON_LOANS=1 (tests and laboratories) they are
// overwritten then, so that whoever kept them without a copy is found out.

import type { Bytes } from '#base'

const poisoned = process.env['VERONA_POISON_LOANS'] === '1'

/** What a returned loan is filled with: no UTF-8, and no octet of any protocol here. */
export const poison = 0xa5

/** The handler has returned. */
export function endLoan(bytes: Bytes): void {
  if (poisoned) bytes.fill(poison)
}
