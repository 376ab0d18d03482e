// A whole server for hostile tests: real sockets, the memory store, small limits. What a test opens is closed at its end.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { VirtualClock } from '#base'
import type { Store } from '#core'
import { parseAddress } from '#model'
import { type Log, silentLog } from '#observe'
import { loadConfiguration, type RunningServer, startServer } from '#server'
import { createMemoryStore } from '#store'

export const isSoak = process.env['VERONA_SOAK'] !== undefined

/** So many connections as the system lets one process have both ends of, at most `wanted`. */
export function crowd(wanted: number): number {
  const most = Number(execFileSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }))
  return Number.isNaN(most) ? wanted : Math.min(wanted, Math.floor((most - 200) / 2))
}

/** Every account's. */
export const password = 'wherefore art thou'

const ground = `
domains = ["localhost"]
[auth]
scram_iterations = 4096
[http]
listen = "127.0.0.1:0"
`

const sections: Readonly<Record<string, string>> = {
  xmpp: '[xmpp]\nclient = "127.0.0.1:0"\nplain_without_tls = true\n',
  sip: '[sip]\nudp = "127.0.0.1:0"\ntcp = "127.0.0.1:0"\n',
  impp: '[impp]\nclient = "127.0.0.1:0"\nplain_without_tls = true\n',
  prim: '[prim]\npresence = "127.0.0.1:0"\nim = "127.0.0.1:0"\n',
  presence: '[presence]\n',
}

export interface StandOptions {
  readonly accounts: readonly string[]
  /** More lines of a section, by its name. */
  readonly settings?: Readonly<Record<string, string>>
  /** More tables. */
  readonly more?: string
  /** Time stands still, but for `advance`. */
  readonly virtual?: boolean
  readonly store?: Store
  /** Where SIP listens; 127.0.0.1 when absent. */
  readonly sipHost?: string
}

export class Stand {
  readonly server: RunningServer
  readonly clock: VirtualClock | undefined
  readonly directory: string
  /** What the log was told of level error: a fault of ours, whatever the offender did. */
  readonly faults: string[]
  /** What it was told of level warn. */
  readonly warnings: string[]
  readonly #ends = new Set<() => void>()

  constructor(
    server: RunningServer,
    clock: VirtualClock | undefined,
    directory: string,
    { faults, warnings }: Told,
  ) {
    this.server = server
    this.clock = clock
    this.directory = directory
    this.faults = faults
    this.warnings = warnings
  }

  /** Opened for one test; with its end the server stops, and must have met no fault of its own. */
  static async open(context: TestContext, options: StandOptions): Promise<Stand> {
    const directory = mkdtempSync(join(tmpdir(), 'verona-hostile-'))
    const clock = options.virtual === true ? new VirtualClock(Date.UTC(2026, 0, 1)) : undefined
    const ways = {
      ...sections,
      sip: sections['sip']!.replaceAll('127.0.0.1', options.sipHost ?? '127.0.0.1'),
    }
    const settings = Object.entries(ways).map(([name, lines]) => lines + (options.settings?.[name] ?? ''))
    const file = join(directory, 'verona.toml')
    writeFileSync(
      file,
      [`data = ${JSON.stringify(directory)}`, ground, ...settings, options.more ?? ''].join('\n'),
    )
    const told: Told = { faults: [], warnings: [] }
    const configuration = await loadConfiguration({ file, environment: {}, directory })
    const server = await startServer(configuration, {
      ...(clock === undefined ? {} : { clock }),
      store: options.store ?? createMemoryStore(),
      log: watched(told),
    })
    const stand = new Stand(server, clock, directory, told)
    context.after(() => stand.close())
    const accounts = options.accounts.map((name) => ({ address: addressOf(name), password }))
    for (const outcome of await server.service.accounts.add(accounts)) {
      if (outcome.kind === 'refused') throw new Error(`an account was refused: ${outcome.condition}`)
    }
    return stand
  }

  port(setting: string): number {
    const where = this.server.listeners.find((listener) => listener.setting === setting)?.where ?? ''
    const port = /:(\d+)(\/|$)/.exec(where)?.[1]
    if (port === undefined) throw new Error(`nothing listens for ${setting}`)
    return Number(port)
  }

  /** Virtual seconds pass, a few at a time, and what they bring about is carried out. */
  async advance(seconds: number, step = 10): Promise<void> {
    for (let left = seconds; left > 0; left -= step) {
      this.clock?.advance(Math.min(left, step) * 1000)
      await turns(3)
    }
  }

  /** A sum of the metric's samples whose labels hold all of `labels`. */
  async metric(name: string, ...labels: string[]): Promise<number> {
    const response = await fetch(`http://127.0.0.1:${this.port('http.listen')}/metrics`)
    let sum = 0
    for (const line of (await response.text()).split('\n')) {
      if (!line.startsWith(name) || !/^[{ ]/.test(line.slice(name.length))) continue
      if (labels.every((label) => line.includes(label))) sum += Number(line.slice(line.lastIndexOf(' ')))
    }
    return sum
  }

  /** Connections that are open, over all protocols but HTTP, by which we ask; its ends are not counted. */
  async connections(): Promise<number> {
    const name = 'verona_connections_accepted_total'
    const accepted = (await this.metric(name)) - (await this.metric(name, 'listener="http"'))
    return accepted - (await this.metric('verona_connections_closed_total'))
  }

  /** What is called at the end of the test, however it ends; what comes back makes that needless. */
  atEnd(end: () => void): () => void {
    this.#ends.add(end)
    return () => this.#ends.delete(end)
  }

  async close(): Promise<void> {
    for (const end of this.#ends) end()
    const passing = setInterval(() => this.clock?.advance(1000), 5)
    await this.server.stop()
    clearInterval(passing)
    rmSync(this.directory, { recursive: true, force: true })
  }
}

interface Told {
  readonly faults: string[]
  readonly warnings: string[]
}

/** Silent, but for faults and warnings, which it writes down. */
function watched({ faults, warnings }: Told): Log {
  const log: Log = {
    ...silentLog,
    error: (message, fields) => {
      const cause = (fields as { error?: unknown } | undefined)?.error
      faults.push(`${message}: ${cause instanceof Error ? cause.stack : JSON.stringify(fields)}`)
    },
    warn: (message, fields) => void warnings.push(`${message} ${JSON.stringify(fields ?? {})}`),
    child: () => log,
  }
  return log
}

export function addressOf(name: string): NonNullable<ReturnType<typeof parseAddress>> {
  const address = parseAddress(name.includes('@') ? name : `${name}@localhost`)
  if (address === undefined) throw new Error(`${name} is no address`)
  return address
}

/** Lets sockets and timers of the real world have their turn. */
export async function turns(count: number): Promise<void> {
  for (let k = 0; k < count; k++) await new Promise((resolve) => setTimeout(resolve, 1))
}

/** LIMIT: real milliseconds to wait for something that must come. */
export const patience = 10_000

/** Waits until `holds`; with what `tells` says when it does not in time. */
export async function until(holds: () => boolean | Promise<boolean>, tells: () => string): Promise<void> {
  const end = performance.now() + patience
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`in vain waited for: ${tells()}`)
    await turns(2)
  }
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Octets that we hold once what is garbage is gone. The buffers of sockets that are gone go with the second collection only. */
export function heap(): number {
  collect()
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
