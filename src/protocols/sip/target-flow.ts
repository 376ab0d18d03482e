// By which flow a phone is reached: its Contact says one thing, the way its request came often another.

import { isIP } from 'node:net'
import { parseSipUri } from './codec/uri.ts'
import { defaultPort, type Via } from './codec/via.ts'
import { uriIn } from './dialog.ts'
import type { Flow } from './flow.ts'
import type { Transport } from './transport.ts'

/**
 * A connection is used again (RFC 5923, RFC 5626 §5.3): its far end may be behind a NAT or listen nowhere. For UDP we choose:
 * the Contact's address and port, where its address is the source's, or the phone did not ask for rport; otherwise the source, for a
 * phone that asks for rport and names another address is behind a NAT (RFC 3581 §1). A route before the target (Path, Record-Route)
 * goes where the request came from. An address that is only said gets few datagrams before it answers; where it does not, the source is
 * tried (decision 0093).
 */
export function targetFlow(
  transport: Transport,
  flow: Flow,
  via: Via,
  target: string,
  routes: readonly string[],
): Flow {
  if (flow.reliable) return flow
  const uri = parseSipUri(routes[0] === undefined ? target : uriIn(routes[0]))
  const source = transport.claims.to(flow)
  if (uri === undefined) return source
  const host = uri.host.startsWith('[') ? uri.host.slice(1, -1) : uri.host
  if (isIP(host) === 0 || (host !== flow.remote.address && via.rport !== undefined)) return source
  const port = uri.port ?? defaultPort('UDP')
  if (host === flow.remote.address && port === flow.remote.port) return source
  if (host === flow.remote.address && flow.known)
    return transport.datagramFlow({ address: host, port }) ?? flow
  const claimed = transport.claimedFlow({ address: host, port })
  return claimed === undefined || transport.claims.isSilent(claimed) ? source : claimed
}
