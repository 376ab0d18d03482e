// What holds for single other domains: the tables of the configuration, and those that an operator set while the server ran, which the
// store keeps. A domain of the configuration is changed there alone, so that the file never says what is not so.
import { text, utf8 } from '#base'
import { type Config, keyOf, type ReadContext, type Setting, type ValuesOf } from '#config'
import type { PeerPolicy, PeerRoute, PeerTable, Store } from '#core'
import { prepareDomain } from '#model'
import { peersSettings, peerTable, type Shares, serverOf, sharesIn } from './peer-settings.ts'
import { mainSettings } from './settings.ts'

export type PeerValues = ValuesOf<typeof peerTable>

/** LIMIT: domains that are set while the server runs. */
export const storedDomainsMax = 10_000

const storedAs = 'peers'

/** By what is lost when something is written anew in another protocol: the least first. */
const usualOrder = ['xmpp', 'impp', 'sip', 'umpp', 'prim', 'apex']

type Kind = 'open' | 'listed' | 'closed'

/** By the keys of the file, as an operator writes them. */
type Written = Readonly<Record<string, string>>

export interface PeerBookParts {
  readonly config: Config
  readonly store: Pick<Store, 'setting' | 'putSetting'>
  /** Names of the protocols there are. */
  readonly protocols: readonly string[]
}

export class PeerBook {
  readonly #parts: PeerBookParts
  readonly #inFile: ReadonlyMap<string, PeerValues>
  readonly #stored = new Map<string, { readonly written: Written; readonly values: PeerValues }>()
  /** What `table` gives out, which the core looks at for each message. */
  readonly #policies = new Map<string, PeerPolicy>()
  /** With whom our domains speak; those that hold it differently. */
  readonly #kind: Kind
  readonly #own: ReadonlyMap<string, Kind>
  /** All of these. */
  readonly #kinds: ReadonlySet<Kind>
  /** What every domain may send and be sent, unless its table says otherwise. */
  readonly #shares: Shares
  readonly #everything: PeerPolicy
  /** Changes are written one after another. */
  #writing: Promise<void> = Promise.resolve()

