import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { BackOff, Derivation, Digest, Sasl, StoreAuthenticator, serverKeyOf } from '#auth'
import { text, utf8, VirtualClock } from '#base'
import { createService, noPeers, type Service } from '#core'
import { type Address, parseAddress } from '#model'
import { type Connection, connectionPair } from '#net'
import { Metrics, silentLog } from '#observe'
import { createMemoryStore } from '#store'
import {
  type ImppRequest,
  type ImppResponse,
  requestBytes,
  responseBytes,
  UnitFramer,
} from './codec/index.ts'
import { reviveEnvelope } from './envelope.ts'
import { protocol, serveClient } from './protocol.ts'
import { type SessionEnvironment, Sessions } from './session-environment.ts'
import type { ImppSettings } from './settings.ts'

const values: ImppSettings = {
  client: undefined,
  server: undefined,
  plainWithoutTls: true,
  messageOctetsMax: 20_000,
  pendingMax: 4,
  queuedMax: 10,
  loginSeconds: 30,
  connectionSeconds: 120,
  responseSeconds: 30,
  subscriptionSecondsDefault: 3600,
  subscriptionSecondsMin: 30,
  subscriptionSecondsMax: 7200,
  changeSecondsMax: 7200,
  subscriptionsMax: 3,
  loginAttemptsMax: 3,
}

function at(written: string): Address {
  const address = parseAddress(written)
  assert.ok(address)
  return address
}

interface Fixture {
  readonly service: Service
  readonly clock: VirtualClock
  readonly environment: SessionEnvironment
}

async function fixture(settings: Partial<ImppSettings> = {}): Promise<Fixture> {
  const clock = new VirtualClock()
  const store = createMemoryStore()
  const authenticator = new StoreAuthenticator(store)
  const service = createService({
    clock,
    log: silentLog,
    metrics: new Metrics(),
    store,
    peers: noPeers,
    domains: ['example.com'],
    policy: { history: true, undeliveredMax: 100, confirmSameDomain: false },
    authenticator,
    passwords: new Derivation({ iterations: 4096 }),
    revive: (unit) => (unit.head.protocol === 'impp' ? reviveEnvelope(unit.head, unit.raw) : undefined),
  })
  await service.accounts.add(
    ['romeo', 'juliet'].map((name) => ({ address: at(`${name}@example.com`), password: 'secret' })),
  )
  const shared = { authenticator, backOff: new BackOff(clock), serverKey: await serverKeyOf(store) }
  const logins = {
    sasl: new Sasl({ ...shared, iterations: 4096 }),
    digest: new Digest({ ...shared, clock }),
  }
  const environment: SessionEnvironment = {
    service,
    settings: { ...values, ...settings },
    tls: { secureContext: () => assert.fail('not in memory') },
    logins,
    sessions: new Sessions(service.metrics),
  }
  return { service, clock, environment }
}

/** A response or request as its lines, and its body. */
interface Seen {
  readonly first: string
  readonly fields: Readonly<Record<string, string>>
  readonly body: string
  readonly envelope: string
}

/** A client by hand: writes what it is told and shows what came. */
class Hand {
  readonly connection: Connection
  readonly requests: Seen[] = []
  readonly responses: Seen[] = []
  closed = ''
  secured = 0
  url = ''
  connectionId = ''
  /** Answers requests of the server by itself. */
  answers: 'OK' | 'nothing' = 'OK'
  readonly #framer = new UnitFramer()
  readonly #waiting: { readonly from: Seen[]; readonly take: (seen: Seen) => void }[] = []

  constructor({ environment, clock }: Fixture) {
    const [ours, theirs] = connectionPair({ clock })
    this.connection = theirs
    serveClient(ours, environment)
    theirs.start({
      onData: (octets) => this.#read(octets),
      onSecure: () => this.secured++,
      onClose: ({ why }) => {
        this.closed = why
      },
    })
    open.push(this)
  }

  write(octets: string): void {
    this.connection.write(utf8(octets))
  }

  /** Writes a request with From and Connection-ID, and waits for its response. */
  async ask(method: string, fields: Record<string, string> = {}, body?: string): Promise<Seen> {
    this.request(method, `r${++ids}`, fields, body)
    return this.next(this.responses)
  }

