// Prosody and ejabberd as other domains, each in a directory of its own, in the foreground, with the accounts that a test wants.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { CertificateKind, Network } from './network.ts'
import type { PeerName } from './peers.ts'
import { freePort } from './ports.ts'
import { Program } from './program.ts'
import { password } from './server.ts'

const fixtures = join(import.meta.dirname, 'fixtures')

export interface XmppServerOptions {
  readonly certificate?: CertificateKind
  /** Whether only certificates prove a domain to it; else dialback does too. */
  readonly onlyCertificates?: boolean
  /** For loads: its clients need no TLS, and it says little. */
  readonly measured?: boolean
}

export abstract class XmppServer {
  abstract readonly peer: PeerName
  readonly domain: string
  readonly network: Network
  readonly directory = mkdtempSync(join(tmpdir(), 'verona-other-'))
  readonly users: readonly string[]
  /** Each life of it. */
  readonly programs: Program[] = []
  port = 0
  /** Where it takes servers by TLS at once (XEP-0368), where it does. */
  directPort: number | undefined
  options: XmppServerOptions = {}

  constructor(network: Network, domain: string, users: readonly string[]) {
    this.network = network
    this.domain = domain
    this.users = users
  }

  /** Starts it (again), with what it kept; another certificate may be shown. */
  async start(options: XmppServerOptions = this.options): Promise<void> {
    this.options = options
    if (this.port === 0) this.port = await freePort()
    const files = await this.network.certificateFor(this.domain, options.certificate ?? 'good')
    await this.run({ ...files, onlyCertificates: options.onlyCertificates ?? true })
  }

  async stop(): Promise<void> {
    await this.programs.at(-1)?.kill()
  }

  async remove(): Promise<void> {
    await this.stop()
    rmSync(this.directory, { recursive: true, force: true })
  }

  protected abstract run(shown: Shown): Promise<void>

  protected launched(
    path: string,
    args: readonly string[],
    environment: Record<string, string> = {},
  ): Program {
    const program = new Program(this.peer, path, args, { directory: this.directory, environment })
    this.programs.push(program)
    return program
  }

  /** A fixture with what is between at signs filled in. */
  protected configure(fixture: string, words: Readonly<Record<string, string | number>>): string {
    const all: Readonly<Record<string, string | number>> = {
      DIRECTORY: this.directory,
      DOMAIN: this.domain,
      CLIENT_PORT: this.port,
      SERVER_PORT: this.network.portOf(this.domain),
      AUTHORITY: this.network.authority,
      ...words,
    }
    const file = join(this.directory, fixture.slice(fixture.lastIndexOf('/') + 1))
    const text = readFileSync(join(fixtures, fixture), 'utf8')
    writeFileSync(
      file,
      text.replaceAll(/@([A-Z_]+)@/g, (_, word: string) => String(all[word])),
    )
    return file
  }
}

interface Shown {
  readonly certificate: string
  readonly key: string
  readonly onlyCertificates: boolean
}

export class Prosody extends XmppServer {
  readonly peer = 'prosody'
  readonly #path: string

  constructor(path: string, network: Network, domain: string, users: readonly string[]) {
    super(network, domain, users)
    this.#path = path
  }

  protected async run({ certificate, key, onlyCertificates }: Shown): Promise<void> {
    const accounts = join(
      this.directory,
      'data',
      encodeURIComponent(this.domain).replaceAll('.', '%2e'),
      'accounts',
    )
    mkdirSync(accounts, { recursive: true })
    for (const user of this.users)
      writeFileSync(join(accounts, `${user}.dat`), `return { ["password"] = "${password}" };`)
    const file = this.configure('prosody/prosody.cfg.lua', {
      FIXTURES: join(fixtures, 'prosody'),
      CERTIFICATE: certificate,
      KEY: key,
      CLIENT_TLS: String(!this.options.measured),
      LOG: this.options.measured ? 'info' : 'debug',
      SECURE: String(onlyCertificates),
      DIRECT_PORTS: this.directPort ?? '',
      SERVICES: luaTable(this.network.names.services, (records) =>
        records.map(
          ({ host, port }) => `{ srv = { priority = 0; weight = 0; port = ${port}; target = "${host}" } }`,
        ),
      ),
      ADDRESSES: luaTable(this.network.names.addresses, ([address]) => [`"${address}"`], false),
    })
    const program = this.launched(this.#path, ['-F', '--config', file])
    await program.until(new RegExp(`Activated service 's2s' on [^\\n]*:${this.network.portOf(this.domain)}`))
  }
}

function luaTable<T>(
  map: ReadonlyMap<string, T>,
  values: (value: T) => readonly string[],
  nested = true,
): string {
  const rows = [...map].map(([name, value]) => {
    const inside = values(value).join('; ')
    return `["${name}"] = ${nested ? `{ ${inside} }` : inside}`
  })
  return `{ ${rows.join('; ')} }`
}

export class Ejabberd extends XmppServer {
  readonly peer = 'ejabberd'

  protected async run({ certificate, key, onlyCertificates }: Shown): Promise<void> {
    const pem = join(this.directory, 'server.pem')
    writeFileSync(pem, readFileSync(key, 'utf8') + readFileSync(certificate, 'utf8'), { mode: 0o600 })
    const file = this.configure('ejabberd/ejabberd.yml', {
      CERTIFICATE: pem,
      SECURITY: onlyCertificates ? 'required' : 'optional',
      DIALBACK: onlyCertificates ? '' : '  mod_s2s_dialback: {}',
      DIRECT:
        this.directPort === undefined
          ? ''
          : `  - port: ${this.directPort}\n    ip: "127.0.0.1"\n    module: ejabberd_s2s_in\n    tls: true`,
    })
    const [address = '', port = ''] = this.network.dns.split(':')
    const accounts = this.users.map((user) => `{<<"${user}">>, <<"${this.domain}">>, <<"${password}">>}`)
    const program = this.launched(
      'erl',
      [
        ...['-noinput', '-mnesia', 'dir', `"${join(this.directory, 'db')}"`],
        ...[
          '-eval',
          `inet_db:res_option(resolv_conf, ""), inet_db:res_option(lookup, [dns]), inet_db:res_option(nameservers, [{{${address.replaceAll('.', ',')}}, ${port}}]).`,
        ],
        ...['-s', 'ejabberd'],
        ...[
          '-eval',
          `[ejabberd_auth:try_register(U, D, P) || {U, D, P} <- [${accounts.join(', ')}]], io:format("accounts are there~n").`,
        ],
      ],
      {
        HOME: this.directory,
        ERL_LIBS: ejabberdLibraries(),
        EJABBERD_CONFIG_PATH: file,
        EJABBERD_LOG_PATH: join(this.directory, 'ejabberd.log'),
      },
    )
    await program.until(/accounts are there/)
  }
}

/** Debian keeps ejabberd in the folder of libraries of its architecture. */
function ejabberdLibraries(): string {
  const list = readFileSync('/var/lib/dpkg/info/ejabberd.list', 'utf8')
  const found = /^(.*)\/[^/\n]+\/ebin\/ejabberd\.beam$/m.exec(list)?.[1]
  if (found === undefined) throw new Error('ejabberd.beam is not where its package says')
  return dirname(`${found}/x`)
}
