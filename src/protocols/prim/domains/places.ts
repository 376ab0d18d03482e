// What PRIM between domains is called in DNS (docs/specs/prim.md §8.1): RFC 3861's names, those of the later draft, those of the earlier ones.

import type { ServiceNames } from '#net'

export const domainNames: ServiceNames = {
  own: [
    { name: '_prim-im._tcp', direct: false },
    { name: '_prim-pr._tcp', direct: false },
  ],
  label: 'prim',
  labelFirst: true,
  older: [
    { name: '_im._tcp', direct: false },
    { name: '_presence._tcp', direct: false },
  ],
  port: 7742,
  atAddresses: false,
}