  request(method: string, id: string, fields: Record<string, string> = {}, body?: string): void {
    const own =
      this.url === '' ? [] : [['From', this.url] as const, ['Connection-ID', this.connectionId] as const]
    const all = new Map([...own, ...Object.entries(fields)])
    const type = all.get('Content-Type') ?? 'text/plain; charset=utf-8'
    all.delete('Content-Type')
    this.connection.write(
      requestBytes(method, id, all, body === undefined ? undefined : { type, bytes: utf8(body) }),
    )
  }

  /** The next of `requests` or `responses`: there already, or when it comes. */
  next(from: Seen[]): Promise<Seen> {
    const seen = from.shift()
    if (seen !== undefined) return Promise.resolve(seen)
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`nothing came; closed: "${this.closed}"`)), 10_000)
      this.#waiting.push({
        from,
        take: (arrived) => {
          clearTimeout(late)
          resolve(arrived)
        },
      })
    })
  }

  #arrived(list: Seen[], seen: Seen): void {
    const at = this.#waiting.findIndex(({ from }) => from === list)
    if (at === -1) list.push(seen)
    else this.#waiting.splice(at, 1)[0]?.take(seen)
  }

  async login(name: string, fields: Record<string, string> = {}): Promise<this> {
    await this.ask('HELLO', { Domain: 'example.com' })
    const data = Buffer.from(`\0${name}\0secret`).toString('base64')
    const done = await this.ask('AUTH', { Mechanism: 'PLAIN', Data: data, ...fields })
    assert.equal(done.fields['auth-state'], 'done', JSON.stringify(done))
    this.url = done.fields.to as string
    this.connectionId = done.fields['connection-id'] as string
    return this
  }

  answer(request: Seen, fields: Record<string, string> = {}, ok = true): void {
    const [method = '', id = ''] = request.first.split(' ')
    const parties = { To: request.fields.from, 'Connection-ID': request.fields['connection-id'] }
    this.connection.write(responseBytes(ok, method, id, Object.entries({ ...parties, ...fields })))
  }

  #read(octets: Uint8Array): void {
    this.#framer.push(octets)
    for (let unit = this.#framer.next(); unit !== undefined; unit = this.#framer.next()) {
      assert.ok(unit.kind !== 'fault', JSON.stringify(unit))
      const seen = seenOf(unit)
      if (unit.kind === 'response') this.#arrived(this.responses, seen)
      else {
        if (this.answers === 'OK') this.answer(seen)
        if (unit.method !== 'PING') this.#arrived(this.requests, seen)
      }
    }
  }
}

function seenOf(unit: ImppRequest | ImppResponse): Seen {
  const raw = text(unit.raw)
  const fields = Object.fromEntries([...unit.headers].map(([name, value]) => [name.toLowerCase(), value]))
  const envelope =
    unit.kind === 'request' && unit.envelope
      ? [...unit.envelope].map(([n, v]) => `${n}: ${v}`).join('\n')
      : ''
  return { first: raw.slice(0, raw.indexOf('\r\n')), fields, body: text(unit.body), envelope }
}

let ids = 0
const open: Hand[] = []
afterEach(() => {
  for (const hand of open.splice(0)) hand.connection.destroy()
})

async function settled(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) await new Promise((resolve) => setImmediate(resolve))
}

function pidf(basic: string, id = 'x', show = ''): string {
  const shown = show === '' ? '' : `<show xmlns="jabber:client">${show}</show>`
  return `<?xml version="1.0"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:juliet@example.com"><tuple id="${id}"><status><basic>${basic}</basic>${shown}</status></tuple></presence>`
}

const pidfType = { 'Content-Type': 'application/pidf+xml' }
const julietUrl = 'impp://example.com/juliet'
const romeoUrl = 'impp://example.com/romeo'

