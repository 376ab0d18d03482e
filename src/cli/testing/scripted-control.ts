// A management API without a server: it answers by rote and keeps what it was asked.

import type {
  AccountInfo,
  AccountResult,
  ContactActionBody,
  ContactList,
  DomainExamination,
  ForwardInfo,
  NewAccountBody,
  PeerInfo,
  PeerSettings,
  ServerStatus,
} from '#admin'
import type { Control } from '../control.ts'

export class ScriptedControl implements Control {
  readonly said: unknown[][] = []
  hasPeers = true
  readonly #fault: Error | undefined

  constructor(fault: Error | undefined) {
    this.#fault = fault
  }

  say(...words: unknown[]): void {
    this.said.push(words)
    if (this.#fault !== undefined && words[0] !== 'close') throw this.#fault
  }

  async addAccount(account: NewAccountBody): Promise<void> {
    this.say('add', account)
  }

  async *importAccounts(accounts: readonly NewAccountBody[]): AsyncGenerator<readonly AccountResult[]> {
    this.say('import', accounts)
    for (let at = 0; at < accounts.length; at += 50) {
      yield accounts.slice(at, at + 50).map(({ address }) =>
        address === 'taken@x'
          ? {
              address,
              added: false as const,
              condition: 'conflict' as const,
              message: 'that name is taken',
            }
          : { address, added: true as const },
      )
    }
  }

  async *accounts(domain?: string): AsyncGenerator<AccountInfo> {
    this.say('list', domain)
    yield { address: 'a@x', aliases: ['1@x', '2@x'], created: Date.UTC(2026, 0, 1), disabled: false }
    yield { address: 'b@x', aliases: [], created: Date.UTC(2026, 0, 2), disabled: true }
  }

  async setPassword(address: string, password: string): Promise<void> {
    this.say('password', address, password)
  }

  async removeAccount(address: string): Promise<void> {
    this.say('remove', address)
  }

  async forward(address: string): Promise<ForwardInfo> {
    return address === 'a@x' ? { location: 'im:a@y', permanent: true } : {}
  }

  async setForward(address: string, forward: ForwardInfo): Promise<void> {
    this.say('forward', address, forward)
  }

  async script(address: string): Promise<string | undefined> {
    return address === 'a@x' ? '<cpl/>\n' : undefined
  }

  async setScript(address: string, script: string): Promise<void> {
    this.say('script', address, script)
  }

  async removeScript(address: string): Promise<void> {
    this.say('no script', address)
  }

  async checkScript(script: string): Promise<{ line: number; column: number; reason: string } | undefined> {
    this.say('check', script)
    return script.includes('ring') ? { line: 2, column: 5, reason: '<ring> is no node' } : undefined
  }

  async contacts(owner: string): Promise<ContactList> {
    const nobody = { groups: [], preApproved: false, pendingOut: false, listed: true }
    return {
      owner,
      contacts: [
        { address: 'b@y', name: 'Bea', subscription: 'both', pendingIn: false, ...nobody },
        { address: 'c@y', name: '', subscription: 'none', pendingIn: true, ...nobody },
      ],
      rules: [
        { subject: 'b@y', action: 'block', visibility: 'full' },
        { subject: '*', action: 'confirm', visibility: 'full' },
      ],
    }
  }

  async decide(owner: string, watcher: string, decision: ContactActionBody): Promise<void> {
    this.say('decide', owner, watcher, decision)
  }

  async peers(): Promise<readonly PeerInfo[]> {
    return this.hasPeers ? scriptedPeers : []
  }

  async peer(domain: string): Promise<PeerInfo> {
    this.say('peer', domain)
    return scriptedPeers.find((peer) => peer.domain === domain) ?? stranger(domain)
  }

  async examinePeer(domain: string): Promise<DomainExamination> {
    this.say('examine', domain)
    return scriptedExaminations[domain] ?? { domain, policy, protocols: [], goes: nowhere }
  }

  async setPeer(domain: string, settings: Readonly<Record<string, string | null>>): Promise<PeerSettings> {
    this.say('set', domain, settings)
    return { source: 'stored', settings: {} }
  }

  async unsetPeer(domain: string): Promise<PeerSettings> {
    this.say('unset', domain)
    return strange
  }

  async retryPeer(domain: string): Promise<void> {
    this.say('retry', domain)
  }

  async dropPeerQueue(domain: string): Promise<number> {
    this.say('drop', domain)
    return 3
  }

  status(): Promise<ServerStatus> {
    return Promise.reject(new Error('no command of these asks for it'))
  }
}

const policy = {
  allowed: true,
  protocol: undefined,
  trusted: true,
  messages: true,
  presence: true,
  calls: true,
}

const strange = { source: 'strangers', settings: {} } as const

function stranger(domain: string): PeerInfo {
  return { domain, policy: { ...policy, allowed: false }, ...strange, links: [] }
}

const nowhere = { messages: 'domain-unknown', presence: 'domain-unknown' } as const
const both = { messages: true, presence: true, named: true }

const scriptedExaminations: Readonly<Record<string, DomainExamination>> = {
  'capulet.example': {
    domain: 'capulet.example',
    policy,
    protocols: [
      {
        protocol: 'xmpp',
        reached: both,
        source: 'SRV _xmpp-server._tcp.capulet.example',
        tries: [
          { where: 'x1.capulet.example:5269 (192.0.2.1)', isGood: false, outcome: 'connection refused' },
          {
            where: 'x2.capulet.example:5269 (192.0.2.2)',
            isGood: true,
            outcome: 'ready, TLSv1.3, certificate of capulet.example, until 2027-01-02',
          },
        ],
      },
      {
        protocol: 'impp',
        reached: { messages: false, presence: false, named: false },
        source: 'no record names it',
        tries: [],
      },
      {
        protocol: 'sip',
        reached: { messages: false, presence: true, named: true },
        source: 'SRV _pres._sip.capulet.example',
        tries: [{ where: 's:5061', isGood: false, outcome: '\u001b[31mno' }],
      },
    ],
    goes: { messages: 'xmpp', presence: 'xmpp' },
  },
  'silent.example': {
    domain: 'silent.example',
    policy,
    protocols: [
      {
        protocol: 'xmpp',
        reached: 'unanswered',
        source: 'DNS gave no answer for SRV _xmpp-server._tcp.silent.example: ETIMEOUT',
        tries: [],
      },
    ],
    goes: { messages: 'connection-failed', presence: 'connection-failed' },
  },
  'spam.example': {
    domain: 'spam.example',
    policy: { ...policy, allowed: false },
    protocols: [
      {
        protocol: 'xmpp',
        reached: { ...both, named: false },
        source: 'the addresses of spam.example, since no record names it',
        tries: [],
      },
    ],
    goes: { messages: 'permission-denied', presence: 'permission-denied' },
  },
}

const scriptedPeers: readonly PeerInfo[] = [
  {
    domain: 'capulet.example',
    policy,
    source: 'configuration',
    settings: {},
    links: [
      {
        protocol: 'xmpp',
        domain: 'capulet.example',
        state: 'connected',
        connections: ['out to 192.0.2.1:5269, TLS 1.3, 2 minutes'],
        identity: 'certificate of capulet.example',
        lastError: '',
      },
      {
        protocol: 'sip',
        domain: 'capulet.example',
        state: 'backing-off',
        connections: [],
        identity: '',
        lastError: '2026-01-01T00:00:00Z \u001b[31mrefused',
      },
    ],
  },
  {
    domain: 'montague.example',
    policy: { ...policy, presence: false, trusted: false, protocol: 'xmpp' },
    source: 'stored',
    settings: { presence: 'false', trusted: 'false', protocol: 'xmpp' },
    links: [],
    queue: {
      length: 3,
      oldest: Date.UTC(2026, 0, 1),
      nextTry: Date.UTC(2026, 0, 1, 0, 5),
      condition: 'remote-timeout',
    },
  },
]
