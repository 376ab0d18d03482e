// What we ask of DNS, as a contract, so that tests and later a validating resolver can stand in for the system's.

import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { Answer } from 'dns-packet'
import { type Clock, randomBelow, SystemClock } from '#base'
import { DnsCache } from './dns-cache.ts'
import { DnsClient, DnsError } from './dns-client.ts'

export { DnsError }

export interface SrvRecord {
  readonly priority: number
  readonly weight: number
  readonly target: string
  readonly port: number
  /** True when a name server that we trust validated it by DNSSEC (RFC 4035). */
  readonly secure?: boolean
}

/** RFC 3403 §4.1, without the regular expression, which nothing here uses. */
export interface NaptrRecord {
  readonly order: number
  readonly preference: number
  /** In lower case. */
  readonly flags: string
  /** As it stands there: `SIPS+D2T`. */
  readonly service: string
  /** The name that is asked next; empty where there is a regular expression instead. */
  readonly replacement: string
}

export interface Resolver {
  /**
   * The records in the order to be tried (RFC 2782). Empty: there are none, and the domain's own addresses may be tried.
   * `unavailable`: the domain says that it does not offer the service (a single target of "."). @throws DnsError
   */
  srv(name: string): Promise<readonly SrvRecord[] | 'unavailable'>
  /** By order, then by preference (RFC 3403 §4.1); empty: there are none. @throws DnsError */
  naptr(name: string): Promise<readonly NaptrRecord[]>
  /** IPv6 and IPv4 addresses of a host, in the system's order; an address is its own answer. @throws DnsError when none is known, and one question failed. */
  addresses(host: string): Promise<readonly string[]>
}

export interface SystemResolverOptions {
  /** `address:port` of name servers; the system's by default. They are not asked for what /etc/hosts says. */
  readonly servers?: readonly string[]
  /** LIMIT: seconds for a question, each of the tries included. */
  readonly secondsMax?: number
  /** The way to the name servers is safe, so that their word for DNSSEC counts; the machine's own are always trusted. */
  readonly dnssec?: boolean
  readonly clock?: Clock
}

export function systemResolver(options: SystemResolverOptions = {}): Resolver {
  const client = new DnsClient(options)
  const cache = new DnsCache(options.clock ?? new SystemClock(), (name, type) => client.ask(name, type))
  const isTrusted = options.dnssec === true || client.isLocal
  const addresses = async (type: 'A' | 'AAAA', host: string): Promise<string[]> =>
    (await cache.ask(host, type)).records.flatMap((record) => (record.type === type ? [record.data] : []))
  return {
    srv: async (name) => {
      const { records, validated } = await cache.ask(name, 'SRV')
      const secure = validated && isTrusted
      return srvOrder(records.flatMap(srvRecord).map((record) => (secure ? { ...record, secure } : record)))
    },
    naptr: async (name) => {
      const { records } = await cache.ask(name, 'NAPTR')
      return naptrOrder(records.flatMap(naptrRecord))
    },
    addresses: async (host) => {
      if (isIP(host) !== 0) return [host]
      if (options.servers === undefined) return ofTheSystem(host)
      const answers = await Promise.allSettled([addresses('AAAA', host), addresses('A', host)])
      const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
      // RFC 4074: name servers that fail for AAAA and know A are common, and one address will do.
      const failed = answers.find((answer) => answer.status === 'rejected')
      if (found.length === 0 && failed !== undefined) throw failed.reason
      return found
    },
  }
}

/** What the system says of a host, its files included. No such name is an empty answer; anything else is none. */
async function ofTheSystem(host: string): Promise<readonly string[]> {
  try {
    return (await lookup(host, { all: true, order: 'verbatim' })).map(({ address }) => address)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'UNKNOWN'
    if (code === 'ENOTFOUND' || code === 'ENODATA') return []
    throw new DnsError(`A and AAAA ${host}`, code, error)
  }
}

/** A resolver that knows only what it is given: for tests, and for domains whose peers are configured. */
export function fixedResolver(records: {
  readonly srv?: Readonly<Record<string, readonly SrvRecord[]>>
  readonly naptr?: Readonly<Record<string, readonly NaptrRecord[]>>
  readonly addresses?: Readonly<Record<string, readonly string[]>>
}): Resolver {
  return {
    srv: async (name) => srvOrder(records.srv?.[name] ?? []),
    naptr: async (name) => naptrOrder(records.naptr?.[name] ?? []),
    addresses: async (host) => (isIP(host) === 0 ? (records.addresses?.[host] ?? []) : [host]),
  }
}

/**
 * RFC 2782, "Usage rules": by priority, and within a priority drawn at random in proportion to the weights, those
 * of weight 0 first in the list to draw from.
 */
export function srvOrder(
  records: readonly SrvRecord[],
  random: (bound: number) => number = randomBelow,
): readonly SrvRecord[] | 'unavailable' {
  // "A Target of '.' means that the service is decidedly not available at this domain."
  if (records.length === 1 && ['', '.'].includes((records[0] as SrvRecord).target)) return 'unavailable'
  const left = records.filter(({ target }) => target !== '' && target !== '.')
  left.sort((a, b) => a.priority - b.priority || a.weight - b.weight)
  const order: SrvRecord[] = []
  while (left.length > 0) {
    const priority = (left[0] as SrvRecord).priority
    const same = left.filter((record) => record.priority === priority)
    const total = same.reduce((sum, { weight }) => sum + weight, 0)
    // "choose a uniform random number between 0 and the sum computed (inclusive)"
    let drawn = random(total + 1)
    const index = same.findIndex(({ weight }) => {
      drawn -= weight
      return drawn <= 0
    })
    order.push(...left.splice(index, 1))
  }
  return order
}

/** RFC 3403 §4.1: "in the order", and among equals by preference. */
export function naptrOrder(records: readonly NaptrRecord[]): readonly NaptrRecord[] {
  return [...records].sort((a, b) => a.order - b.order || a.preference - b.preference)
}

function naptrRecord(record: Answer): NaptrRecord[] {
  if (record.type !== 'NAPTR') return []
  const { order, preference, flags, services, replacement } = record.data
  const next = replacement.replace(/\.$/, '')
  return [{ order, preference, flags: flags.toLowerCase(), service: services, replacement: next }]
}

function srvRecord(record: Answer): SrvRecord[] {
  if (record.type !== 'SRV') return []
  const { priority = 0, weight = 0, port, target } = record.data
  return [{ priority, weight, target, port }]
}