describe('setting up a session (docs/specs/impp-1.0.md §6)', () => {
  test('HELLO states limits, mechanisms and STARTTLS', async () => {
    const hand = new Hand(await fixture())
    const hello = await hand.ask('HELLO', { Domain: 'Example.COM', 'Max-Pending': '3' })
    assert.match(hello.first, /^OK \(HELLO\) \S+ impp\/1\.0$/)
    assert.deepEqual(hello.fields, {
      domain: 'example.com',
      'max-message-size': '20000',
      'max-pending': '4',
      starttls: 'available',
      mechanisms: 'SCRAM-SHA-512 SCRAM-SHA-256 SCRAM-SHA-1 PLAIN',
    })
    assert.equal((await hand.ask('HELLO', { Domain: 'elsewhere.example' })).fields.reason, 'target-unknown')
    assert.equal((await hand.ask('HELLO')).fields.reason, 'malformed')
    assert.equal(
      (await hand.ask('HELLO', { Domain: 'example.com', 'Max-Pending': 'many' })).fields.reason,
      'malformed',
    )
  })

  test('before login nothing but the set-up is taken (E4)', async () => {
    const hand = new Hand(await fixture())
    for (const method of ['SEND', 'FETCH', 'SUBSCRIBE', 'UNSUBSCRIBE', 'CHANGE']) {
      assert.equal(
        (await hand.ask(method, { Target: julietUrl })).fields.reason,
        'user-authentication-required',
      )
    }
    assert.match((await hand.ask('PING')).first, /^OK /)
    assert.equal((await hand.ask('AUTH', { Mechanism: 'PLAIN', Data: '=' })).fields.reason, 'malformed')
    assert.equal((await hand.ask('SET-ACL')).fields.reason, 'operation-not-supported')
  })

  test('a login gives URL, Connection-ID and the lease of the connection', async () => {
    const f = await fixture()
    const hand = await new Hand(f).login('juliet', { Device: 'desk' })
    assert.equal(hand.url, julietUrl)
    assert.equal(hand.connectionId, 'desk')
    const second = await new Hand(f).login('juliet@example.com', { Device: 'desk' })
    assert.match(second.connectionId, /^desk-....$/)
    const third = await new Hand(f).login('juliet', { Device: 'a b' })
    assert.match(third.connectionId, /^[\w-]{8}$/)
    assert.equal(
      (await hand.ask('AUTH', { Mechanism: 'PLAIN', Data: '=' })).fields.reason,
      'operation-not-supported',
    )
  })

  test('a wrong password says nothing of why, and the third ends the connection', async () => {
    const hand = new Hand(await fixture())
    await hand.ask('HELLO', { Domain: 'example.com' })
    for (const name of ['juliet', 'nobody']) {
      const data = Buffer.from(`\0${name}\0wrong`).toString('base64')
      const failed = await hand.ask('AUTH', { Mechanism: 'PLAIN', Data: data })
      assert.deepEqual(failed.fields, { reason: 'authentication-failed' })
    }
    assert.equal((await hand.ask('AUTH', { Mechanism: 'CRAM-MD5' })).fields.reason, 'not-acceptable')
    assert.equal((await hand.ask('AUTH', { Mechanism: 'PLAIN' })).fields.data, '=')
    const aborted = await hand.ask('AUTH', { 'Auth-State': 'abort' })
    assert.equal(aborted.fields.reason, 'authentication-failed')
    await hand.ask('AUTH', { Mechanism: 'PLAIN', Data: Buffer.from('\0juliet\0wrong').toString('base64') })
    assert.match((await hand.next(hand.responses)).first, /^ERROR \(-\) - impp/)
    await settled()
    assert.equal(hand.closed, 'peer')
  })

  test('after STARTTLS all is said again, and octets before the handshake end the connection (§6.2)', async () => {
    const f = await fixture({ plainWithoutTls: false })
    const hand = new Hand(f)
    const hello = await hand.ask('HELLO', { Domain: 'example.com' })
    assert.doesNotMatch(hello.fields.mechanisms as string, /PLAIN/)
    assert.match((await hand.ask('STARTTLS')).first, /^OK /)
    hand.connection.startTls({ secureContext: () => assert.fail() }, { server: false })
    await settled()
    assert.equal(hand.secured, 1)
    assert.equal((await hand.ask('AUTH', { Mechanism: 'PLAIN', Data: '=' })).fields.reason, 'malformed')
    const again = await hand.ask('HELLO', { Domain: 'example.com' })
    assert.equal(again.fields.starttls, 'active')
    assert.match(again.fields.mechanisms as string, /PLAIN/)
    assert.equal((await hand.ask('STARTTLS')).fields.reason, 'operation-not-supported')

    const injecting = new Hand(f)
    await injecting.ask('HELLO', { Domain: 'example.com' })
    injecting.write('STARTTLS 1 impp/1.0\r\n\r\nPING 2 impp/1.0\r\n\r\n')
    await settled()
    assert.equal(injecting.closed, 'reset')
  })

  test('who does not log in in time is told and cut off', async () => {
    const f = await fixture()
    const hand = new Hand(f)
    await hand.ask('PING')
    f.clock.advance(31_000)
    assert.equal((await hand.next(hand.responses)).fields.reason, 'remote-timeout')
    await settled()
    assert.equal(hand.closed, 'peer')
  })

  test('a unit that breaks the grammar is answered and ends the connection (§4 item 6)', async () => {
    const hand = await new Hand(await fixture()).login('juliet')
    hand.write('SEND 5 impp/1.0\r\nno colon\r\n\r\n')
    const seen = await hand.next(hand.responses)
    assert.equal(seen.first, 'ERROR (SEND) 5 impp/1.0')
    assert.equal(seen.fields.reason, 'malformed')
    await settled()
    assert.equal(hand.closed, 'peer')
  })

  test('a body past Max-Message-Size is refused and the connection goes on (IMPP §12)', async () => {
    const hand = await new Hand(await fixture()).login('juliet')
    const seen = await hand.ask('SEND', { Target: romeoUrl }, 'x'.repeat(30_000))
    assert.equal(seen.fields.reason, 'message-too-large')
    assert.equal(seen.fields.to, julietUrl)
    assert.match((await hand.ask('PING')).first, /^OK /)
  })
})

