// The management API from the other side: what the command line calls.

import type { DomainExamination } from '#core'
import type { Condition } from '#model'
import { askHttp } from '#net'
import type {
  AccountBatchResult,
  AccountInfo,
  AccountPage,
  AccountResult,
  ContactActionBody,
  ContactList,
  DroppedQueue,
  ErrorBody,
  ForwardInfo,
  NewAccountBody,
  PeerInfo,
  PeerList,
  PeerSettings,
  ScriptCheck,
  ScriptInfo,
  ServerStatus,
} from './types.ts'

/** The server said no. */
export class ControlError extends Error {
  readonly condition: Condition

  constructor(condition: Condition, message: string) {
    super(message)
    this.name = 'ControlError'
    this.condition = condition
  }
}

/** There is no server behind the socket, or it is somebody else's. */
export class NotRunning extends Error {
  readonly code: string

  constructor(message: string, code: string) {
    super(message)
    this.name = 'NotRunning'
    this.code = code
  }
}

/** Accounts of one request: small enough that progress is seen, large enough that the store writes in batches. */
const batchAccounts = 100

/** Every method rejects with ControlError when the server refuses, with NotRunning when none is there. */
export class ControlClient {
  readonly #path: string

  /** @param path of the control socket */
  constructor(path: string) {
    this.#path = path
  }

  status(): Promise<ServerStatus> {
    return this.#ask('GET', '/status')
  }

  /** Resolves when the server has begun to stop. */
  async stop(): Promise<void> {
    await this.#ask('POST', '/stop', {})
  }

  async addAccount(account: NewAccountBody): Promise<void> {
    await this.#ask('POST', '/accounts', account)
  }

  /** Adds many, some at a time, telling of each part as it is done; the results are in the order of the accounts. */
  async *importAccounts(accounts: readonly NewAccountBody[]): AsyncGenerator<readonly AccountResult[]> {
    for (let at = 0; at < accounts.length; at += batchAccounts) {
      const part = { accounts: accounts.slice(at, at + batchAccounts) }
      const { results } = await this.#ask<AccountBatchResult>('POST', '/accounts/batch', part)
      yield results
    }
  }

  /** All accounts, or those of one domain, page by page. */
  async *accounts(domain?: string): AsyncGenerator<AccountInfo> {
    let after: string | undefined
    do {
      const query = new URLSearchParams({ ...(domain && { domain }), ...(after && { after }) })
      const page = await this.#ask<AccountPage>('GET', `/accounts?${query}`)
      yield* page.accounts
      after = page.next
    } while (after !== undefined)
  }

  async setPassword(address: string, password: string): Promise<void> {
    await this.#ask('PUT', `/accounts/${encodeURIComponent(address)}/password`, { password })
  }

  async removeAccount(address: string): Promise<void> {
    await this.#ask('DELETE', `/accounts/${encodeURIComponent(address)}`)
  }

  forward(address: string): Promise<ForwardInfo> {
    return this.#ask('GET', `/accounts/${encodeURIComponent(address)}/forward`)
  }

  async setForward(address: string, forward: ForwardInfo): Promise<void> {
    await this.#ask('PUT', `/accounts/${encodeURIComponent(address)}/forward`, forward)
  }

  /** The account's script, if it has one. */
  async script(address: string): Promise<string | undefined> {
    return (await this.#ask<ScriptInfo>('GET', `/accounts/${encodeURIComponent(address)}/script`)).script
  }

  async setScript(address: string, script: string): Promise<void> {
    await this.#ask('PUT', `/accounts/${encodeURIComponent(address)}/script`, { script })
  }

  async removeScript(address: string): Promise<void> {
    await this.#ask('DELETE', `/accounts/${encodeURIComponent(address)}/script`)
  }

  /** What is wrong with a script first, if anything. */
  async checkScript(script: string): Promise<ScriptCheck['fault']> {
    return (await this.#ask<ScriptCheck>('POST', '/scripts/check', { script })).fault
  }

  contacts(owner: string): Promise<ContactList> {
    return this.#ask('GET', `/accounts/${encodeURIComponent(owner)}/contacts`)
  }

  /** @param watcher an address; for a rule also a domain or `*` */
  async decide(owner: string, watcher: string, decision: ContactActionBody): Promise<void> {
    const target = `/accounts/${encodeURIComponent(owner)}/contacts/${encodeURIComponent(watcher)}`
    await this.#ask('POST', target, decision)
  }

  /** The domains with a link, or for which something waits. */
  async peers(): Promise<readonly PeerInfo[]> {
    return (await this.#ask<PeerList>('GET', '/peers')).peers
  }

  peer(domain: string): Promise<PeerInfo> {
    return this.#ask('GET', `/peers/${encodeURIComponent(domain)}`)
  }

  /** Looks a domain up and tries its servers. */
  examinePeer(domain: string): Promise<DomainExamination> {
    return this.#ask('GET', `/peers/${encodeURIComponent(domain)}/examination`)
  }

  /** Sets what holds for a domain, by the keys of a [[peer]] table; `null` takes one out. */
  setPeer(domain: string, settings: Readonly<Record<string, string | null>>): Promise<PeerSettings> {
    return this.#ask('PUT', `/peers/${encodeURIComponent(domain)}/settings`, { settings })
  }

  /** Takes out all that was set for a domain. */
  unsetPeer(domain: string): Promise<PeerSettings> {
    return this.#ask('DELETE', `/peers/${encodeURIComponent(domain)}/settings`)
  }

  /** Tries a domain at once. */
  async retryPeer(domain: string): Promise<void> {
    await this.#ask('POST', `/peers/${encodeURIComponent(domain)}/retry`, {})
  }

  /** Gives up what waits for a domain; answers how many messages. */
  async dropPeerQueue(domain: string): Promise<number> {
    return (await this.#ask<DroppedQueue>('DELETE', `/peers/${encodeURIComponent(domain)}/queue`)).dropped
  }

  async #ask<T>(method: string, target: string, body?: object): Promise<T> {
    const answer = await askHttp({
      at: { path: this.#path },
      method,
      target,
      headers: { 'Content-Type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch((error: NodeJS.ErrnoException) => {
      throw this.#unreachable(error)
    })
    const value = parsed(Buffer.from(answer.body).toString())
    if (answer.status < 400 && value !== undefined) return value as T
    const refusal = (value as Partial<ErrorBody> | undefined)?.error
    throw new ControlError(
      refusal?.condition ?? 'internal-fault',
      refusal?.message ?? `the server answered ${answer.status}`,
    )
  }

  #unreachable(error: NodeJS.ErrnoException): Error {
    switch (error.code) {
      case 'ENOENT':
      case 'ECONNREFUSED':
        return new NotRunning(`no server runs here (nobody answers at ${this.#path})`, error.code)
      case 'EACCES':
        return new NotRunning(
          `${this.#path} belongs to another user; run this as the user of the server`,
          error.code,
        )
      // What the kernel says of a path that fits no sun_path.
      case 'EINVAL':
        return new NotRunning(
          `${this.#path} is too long for a Unix socket, which may have some 100 octets; choose a shorter data directory`,
          error.code,
        )
      case 'ECONNRESET':
        return new NotRunning('the server stopped before it answered', error.code)
      default:
        return error
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // No answer of the management API: told by its status.
    return undefined
  }
}
