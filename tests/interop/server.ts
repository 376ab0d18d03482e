// Verona as a process of its own, from source, on free ports, in a directory of its own with its own authority.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Program } from './program.ts'

const root = join(import.meta.dirname, '..', '..')
const fromSource = ['--conditions=verona-source', '--disable-warning=ExperimentalWarning']
const main = join(root, 'src', 'cli', 'main.ts')

export type ListenerName = 'xmpp' | 'xmppTls' | 'sipUdp' | 'sipTcp' | 'sipTls' | 'impp' | 'imppTls' | 'http'

/** What the table of the welcome calls them. */
const purposes: Readonly<Record<ListenerName, string>> = {
  xmpp: 'XMPP clients (STARTTLS)',
  xmppTls: 'XMPP clients (TLS)',
  sipUdp: 'SIP phones (UDP)',
  sipTcp: 'SIP phones (TCP)',
  sipTls: 'SIP phones (TLS)',
  impp: 'IMPP clients (STARTTLS)',
  imppTls: 'IMPP clients (TLS)',
  http: 'HTTP: /metrics and /health',
}

export interface ServerOptions {
  /** Settings by table: `{ xmpp: { idle_seconds: 10 } }`; they join the listeners. */
  readonly settings?: Readonly<Record<string, SettingsTable>>
  /** Names of its own domain, or whole addresses. */
  readonly users?: readonly string[]
  /** What its users are of; `localhost` when absent. */
  readonly domain?: string
  /** Domains beside it. */
  readonly also?: readonly string[]
  /** What holds for single other domains: `[[peer]]` tables. */
  readonly peers?: readonly SettingsTable[]
}

type SettingsTable = Readonly<Record<string, string | number | boolean | readonly string[]>>

/** Every account's password. */
export const password = 'three-secret-words'

export class VeronaServer {
  readonly domain: string
  readonly directory: string
  readonly configFile: string
  /** The authority that clients must trust. */
  readonly authority: string
  /** Every life of the server and every command, in order, for the report of a failure. */
  readonly programs: Program[] = []
  #process: Program | undefined
  #ports = new Map<ListenerName, number>()

  private constructor(options: ServerOptions) {
    this.domain = options.domain ?? 'localhost'
    this.directory = mkdtempSync(join(tmpdir(), 'verona-interop-'))
    this.configFile = join(this.directory, 'verona.toml')
    this.authority = join(this.directory, 'data', 'tls', 'ca.crt')
    writeFileSync(this.configFile, configuration(options))
  }

  /** @param prepare what is to be in its directory before it starts */
  static async start(
    options: ServerOptions = {},
    prepare?: (directory: string) => void,
  ): Promise<VeronaServer> {
    const server = new VeronaServer(options)
    try {
      prepare?.(server.directory)
      await server.run()
      if (options.users !== undefined) await server.addUsers(options.users)
    } catch (error) {
      const said = server.programs.map((program) => program.said).join('\n')
      await server.remove()
      throw new Error(`the server does not start: ${said}`, { cause: error })
    }
    return server
  }

  /** Starts the process (again) and waits for `ready`. Its ports may be others than before. */
  async run(): Promise<void> {
    const args = [...fromSource, main, 'serve', '--config', this.configFile]
    const started = new Program('verona serve', process.execPath, args, { directory: this.directory })
    this.programs.push(started)
    this.#process = started
    await started.until(/^ready$/m)
    for (const [name, purpose] of Object.entries(purposes) as [ListenerName, string][]) {
      const at = started.said.indexOf(`  ${purpose} `)
      const port = at < 0 ? undefined : /127\.0\.0\.1:(\d+)/.exec(started.said.slice(at))?.[1]
      if (port === undefined) throw new Error(`no listener "${purpose}"`)
      this.#ports.set(name, Number(port))
    }
  }

  port(name: ListenerName): number {
    return this.#ports.get(name) as number
  }

  at(name: ListenerName): string {
    return `127.0.0.1:${this.port(name)}`
  }

  /** `kill -9`: no goodbye, nothing flushed. */
  async killHard(): Promise<void> {
    await this.#process?.kill()
  }

  async addUsers(names: readonly string[]): Promise<void> {
    const file = join(this.directory, 'users.csv')
    const rows = names.map((name) => `${name.includes('@') ? name : `${name}@${this.domain}`},${password}\n`)
    writeFileSync(file, `address,password\n${rows.join('')}`)
    await this.command('user', 'import', file).succeeds()
  }

  /** A command of ours with this server's configuration, as an operator would give it. */
  command(...words: string[]): Program {
    const [command = '', ...rest] = words
    const nested = ['user', 'peers'].includes(command) ? [command, rest.shift() as string] : [command]
    return this.#launch([...nested, '--config', this.configFile, ...rest], {})
  }

  /** A command of ours as a person, over IMPP: `send`, `watch`, `fetch`, `presence`. */
  as(user: string, command: string, ...words: string[]): Program {
    const login = ['--as', `${user}@${this.domain}`, '--server', this.at('impp')]
    return this.#launch([command, '--config', this.configFile, ...login, ...words], {
      VERONA_PASSWORD: password,
    })
  }

  /** Lets each of `watchers` see `user`, without being asked. */
  async approve(user: string, watcher: string): Promise<void> {
    await this.command('contact', `${user}@${this.domain}`, 'approve', `${watcher}@${this.domain}`).succeeds()
  }

  #launch(words: readonly string[], environment: Readonly<Record<string, string>>): Program {
    const name = `verona ${words.filter((word) => !word.startsWith('/')).join(' ')}`
    const started = new Program(name, process.execPath, [...fromSource, main, ...words], {
      directory: this.directory,
      environment,
    })
    this.programs.push(started)
    return started
  }

  async stop(): Promise<void> {
    const server = this.#process
    if (server === undefined || server.hasEnded) return
    server.signal('SIGTERM')
    await server.succeeds()
  }

  /** Ends what still runs, and removes the directory. */
  async remove(): Promise<void> {
    await Promise.all(this.programs.filter((program) => !program.hasEnded).map((program) => program.kill()))
    rmSync(this.directory, { recursive: true, force: true })
  }
}

function configuration({
  settings = {},
  domain = 'localhost',
  also = [],
  peers = [],
}: ServerOptions): string {
  const free = '127.0.0.1:0'
  const tables: Record<string, SettingsTable> = {
    http: { listen: free },
    xmpp: { client: free, client_tls: free },
    sip: { udp: free, tcp: free, tls: free },
    impp: { client: free, client_tls: free },
    log: { level: 'debug', format: 'text' },
    auth: { scram_iterations: 4096 },
  }
  for (const [table, more] of Object.entries(settings)) tables[table] = { ...tables[table], ...more }
  const lines = [
    ...Object.entries(tables).map(([table, values]) => `[${table}]\n${pairsOf(values)}`),
    ...peers.map((values) => `[[peer]]\n${pairsOf(values)}`),
  ]
  return `data = "./data"\ndomains = ${JSON.stringify([domain, ...also])}\n${lines.join('')}`
}

function pairsOf(values: SettingsTable): string {
  return Object.entries(values)
    .map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`)
    .join('')
}
