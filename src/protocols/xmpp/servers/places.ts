// What XMPP between servers is called in DNS (RFC 6120 §3.2, XEP-0368 §3, RFC 3861).
import type { ServiceNames } from '#net'

export const serverNames: ServiceNames = {
  own: [
    { name: '_xmpp-server._tcp', direct: false },
    { name: '_xmpps-server._tcp', direct: true },
  ],
  label: 'xmpp',
  port: 5269,
  atAddresses: true,
}
