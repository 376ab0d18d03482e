// A certificate authority of our own and a server certificate from it, made at the first start, so that every client can
// use TLS at once; and made again when they are about to expire or the domains have changed.

import { createPrivateKey, X509Certificate } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs'
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { domainToASCII } from 'node:url'
import type { Clock } from '#base'
import type { KeyAndCertificate } from './certificate-making.ts'
import { TlsFileError } from './tls-context.ts'

const day = 24 * 3600 * 1000
/** Several clients refuse server certificates that are valid for longer (CA/Browser Forum BR §6.3.2). */
const serverDays = 397
const authorityDays = 3650
/** A certificate with fewer days left is replaced. */
const renewDays = 30

export interface OwnCertificates {
  /** What a client is given to trust us. */
  readonly authorityFile: string
  readonly certificateFile: string
  readonly keyFile: string
  /** `authority`: both are new, and clients must be given the new ca.crt; `server`: the server's alone is new. */
  readonly made: 'nothing' | 'server' | 'authority'
  /** Why something was made, for the log. */
  readonly why: string
}

/**
 * Sees to it that `directory` holds ca.crt, ca.key, server.crt and server.key for the domains (and localhost, 127.0.0.1
 * and ::1). A server.crt that our authority has not signed is somebody's own: it is used and never replaced.
 * @throws TlsFileError when such a certificate and its key do not fit
 */
export async function ensureCertificates(
  directory: string,
  domains: readonly string[],
  clock: Clock,
): Promise<OwnCertificates> {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const files = filesIn(directory)
  const names = namesFor(domains)
  const verdict = judge(files, names, clock.now())
  const told = { authorityFile: files.authority, certificateFile: files.certificate, keyFile: files.key }
  if (verdict.make === 'nothing') return { ...told, made: 'nothing', why: verdict.why }
  // Loaded only now: a start that makes nothing must be quick.
  const { makeAuthority, makeServerCertificate } = await import('./certificate-making.ts')
  const now = clock.now()
  // A day back, for clients whose clocks are slow.
  const validity = (days: number) => ({ from: now - day, to: now + days * day })
  let authority: KeyAndCertificate
  if (verdict.make === 'authority') {
    const year = new Date(now).toISOString().slice(0, 10)
    authority = await makeAuthority(`Verona authority of ${hostname()} ${year}`, validity(authorityDays))
    replace(files.authorityKey, authority.key, 0o600)
    replace(files.authority, authority.certificate, 0o644)
  } else {
    authority = {
      key: readFileSync(files.authorityKey, 'utf8'),
      certificate: readFileSync(files.authority, 'utf8'),
    }
  }
  const server = await makeServerCertificate(authority, names, validity(serverDays))
  // Key first: when we are killed in between, the pair does not fit and the next start makes a new one.
  replace(files.key, server.key, 0o600)
  replace(files.certificate, server.certificate, 0o644)
  return { ...told, made: verdict.make, why: verdict.why }
}

interface Files {
  readonly authority: string
  readonly authorityKey: string
  readonly certificate: string
  readonly key: string
}

function filesIn(directory: string): Files {
  return {
    authority: join(directory, 'ca.crt'),
    authorityKey: join(directory, 'ca.key'),
    certificate: join(directory, 'server.crt'),
    key: join(directory, 'server.key'),
  }
}

/** The domains first (the first is the common name), as A-labels, then the names of this machine itself. */
function namesFor(domains: readonly string[]): string[] {
  const ascii = domains.map((domain) => domainToASCII(domain) || domain)
  return [...new Set([...ascii, 'localhost', '127.0.0.1', '::1'])]
}

interface Verdict {
  readonly make: 'nothing' | 'server' | 'authority'
  readonly why: string
}

function judge(files: Files, names: readonly string[], now: number): Verdict {
  const authority = certificateIn(files.authority)
  const server = certificateIn(files.certificate)
  if (server !== undefined && !isOurs(server, authority)) {
    if (!fits(server, files.key)) {
      throw new TlsFileError(
        `${files.certificate} was not made here, and ${files.key} is not its key; put the right key there, or move both away`,
      )
    }
    return { make: 'nothing', why: `${files.certificate} was not made here` }
  }
  if (authority === undefined) return { make: 'authority', why: 'there was no authority' }
  const sound = server !== undefined && fits(server, files.key)
  const uncovered = sound ? names.filter((name) => !covers(server, name)) : names
  const left = sound ? server.validToDate.getTime() - now : 0
  if (sound && uncovered.length === 0 && left > renewDays * day)
    return { make: 'nothing', why: 'all is in order' }
  const why = !sound
    ? 'there was no server certificate with its key'
    : uncovered.length > 0
      ? `it lacked ${uncovered.join(', ')}`
      : 'it was about to expire'
  if (!fits(authority, files.authorityKey))
    return { make: 'authority', why: `${why}, and the key of the authority is gone` }
  // An authority must outlive what it signs (RFC 5280 §6.1).
  if (authority.validToDate.getTime() - now < serverDays * day)
    return { make: 'authority', why: `${why}, and so was the authority` }
  return { make: 'server', why }
}

/** A file that exists and holds no certificate was cut short by a crash, or is no work of ours: not to be lost silently. */
function certificateIn(file: string): X509Certificate | undefined {
  if (!existsSync(file)) return undefined
  try {
    return new X509Certificate(readFileSync(file))
  } catch (error) {
    throw new TlsFileError(`${file} holds no certificate in PEM; move it away and a new one is made`, error)
  }
}

function isOurs(server: X509Certificate, authority: X509Certificate | undefined): boolean {
  if (authority === undefined) return server.issuer.includes('CN=Verona authority of ')
  return server.checkIssued(authority) || server.issuer.includes('CN=Verona authority of ')
}

function fits(certificate: X509Certificate, keyFile: string): boolean {
  if (!existsSync(keyFile)) return false
  try {
    return certificate.checkPrivateKey(createPrivateKey(readFileSync(keyFile)))
  } catch {
    // No key in it: to be replaced like one that does not fit.
    return false
  }
}

function covers(certificate: X509Certificate, name: string): boolean {
  const found =
    isIP(name) === 0 ? certificate.checkHost(name, { subject: 'never' }) : certificate.checkIP(name)
  return found !== undefined
}

/** The file is whole or the old one, also after a crash; a key is never readable by others, not even for a moment. */
function replace(file: string, content: string, mode: number): void {
  const fresh = `${file}.new`
  const handle = openSync(fresh, 'w', mode)
  fchmodSync(handle, mode)
  writeSync(handle, content)
  fsyncSync(handle)
  closeSync(handle)
  renameSync(fresh, file)
}
