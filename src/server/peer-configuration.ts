// The tables of the configuration as the core and the protocols use them: policies and routes by domain.
import type { Config, SettingsOf } from '#config'
import type { PeerPolicy, PeerRoute, PeerTable, RelayPolicy } from '#core'
import { prepareDomain } from '#model'
import { peersSettings, serverOf } from './peer-settings.ts'
import { mainSettings } from './settings.ts'

type Table = SettingsOf<typeof mainSettings>['peer'][number]

/** With whom we speak, and by what. */
export function peerTableOf(config: Config): PeerTable {
  const { policy, protocols } = config.of(peersSettings)
  const domains = new Map<string, PeerPolicy>()
  for (const table of config.of(mainSettings).peer) {
    const { trusted, messages, presence, protocol } = table
    const allowed = table.allowed && policy !== 'closed'
    domains.set(nameOf(table), {
      allowed,
      protocol,
      trusted,
      messages: allowed && messages,
      presence: allowed && presence,
    })
  }
  const open = policy === 'open'
  const strangers = { allowed: open, protocol: undefined, trusted: open, messages: open, presence: open }
  return { strangers, domains, order: protocols ?? [] }
}

/** How a protocol gets to a domain. */
export function routeTo(config: Config, protocol: string, domain: string): PeerRoute {
  const table = config.of(mainSettings).peer.find((one) => nameOf(one) === domain)
  const servers = table?.servers?.flatMap((written) => {
    const server = serverOf(written)
    return server !== undefined && (server.protocol ?? table.protocol) === protocol ? [server.where] : []
  })
  const tls = table === undefined || table.tls === 'default' ? config.of(peersSettings).tls : table.tls
  return {
    servers: servers === undefined || servers.length === 0 ? undefined : servers,
    tls,
    dialback: table?.dialback,
  }
}

export function relayPolicyOf(config: Config): RelayPolicy {
  const { retryFirstSeconds, retryMaxSeconds, expiryHours, ...limits } = config.of(peersSettings)
  const { queueLengthMax, queuesLengthMax, senderLengthMax } = limits
  return {
    retryFirst: retryFirstSeconds * 1000,
    retryMax: Math.max(retryFirstSeconds, retryMaxSeconds) * 1000,
    expiry: expiryHours * 3_600_000,
    queueLengthMax,
    queuesLengthMax,
    senderLengthMax,
  }
}

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

function wrongTable({ protocol, servers }: Table, protocols: readonly string[]): string | undefined {
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

function nameOf({ domain }: Table): string {
  return prepareDomain(domain) ?? domain
}
