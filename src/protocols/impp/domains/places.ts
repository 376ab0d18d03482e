// What IMPP between domains is called in DNS (IMPP §4, D9; docs/specs/impp-1.0.md §12.1; RFC 3861). The addresses of a domain alone are
// tried only where the operator wants this protocol for it.
import type { ServiceNames } from '#net'

export const domainNames: ServiceNames = {
  own: [{ name: '_impp-server._tcp', direct: false }],
  label: 'impp',
  port: 7411,
  atAddresses: false,
}
