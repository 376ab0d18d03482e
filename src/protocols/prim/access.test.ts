import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { createMemoryStore } from '#store'
import { at, type Fixture, fixture, settled } from './testing/fixture.ts'
import { dropHands, Hand, pidf } from './testing/hand.ts'

afterEach(dropHands)

const xml = { 'Content-Type': 'application/xml' }
const toBob = { To: 'pres:bob@example.com' }
const document = { 'Content-Type': 'application/pidf+xml' }
const leased = { 'PI-Type': 'leased', Duration: '300', 'Tuple-ID': 'im', ...document }
const permanent = { 'PI-Type': 'permanent', 'Tuple-ID': 'im', ...document }

const table =
  '<classtable><class name="friends"><watcher>alice@example.com</watcher></class><class name="blocked"><watcher>mallory@example.com</watcher></class></classtable>'

interface Scene {
  readonly f: Fixture
  readonly alice: Hand
  readonly bob: Hand
  readonly mallory: Hand
}

async function three(): Promise<Scene> {
  const f = await fixture()
  const [alice, bob, mallory] = await Promise.all(
    ['alice', 'bob', 'mallory'].map((name) => new Hand(f).login(name, 'pres')),
  )
  assert.ok(alice && bob && mallory)
  return { f, alice, bob, mallory }
}

function entry(target: string, ...rights: string[]): string {
  const allow = rights.map((right) => `<${right}/>`).join('')
  return `<entry><target><address>${target}</address></target><allow>${allow}</allow></entry>`
}

