// The management API's accounts: add, list, password, remove, and many at once.

import type { AccountOutcome, AccountRecord, ImportedDigest, NewAccount, Service } from '#core'
import type { Address, Condition } from '#model'
import type { HttpRequest, HttpResponse } from '#net'
import { messageOf } from './errors.ts'
import { json, Refusal } from './refusal.ts'
import {
  pageAccountsMax,
  readAccount,
  readBatch,
  readCount,
  readForward,
  readPassword,
  readPerson,
} from './requests.ts'
import type { Route, Segments } from './router.ts'
import type {
  AccountBatchResult,
  AccountInfo,
  AccountPage,
  AccountResult,
  ForwardInfo,
  Ha1Body,
  NewAccountBody,
} from './types.ts'

export function accountRoutes(service: Service, domains: readonly string[]): Route[] {
  const accounts = new AccountHandlers(service, domains)
  return [
    { method: 'GET', path: '/accounts', handle: (request) => accounts.list(request) },
    { method: 'POST', path: '/accounts', handle: (request) => accounts.add(request) },
    { method: 'POST', path: '/accounts/batch', handle: (request) => accounts.addBatch(request) },
    {
      method: 'PUT',
      path: '/accounts/:address/password',
      handle: (request, segments) => accounts.setPassword(request, segments),
    },
    {
      method: 'GET',
      path: '/accounts/:address/forward',
      handle: (_request, segments) => accounts.forward(segments),
    },
    {
      method: 'PUT',
      path: '/accounts/:address/forward',
      handle: (request, segments) => accounts.setForward(request, segments),
    },
    {
      method: 'DELETE',
      path: '/accounts/:address',
      handle: (_request, segments) => accounts.remove(segments),
    },
  ]
}

type Answer = Promise<HttpResponse | Refusal>

class AccountHandlers {
  readonly #service: Service
  readonly #domains: readonly string[]

  constructor(service: Service, domains: readonly string[]) {
    this.#service = service
    this.#domains = domains
  }

  /** In the order of the domains, then of the names. `after` is what `next` of the page before said. */
  async list(request: HttpRequest): Answer {
    const limit = readCount(request, 'limit', pageAccountsMax)
    if (limit instanceof Refusal) return limit
    const domain = request.query.get('domain')
    if (domain !== null && !this.#domains.includes(domain)) return new Refusal('domain-unknown')
    const after = request.query.get('after') ?? ''
    const domains = domain === null ? this.#domains : [domain]
    // `next` is a key, user@domain: it tells where among the domains to go on.
    const from = after === '' ? 0 : domains.indexOf(after.slice(after.lastIndexOf('@') + 1))
    if (from < 0) return new Refusal('malformed', 'after is not what an earlier page said')
    const found: AccountRecord[] = []
    for (let i = from; i < domains.length && found.length < limit; i++) {
      const start = i === from ? after : ''
      found.push(...(await this.#service.accounts.list(domains[i] as string, start, limit - found.length)))
    }
    const last = found.at(-1)
    const page: AccountPage = {
      accounts: found.map(accountInfo),
      ...(found.length === limit && last !== undefined ? { next: last.address.key } : {}),
    }
    return json(200, page)
  }

  async add(request: HttpRequest): Answer {
    const body = readAccount(request)
    if (body instanceof Refusal) return body
    const account = newAccount(body)
    if (account instanceof Refusal) return account
    const [outcome] = await this.#service.accounts.add([account])
    if ('digests' in account && outcome?.kind === 'refused')
      return new Refusal(outcome.condition, digestMessageOf(outcome.condition))
    return answer(outcome as AccountOutcome, 201)
  }

  /** 200 whatever became of each: the results say it. */
  async addBatch(request: HttpRequest): Answer {
    const body = readBatch(request)
    if (body instanceof Refusal) return body
    const read = body.accounts.map(newAccount)
    const good = read.filter((account): account is NewAccount => !(account instanceof Refusal))
    const outcomes = await this.#service.accounts.add(good)
    let next = 0
    const results = read.map((account, at): AccountResult => {
      const { address } = body.accounts[at] as NewAccountBody
      if (account instanceof Refusal) return notAdded(address, account.condition, account.message)
      const outcome = outcomes[next++] as AccountOutcome
      if (outcome.kind === 'done') return { address, added: true }
      const { condition } = outcome
      return notAdded(address, condition, 'digests' in account ? digestMessageOf(condition) : undefined)
    })
    const result: AccountBatchResult = { results }
    return json(200, result)
  }

  async setPassword(request: HttpRequest, segments: Segments): Answer {
    const address = readPerson(segments['address'] as string)
    if (address instanceof Refusal) return address
    const body = readPassword(request)
    if (body instanceof Refusal) return body
    return answer(await this.#service.accounts.setPassword(address, body.password))
  }

  async forward(segments: Segments): Answer {
    const address = readPerson(segments['address'] as string)
    if (address instanceof Refusal) return address
    const forward = await this.#service.accounts.forward(address)
    if (forward === 'unknown') return new Refusal('target-unknown')
    const info: ForwardInfo = forward ?? {}
    return json(200, info)
  }

  async setForward(request: HttpRequest, segments: Segments): Answer {
    const address = readPerson(segments['address'] as string)
    if (address instanceof Refusal) return address
    const body = readForward(request)
    if (body instanceof Refusal) return body
    const { location, permanent = false } = body
    const forward = location === undefined ? undefined : { location, permanent }
    return answer(await this.#service.accounts.setForward(address, forward))
  }

  async remove(segments: Segments): Answer {
    const address = readPerson(segments['address'] as string)
    if (address instanceof Refusal) return address
    return answer(await this.#service.accounts.remove(address))
  }
}

function newAccount(body: NewAccountBody): NewAccount | Refusal {
  const address = readPerson(body.address)
  if (address instanceof Refusal) return address
  const aliases = (body.aliases ?? []).map(readPerson)
  const wrong = aliases.find((alias) => alias instanceof Refusal)
  if (wrong !== undefined) return wrong
  return {
    address,
    aliases: aliases.filter((alias): alias is Address => !(alias instanceof Refusal)),
    ...(body.ha1 === undefined ? { password: body.password ?? '' } : { digests: digestsOf(body.ha1) }),
  }
}

function digestsOf({ md5, sha256, md5OfAddress, sha256OfAddress }: Ha1Body): ImportedDigest[] {
  const all = [
    { hash: 'MD5', form: 'user', ha1: md5 },
    { hash: 'MD5', form: 'user@domain', ha1: md5OfAddress },
    { hash: 'SHA-256', form: 'user', ha1: sha256 },
    { hash: 'SHA-256', form: 'user@domain', ha1: sha256OfAddress },
  ] as const
  return all.flatMap(({ ha1, ...rest }) => (ha1 === undefined ? [] : [{ ...rest, ha1 }]))
}

function digestMessageOf(condition: Condition): string | undefined {
  if (condition === 'malformed') return 'a digest is not of 32 (MD5) or 64 (SHA-256) hexadecimal digits'
  return condition === 'not-acceptable' ? 'its digests are of MD5, and auth.md5_digest is false' : undefined
}

function notAdded(address: string, condition: Condition, message = messageOf(condition)): AccountResult {
  return { address, added: false, condition, message }
}

function answer(outcome: AccountOutcome, status = 200): HttpResponse | Refusal {
  return outcome.kind === 'done' ? json(status, {}) : new Refusal(outcome.condition)
}

function accountInfo(record: AccountRecord): AccountInfo {
  return {
    address: record.address.key,
    aliases: record.aliases.map((alias) => alias.key),
    created: record.created,
    disabled: record.disabled,
  }
}
