// What ties a login to the TLS connection that it is made over (RFC 5929 §4, RFC 9266 §2).
import type { Bytes } from '#base'
import type { TlsInfo } from './tls-info.ts'

/** By the names that SASL knows them by; none without TLS. */
export function channelBindings(tls: TlsInfo | undefined): Map<string, Bytes> {
  const bindings = new Map<string, Bytes>()
  const exporter = tls?.tlsExporter()
  const unique = tls?.tlsUnique()
  const endPoint = tls?.tlsServerEndPoint()
  if (exporter !== undefined) bindings.set('tls-exporter', exporter)
  // RFC 5802 §6.1: who binds channels at all must know it where the channel has it.
  if (unique !== undefined) bindings.set('tls-unique', unique)
  if (endPoint !== undefined) bindings.set('tls-server-end-point', endPoint)
  return bindings
}