describe('access lists (docs/specs/prim.md §6.4)', () => {
  test('a new presentity lets its own domain see and others ask; a new inbox lets everybody send', async () => {
    const { bob } = await three()
    const own = await bob.presence('GETACL')
    assert.equal(
      own.body,
      `<acl>${entry('@example.com', 'fetch', 'subscribe')}${entry('.', 'subscribe')}</acl>`,
    )
    await bob.login('bob', 'im')
    assert.equal((await bob.message('GETACL')).body, `<acl>${entry('.', 'send')}</acl>`)
  })

  test('the most exact entry counts, and who is found in none may do nothing', async () => {
    const { alice, bob, mallory } = await three()
    const list = `<acl>${entry('alice@example.com', 'fetch', 'subscribe')}${entry('@example.com')}</acl>`
    assert.equal((await bob.presence('SETACL', xml, list)).status, 200)
    assert.equal((await alice.presence('FETCH', toBob)).status, 200)
    assert.equal((await mallory.presence('FETCH', toBob)).status, 402)
    assert.equal((await bob.presence('FETCH', toBob)).status, 200, 'the owner has all rights')
    assert.equal(
      (await bob.presence('GETACL')).body,
      `<acl>${entry('alice@example.com', 'fetch', 'subscribe')}${entry('@example.com')}${entry('.')}</acl>`,
    )
  })

  test('an entry may be about a domain with its subdomains: it counts behind the domain itself and before everybody', async () => {
    const { f, alice, bob, mallory } = await three()
    const rule = { subject: '*.com', action: 'block', visibility: 'full' } as const
    f.service.contacts.setRule(at('bob@example.com'), rule, () => {})
    const { body } = await bob.presence('GETACL')
    assert.equal(body, `<acl>${entry('@*.com')}${entry('.', 'subscribe')}</acl>`)
    assert.equal((await alice.presence('FETCH', toBob)).status, 402)
    assert.equal((await bob.presence('SETACL', xml, body)).status, 200)
    assert.equal((await bob.presence('GETACL')).body, body)
    const one = entry('alice@example.com', 'fetch', 'subscribe')
    const list = `<acl>${one}${entry('@*.Example.com')}${entry('.', 'fetch', 'subscribe')}</acl>`
    assert.equal((await bob.presence('SETACL', xml, list)).status, 200)
    assert.equal((await alice.presence('FETCH', toBob)).status, 200)
    assert.equal((await mallory.presence('FETCH', toBob)).status, 402)
    assert.equal((await bob.presence('SETACL', xml, `<acl>${entry('@a.*.com')}</acl>`)).status, 400)
  })

  test('a first list of the inbox about a domain above leaves presence of the own domain as it was', async () => {
    const { alice, bob } = await three()
    await bob.login('bob', 'im')
    assert.equal((await alice.presence('FETCH', toBob)).status, 200)
    const list = `<acl>${entry('@*.com', 'send')}${entry('.', 'send')}</acl>`
    assert.equal((await bob.message('SETACL', xml, list)).status, 200)
    assert.equal((await alice.presence('FETCH', toBob)).status, 200)
  })

  test('a class may be for a domain with its subdomains', async () => {
    const { alice, bob } = await three()
    const all = '<classtable><class name="all"><watcher>@*.com</watcher></class></classtable>'
    assert.equal((await bob.presence('SETCLASSTABLE', xml, all)).status, 200)
    assert.match((await bob.presence('GETCLASSTABLE')).body, /<watcher>@\*\.com<\/watcher>/)
    await bob.presence('PUBLISH', { ...leased, Class: 'all' }, pidf('open', 'for all'))
    assert.match((await alice.presence('FETCH', toBob)).body, /for all/)
  })

  test('who loses the right to subscribe hears CANCELSUBSCRIPTION (RFC 2779 5.1.16)', async () => {
    const { alice, bob } = await three()
    await alice.presence('SUBSCRIBE', { ...toBob, Duration: '600' })
    await bob.presence('SETACL', xml, '<acl/>')
    assert.match((await alice.next()).first, /^CANCELSUBSCRIPTION PRIM-PR\/1\.0 - 0$/)
  })

  test('presence and messages are decided apart, and neither blocks what the owner sends or sees', async () => {
    const { f, alice, bob } = await three()
    await bob.presence('SETACL', xml, '<acl/>')
    await bob.login('bob', 'im')
    await alice.login('alice', 'im')
    const text = { 'Message-ID': 'm', 'Content-Type': 'text/plain' }
    const toHim = { To: 'im:bob@example.com', ...text }
    assert.equal((await alice.message('SEND', toHim, 'x')).status, 101)
    const list = `<acl>${entry('.')}</acl>`
    assert.equal((await bob.message('SETACL', xml, list)).status, 200)
    assert.equal((await alice.message('SEND', toHim, 'y')).status, 402)
    assert.equal((await bob.message('SEND', { To: 'im:alice@example.com', ...text }, 'x')).status, 101)
    assert.equal((await bob.presence('FETCH', { To: alice.pres })).status, 200)
    assert.equal((await bob.presence('GETACL')).body, `<acl>${entry('.')}</acl>`)
    assert.equal((await bob.message('GETACL')).body, `<acl>${entry('.')}</acl>`)
    assert.equal(f.service.directory.resident(at('bob@example.com'))?.rules.size, 1)
  })

  test('a list of the inbox leaves presence as it was, and a class for everybody does so with both', async () => {
    const { alice, bob } = await three()
    await bob.login('bob', 'im')
    const before = (await bob.presence('GETACL')).body
    assert.equal((await bob.message('SETACL', xml, `<acl>${entry('.')}</acl>`)).status, 200)
    assert.equal((await alice.presence('FETCH', toBob)).status, 200)
    assert.equal(
      (await bob.presence('GETACL')).body.includes(entry('@example.com', 'fetch', 'subscribe')),
      true,
    )
    assert.ok(before.includes(entry('@example.com', 'fetch', 'subscribe')))
    const all = '<classtable><class name="all"><watcher>.</watcher></class></classtable>'
    assert.equal((await bob.presence('SETCLASSTABLE', xml, all)).status, 200)
    await bob.presence('PUBLISH', { ...leased, Class: 'all' }, pidf('open', 'for all'))
    assert.match((await alice.presence('FETCH', toBob)).body, /for all/)
  })

  test('a rule of another protocol is an entry here, and is kept by who writes the list back', async () => {
    const { f, bob } = await three()
    const rule = { subject: 'mallory@example.com', action: 'polite-block', visibility: 'full' } as const
    f.service.contacts.setRule(at('bob@example.com'), rule, () => {})
    const { body } = await bob.presence('GETACL')
    await bob.presence('SETACL', xml, body)
    assert.equal((await bob.presence('GETACL')).body, body)
    const rules = f.service.directory.resident(at('bob@example.com'))?.rules
    assert.equal(rules?.get('mallory@example.com')?.action, 'polite-block')
    assert.match(
      (await bob.presence('GETCLASSTABLE')).body,
      /<class name="politely-blocked"><watcher>mallory@example\.com</,
    )
  })

  const refusals: [string, string, number][] = [
    ['no list', 'x', 400],
    ['a right of the other service', `<acl>${entry('.', 'send')}</acl>`, 400],
    ['an entry that is no address', `<acl>${entry('nobody')}</acl>`, 400],
    ['an address twice', `<acl>${entry('.')}${entry('.')}</acl>`, 400],
    ['publish given to another', `<acl>${entry('alice@example.com', 'publish')}</acl>`, 501],
    ['fetch without subscribe', `<acl>${entry('alice@example.com', 'fetch')}</acl>`, 501],
    ['publish given to the owner', `<acl>${entry('bob@example.com', 'publish', 'remove')}</acl>`, 200],
  ]
  for (const [what, list, status] of refusals) {
    test(`SETACL with ${what} is ${status}`, async () => {
      const { bob } = await three()
      assert.equal((await bob.presence('SETACL', xml, list)).status, status)
    })
  }
})

