// What is known of a TLS session, and the channel bindings made of it (RFC 9266, RFC 5929).

import { createHash, type X509Certificate } from 'node:crypto'
import type { SecureContext, TLSSocket } from 'node:tls'
import type { Bytes } from '#base'

/** Certificates and settings for new TLS sessions; what it answers may change when files are read again. */
export interface TlsContext {
  /** The context for the name the client asks for (SNI), or the default one. */
  secureContext(servername?: string): SecureContext
}

export interface TlsInfo {
  /** `TLSv1.3` or `TLSv1.2`. */
  readonly protocol: string
  readonly cipher: string
  /** The protocol agreed by ALPN, if any. */
  readonly alpn: string | undefined
  /** The name asked for by SNI, if any. */
  readonly servername: string | undefined
  /** True when the far end's certificate chains to an authority we trust (and, for a server's, has the name). */
  readonly authorized: boolean
  /** Why it is not authorized, for the log. */
  readonly authorizationError: string | undefined
  /** The far end's certificate, if it sent one. */
  peerCertificate(): X509Certificate | undefined
  /** RFC 5705. Needs a finished handshake. */
  exportKeyingMaterial(length: number, label: string, context?: Bytes): Bytes
  /** The channel binding `tls-exporter` (RFC 9266 §4); undefined under TLS 1.2, which lacks its guarantees. */
  tlsExporter(): Bytes | undefined
  /**
   * The channel binding `tls-unique` (RFC 5929 §3); undefined under TLS 1.3, which has none (RFC 9266 §3), and in a resumed session,
   * where it is not unique without more (RFC 7627 §1).
   */
  tlsUnique(): Bytes | undefined
  /** The channel binding `tls-server-end-point` (RFC 5929 §4); undefined where the signature has no single hash. */
  tlsServerEndPoint(): Bytes | undefined
}

/** @param isServer whether the server's certificate is ours */
export function tlsInfoOf(socket: TLSSocket, isServer: boolean): TlsInfo {
  // COMPAT: Node 24 answers the client's side once, and nothing when it is asked again.
  let certificate: X509Certificate | undefined
  const authorizationError = isServer ? clientError(socket) : serverError(socket)
  return {
    protocol: socket.getProtocol() ?? 'unknown',
    cipher: socket.getCipher()?.name ?? 'unknown',
    alpn: socket.alpnProtocol || undefined,
    servername: (socket as { servername?: string | false }).servername || undefined,
    authorized: authorizationError === undefined,
    authorizationError,
    peerCertificate: () => (certificate ??= socket.getPeerX509Certificate()),
    exportKeyingMaterial: (length, label, context) =>
      socket.exportKeyingMaterial(
        length,
        label,
        context === undefined ? Buffer.alloc(0) : Buffer.from(context),
      ),
    tlsExporter: () =>
      socket.getProtocol() === 'TLSv1.3'
        ? socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
        : undefined,
    tlsUnique: () => {
      if (socket.getProtocol() !== 'TLSv1.2' || socket.isSessionReused()) return undefined
      // "The first TLS Finished message sent": the client's, in a full handshake.
      return isServer ? socket.getPeerFinished() : socket.getFinished()
    },
    tlsServerEndPoint: () => {
      const certificate = isServer ? socket.getX509Certificate() : socket.getPeerX509Certificate()
      return certificate === undefined ? undefined : endPointHash(certificate)
    },
  }
}

/** RFC 5929 §4.1: the hash of the certificate's signature, where MD5 and SHA-1 are replaced by SHA-256. */
function endPointHash(certificate: X509Certificate): Bytes | undefined {
  const algorithm = (certificate.signatureAlgorithm ?? '').toLowerCase()
  const hash = /sha-?(?:3-)?(1|224|256|384|512)\b/.exec(algorithm)
  if (hash === null) return algorithm.includes('md5') ? sha(256, certificate) : undefined
  if (algorithm.includes('sha3')) return undefined
  return sha(hash[1] === '1' ? 256 : Number(hash[1]), certificate)
}

function sha(bits: number, certificate: X509Certificate): Bytes {
  return createHash(`sha${bits}`).update(certificate.raw).digest()
}

function serverError(socket: TLSSocket): string | undefined {
  return socket.authorized ? undefined : String(socket.authorizationError ?? 'not verified')
}

/**
 * COMPAT: Node 24 sets `authorized` of a client's certificate only in sockets that its own tls.Server accepted; where
 * we upgrade a socket, the verdict is asked of the session. Without that method no certificate convinces.
 */
function clientError(socket: TLSSocket): string | undefined {
  if (socket.getPeerX509Certificate() === undefined) return 'no certificate'
  const session = (socket as { ssl?: { verifyError?(): NodeJS.ErrnoException | null } }).ssl
  if (session?.verifyError === undefined) return 'not verified'
  const error = session.verifyError()
  return error ? (error.code ?? error.message) : undefined
}
