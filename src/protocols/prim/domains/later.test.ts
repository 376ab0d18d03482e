// What reaches another domain, or is known of it, only later: reports, news that wait, messages that it did nothing with (docs/specs/prim.md §6.1, §8.3, §8.4).
import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import type { Envelope, Head, InstantMessage } from '#model'
import { at } from '../testing/fixture.ts'
import { dropHands, Hand, pidf } from '../testing/hand.ts'
import { Server, servers } from '../testing/server-by-hand.ts'
import { everything, twoDomains } from '../testing/two-domains.ts'

afterEach(dropHands)

const plain = { 'Content-Type': 'text/plain; charset=UTF-8' }
const otherHead: Omit<Head, 'from' | 'to'> = {
  protocol: 'other',
  kind: 'message',
  fromAgent: '',
  toAgent: '',
  id: 'm',
  hops: 110,
  size: 1,
  whenAbsent: 'store',
  whenAgentGone: 'inbox',
  storable: true,
  copyable: true,
}
const leased = { 'PI-Type': 'leased', 'Tuple-ID': 'im', 'Content-Type': 'application/pidf+xml' }

describe('what is known or told later', () => {
  test('what becomes known of a message later reaches its sender in the other domain (§6.1)', async () => {
    const two = await twoDomains()
    const alice = await new Hand(two.there).login('alice')
    await alice.message('LISTEN')
    const toBob = { To: 'im:bob@example.com', 'Message-ID': 'kept', ...plain }
    assert.equal((await alice.message('SEND', toBob, 'x')).status, 101)
    const bob = await new Hand(two.here).login('bob')
    bob.answers = 402
    await bob.message('LISTEN')
    await everything()
    const { fields } = await alice.next()
    assert.deepEqual(
      [fields.From, fields.Report, fields.About, fields.Status],
      ['im:bob@example.com', 'failed', 'kept', '402'],
    )
    assert.equal((await two.there.service.store.queuedDomains()).length, 0)
  })

  test('a report that says nothing, or speaks for another domain, is refused (§6.1, §8.3)', async () => {
    const { server } = await servers()
    await server.login()
    const fields = 'To: im:bob@example.com\nMessage-ID: r\nContent-Type: a/b\n'
    const said = async (more: string): Promise<string> =>
      (await server.say(`SEND PRIM/1.0 9 1\n${fields}${more}\nx`)).slice(0, 16)
    const carol = 'From: im:carol@example.net\n'
    assert.equal(await said(`${carol}Report: failed\n`), 'PRIM/1.0 9 0 400')
    assert.equal(await said(`${carol}Report: read\nAbout: m\n`), 'PRIM/1.0 9 0 400')
    assert.equal(await said('From: im:dan@example.org\nReport: failed\nAbout: m\n'), 'PRIM/1.0 9 0 402')
    assert.equal(await said(`${carol}Report: failed\nReport: failed\nAbout: m\n`), 'PRIM/1.0 9 0 400')
    assert.equal(await said(`${carol}Report: failed\nAbout: m\n`), 'PRIM/1.0 9 0 101')
  })

  test('news for a domain that is away wait for it, as they then are, until the Duration is over (§8.4)', async () => {
    const two = await twoDomains()
    const bob = await new Hand(two.here).login('bob', 'pres')
    const alice = await new Hand(two.there).login('alice', 'pres')
    const rule = { subject: 'alice@example.net', action: 'allow', visibility: 'full' } as const
    two.here.service.contacts.setRule(at('bob@example.com'), rule, () => {})
    await alice.presence('SUBSCRIBE', { To: bob.pres, Duration: '3600' })
    await everything()
    two.up = false
    two.wires.cutAll()
    for (const note of ['one', 'two'])
      await bob.presence('PUBLISH', { ...leased, Duration: '7200' }, pidf('open', note))
    for (let minute = 0; minute < 10; minute++) {
      two.clock.advance(60_000)
      await everything()
    }
    two.up = true
    two.clock.advance(300_000 * 1.25)
    await everything()
    const seen = alice.requests.map(({ body }) => /<note>(.*?)</.exec(body)?.[1] ?? '')
    assert.equal(seen.at(-1), 'two')
    assert.ok(!seen.includes('one'))
  })

  test('what waits for a connection when the server stops is given back, and waits on the disk', async () => {
    const two = await twoDomains()
    two.byHand.set('192.0.2.1', () => {})
    const alice = await new Hand(two.there).login('alice')
    alice.send('SEND PRIM-IM', { From: alice.im, To: 'im:bob@example.com', 'Message-ID': 'm', ...plain }, 'x')
    await everything()
    assert.deepEqual(await two.there.service.store.queuedDomains(), [])
    two.there.domains.stop()
    await everything()
    assert.equal((await two.there.service.store.queued('example.com', 0, 10))[0]?.head.id, 'm')
    assert.equal(alice.responses.at(-1)?.status, 101)
  })

  test('a message of another protocol has a Hop-Count, as many as PRIM has at most (§5.3)', async () => {
    const two = await twoDomains()
    const head = { ...otherHead, from: at('bob@example.com'), to: at('alice@example.net') }
    const view: InstantMessage = {
      ...{ from: head.from, to: head.to, id: 'm', thread: '', subject: [], kind: 'chat' as const },
      body: [{ language: '', text: 'x' }],
    }
    const raw = new Uint8Array(1)
    const envelope: Envelope = { head, raw, content: () => undefined, view: () => view, keep: () => envelope }
    await new Promise((resolve) => two.here.service.messages.send(envelope, resolve))
    const said = two.wires.texts.find((octets) => octets.startsWith('SEND ')) ?? ''
    assert.match(said, /\r\nHop-Count: 19\r\n/)
  })

  test('NOTIFY with Duration 0 ends what it is about, whatever its body; so does CANCELSUBSCRIPTION of the earlier drafts (§8.4)', async () => {
    const ends = {
      'NOTIFY PRIM/1.0 9 0': 'Subscription-ID: ID\nDuration: 0\n',
      'NOTIFY PRIM/1.0 9 1': 'Duration: 0\nContent-Type: a/b\n',
      'CANCELSUBSCRIPTION PRIM/1.0 9 0': '',
    }
    for (const [line, fields] of Object.entries(ends)) {
      const two = await twoDomains()
      const bob = await new Hand(two.here).login('bob', 'pres')
      await bob.presence('SUBSCRIBE', { To: 'pres:alice@example.net', Duration: '600' })
      await everything()
      const said = two.wires.texts.find((octets) => octets.startsWith('SUBSCRIBE ')) ?? ''
      const id = /Subscription-ID: (\S+)/.exec(said)?.[1] ?? ''
      const server = new Server(two.strike())
      await server.secure()
      await server.login()
      const parties = 'From: pres:alice@example.net\nTo: pres:bob@example.com\n'
      const body = line.endsWith('1') ? 'x' : ''
      const answer = await server.say(`${line}\n${parties}${fields.replace('ID: ID', `ID: ${id}`)}\n${body}`)
      assert.match(answer, /^PRIM\/1\.0 9 0 200 /, line)
      await everything()
      assert.match(bob.requests.at(-1)?.first ?? '', /^CANCELSUBSCRIPTION /, line)
    }
  })
})

