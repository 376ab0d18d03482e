// A TLS socket over a TCP socket that is open already: for STARTTLS, and for direct TLS alike.

import type { Socket } from 'node:net'
import { connect, TLSSocket } from 'node:tls'
import type { StartTlsOptions } from './connection.ts'
import type { TlsContext } from './tls-info.ts'

/** The server's side: the certificate is chosen by the name the client asks for (RFC 6066 §3). */
export function serverSocket(plain: Socket, context: TlsContext, options: StartTlsOptions): TLSSocket {
  return new TLSSocket(plain, {
    isServer: true,
    secureContext: context.secureContext(),
    SNICallback: (name, answer) => answer(null, context.secureContext(name)),
    requestCert: options.requestCertificate === true,
    rejectUnauthorized: false,
    ...(options.alpn === undefined ? {} : { ALPNProtocols: [...options.alpn] }),
  })
}

/** The client's side. An untrusted certificate does not end the handshake: the protocol above decides, by `tls.authorized`. */
export function clientSocket(plain: Socket, context: TlsContext, options: StartTlsOptions): TLSSocket {
  return connect({
    socket: plain,
    secureContext: context.secureContext(),
    rejectUnauthorized: false,
    ...(options.servername === undefined ? {} : { servername: options.servername }),
    ...(options.alpn === undefined ? {} : { ALPNProtocols: [...options.alpn] }),
  })
}
