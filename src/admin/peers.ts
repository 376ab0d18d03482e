// The management API's other domains: what is known of them, what waits for them, and what an operator does about it.

import type { RelayQueueStatus, Service } from '#core'
import { prepareDomain } from '#model'
import type { HttpResponse } from '#net'
import { json, Refusal } from './refusal.ts'
import type { Route, Segments } from './router.ts'
import type { PeerInfo } from './types.ts'

type Answer = Promise<HttpResponse | Refusal>

export function peerRoutes(service: Service): Route[] {
  const of = (handle: (service: Service, domain: string) => Answer): Route['handle'] => {
    return (_request, segments) => {
      const domain = domainOf(service, segments)
      return domain instanceof Refusal ? domain : handle(service, domain)
    }
  }
  return [
    { method: 'GET', path: '/peers', handle: () => list(service) },
    { method: 'GET', path: '/peers/:domain', handle: of(show) },
    { method: 'POST', path: '/peers/:domain/retry', handle: of(retry) },
    { method: 'DELETE', path: '/peers/:domain/queue', handle: of(drop) },
  ]
}

async function list(service: Service): Answer {
  const queues = await service.relay.status()
  const domains = new Set([...service.peers.status(), ...queues].map(({ domain }) => domain))
  return json(200, { peers: [...domains].sort().map((domain) => peerInfo(service, domain, queues)) })
}

async function show(service: Service, domain: string): Answer {
  return json(200, peerInfo(service, domain, await service.relay.status()))
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

function peerInfo({ peers }: Service, domain: string, queues: readonly RelayQueueStatus[]): PeerInfo {
  const queue = queues.find((one) => one.domain === domain)
  const links = peers.status().filter((link) => link.domain === domain)
  const policy = peers.policyFor(domain)
  if (queue === undefined) return { domain, policy, links }
  const { length, oldest, nextTry, condition } = queue
  return {
    domain,
    policy,
    links,
    queue: { length, oldest, condition, ...(nextTry === undefined ? {} : { nextTry }) },
  }
}
