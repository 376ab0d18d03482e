// The management API's other domains: what is known of them, what waits for them, and what an operator does about it.

import type { RelayQueueStatus, Service } from '#core'
import { prepareDomain } from '#model'
import type { HttpRequest, HttpResponse } from '#net'
import { json, Refusal } from './refusal.ts'
import { readPeerSettings } from './requests.ts'
import type { Route, Segments } from './router.ts'
import type { PeerInfo, PeerTables } from './types.ts'

type Answer = Promise<HttpResponse | Refusal>

export function peerRoutes(service: Service, tables: PeerTables): Route[] {
  const of = (
    handle: (service: Service, domain: string, request: HttpRequest) => Answer,
  ): Route['handle'] => {
    return (request, segments) => {
      const domain = domainOf(service, segments)
      return domain instanceof Refusal ? domain : handle(service, domain, request)
    }
  }
  const show = async (_: Service, domain: string): Answer =>
    json(200, peerInfo(service, tables, domain, await service.relay.status()))
  return [
    { method: 'GET', path: '/peers', handle: () => list(service, tables) },
    { method: 'GET', path: '/peers/:domain', handle: of(show) },
    { method: 'GET', path: '/peers/:domain/examination', handle: of(examine) },
    { method: 'PUT', path: '/peers/:domain/settings', handle: of(set(tables)) },
    { method: 'DELETE', path: '/peers/:domain/settings', handle: of(unset(tables)) },
    { method: 'POST', path: '/peers/:domain/retry', handle: of(retry) },
    { method: 'DELETE', path: '/peers/:domain/queue', handle: of(drop) },
  ]
}

async function list(service: Service, tables: PeerTables): Answer {
  const queues = await service.relay.status()
  const domains = new Set([...service.peers.status(), ...queues].map(({ domain }) => domain))
  return json(200, { peers: [...domains].sort().map((domain) => peerInfo(service, tables, domain, queues)) })
}

function set(tables: PeerTables): (service: Service, domain: string, request: HttpRequest) => Answer {
  return async ({ log }, domain, request) => {
    const body = readPeerSettings(request)
    if (body instanceof Refusal) return body
    const wrong = await tables.set(domain, body.settings)
    if (wrong !== undefined) return new Refusal('malformed', wrong)
    log.info('what holds for another domain was set', { domain, settings: body.settings })
    return json(200, tables.describe(domain))
  }
}

function unset(tables: PeerTables): (service: Service, domain: string) => Answer {
  return async ({ log }, domain) => {
    const wrong = await tables.unset(domain)
    if (wrong !== undefined) return new Refusal('not-found', wrong)
    log.info('what was set for another domain was taken out', { domain })
    return json(200, tables.describe(domain))
  }
}

async function examine({ peers, router }: Service, domain: string): Answer {
  return json(200, await peers.examine(router.domains[0] as string, domain))
}

async function retry(service: Service, domain: string): Answer {
  return service.relay.retry(domain) ? json(202, {}) : nothingWaits(domain)
}

async function drop(service: Service, domain: string): Answer {
  const queues = await service.relay.status()
  if (!queues.some((queue) => queue.domain === domain)) return nothingWaits(domain)
  const dropped = await service.relay.drop(domain)
  service.log.info('gave up what waited for another domain', { domain, messages: dropped })
  return json(200, { dropped })
}

function nothingWaits(domain: string): Refusal {
  return new Refusal('not-found', `nothing waits for ${domain}`)
}

function domainOf({ router }: Service, segments: Segments): string | Refusal {
  const written = segments['domain'] as string
  const domain = prepareDomain(written)
  if (domain === undefined) return new Refusal('address-malformed', `"${written}" is not a domain name`)
  return router.isLocal(domain) ? new Refusal('conflict', `${domain} is a domain of this server`) : domain
}

function peerInfo(
  { peers, shares }: Service,
  tables: PeerTables,
  domain: string,
  queues: readonly RelayQueueStatus[],
): PeerInfo {
  const queue = queues.find((one) => one.domain === domain)
  const links = peers.status().filter((link) => link.domain === domain)
  const policy = peers.policyFor(domain)
  const beyondShare = shares.countsOf(domain)
  const known = {
    domain,
    policy,
    ...tables.describe(domain),
    ...(beyondShare !== undefined && { beyondShare }),
    links,
  }
  if (queue === undefined) return known
  const { length, oldest, nextTry, condition } = queue
  return {
    ...known,
    queue: { length, oldest, condition, ...(nextTry === undefined ? {} : { nextTry }) },
  }
}