describe('whose request it is (IMPP §19, D87 to D92)', () => {
  test('From and Connection-ID must be those of the login', async () => {
    const hand = await new Hand(await fixture()).login('juliet')
    for (const wrong of [{ From: romeoUrl }, { From: 'nonsense' }, { 'Connection-ID': 'other' }]) {
      const refused = await hand.ask('FETCH', { Target: julietUrl, ...wrong })
      assert.equal(refused.fields.reason, 'permission-denied')
    }
    const cased = await hand.ask('FETCH', { Target: julietUrl, From: 'impp://EXAMPLE.com/Juliet' })
    assert.match(cased.first, /^OK /)
    assert.equal(cased.fields.to, 'impp://EXAMPLE.com/Juliet')
  })

  test('an envelope from a client is malformed: only servers write them', async () => {
    const hand = await new Hand(await fixture()).login('juliet')
    hand.write('ENVELOPE impp/1.0\r\nCopy: sent\r\n\r\nPING 1 impp/1.0\r\n\r\n')
    assert.equal((await hand.next(hand.responses)).fields.reason, 'malformed')
  })
})

describe('SEND (IMPP §18.4)', () => {
  test('the request reaches the target octet for octet, and OK means it was acknowledged', async () => {
    const f = await fixture()
    const romeo = await new Hand(f).login('romeo')
    const juliet = await new Hand(f).login('juliet')
    juliet.answers = 'nothing'
    const fields = { Target: julietUrl, 'Message-ID': 'm1', 'Thread-ID': 't', 'X-Own': 'kept' }
    romeo.request('SEND', '57AQ', fields, 'Zeile 1\r\nZeile 2 🎉')
    const seen = await juliet.next(juliet.requests)
    assert.equal(seen.first, 'SEND 57AQ impp/1.0')
    assert.equal(seen.fields.from, romeoUrl)
    assert.equal(seen.fields['connection-id'], romeo.connectionId)
    assert.equal(seen.fields['x-own'], 'kept')
    assert.equal(seen.body, 'Zeile 1\r\nZeile 2 🎉')
    await settled()
    assert.equal(romeo.responses.length, 0)
    juliet.answer(seen)
    const ok = await romeo.next(romeo.responses)
    assert.equal(ok.first, 'OK (SEND) 57AQ impp/1.0')
    assert.equal(ok.fields.to, romeoUrl)
    assert.equal(ok.body, '')
  })

  test('two senders may use one request-ID: To and Connection-ID tell them apart (§4 item 4)', async () => {
    const f = await fixture()
    const juliet = await new Hand(f).login('juliet')
    const one = await new Hand(f).login('romeo', { Inbox: 'closed' })
    const two = await new Hand(f).login('romeo', { Inbox: 'closed' })
    juliet.answers = 'nothing'
    one.request('SEND', '1', { Target: julietUrl }, 'one')
    const first = await juliet.next(juliet.requests)
    two.request('SEND', '1', { Target: julietUrl }, 'two')
    const second = await juliet.next(juliet.requests)
    juliet.answer(second)
    await settled()
    assert.equal(two.responses.length, 1)
    assert.equal(one.responses.length, 0)
    juliet.answer(first)
    await one.next(one.responses)
  })

  test('for an absent target it is stored, OK shows a closed inbox, and it comes once, stamped', async () => {
    const f = await fixture()
    const romeo = await new Hand(f).login('romeo')
    const ok = await romeo.ask('SEND', { Target: julietUrl, 'Message-ID': 'm1' }, 'later')
    assert.match(ok.first, /^OK /)
    assert.equal(ok.fields['content-type'], 'application/pidf+xml')
    assert.match(ok.body, /<basic>closed<\/basic>/)
    f.clock.advance(60_000)
    const juliet = await new Hand(f).login('juliet')
    const seen = await juliet.next(juliet.requests)
    assert.equal(seen.body, 'later')
    assert.equal(seen.envelope, 'Stored: 2026-01-01T00:00:00.000Z')
    await settled()
    const again = await new Hand(f).login('juliet')
    await settled()
    assert.equal(again.requests.length, 0)
  })

  test('what a connection did not acknowledge before it ended is kept (D19)', async () => {
    const f = await fixture()
    const romeo = await new Hand(f).login('romeo')
    const juliet = await new Hand(f).login('juliet')
    juliet.answers = 'nothing'
    romeo.request('SEND', 'r', { Target: julietUrl }, 'lost?')
    await juliet.next(juliet.requests)
    juliet.connection.destroy()
    const ok = await romeo.next(romeo.responses)
    assert.match(ok.body, /closed/)
    const again = await new Hand(f).login('juliet')
    assert.equal((await again.next(again.requests)).body, 'lost?')
  })

  test('every connection of the target with an open inbox gets it, the sender sees it on their others as a copy (§8.2)', async () => {
    const f = await fixture()
    const romeo = await new Hand(f).login('romeo')
    const other = await new Hand(f).login('romeo')
    const sender = await new Hand(f).login('romeo', { Inbox: 'closed' })
    const juliet = [await new Hand(f).login('juliet'), await new Hand(f).login('juliet')]
    await romeo.ask('SEND', { Target: julietUrl }, 'hello')
    await settled()
    for (const hand of juliet)
      assert.deepEqual(
        hand.requests.map((seen) => [seen.body, seen.envelope]),
        [['hello', '']],
      )
    assert.deepEqual(
      other.requests.map((seen) => [seen.fields.target, seen.envelope]),
      [[julietUrl, 'Copy: sent']],
    )
    assert.equal(sender.requests.length + romeo.requests.length, 0)
  })

  test('refusals are told by their reasons', async () => {
    const f = await fixture()
    const romeo = await new Hand(f).login('romeo')
    const reason = async (fields: Record<string, string>, body?: string) =>
      (await romeo.ask('SEND', fields, body)).fields.reason
    assert.equal(await reason({ Target: 'impp://example.com/nobody' }, 'x'), 'target-unknown')
    assert.equal(await reason({ Target: 'impp://elsewhere.example/x' }, 'x'), 'domain-unknown')
    assert.equal(await reason({ Target: 'mailto:x' }, 'x'), 'address-malformed')
    assert.equal(await reason({}, 'x'), 'malformed')
    assert.equal(await reason({ Target: julietUrl }), 'malformed')
    assert.equal(await reason({ Target: julietUrl, Report: 'failed', About: 'x' }, 'x'), 'permission-denied')
    f.service.contacts.setRule(
      at('juliet@example.com'),
      { subject: 'romeo@example.com', action: 'block', visibility: 'full' },
      () => {},
    )
    await settled()
    assert.equal(await reason({ Target: julietUrl }, 'x'), 'permission-denied')
  })

  test('a chat state is passed on, and dropped when nobody is there (§7.5)', async () => {
    const f = await fixture()
    const romeo = await new Hand(f).login('romeo')
    assert.match((await romeo.ask('SEND', { Target: julietUrl, 'Chat-State': 'composing' })).first, /^OK /)
    const juliet = await new Hand(f).login('juliet')
    await settled()
    assert.equal(juliet.requests.length, 0)
    await romeo.ask('SEND', { Target: julietUrl, 'Chat-State': 'composing' })
    assert.equal((await juliet.next(juliet.requests)).fields['chat-state'], 'composing')
  })

  test('pipelined requests past Max-Pending are refused one by one, the others answered', async () => {
    const f = await fixture()
    const romeo = await new Hand(f).login('romeo')
    const juliet = await new Hand(f).login('juliet')
    juliet.answers = 'nothing'
    for (let i = 0; i < 6; i++) romeo.request('SEND', `p${i}`, { Target: julietUrl }, `${i}`)
    await settled()
    assert.deepEqual(
      romeo.responses.map((seen) => [seen.first.split(' ')[2], seen.fields.reason]),
      [
        ['p4', 'too-many-pending'],
        ['p5', 'too-many-pending'],
      ],
    )
    for (const seen of juliet.requests) juliet.answer(seen)
    await settled()
    assert.equal(romeo.responses.length, 6)
    assert.deepEqual(
      juliet.requests.map((seen) => seen.body),
      ['0', '1', '2', '3'],
    )
  })

  test('a client gets no more at a time than its Max-Pending, nor larger than its Max-Message-Size', async () => {
    const f = await fixture({ pendingMax: 50 })
    const romeo = await new Hand(f).login('romeo')
    const juliet = new Hand(f)
    await juliet.ask('HELLO', { Domain: 'example.com', 'Max-Pending': '2', 'Max-Message-Size': '1024' })
    const done = await juliet.ask('AUTH', {
      Mechanism: 'PLAIN',
      Data: Buffer.from('\0juliet\0secret').toString('base64'),
    })
    assert.equal(done.fields['auth-state'], 'done')
    juliet.answers = 'nothing'
    for (let i = 0; i < 5; i++) romeo.request('SEND', `q${i}`, { Target: julietUrl }, `${i}`)
    await settled()
    assert.equal(juliet.requests.length, 2)
    for (let i = 0; i < 5; i++) {
      juliet.answer(await juliet.next(juliet.requests))
      await settled()
    }
    assert.equal(romeo.responses.length, 5)
    romeo.responses.length = 0
    const large = await romeo.ask('SEND', { Target: julietUrl }, 'x'.repeat(2000))
    assert.match(large.body, /closed/)
    assert.equal(juliet.requests.length, 0)
  })

  test('a failure that comes to light when the sender is gone is reported (Framework of reports, §7.5)', async () => {
    const f = await fixture()
    const about = { from: at('romeo@example.com'), fromAgent: '', to: at('juliet@example.com') }
    f.service.messages.report({ about: 'm\\1', event: 'failed', condition: 'mailbox-full' }, {
      ...about,
    } as never)
    await settled()
    const romeo = await new Hand(f).login('romeo')
    const seen = await romeo.next(romeo.requests)
    assert.equal(seen.fields.from, 'impp://example.com/')
    assert.equal(seen.fields.report, 'failed')
    assert.equal(seen.fields.about, 'm\\\\1')
    assert.equal(seen.fields.origin, julietUrl)
    assert.equal(seen.fields.reason, 'mailbox-full')
  })
})

