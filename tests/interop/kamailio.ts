// Kamailio as another domain by SIP, in a directory of its own and in the foreground.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CertificateKind, Network } from './network.ts'
import { freePort } from './ports.ts'
import { Program, patienceMs } from './program.ts'

const fixtures = join(import.meta.dirname, 'fixtures', 'kamailio')
/** Debian's empty tables for db_text. */
const tables = '/usr/share/kamailio/dbtext/kamailio'

export class Kamailio {
  readonly directory = mkdtempSync(join(tmpdir(), 'verona-kamailio-'))
  readonly programs: Program[] = []
  /** Its phones, by UDP. */
  port = 0
  readonly #path: string
  readonly #network: Network
  readonly #domain: string
  readonly #other: string

  /** @param other the domain that it finds by configuration */
  constructor(path: string, network: Network, domain: string, other: string) {
    this.#path = path
    this.#network = network
    this.#domain = domain
    this.#other = other
  }

  /** Starts it (again); another certificate may be shown. */
  async start(kind: CertificateKind = 'good'): Promise<void> {
    if (this.port === 0) this.port = await freePort()
    const { certificate, key } = await this.#network.certificateFor(this.#domain, kind)
    const words = {
      DIRECTORY: this.directory,
      DOMAIN: this.#domain,
      OTHER: this.#other,
      CLIENT_PORT: this.port,
      SERVER_PORT: this.#network.portOf(this.#domain),
      OTHER_PORT: this.#network.portOf(this.#other),
      AUTHORITY: this.#network.authority,
      CERTIFICATE: certificate,
      KEY: key,
    }
    this.#write('tls.cfg', words)
    const file = this.#write('kamailio.cfg', words)
    cpSync(tables, join(this.directory, 'db'), { recursive: true })
    const program = new Program(
      'kamailio',
      this.#path,
      [
        ...['-DD', '-E', '-f', file, '-Y', this.directory, '-w', this.directory],
        ...['-P', join(this.directory, 'kamailio.pid'), '-m', '128', '-M', '16'],
      ],
      { directory: this.directory },
    )
    this.programs.push(program)
    await opened(this.#network.portOf(this.#domain), program)
  }

  async stop(): Promise<void> {
    const program = this.programs.at(-1)
    program?.signal('SIGTERM')
    await Promise.race([program?.ended, new Promise((resolve) => setTimeout(resolve, 3000))])
    await program?.kill()
  }

  async remove(): Promise<void> {
    await this.stop()
    rmSync(this.directory, { recursive: true, force: true })
  }

  #write(fixture: string, words: Readonly<Record<string, string | number>>): string {
    const file = join(this.directory, fixture)
    const text = readFileSync(join(fixtures, fixture), 'utf8')
    writeFileSync(
      file,
      text.replaceAll(/@([A-Z_]+)@/g, (_, word: string) => String(words[word])),
    )
    return file
  }
}

/** It says nothing when it is ready: then its port can be connected to, and by then what is sent by UDP waits for it. */
async function opened(port: number, program: Program): Promise<void> {
  for (const due = Date.now() + patienceMs; Date.now() < due && !program.hasEnded; ) {
    if (await connects(port)) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`kamailio does not start: ${program.said.slice(-4000)}`)
}

function connects(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
