// Where browsers come in: SIP over web sockets, RFC 7118.

import type { WebOffers } from '#net'
import { messageBytesMax } from './codec/message.ts'
import type { Transport } from './transport.ts'

/** Takes connections until what it returns is called. */
export function offerWebSockets(web: WebOffers, transport: Transport): () => void {
  return web.offer({
    path: '/sip',
    // RFC 7118 §4.1
    subprotocol: 'sip',
    purpose: 'SIP phones (WebSocket)',
    // RFC 7118 §4.2: "SIP WebSocket Clients and SIP WebSocket Servers MUST accept both text and binary frames".
    kind: 'either',
    prefersText: true,
    framing: 'messages',
    messageBytesMax,
    accept: (connection) => void transport.webConnected(connection),
  })
}
