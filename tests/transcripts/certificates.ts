// A certificate for each domain of the tests, by an authority of its own. Made once a process, and valid in real time: TLS knows no other.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SystemClock } from '#base'
import { ensureCertificates } from '#net'

const made = new Map<string, Promise<string>>()

/** Resolves with a directory: ca.crt, server.crt, server.key. */
export function certificatesOf(domain: string): Promise<string> {
  const known = made.get(domain)
  if (known !== undefined) return known
  const directory = mkdtempSync(join(tmpdir(), 'verona-certificates-'))
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  const making = ensureCertificates(directory, [domain], new SystemClock()).then(() => directory)
  made.set(domain, making)
  return making
}
