// Every answer that docs/specs/prim.md §7.1 and §7.2 name, by what gets it: a row of those tables without a test here fails, and so does a test without a row.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { afterEach, describe, test } from 'node:test'
import { outcomeOf } from '../../src/protocols/prim/binding-domains.ts'
import { conditionOf, phraseOf, phrases } from '../../src/protocols/prim/codec/status.ts'
import { methods } from '../../src/protocols/prim/methods/index.ts'
import { at, type Fixture, fixture, settled } from '../../src/protocols/prim/testing/fixture.ts'
import { dropHands, Hand, pidf } from '../../src/protocols/prim/testing/hand.ts'
import { Server, servers } from '../../src/protocols/prim/testing/server-by-hand.ts'
import { everything, twoDomains } from '../../src/protocols/prim/testing/two-domains.ts'

afterEach(dropHands)

const document = readFileSync(new URL('../../docs/specs/prim.md', import.meta.url), 'utf8')

function tableOf(section: string): readonly (readonly string[])[] {
  const rows = document.slice(document.indexOf(`### ${section} `)).split('\n')
  const first = rows.findIndex((line) => line.startsWith('|---'))
  const last = rows.findIndex((line, at) => at > first && !line.startsWith('|'))
  return rows.slice(first + 1, last).map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

const answers = new Map(
  tableOf('7.1').map(([method = '', cell = '']) => [method, cell.split(' ').filter(Boolean)]),
)

const text = { 'Content-Type': 'text/plain' }
const xml = { 'Content-Type': 'application/xml' }
const leased = {
  'PI-Type': 'leased',
  Duration: '300',
  'Tuple-ID': 'im',
  'Content-Type': 'application/pidf+xml',
}
const toBob = { To: 'pres:bob@example.com' }
const From = 'im:bob@example.com'
const init = { From, 'Auth-State': 'init', 'SASL-Mech': 'PLAIN' }

interface Scene {
  readonly f: Fixture
  /** Logged in to both services. */
  readonly alice: Hand
  readonly bob: Hand
}

async function scene(settings: Parameters<typeof fixture>[0] = {}): Promise<Scene> {
  const f = await fixture(settings)
  const both = async (name: string): Promise<Hand> =>
    (await new Hand(f).login(name, 'pres')).login(name, 'im')
  return { f, alice: await both('alice'), bob: await both('bob') }
}

function rule(f: Fixture, action: 'allow' | 'block'): void {
  const subject = 'alice@example.com'
  f.service.contacts.setRule(at('bob@example.com'), { subject, action, visibility: 'full' }, () => {})
}

const mail = (to: string, id = 'm'): Record<string, string> => ({ To: to, 'Message-ID': id, ...text })

/** A status of a client's request. */
type Act = (scene: Scene) => Promise<number>

const asked =
  (who: 'alice' | 'bob', method: string, fields: Record<string, string> = {}, body = ''): Act =>
  async (all) => {
    const service =
      methods.get(method)?.service === 'im' || fields.To?.startsWith('im:') ? 'message' : 'presence'
    return (await all[who][service](method, fields, body)).status
  }

/** The acts one after another: the last one's status. */
const after =
  (...acts: readonly ((scene: Scene) => unknown)[]): Act =>
  async (all) => {
    let status: unknown = 0
    for (const act of acts) status = await act(all)
    return status as number
  }

const fresh =
  (start: string, fields: Record<string, string>, settings: Parameters<typeof fixture>[0] = {}) =>
  async (): Promise<number> =>
    (await new Hand(await fixture(settings)).ask(start, fields)).status

const published = asked('bob', 'PUBLISH', leased, pidf('open'))
const subscribed = asked('alice', 'SUBSCRIBE', { ...toBob, Duration: '600' })

/** On a connection between domains that has proven itself. */
const between =
  (request: string, settings: Parameters<typeof servers>[0] = {}) =>
  async (): Promise<number> => {
    const { server } = await servers(settings)
    await server.login()
    return statusIn(await server.say(request))
  }

function statusIn(said: string): number {
  return Number(/^PRIM\/1\.0 \S+ \d+ (\d{3}) /m.exec(said)?.[1])
}

const carol = 'From: pres:carol@example.net\nTo: pres:bob@example.com\n'
const weak = { strengthMin: 'medium' } as const

const acts: Readonly<Record<string, Act>> = {
  'LOGIN 100': fresh('LOGIN PRIM-IM', init),
  'LOGIN 200': async () => {
    await new Hand(await fixture()).login('bob')
    return 200
  },
  'LOGIN 300': fresh('LOGIN PRIM-IM', init, { redirect: 'chat.example.com' }),
  'LOGIN 406': fresh('LOGIN PRIM-IM', { ...init, 'SASL-Mech': 'NTLM' }),
  'LOGIN 409': async ({ bob }) => (await bob.ask('LOGIN PRIM-IM', init)).status,
  'STARTTLS 200': fresh('STARTTLS PRIM-IM', {}),
  'STARTTLS 501': async ({ f }) =>
    (await new Hand({ ...f, environment: { ...f.environment, tls: undefined } }).ask('STARTTLS PRIM-PR'))
      .status,
  'VERIFYSERVER 200': between('VERIFYSERVER PRIM/1.0 1 0\nServer-Address: 192.0.2.1\n\n'),
  'VERIFYSERVER 403': between('VERIFYSERVER PRIM/1.0 1 0\nServer-Address: 192.0.2.2\n\n'),
  'SUBSCRIBE 200': subscribed,
  'SUBSCRIBE 201': asked('alice', 'SUBSCRIBE', { ...toBob, Duration: '1' }),
  'SUBSCRIBE 402': after(({ f }) => rule(f, 'block'), subscribed),
  'SUBSCRIBE 403': asked('alice', 'SUBSCRIBE', { To: 'pres:nobody@example.com', Duration: '600' }),
  'SUBSCRIBE 410': between(`SUBSCRIBE PRIM/1.0 1 0\n${carol}Duration: 600\nSubscription-ID: k\n\n`, weak),
  'SUBSCRIBE 505': after(
    ...[1, 2, 3, 4].map((id) =>
      asked('alice', 'SUBSCRIBE', { ...toBob, Duration: '600', 'Subscription-ID': `${id}` }),
    ),
  ),
  'UNSUBSCRIBE 200': after(subscribed, asked('alice', 'UNSUBSCRIBE', toBob)),
  'UNSUBSCRIBE 404': asked('alice', 'UNSUBSCRIBE', toBob),
  'FETCH 200': asked('alice', 'FETCH', toBob),
  'FETCH 402': after(({ f }) => rule(f, 'block'), asked('alice', 'FETCH', toBob)),
  'FETCH 403': asked('alice', 'FETCH', { To: 'pres:nobody@example.com' }),
  'FETCH 410': between(`FETCH PRIM/1.0 1 0\n${carol}\n`, weak),
  'FETCH 504': async () => {
    const two = await twoDomains()
    two.up = false
    const alice = await new Hand(two.there).login('alice', 'pres')
    return (await alice.presence('FETCH', toBob)).status
  },
  'NOTIFY 200': async () => {
    const two = await twoDomains()
    const alice = await new Hand(two.there).login('alice', 'pres')
    const own = { subject: 'alice@example.net', action: 'allow', visibility: 'full' } as const
    two.here.service.contacts.setRule(at('bob@example.com'), own, () => {})
    await alice.presence('SUBSCRIBE', { ...toBob, Duration: '600' })
    await everything()
    const told = two.wires.said.findIndex(({ octets }) => octets.startsWith('NOTIFY '))
    return statusIn(two.wires.said.slice(told).find(({ octets }) => octets.startsWith('PRIM/'))?.octets ?? '')
  },
  'NOTIFY 403': between(`NOTIFY PRIM/1.0 1 0\n${carol}Subscription-ID: k\n\n`),
  'CANCELSUBSCRIPTION 200': between(`CANCELSUBSCRIPTION PRIM/1.0 1 0\n${carol}\n`),
  'PUBLISH 200': published,
  'PUBLISH 403': asked('bob', 'PUBLISH', { 'PI-Type': 'renew', Duration: '60', 'Tuple-ID': 'im' }),
  'PUBLISH 505': after(
    ...Array.from({ length: 65 }, (_, id) =>
      asked('bob', 'PUBLISH', { ...leased, 'Tuple-ID': `t${id}` }, pidf('open')),
    ),
  ),
  'REMOVE 200': after(published, asked('bob', 'REMOVE', { 'Tuple-ID': 'im' })),
  'REMOVE 403': asked('bob', 'REMOVE', { 'Tuple-ID': 'im' }),
  'SETCLASSTABLE 200': asked('bob', 'SETCLASSTABLE', xml, '<classtable/>'),
  'SETCLASSTABLE 505': asked(
    'bob',
    'SETCLASSTABLE',
    xml,
    `<classtable>${Array.from({ length: 101 }, (_, id) => `<class name="c${id}"/>`).join('')}</classtable>`,
  ),
  'GETCLASSTABLE 200': asked('bob', 'GETCLASSTABLE'),
  'STARTWATCHERNOTIFY 200': asked('bob', 'STARTWATCHERNOTIFY'),
  'STOPWATCHERNOTIFY 200': asked('bob', 'STOPWATCHERNOTIFY'),
  'SEND 101': asked('alice', 'SEND', mail('im:bob@example.com')),
  'SEND 200': after(asked('bob', 'LISTEN'), asked('alice', 'SEND', mail('im:bob@example.com'), 'x')),
  'SEND 402': after(({ f }) => rule(f, 'block'), asked('alice', 'SEND', mail('im:bob@example.com'), 'x')),
  'SEND 403': asked('alice', 'SEND', mail('im:nobody@example.com'), 'x'),
  'SEND 408': after(
    ...Array.from({ length: 101 }, (_, id) =>
      asked('alice', 'SEND', mail('im:bob@example.com', `${id}`), 'x'),
    ),
  ),
  'SEND 410': between(
    'SEND PRIM/1.0 1 1\nFrom: im:carol@example.net\nTo: im:bob@example.com\nMessage-ID: m\nContent-Type: a/b\n\nx',
    weak,
  ),
  'LISTEN 200': asked('bob', 'LISTEN'),
  'SILENCE 200': after(asked('bob', 'LISTEN'), asked('bob', 'SILENCE')),
  'SILENCE 408': asked('bob', 'SILENCE'),
  'SETACL 200': asked('bob', 'SETACL', xml, '<acl/>'),
  'SETACL 501': asked(
    'bob',
    'SETACL',
    xml,
    '<acl><entry><target><address>.</address></target><allow><remove/></allow></entry></acl>',
  ),
  'GETACL 200': asked('bob', 'GETACL'),
}

describe('what each request is answered (docs/specs/prim.md §7.1)', () => {
  test('the table has the 22 requests of PRIM, and each of its answers is got here', () => {
    assert.equal(answers.size, 22)
    for (const method of methods.keys()) assert.ok(answers.has(method), method)
    const named = [...answers].flatMap(([method, statuses]) =>
      statuses.map((status) => `${method} ${status}`),
    )
    assert.deepEqual(named.sort(), Object.keys(acts).sort())
  })

  for (const [name, act] of Object.entries(acts)) {
    const status = Number(name.split(' ')[1])
    test(`${name} ${phraseOf(status)}`, async () => assert.equal(await act(await scene()), status))
  }

  const answered = [...methods].filter(([, { isAnswered }]) => isAnswered)
  for (const [method, { service, hasBody, when }] of answered) {
    const scheme = service === 'im' ? 'im' : 'pres'
    const token = scheme === 'im' ? 'PRIM-IM' : 'PRIM-PR'
    const isOpening = when === 'before-login'
    test(`${method}: 400, 401, 402, 500, 503, as every request`, async () => {
      const { f, bob } = await scene()
      const own = { From: `${scheme}:bob@example.com` }
      const said = async (hand: Hand, fields: Record<string, string>, body = ''): Promise<number> =>
        (await hand.ask(`${method} ${token}`, fields, body)).status
      if (!isOpening) {
        assert.equal(await said(new Hand(f), own), 401)
        assert.equal(await said(bob, { From: `${scheme}:alice@example.com` }), 402)
        assert.equal(await said(bob, {}), 400)
      }
      const wrong = hasBody ? { ...own, 'Content-Transfer-Encoding': 'base64' } : { ...own, ...text }
      assert.equal(await said(new Hand(f), wrong, hasBody ? '' : 'x'), isOpening || hasBody ? 400 : 401)
      const busy = await fixture({ pendingMax: 0 })
      assert.equal(await said(new Hand(busy), own), 500)
      const other = new Hand(f)
      other.write(`${method} ${token}/2.0 1 0\r\n\r\n`)
      await settled()
      assert.equal(other.responses[0]?.status, 503)
    })
  }

  for (const method of [...answers.keys()].filter((name) => !methods.has(name)))
    test(`${method} is for servers: 501 to a client`, async () => {
      const { bob } = await scene()
      assert.equal((await bob.presence(method)).status, 501)
    })

  test('every code of §7 is given here, or read alone', () => {
    const common = ['400', '401', '402', '500', '503', '501']
    const given = new Set([...[...answers.values()].flat(), ...common])
    const alone = Object.keys(phrases).filter((status) => !given.has(status))
    assert.deepEqual(alone, ['407', '502'])
  })
})

describe('what each status means as an answer to us (docs/specs/prim.md §7.2)', () => {
  const rows = new Map(tableOf('7.2').map(([status = '', ...cells]) => [status, cells]))
  const rowOf = (status: number): readonly string[] =>
    rows.get(String(status)) ?? rows.get(`${String(status)[0]}xx`) ?? rows.get('any other') ?? []
  const all = [...Object.keys(phrases).map(Number), 299, 499, 599]

  for (const status of all) {
    const [device = '', domain = '', subscribe = '', notify = ''] = rowOf(status)
    test(`${status} of a device to SEND: ${device}`, async () => {
      const { alice, bob } = await scene()
      await bob.message('LISTEN')
      bob.answers = status
      const told = (await alice.message('SEND', mail(bob.im), 'x')).status
      assert.equal(told, { delivered: 200, refused: 402, 'another device, the store': 101 }[device])
    })

    test(`${status} of another domain to SEND: ${domain}`, () => {
      const outcome = outcomeOf({ status } as Parameters<typeof outcomeOf>[0])
      const [kind, condition] = domain.split(': ')
      if (kind === 'delivered' || kind === 'relayed') return assert.deepEqual(outcome, { kind })
      assert.ok(outcome.kind === 'refused')
      if (kind === 'offered again') assert.equal(outcome.condition, 'remote-timeout')
      else assert.equal(outcome.condition, condition ?? conditionOf(status))
    })

    test(`${status} to NOTIFY: ${notify}`, async () => {
      const { two, server } = await servers()
      const far: Server[] = []
      two.byHand.set('192.0.2.17', (connection) => far.push(new Server(connection)))
      const own = { subject: 'carol@example.net', action: 'allow', visibility: 'full' } as const
      two.here.service.contacts.setRule(at('bob@example.com'), own, () => {})
      await server.login()
      const asking = `SUBSCRIBE PRIM/1.0 1 0\n${carol}Duration: 600\nSubscription-ID: k\n\n`
      assert.equal(statusIn(await server.say(asking)), 200)
      const near = await ready(far)
      assert.match(near.told.splice(0).join(''), /^NOTIFY PRIM\/1\.0 d4 /)
      near.write(`PRIM/1.0 d4 0 ${status} So\n\n`)
      await everything()
      two.clock.advance(20_000)
      await everything()
      const isAgain = near.told.some((octets) => octets.startsWith('NOTIFY '))
      const isOver = two.here.domains.watchers.size === 0
      const news = notify === 'the next change' ? notify : 'told'
      assert.equal(isOver ? 'the subscription ends' : isAgain ? 'told again' : news, notify)
    })

    test(`${status} to SUBSCRIBE: ${subscribe}`, async () => {
      const two = await twoDomains()
      const far: Server[] = []
      two.byHand.set('192.0.2.17', (connection) => far.push(new Server(connection)))
      const bob = await new Hand(two.here).login('bob', 'pres')
      const subscription = bob.presence('SUBSCRIBE', { To: 'pres:carol@example.net', Duration: '600' })
      const server = await ready(far)
      assert.match(server.told.splice(0).join(''), /^SUBSCRIBE PRIM\/1\.0 d4 0\r\n/)
      server.write(`PRIM/1.0 d4 0 ${status} So\n\n`)
      await everything()
      await subscription
      two.clock.advance(20_000)
      await everything()
      const again = server.told.splice(0).join('')
      const isOver = bob.requests.some(({ first }) => first.startsWith('CANCELSUBSCRIPTION'))
      const found = /^SUBSCRIBE /.test(again) ? 'asked again' : isOver ? 'ended' : 'granted'
      assert.equal(found, subscribe === 'rejected' || subscribe === 'noresource' ? 'ended' : subscribe)
    })
  }

  /** Our connection to a server by hand, set up to its LOGIN. */
  async function ready(far: readonly Server[]): Promise<Server> {
    await everything()
    const [server] = far
    assert.ok(server)
    await server.agree()
    return server
  }
})