  /** @param parts of a configuration that `wrongPeers` found nothing wrong with */
  constructor(parts: PeerBookParts) {
    this.#parts = parts
    const all = parts.config.of(peersSettings)
    this.#kind = all.policy as Kind
    this.#shares = all
    const shares = sharesIn(all, undefined)
    this.#everything = shares === undefined ? everything : { ...everything, shares }
    const differing = parts.config.of(mainSettings).domain.filter(({ peers }) => peers !== 'default')
    this.#own = new Map(differing.map(({ name, peers }) => [prepareDomain(name) ?? name, peers as Kind]))
    this.#kinds = new Set([this.#kind, ...this.#own.values()])
    this.#inFile = new Map(parts.config.of(mainSettings).peer.map((values) => [nameOf(values), values]))
    for (const domain of this.#inFile.keys()) this.#changed(domain)
  }

  /** Reads what was set. What a newer or older version does not understand is told and left out. */
  async load(warn: (domain: string, why: string) => void): Promise<void> {
    const kept = await this.#parts.store.setting(storedAs)
    if (kept === undefined) return
    const all = JSON.parse(text(kept)) as Readonly<Record<string, Written>>
    for (const [domain, written] of Object.entries(all)) {
      const read = readWritten(domain, written, this.#parts.protocols)
      if ('wrong' in read) warn(domain, read.wrong)
      else this.#stored.set(domain, { written, values: read.values })
      this.#changed(domain)
    }
  }

  /** Lives: what is changed is in it at once. */
  get table(): PeerTable {
    const { protocols } = this.#parts.config.of(peersSettings)
    return {
      strangers: this.#kinds.has('open') ? this.#everything : nothing,
      domains: this.#policies,
      order: protocols ?? usualOrder,
      ...(this.#own.size > 0 && {
        policyOf: (ours, domain) => this.#policyOf(this.#own.get(ours) ?? this.#kind, domain),
      }),
    }
  }

  /** How a protocol gets to a domain. */
  routeTo(protocol: string, domain: string): PeerRoute {
    const values = this.#valuesOf(domain)
    const servers = values?.servers?.flatMap((written) => {
      const server = serverOf(written)
      return server !== undefined && (server.protocol ?? values.protocol) === protocol ? [server.where] : []
    })
    const tls =
      values === undefined || values.tls === 'default' ? this.#parts.config.of(peersSettings).tls : values.tls
    return {
      servers: servers === undefined || servers.length === 0 ? undefined : servers,
      tls,
      identity: values?.identity,
      dialback: values?.dialback,
    }
  }

  /** Where it is written what holds for the domain, and, where an operator set it, what. */
  describe(domain: string): {
    readonly source: 'configuration' | 'stored' | 'strangers'
    readonly settings: Written
  } {
    if (this.#inFile.has(domain)) return { source: 'configuration', settings: {} }
    const stored = this.#stored.get(domain)
    return stored === undefined
      ? { source: 'strangers', settings: {} }
      : { source: 'stored', settings: stored.written }
  }

  /**
   * Sets keys of the domain's table, `null` taking one out; resolves when it is durable, with why it is refused, or undefined.
   * @param domain A-labels, none of ours
   */
  async set(domain: string, changes: Readonly<Record<string, string | null>>): Promise<string | undefined> {
    if (this.#inFile.has(domain)) return this.#inFileWords(domain)
    const written = { ...this.#stored.get(domain)?.written }
    for (const [key, value] of Object.entries(changes)) {
      if (value === null) delete written[key]
      else written[key] = value
    }
    const read = readWritten(domain, written, this.#parts.protocols)
    if ('wrong' in read) return read.wrong
    if (!this.#stored.has(domain) && this.#stored.size >= storedDomainsMax)
      return `${storedDomainsMax} domains are set; take one out first`
    this.#stored.set(domain, { written, values: read.values })
    return this.#write(domain)
  }

  /** Forgets all that was set for the domain: it is a stranger again. */
  async unset(domain: string): Promise<string | undefined> {
    if (this.#inFile.has(domain)) return this.#inFileWords(domain)
    if (!this.#stored.delete(domain)) return `nothing was set for ${domain}`
    return this.#write(domain)
  }

  #inFileWords(domain: string): string {
    return `${domain} has a [[peer]] table in ${this.#parts.config.file ?? 'the configuration'}: change it there, and restart`
  }

  async #write(domain: string): Promise<undefined> {
    this.#changed(domain)
    const write = async (): Promise<void> => {
      const all = Object.fromEntries([...this.#stored].map(([name, { written }]) => [name, written]))
      await this.#parts.store.putSetting(storedAs, utf8(JSON.stringify(all)))
    }
    // One that failed was told to who asked for it; the next writes all anew.
    this.#writing = this.#writing.then(write, write)
    await this.#writing
    return undefined
  }

  #valuesOf(domain: string): PeerValues | undefined {
    return this.#inFile.get(domain) ?? this.#stored.get(domain)?.values
  }

  #changed(domain: string): void {
    const values = this.#valuesOf(domain)
    if (values === undefined) this.#policies.delete(domain)
    else
      this.#policies.set(
        domain,
        policyIn(values, this.#shares, this.#kinds.has('open') || this.#kinds.has('listed')),
      )
  }

  #policyOf(kind: Kind, domain: string): PeerPolicy {
    const values = this.#valuesOf(domain)
    if (values !== undefined) return policyIn(values, this.#shares, kind !== 'closed')
    return kind === 'open' ? this.#everything : nothing
  }
}

function policyIn(
  { trusted, messages, presence, calls, protocol, ...values }: PeerValues,
  all: Shares,
  isOpen: boolean,
): PeerPolicy {
  const allowed = values.allowed && isOpen
  const shares = sharesIn(all, values)
  return {
    allowed,
    protocol,
    trusted,
    messages: allowed && messages,
    presence: allowed && presence,
    calls: allowed && calls,
    ...(shares !== undefined && { shares }),
  }
}

const everything: PeerPolicy = {
  allowed: true,
  protocol: undefined,
  trusted: true,
  messages: true,
  presence: true,
  calls: true,
}

const nothing: PeerPolicy = {
  allowed: false,
  protocol: undefined,
  trusted: false,
  messages: false,
  presence: false,
  calls: false,
}

/** The first thing that is wrong with it, or its values. */
function readWritten(
  domain: string,
  written: Written,
  protocols: readonly string[],
): { readonly values: PeerValues } | { readonly wrong: string } {
  const { domain: _, ...settings } = peerTable
  const properties = new Map(
    Object.entries(settings).map(([property, setting]) => [keyOf(property), { property, setting }]),
  )
  const unknown = Object.keys(written).find((key) => !properties.has(key))
  if (unknown !== undefined)
    return {
      wrong: `"${unknown}" is no setting of a domain; name one of ${[...properties.keys()].join(', ')}`,
    }
  const values: Record<string, unknown> = { domain }
  for (const [key, { property, setting }] of properties) {
    const said = written[key]
    const one = setting as Setting<unknown>
    if (said === undefined) values[property] = one.default
    else {
      const read = one.read(one.fromText(said), noPaths)
      if ('wrong' in read) return { wrong: `${key}: ${read.wrong}` }
      values[property] = read.value
    }
  }
  const table = values as PeerValues
  const wrong = wrongTable(table, protocols)
  return wrong === undefined ? { values: table } : { wrong: `${domain} ${wrong}` }
}

const noPaths: ReadContext = { resolvePath: (path) => path }

/** What is wrong with the tables in company; undefined: nothing. */
export function wrongPeers(
  config: Config,
  own: readonly string[],
  protocols: readonly string[],
): string | undefined {
  const known = `one of ${protocols.join(', ')}`
  const unknown = config.of(peersSettings).protocols?.find((name) => !protocols.includes(name))
  if (unknown !== undefined) return `[peers] protocols: "${unknown}" is no protocol; name ${known}`
  const seen = new Set<string>()
  for (const table of config.of(mainSettings).peer) {
    const name = nameOf(table)
    const wrong = own.includes(name)
      ? 'is a domain of this server'
      : seen.has(name)
        ? 'has two tables'
        : wrongTable(table, protocols)
    if (wrong !== undefined) return `[[peer]] "${table.domain}" ${wrong}`
    seen.add(name)
  }
  return undefined
}

function wrongTable({ protocol, servers }: PeerValues, protocols: readonly string[]): string | undefined {
  const known = `one of ${protocols.join(', ')}`
  if (protocol !== undefined && !protocols.includes(protocol))
    return `names the protocol "${protocol}"; write ${known}`
  for (const written of servers ?? []) {
    const of = serverOf(written)?.protocol ?? protocol
    if (of === undefined)
      return `names the server "${written}" of no protocol; set protocol, or write it before, as in "${protocols[0]}://${written}"`
    if (!protocols.includes(of)) return `names a server of the protocol "${of}"; write ${known}`
  }
  return undefined
}

function nameOf({ domain }: Pick<PeerValues, 'domain'>): string {
  return prepareDomain(domain) ?? domain
}
