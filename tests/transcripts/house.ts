// The server of one transcript: on loopback ports and a virtual clock, on the memory store, or on its database when the script says
// that it is restarted.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { VirtualClock } from '#base'
import { silentLog } from '#observe'
import { loadConfiguration, type RunningServer, startServer } from '#server'
import { createMemoryStore } from '#store'
import type { Places } from './party.ts'

const settings = `
domains = ["localhost"]
[xmpp]
client = "127.0.0.1:0"
plain_without_tls = true
[sip]
udp = "127.0.0.1:0"
tcp = "127.0.0.1:0"
notify_seconds_min = 0
[impp]
client = "127.0.0.1:0"
plain_without_tls = true
[prim]
im = "127.0.0.1:0"
plain_without_tls = true
[apex]
edge = "127.0.0.1:0"
plain_without_tls = true
[auth]
scram_iterations = 4096
`

export interface HouseParts {
  /** TOML laid over those of every transcript, in this order. */
  readonly settings: readonly string[]
  /** On a database in a file, which outlives a restart. */
  readonly durable: boolean
  /** Changes the server before anybody signs in. */
  readonly prepare: (server: RunningServer) => void
  /** One that several houses share. */
  readonly clock?: VirtualClock
  /** Domains that have a certificate and a key of their own in its directory. */
  readonly certificatesOf?: readonly string[]
}

export class House {
  readonly clock: VirtualClock
  readonly directory = mkdtempSync(join(tmpdir(), 'verona-transcript-'))
  readonly #settings: readonly string[]
  readonly #durable: boolean
  readonly #prepare: (server: RunningServer) => void
  readonly #places = new Map<string, { readonly host: string; readonly port: number }>()
  #server: RunningServer | undefined

  constructor({ settings, durable, prepare, clock, certificatesOf = [] }: HouseParts) {
    this.clock = clock ?? new VirtualClock(Date.UTC(2026, 0, 1))
    this.#settings = [...settings, ...certificatesOf.map((name) => certificateTable(this.directory, name))]
    // A soak plays all of them on the database.
    this.#durable = durable || process.env.VERONA_SOAK !== undefined
    this.#prepare = prepare
  }

  get isOpen(): boolean {
    return this.#server !== undefined
  }

  get server(): RunningServer {
    if (this.#server === undefined) throw new Error('the server does not run')
    return this.#server
  }

  /** Where it listens now. */
  get places(): Places {
    return this.#places
  }

  async start(): Promise<void> {
    const { directory } = this
    const file = join(directory, 'verona.toml')
    writeFileSync(file, `data = ${JSON.stringify(directory)}\n${laidOver(settings, ...this.#settings)}`)
    const configuration = await loadConfiguration({ file, environment: {}, directory })
    const store = this.#durable ? {} : { store: createMemoryStore() }
    this.#server = await startServer(configuration, { clock: this.clock, log: silentLog, ...store })
    this.#prepare(this.#server)
    for (const { setting, where } of this.#server.listeners) {
      const [, host = '', port = ''] = /^(.*):(\d+)(?:\/|$)/.exec(where) ?? []
      this.#places.set(setting, { host, port: Number(port) })
    }
  }

  /** Stopping waits a bounded time for goodbyes: that time passes. */
  async stop(): Promise<void> {
    const passing = setInterval(() => this.clock.advance(1000), 5)
    await this.#server?.stop()
    this.#server = undefined
    clearInterval(passing)
  }

  async restart(): Promise<void> {
    if (!this.#durable) throw new Error('what is in memory alone does not outlive a restart')
    await this.stop()
    await this.start()
  }

  async close(): Promise<void> {
    await this.stop()
    rmSync(this.directory, { recursive: true, force: true })
  }
}

function certificateTable(directory: string, domain: string): string {
  const file = (kind: string): string => JSON.stringify(join(directory, `${domain}.${kind}`))
  return `[[domain]]\nname = "${domain}"\ncertificate = ${file('crt')}\nkey = ${file('key')}`
}

/** One TOML text of two: of a key that both have, the second's value counts. */
function laidOver(...texts: readonly string[]): string {
  const tables = new Map<string, Map<string, string>>([['', new Map()]])
  for (const text of texts) {
    let table = tables.get('') as Map<string, string>
    for (const line of text.split('\n').filter((each) => each.trim() !== '')) {
      const [key = ''] = line.split('=')
      if (line.startsWith('[')) {
        // Each [[table]] is one more; of a [table] there is one.
        const head = line.startsWith('[[') ? `${line} # ${tables.size}` : line
        table = tables.get(head) ?? new Map()
        tables.set(head, table)
      } else table.set(key.trim(), line)
    }
  }
  return [...tables].map(([head, lines]) => [head, ...lines.values(), ''].join('\n')).join('\n')
}
