// What we ask of DNS, as a contract, so that tests and later a validating resolver can stand in for the system's.

import { lookup, Resolver as NodeResolver } from 'node:dns/promises'
import { isIP } from 'node:net'
import { type Clock, randomBelow } from '#base'
import { type Answer, AnswerCache } from './answer-cache.ts'

export interface SrvRecord {
  readonly priority: number
  readonly weight: number
  readonly target: string
  readonly port: number
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

/** A question that got no answer; "there is no such record" is an answer, an empty one. */
export class DnsError extends Error {
  readonly code: string
  readonly question: string

  constructor(question: string, code: string, cause?: unknown) {
    super(`DNS gave no answer for ${question}: ${code}`, { cause })
    this.name = 'DnsError'
    this.code = code
    this.question = question
  }
}

export interface Resolver {
  /**
   * The records in the order to be tried (RFC 2782). Empty: there are none, and the domain's own addresses may be tried.
   * `unavailable`: the domain says that it does not offer the service (a single target of "."). @throws DnsError
   */
  srv(name: string): Promise<readonly SrvRecord[] | 'unavailable'>
  /** In the order of RFC 3403 §4.1: by order, then by preference; empty: there are none. @throws DnsError */
  naptr(name: string): Promise<readonly NaptrRecord[]>
  /** IPv6 and IPv4 addresses of a host, in the system's order; an address is its own answer. @throws DnsError */
  addresses(host: string): Promise<readonly string[]>
}

export interface SystemResolverOptions {
  /** `address:port` of name servers; the system's by default. They are not asked for what /etc/hosts says. */
  readonly servers?: readonly string[]
  /** LIMIT: seconds for a question, each of the tries included. */
  readonly secondsMax?: number
  /** By which answers grow old; without it nothing is remembered, and each question is asked. */
  readonly clock?: Clock
}

export function systemResolver(options: SystemResolverOptions = {}): Resolver {
  const tries = 2
  const node = new NodeResolver({ timeout: ((options.secondsMax ?? 10) * 1000) / tries, tries })
  if (options.servers !== undefined) node.setServers(options.servers)
  const cache = options.clock === undefined ? undefined : new AnswerCache(options.clock)
  const known = <T>(question: string, answer: () => Promise<T[]>): Promise<T[]> =>
    cache === undefined
      ? ask(question, answer).then(({ value }) => value)
      : cache.get(question, () => ask(question, answer))
  return {
    // Drawn anew for each who asks (RFC 2782), from what was answered once.
    srv: async (name) => srvOrder((await known(`SRV ${name}`, () => node.resolveSrv(name))).map(srvRecord)),
    naptr: async (name) =>
      naptrOrder((await known(`NAPTR ${name}`, () => node.resolveNaptr(name))).map(naptrRecord)),
    addresses: async (host) => {
      if (isIP(host) !== 0) return [host]
      if (options.servers === undefined) {
        // The system's own resolver has a memory, and /etc/hosts.
        const found = await ask(`A and AAAA ${host}`, () => lookup(host, { all: true, order: 'verbatim' }))
        return found.value.map(({ address }) => address)
      }
      const [six, four] = await Promise.all([
        known(`AAAA ${host}`, () => node.resolve6(host, { ttl: true })),
        known(`A ${host}`, () => node.resolve4(host, { ttl: true })),
      ])
      return [...six, ...four].map(({ address }) => address)
    },
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

function srvRecord(record: { priority: number; weight: number; name: string; port: number }): SrvRecord {
  return { priority: record.priority, weight: record.weight, target: record.name, port: record.port }
}

/** RFC 3403 §4.1: "in the order", and among equals by preference. */
export function naptrOrder(records: readonly NaptrRecord[]): readonly NaptrRecord[] {
  return [...records].sort((a, b) => a.order - b.order || a.preference - b.preference)
}

function naptrRecord(
  record: Omit<NaptrRecord, 'replacement'> & { readonly replacement: string },
): NaptrRecord {
  const { order, preference, flags, service, replacement } = record
  return {
    order,
    preference,
    flags: flags.toLowerCase(),
    service,
    replacement: replacement === '.' ? '' : replacement.replace(/\.$/, ''),
  }
}

/** No such name and no such record are empty answers; anything else is none. */
async function ask<T>(question: string, answer: () => Promise<T[]>): Promise<Answer<T[]>> {
  try {
    const value = await answer()
    return { value, ttl: ttlOf(value), isEmpty: value.length === 0 }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'UNKNOWN'
    if (code === 'ENOTFOUND' || code === 'ENODATA') return { value: [], ttl: undefined, isEmpty: true }
    throw new DnsError(question, code, error)
  }
}

/** Of the record that lasts the shortest. COMPAT: Node tells it of addresses alone. */
function ttlOf(records: readonly unknown[]): number | undefined {
  const ttls = records.flatMap((record) => {
    const ttl = (record as { readonly ttl?: number }).ttl
    return ttl === undefined ? [] : [ttl]
  })
  return ttls.length === 0 ? undefined : Math.min(...ttls)
}