describe('classes of watchers (docs/specs/prim.md §6.5)', () => {
  test('each class sees what is published for it and nothing else: selective publication (RFC 2779 5.2.3)', async () => {
    const { alice, bob, mallory } = await three()
    assert.equal((await bob.presence('SETCLASSTABLE', xml, table)).status, 200)
    assert.equal((await bob.presence('GETCLASSTABLE')).body, table)
    await bob.presence('PUBLISH', { ...leased, Class: 'friends' }, pidf('open', 'for friends'))
    await bob.presence('PUBLISH', { ...permanent, Class: 'blocked' }, pidf('closed'))
    await bob.presence('PUBLISH', leased, pidf('open', 'for others'))
    assert.match((await alice.presence('FETCH', toBob)).body, /open.*for friends/s)
    const seen = (await mallory.presence('FETCH', toBob)).body
    assert.match(seen, /<tuple id="im"><status><basic>closed/)
    assert.match((await bob.presence('FETCH', toBob)).body, /for others/)
  })

  test('a table is in force, and answered, when it is durable; who asks on need not wait for it (§6.5)', async () => {
    const store = createMemoryStore()
    const waiting: (() => void)[] = []
    const slow = new Proxy(store, {
      get: (target, name) => {
        const real = Reflect.get(target, name) as (...given: unknown[]) => unknown
        if (name !== 'putDocument' && name !== 'changeRules') return real.bind(target)
        return (...given: unknown[]) =>
          new Promise((resolve) => waiting.push(() => resolve(real.apply(target, given))))
      },
    })
    const f = await fixture({}, { store: slow })
    const bob = await new Hand(f).login('bob', 'pres')
    const other = await new Hand(f).login('bob', 'pres')
    const before = bob.responses.length
    bob.send('SETCLASSTABLE PRIM-PR', { From: bob.pres, ...xml }, table)
    bob.send('PUBLISH PRIM-PR', { From: bob.pres, ...leased, Class: 'friends' }, pidf('open'))
    const statuses = (): (number | undefined)[] => bob.responses.slice(before).map(({ status }) => status)
    const classes = async (): Promise<string> => (await other.presence('GETCLASSTABLE')).body
    await settled()
    assert.deepEqual([statuses(), waiting.length, await classes()], [[], 1, '<classtable></classtable>'])
    waiting.shift()?.()
    await settled()
    assert.deepEqual(
      [statuses(), waiting.length],
      [[200], 1],
      'PUBLISH; who is in the classes is not written yet',
    )
    waiting.shift()?.()
    await settled()
    assert.deepEqual([statuses(), await classes()], [[200, 200], table])
  })

  test('a change of one class is told to that class alone', async () => {
    const { alice, bob, mallory } = await three()
    await bob.presence('SETCLASSTABLE', xml, table)
    await alice.presence('SUBSCRIBE', { ...toBob, Duration: '3600' })
    await mallory.presence('SUBSCRIBE', { ...toBob, Duration: '3600' })
    await bob.presence('PUBLISH', { ...leased, Class: 'friends' }, pidf('open'))
    assert.match((await alice.next()).body, /open/)
    await bob.presence('PUBLISH', leased, pidf('open'))
    await settled()
    assert.equal(mallory.requests.length + alice.requests.length, 0)
    await bob.presence('PUBLISH', { ...leased, Class: 'friends blocked' }, pidf('closed'))
    assert.match((await alice.next()).body, /closed/)
    assert.match((await mallory.next()).body, /closed/)
  })

  test('a permanent value shows while its tuple has no lease, and is not told while it has', async () => {
    const { f, alice, bob } = await three()
    await bob.presence('SETCLASSTABLE', xml, table)
    await alice.presence('SUBSCRIBE', { ...toBob, Duration: '3600' })
    const friends = { Class: 'friends' }
    await bob.presence('PUBLISH', { ...leased, ...friends }, pidf('open'))
    await alice.next()
    await bob.presence('PUBLISH', { ...permanent, ...friends }, pidf('closed', 'asleep'))
    await settled()
    assert.equal(alice.requests.length, 0)
    f.clock.advance(300_000)
    assert.match((await alice.next()).body, /closed.*asleep/s)
    await bob.presence('PUBLISH', { ...permanent, ...friends }, pidf('closed', 'gone'))
    assert.match((await alice.next()).body, /gone/)
    await bob.presence('PUBLISH', { ...leased, ...friends }, pidf('open'))
    await alice.next()
    await bob.presence('PUBLISH', { 'PI-Type': 'revert', 'Tuple-ID': 'im', ...friends })
    assert.match((await alice.next()).body, /gone/)
    assert.equal((await bob.presence('REMOVE', { 'Tuple-ID': 'im', ...friends })).status, 200)
    assert.doesNotMatch((await alice.next()).body, /<tuple/)
    assert.equal((await bob.presence('REMOVE', { 'Tuple-ID': 'im', ...friends })).status, 403)
  })

  test('classes and permanent values outlive the server', async () => {
    const store = createMemoryStore()
    const first = await fixture({}, { store })
    const bob = await new Hand(first).login('bob', 'pres')
    await bob.presence('SETCLASSTABLE', xml, table)
    await bob.presence('PUBLISH', { ...permanent, Class: 'friends' }, pidf('closed', 'for friends'))
    await bob.presence('PUBLISH', permanent, pidf('closed', 'for others'))
    const second = await fixture({}, { store })
    const alice = await new Hand(second).login('alice', 'pres')
    assert.match((await alice.presence('FETCH', toBob)).body, /for friends/)
    const again = await new Hand(second).login('bob', 'pres')
    assert.equal((await again.presence('GETCLASSTABLE')).body, table)
    assert.match((await again.presence('FETCH', toBob)).body, /for others/)
  })

  test('the values of a class that goes are gone, and its watchers see what others see', async () => {
    const { alice, bob } = await three()
    await bob.presence('SETCLASSTABLE', xml, table)
    await bob.presence('PUBLISH', { ...leased, Class: 'friends' }, pidf('open'))
    await bob.presence('PUBLISH', leased, pidf('closed', 'for others'))
    await alice.presence('SUBSCRIBE', { ...toBob, Duration: '3600' })
    await bob.presence('SETCLASSTABLE', xml, '<classtable/>')
    const told: string[] = []
    for (let i = 0; i < 2; i++) {
      told.push((await alice.next()).body)
      if (told.at(-1)?.includes('for others')) break
    }
    assert.match(told.at(-1) ?? '', /for others/)
    assert.equal((await bob.presence('PUBLISH', { ...leased, Class: 'friends' }, pidf('open'))).status, 400)
  })

  test('a watcher cannot tell that it is in a class without tuples: polite blocking (RFC 2779 5.1.15)', async () => {
    const { alice, bob, mallory } = await three()
    await bob.presence(
      'SETCLASSTABLE',
      xml,
      '<classtable><class name="none"><watcher>mallory@example.com</watcher></class></classtable>',
    )
    const shapes = await Promise.all(
      [alice, mallory].map(async (hand) => {
        const { status, fields } = await hand.presence('SUBSCRIBE', { ...toBob, Duration: '600' })
        return { status, names: Object.keys(fields) }
      }),
    )
    assert.deepEqual(shapes[0], shapes[1])
    await bob.presence('PUBLISH', leased, pidf('open'))
    await alice.next()
    await settled()
    assert.equal(mallory.requests.length, 0)
  })

  const refusals: [string, string][] = [
    ['no table', 'x'],
    ['a watcher in two classes', table.replace('mallory', 'alice')],
    ['a class twice', table.replace('blocked', 'friends')],
    ['a name that is no token', table.replace('friends', 'my friends')],
    ['a watcher that is no address', table.replace('alice@example.com', 'alice')],
  ]
  for (const [what, body] of refusals) {
    test(`SETCLASSTABLE with ${what} is 400, and changes nothing`, async () => {
      const { bob } = await three()
      assert.equal((await bob.presence('SETCLASSTABLE', xml, body)).status, 400)
      assert.equal((await bob.presence('GETCLASSTABLE')).body, '<classtable></classtable>')
    })
  }

  for (const name of ['strangers', 'basic', 'politely-blocked']) {
    test(`nothing is published for ${name}: 400`, async () => {
      const { bob } = await three()
      assert.equal((await bob.presence('PUBLISH', { ...leased, Class: name }, pidf('open'))).status, 400)
    })
  }
})
