// What relays of a domain are called in DNS (RFC 3340 §3.1, §8.2; RFC 3861). The addresses of a domain alone are tried only where the operator
// wants this protocol for it.
import type { ServiceNames } from '#net'

export const domainNames: ServiceNames = {
  own: [{ name: '_apex-mesh._tcp', direct: false }],
  label: 'apex',
  port: 912,
  atAddresses: false,
}
