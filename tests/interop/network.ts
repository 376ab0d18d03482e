// What domains need to find and to believe each other, on loopback: an authority, a name server, and where each one is.
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SystemClock } from '#base'
import { ensureCertificates } from '#net'
import { NameServer } from '../transcripts/name-server.ts'
import { freePort } from './ports.ts'

const year = 365 * 24 * 3600 * 1000

/** `good`: by the authority of all; `expired`, by it too; `other name`: for another domain; `self-signed`: by itself. */
export type CertificateKind = 'good' | 'expired' | 'other name' | 'self-signed'

export interface CertificateFiles {
  readonly certificate: string
  readonly key: string
}

export class Network {
  readonly directory = mkdtempSync(join(tmpdir(), 'verona-network-'))
  readonly names = new NameServer()
  /** The port of each domain's XMPP servers. */
  readonly ports = new Map<string, number>()
  /** The file of the authority that all trust. */
  readonly authority = join(this.directory, 'expired', 'ca.crt')
  dns = ''
  #made = 0

  static async open(domains: readonly string[]): Promise<Network> {
    const network = new Network()
    // The authority is three years old: what it made then has expired, and it has not (RFC 5280 §4.1.2.5).
    const past = { now: () => Date.now() - 3 * year } as SystemClock
    await ensureCertificates(join(network.directory, 'expired'), [...domains], past)
    network.dns = await network.names.start()
    // COMPAT: ejabberd 23.01 asks its own name servers for SRV, and the system's for addresses: a host that every system knows.
    network.names.addresses.set('localhost', ['127.0.0.1'])
    for (const domain of domains) {
      const port = await freePort()
      network.ports.set(domain, port)
      network.names.services.set(`_xmpp-server._tcp.${domain}`, [{ host: 'localhost', port }])
    }
    return network
  }

  portOf(domain: string): number {
    return this.ports.get(domain) as number
  }

  /** Puts the authority where a server that makes its own certificates will use it. */
  giveAuthority(directory: string): void {
    mkdirSync(directory, { recursive: true })
    for (const file of ['ca.crt', 'ca.key'])
      copyFileSync(join(this.directory, 'expired', file), join(directory, file))
  }

  async certificateFor(domain: string, kind: CertificateKind): Promise<CertificateFiles> {
    const directory =
      kind === 'expired' ? join(this.directory, kind) : join(this.directory, String(this.#made++))
    const files = { certificate: join(directory, 'server.crt'), key: join(directory, 'server.key') }
    if (kind === 'expired') return files
    this.giveAuthority(directory)
    if (kind === 'self-signed') signBySelf(domain, files)
    else await ensureCertificates(directory, [kind === 'good' ? domain : 'other.example'], new SystemClock())
    return files
  }

  async close(): Promise<void> {
    await this.names.stop()
    rmSync(this.directory, { recursive: true, force: true })
  }
}

function signBySelf(domain: string, { certificate, key }: CertificateFiles): void {
  const made = spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30'],
    ...[
      '-subj',
      `/CN=${domain}`,
      '-addext',
      `subjectAltName=DNS:${domain}`,
      '-out',
      certificate,
      '-keyout',
      key,
    ],
  ])
  if (made.status !== 0) throw new Error(`openssl made no certificate: ${made.stderr}`)
}