describe('500 of another domain (§8.3)', () => {
  /** alice's message to bob, whose server answers as told; what alice was answered, and told since. */
  async function turnedAway(times: number) {
    const two = await twoDomains()
    const far: Server[] = []
    two.byHand.set('192.0.2.1', (connection) => far.push(new Server(connection)))
    const alice = await new Hand(two.there).login('alice')
    await alice.message('LISTEN')
    const asked = alice.message('SEND', { To: 'im:bob@example.com', 'Message-ID': 'm', ...plain }, 'x')
    await everything()
    let offers = 0
    for (let time = 0; time < 700; time++) {
      for (const server of far) {
        if (server.told.some((octets) => octets.startsWith('STARTTLS '))) await server.agree()
        for (const octets of server.told.splice(0)) {
          const id = /^SEND PRIM\/1\.0 (\S+) /.exec(octets)?.[1]
          if (id === undefined) continue
          offers++
          server.write(`PRIM/1.0 ${id} 0 ${offers > times ? '200 OK' : '500 Internal Server Error'}\n\n`)
          await everything()
        }
      }
      two.clock.advance(5000)
      await everything()
    }
    return { offers, status: (await asked).status, told: alice.requests.map(({ fields }) => fields) }
  }

  test('the message waits, and goes when it is taken', async () => {
    const { offers, status, told } = await turnedAway(3)
    assert.deepEqual([offers, status, told], [4, 101, []])
  })

  test('one that is never taken is given up, and its sender told', async () => {
    const { offers, status, told } = await turnedAway(100)
    assert.deepEqual([offers, status], [9, 101])
    assert.deepEqual(
      told.map(({ Report, About, Status }) => [Report, About, Status]),
      [['failed', 'm', '500']],
    )
  })
})
