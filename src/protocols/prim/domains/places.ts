// What PRIM between domains is called in DNS (docs/specs/prim.md §8.1): the names of the drafts, and RFC 3861's.

import type { ServiceNames } from '#net'

export const domainNames: ServiceNames = {
  own: [
    { name: '_prim-im._tcp', direct: false },
    { name: '_prim-pr._tcp', direct: false },
  ],
  label: 'prim',
  port: 7742,
  atAddresses: false,
}
