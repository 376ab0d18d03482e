// TLS contexts out of PEM files, one a certificate, chosen by the name the client asks for; read again when they change.

import { constants, X509Certificate } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import type { Clock, Timer } from '#base'
import type { TlsContext } from './tls-info.ts'

/** RFC 9325 §4.2: forward secrecy and authenticated encryption only. The first three are TLS 1.3's (RFC 8446 §9.1). */
const ciphers = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':')

export interface CertificateFiles {
  /** PEM: the certificate, then the chain up to the root, without it. */
  readonly certificate: string
  /** PEM, without a passphrase. */
  readonly key: string
}

export interface TlsContextOptions {
  /** The first is for those who ask for no name, or for one that no certificate has. */
  readonly certificates: readonly CertificateFiles[]
  /** PEM files of authorities to trust beside those the system trusts. */
  readonly trust?: readonly string[]
}

/** What a context holds, for the log, for metrics and for `doctor`. */
export interface LoadedCertificate {
  readonly file: string
  /** As in the certificate: `DNS:example.com, IP Address:127.0.0.1`. */
  readonly names: string
  /** Milliseconds since the epoch. */
  readonly notAfter: number
  readonly issuer: string
}

/** A file of a certificate, a key or an authority that cannot be used, and why. */
export class TlsFileError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'TlsFileError'
  }
}

interface Loaded {
  readonly files: CertificateFiles
  readonly certificate: X509Certificate
  readonly context: SecureContext
}

export class TlsContexts implements TlsContext {
  readonly #options: TlsContextOptions
  #loaded: readonly Loaded[]
  /** Modification times of all files, to see a change. */
  #stamp: string
  #timer: Timer | undefined

  /** @throws TlsFileError */
  constructor(options: TlsContextOptions) {
    this.#options = options
    this.#stamp = stampOf(options)
    this.#loaded = load(options)
  }

  /** RFC 6066 §3: by the name asked for, else the first. */
  secureContext(servername?: string): SecureContext {
    const first = this.#loaded[0] as Loaded
    if (servername === undefined || this.#loaded.length === 1) return first.context
    return (this.#loaded.find((loaded) => hasName(loaded.certificate, servername)) ?? first).context
  }

  get certificates(): readonly LoadedCertificate[] {
    return this.#loaded.map(({ files, certificate }) => ({
      file: files.certificate,
      names: certificate.subjectAltName ?? '',
      notAfter: certificate.validToDate.getTime(),
      issuer: certificate.issuer,
    }))
  }

  /** Reads all files again, for new handshakes. When one is bad, all stay as they were. @throws TlsFileError */
  reload(): void {
    const stamp = stampOf(this.#options)
    this.#loaded = load(this.#options)
    this.#stamp = stamp
  }

  /** Looks every `seconds` whether a file has changed; tells of each reload, with the error when it failed. */
  watch(clock: Clock, seconds: number, onReload: (error?: TlsFileError) => void): void {
    this.stopWatching()
    const look = (): void => {
      this.#timer = clock.schedule(seconds * 1000, look)
      let stamp: string
      try {
        stamp = stampOf(this.#options)
        if (stamp === this.#stamp) return
        this.reload()
        onReload()
      } catch (error) {
        // Told at each look until it is mended: a certificate that cannot be renewed will run out.
        onReload(error instanceof TlsFileError ? error : new TlsFileError(String(error), error))
      }
    }
    this.#timer = clock.schedule(seconds * 1000, look)
  }

  stopWatching(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }
}

function hasName(certificate: X509Certificate, name: string): boolean {
  try {
    return certificate.checkHost(name) !== undefined
  } catch {
    // No host name at all: no certificate has it.
    return false
  }
}

/** A context without a certificate of its own: for connecting to others. @throws TlsFileError */
export function clientTlsContext(trust: readonly string[] = []): TlsContext {
  const context = createSecureContext({ ...settings, ...authorities(trust) })
  return { secureContext: () => context }
}

const settings = {
  // RFC 9325 §3.1.1: nothing below TLS 1.2.
  minVersion: 'TLSv1.2',
  ciphers,
  honorCipherOrder: true,
  // Without it a client that resumes a session would be refused where certificates are asked for.
  sessionIdContext: 'verona',
  // RFC 9325 §3.5 and §3.3: no renegotiation, no compression.
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION,
} as const

function load(options: TlsContextOptions): readonly Loaded[] {
  if (options.certificates.length === 0) throw new TlsFileError('TLS needs at least one certificate')
  const ca = authorities(options.trust ?? [])
  return options.certificates.map((files) => {
    const cert = read(files.certificate, 'certificate')
    const key = read(files.key, 'key')
    const certificate = parse(cert, files.certificate)
    try {
      return { files, certificate, context: createSecureContext({ ...settings, ...ca, cert, key }) }
    } catch (error) {
      throw new TlsFileError(`${files.certificate} with ${files.key}: ${reason(error)}`, error)
    }
  })
}

function authorities(trust: readonly string[]): { ca?: string[] } {
  if (trust.length === 0) return {}
  const own = trust.map((file) => {
    const pem = read(file, 'authority')
    parse(pem, file)
    return pem
  })
  return { ca: [...getCACertificates('default'), ...own] }
}

function read(file: string, what: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new TlsFileError(`the TLS ${what} ${file} cannot be read: ${reason(error)}`, error)
  }
}

function parse(pem: string, file: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (error) {
    throw new TlsFileError(`${file} holds no certificate in PEM: ${reason(error)}`, error)
  }
}

function stampOf(options: TlsContextOptions): string {
  const files = [
    ...options.certificates.flatMap(({ certificate, key }) => [certificate, key]),
    ...(options.trust ?? []),
  ]
  return files.map(stamp).join()
}

function stamp(file: string): string {
  const status = statSync(file, { throwIfNoEntry: false })
  return status === undefined ? 'none' : `${status.ino}:${status.mtimeMs}:${status.size}`
}

function reason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  if (message.includes('key values mismatch')) return 'the key is not the one of this certificate'
  return message
}
