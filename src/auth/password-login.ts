// Which mechanism a client with a password logs in by, and the exchange of it.

import type { Bytes } from '#base'
import { plainClient, type SaslClient, ScramClient } from './sasl-client.ts'

/** The connection as far as a login is bound to it; undefined where there is no TLS. */
export interface LoginChannel {
  tlsExporter(): Bytes | undefined
  tlsServerEndPoint(): Bytes | undefined
}

const hashes = ['SHA-512', 'SHA-256', 'SHA-1'] as const

/** The best first: bound to the channel, SCRAM, and PLAIN under TLS alone. */
export function passwordMechanisms(channel: LoginChannel | undefined): readonly string[] {
  const scram = hashes.map((hash) => `SCRAM-${hash}`)
  const bound = bindingOf(channel) === undefined ? [] : scram.map((name) => `${name}-PLUS`)
  return [...bound, ...scram, ...(channel === undefined ? [] : ['PLAIN'])]
}

/** @param mechanism one of passwordMechanisms */
export function passwordClient(
  mechanism: string,
  channel: LoginChannel | undefined,
  user: string,
  password: string,
): SaslClient {
  if (mechanism === 'PLAIN') return plainClient(user, password)
  const hash = hashes.find((each) => mechanism.startsWith(`SCRAM-${each}`)) ?? 'SHA-256'
  const found = bindingOf(channel)
  const binding = mechanism.endsWith('-PLUS') ? found : found && ('unasked' as const)
  return new ScramClient({ hash, user, password, ...(binding && { binding }) })
}

function bindingOf(
  channel: LoginChannel | undefined,
): { readonly type: string; readonly data: Bytes } | undefined {
  const exporter = channel?.tlsExporter()
  if (exporter !== undefined) return { type: 'tls-exporter', data: exporter }
  const endPoint = channel?.tlsServerEndPoint()
  return endPoint && { type: 'tls-server-end-point', data: endPoint }
}