describe('presence (IMPP §18.1 to §18.3, §18.5 to §18.7)', () => {
  test('SUBSCRIBE returns presence and a lease, changes are notified until UNSUBSCRIBE', async () => {
    const f = await fixture()
    const juliet = await new Hand(f).login('juliet', { Device: 'desk' })
    const romeo = await new Hand(f).login('romeo')
    const ok = await romeo.ask('SUBSCRIBE', { Target: julietUrl, 'Lease-Time': '600' })
    assert.equal(ok.fields['lease-time'], '600')
    assert.equal(ok.fields['subscription-state'], 'active')
    assert.doesNotMatch(ok.body, /<tuple/)
    const changed = await juliet.ask(
      'CHANGE',
      { Target: julietUrl, 'Lease-Time': 'connection', ...pidfType },
      pidf('open', 'x', 'away'),
    )
    assert.equal(changed.fields['lease-time'], 'connection')
    const notify = await romeo.next(romeo.requests)
    assert.match(notify.first, /^CHANGE-NOTIFY /)
    assert.equal(notify.fields.origin, julietUrl)
    assert.equal(notify.fields.target, romeoUrl)
    assert.match(notify.body, /<tuple id="desk"><status><basic>open<\/basic><show xmlns="jabber:client">away/)
    const renewed = await romeo.ask('SUBSCRIBE', { Target: julietUrl, Accept: 'application/impp' })
    assert.equal(renewed.fields['lease-time'], '3600')
    assert.match(renewed.body, /^<presence><entity>pres:juliet@example.com<\/entity><tuple><id>desk<\/id>/)
    assert.match((await romeo.ask('UNSUBSCRIBE', { Target: julietUrl })).first, /^OK /)
    assert.equal(
      (await romeo.ask('UNSUBSCRIBE', { Target: julietUrl })).fields.reason,
      'subscription-unknown',
    )
    await juliet.ask('CHANGE', { Target: julietUrl, 'Lease-Time': '600', ...pidfType }, pidf('closed'))
    await settled()
    assert.equal(romeo.requests.length, 0)
  })

  test('while one CHANGE-NOTIFY waits, what changes is told once, as it then is', async () => {
    const f = await fixture()
    const juliet = await new Hand(f).login('juliet')
    const romeo = await new Hand(f).login('romeo')
    await romeo.ask('SUBSCRIBE', { Target: julietUrl, Accept: 'application/impp' })
    romeo.answers = 'nothing'
    const change = (show: string) =>
      juliet.ask(
        'CHANGE',
        { Target: julietUrl, 'Lease-Time': 'connection', ...pidfType },
        pidf('open', 'x', show),
      )
    await change('chat')
    const first = await romeo.next(romeo.requests)
    await change('away')
    await change('dnd')
    await settled()
    assert.equal(romeo.requests.length, 0)
    romeo.answer(first)
    const second = await romeo.next(romeo.requests)
    assert.match(second.body, /<show>dnd</)
    romeo.answer(second, { Reason: 'subscription-unknown' }, false)
    await change('xa')
    await settled()
    assert.equal(romeo.requests.length, 0)
  })

  test('a connection that dies takes along what it published for its life, after its lease at the latest (§8.4)', async () => {
    const f = await fixture()
    const juliet = await new Hand(f).login('juliet')
    const romeo = await new Hand(f).login('romeo')
    await juliet.ask('CHANGE', { Target: julietUrl, 'Lease-Time': 'connection', ...pidfType }, pidf('open'))
    assert.match((await romeo.ask('SUBSCRIBE', { Target: julietUrl })).body, /open/)
    juliet.answers = 'nothing' // it hears and says nothing any more
    f.clock.advance(61_000)
    await settled()
    f.clock.advance(61_000)
    await settled()
    assert.equal(juliet.closed, 'peer')
    assert.doesNotMatch((await romeo.next(romeo.requests)).body, /<tuple/)
    assert.equal(romeo.closed, '', 'who answers pings stays')
  })

  test('a leased value outlives its connection, ends with its lease, and the permanent one returns (D78 to D80)', async () => {
    const f = await fixture()
    const juliet = await new Hand(f).login('juliet')
    const romeo = await new Hand(f).login('romeo')
    const permanent = await juliet.ask(
      'CHANGE',
      { Target: julietUrl, 'Lease-Time': 'infinity', ...pidfType },
      pidf('closed', 'p'),
    )
    assert.equal(permanent.fields['lease-time'], 'infinity')
    const leased = await juliet.ask(
      'CHANGE',
      { Target: julietUrl, 'Lease-Time': '99999', ...pidfType },
      pidf('open'),
    )
    assert.equal(leased.fields['lease-time'], '7200')
    await juliet.ask('CHANGE', { Target: julietUrl, 'Lease-Time': '60', ...pidfType }, pidf('open'))
    await juliet.ask('QUIT')
    await settled()
    assert.equal(juliet.closed, 'peer')
    assert.match((await romeo.ask('FETCH', { Target: julietUrl })).body, /open/)
    f.clock.advance(60_000)
    await settled()
    assert.match((await romeo.ask('FETCH', { Target: julietUrl })).body, /closed/)
    const again = await new Hand(f).login('juliet')
    await again.ask('CHANGE', { Target: julietUrl, 'Lease-Time': 'infinity' })
    assert.doesNotMatch((await romeo.ask('FETCH', { Target: julietUrl })).body, /<tuple/)
  })

  test('a subscription ends with its lease and is told no more (IMPP §14, D51)', async () => {
    const f = await fixture({ connectionSeconds: 80_000 })
    const juliet = await new Hand(f).login('juliet')
    const romeo = await new Hand(f).login('romeo')
    assert.equal(
      (await romeo.ask('SUBSCRIBE', { Target: julietUrl, 'Lease-Time': '1' })).fields['lease-time'],
      '30',
    )
    f.clock.advance(31_000)
    await settled()
    await juliet.ask('CHANGE', { Target: julietUrl, 'Lease-Time': '60', ...pidfType }, pidf('open'))
    await settled()
    assert.equal(romeo.requests.length, 0)
    assert.equal(
      (await romeo.ask('UNSUBSCRIBE', { Target: julietUrl })).fields.reason,
      'subscription-unknown',
    )
  })

  test('a subscription that waits for its owner shows nothing; approval notifies, a block terminates it', async () => {
    const f = await fixture()
    const juliet = await new Hand(f).login('juliet')
    const romeo = await new Hand(f).login('romeo')
    const rule = (action: 'confirm' | 'block' | 'polite-block') =>
      new Promise<void>((resolve) =>
        f.service.contacts.setRule(
          at('juliet@example.com'),
          { subject: 'romeo@example.com', action, visibility: 'full' },
          () => resolve(),
        ),
      )
    await rule('confirm')
    await juliet.ask('CHANGE', { Target: julietUrl, 'Lease-Time': '600', ...pidfType }, pidf('open'))
    const ok = await romeo.ask('SUBSCRIBE', { Target: julietUrl })
    assert.equal(ok.fields['subscription-state'], 'pending')
    assert.doesNotMatch(ok.body, /<tuple/)
    assert.equal((await romeo.ask('FETCH', { Target: julietUrl })).fields.reason, 'permission-denied')
    f.service.contacts.approve(at('juliet@example.com'), at('romeo@example.com'), undefined, () => {})
    assert.match((await romeo.next(romeo.requests)).body, /open/)
    await rule('block')
    const terminated = await romeo.next(romeo.requests)
    assert.match(terminated.first, /^TERMINATE-SUBSCRIPTION /)
    assert.equal(terminated.fields.origin, julietUrl)
    assert.equal((await romeo.ask('SUBSCRIBE', { Target: julietUrl })).fields.reason, 'permission-denied')
    await rule('polite-block')
    const polite = await romeo.ask('SUBSCRIBE', { Target: julietUrl })
    assert.deepEqual([polite.fields['subscription-state'], /<tuple/.test(polite.body)], ['active', false])
  })

  test('what CHANGE refuses', async () => {
    const f = await fixture()
    const juliet = await new Hand(f).login('juliet')
    const reason = async (fields: Record<string, string>, body?: string) =>
      (await juliet.ask('CHANGE', fields, body)).fields.reason
    const own = { Target: julietUrl, 'Lease-Time': '60' }
    assert.equal(await reason({ ...own, Target: romeoUrl, ...pidfType }, pidf('open')), 'permission-denied')
    assert.equal(
      await reason({ ...own, 'Content-Type': 'text/xml' }, pidf('open')),
      'mime-type-not-understood',
    )
    assert.equal(await reason({ ...own, ...pidfType }, '<presence/>'), 'malformed')
    assert.equal(await reason(own), 'malformed')
    assert.equal(await reason({ Target: julietUrl, ...pidfType }, pidf('open')), 'malformed')
    assert.equal(await reason({ ...own, 'Lease-Time': 'soon', ...pidfType }, pidf('open')), 'malformed')
  })

  test('what SUBSCRIBE and FETCH refuse, and the limit on subscriptions', async () => {
    const f = await fixture()
    const romeo = await new Hand(f).login('romeo')
    for (const method of ['SUBSCRIBE', 'FETCH']) {
      const reason = async (fields: Record<string, string>) => (await romeo.ask(method, fields)).fields.reason
      assert.equal(await reason({ Target: 'impp://example.com/nobody' }), 'target-unknown')
      assert.equal(await reason({ Target: 'nonsense' }), 'address-malformed')
      assert.equal(await reason({}), 'malformed')
      assert.equal(await reason({ Target: julietUrl, Accept: 'text/html' }), 'mime-type-not-understood')
    }
    assert.equal(
      (await romeo.ask('SUBSCRIBE', { Target: julietUrl, 'Lease-Time': 'x' })).fields.reason,
      'malformed',
    )
    const fetched = await romeo.ask('SUBSCRIBE', { Target: julietUrl, 'Lease-Time': '0' })
    assert.equal(fetched.fields['lease-time'], undefined)
    assert.match(fetched.first, /^OK /)
    await f.service.accounts.add(
      ['a', 'b', 'c'].map((name) => ({ address: at(`${name}@example.com`), password: 'x' })),
    )
    for (const name of ['a', 'b', 'c']) await romeo.ask('SUBSCRIBE', { Target: `impp://example.com/${name}` })
    assert.equal((await romeo.ask('SUBSCRIBE', { Target: julietUrl })).fields.reason, 'too-many-pending')
  })
})

test('an account that is removed signs its connections out', async () => {
  const f = await fixture()
  const juliet = await new Hand(f).login('juliet')
  await f.service.accounts.remove(at('juliet@example.com'))
  assert.equal((await juliet.next(juliet.responses)).fields.reason, 'permission-denied')
  await settled()
  assert.equal(juliet.closed, 'peer')
})

test('kept octets that are no request of ours are a fault', () => {
  assert.throws(() => protocol.revive({ id: 'x' } as never, utf8('nonsense')), /no request/)
})
