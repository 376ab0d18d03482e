// The presence service (RFC 3343 §4): rows of its steps, and what subscribers, watchers and publishers are told.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PresenceEnvelope } from '#model'
import { entryEnvelope } from '../binding-presence.ts'
import type { PresenceEntry } from '../codec/index.ts'
import { at, type Fixture, fixture, settled } from '../testing/fixture.ts'
import { data, Hand } from '../testing/hand.ts'

const service = 'apex=presence@example.com'

async function attached(world: Fixture, user: string): Promise<Hand> {
  const hand = new Hand(world)
  await hand.signIn(user, `<attach endpoint='${user}@example.com' transID='1' />`)
  return hand
}

/** Says it to the service, and hears what is said then. */
async function told(hand: Hand, user: string, inline: string): Promise<string[]> {
  assert.equal(await hand.say(data(`${user}@example.com`, service, inline)), '<ok />')
  return (await hand.hear()).map(inside)
}

function inside(document: string): string {
  return /<data-content[^>]*>(.*)<\/data-content>/.exec(document)?.[1] ?? document
}

const subscribe = (publisher: string, transId = 100, duration = 86_400): string =>
  `<subscribe publisher='${publisher}' duration='${duration}' transID='${transId}' />`

function lastUpdateIn(said: string | undefined): string {
  return /lastUpdate='([^']*)'/.exec(said ?? '')?.[1] ?? ''
}

const tuple = (until: string): string =>
  `<tuple destination='apex:fred/appl=im@example.com' availableUntil='${until}' tupleInfo='data:,Gone%20bowling'><capability baseline='urn:ietf:rfc:rfc2533'>(a=b)</capability></tuple>`

function publish(lastUpdate: string, tuples: string, publisher = 'fred@example.com'): string {
  return `<publish publisher='fred@example.com' transID='1' timeStamp='2000-05-14T13:30:00-08:00'><presence publisher='${publisher}' lastUpdate='${lastUpdate}' publisherInfo='http://www.example.com/fred/'>${tuples}</presence></publish>`
}

const rows: readonly (readonly [string, string, string])[] = [
  ['§4.2 step 1: a subject elsewhere', subscribe('betty@rubble.com'), '553'],
  ['§4.2 step 2: nobody', subscribe('pebbles@example.com'), '550'],
  ['§4.2 step 2: nobody, asked once', subscribe('pebbles@example.com', 1, 0), '550'],
  ['§4.2 step 2: a service', subscribe('apex=report@example.com'), '550'],
  ['§4.3 step 3: another watches', "<watch publisher='fred@example.com' duration='60' transID='2' />", '537'],
  [
    '§4.3 step 1: a subject elsewhere',
    "<watch publisher='betty@rubble.com' duration='60' transID='2' />",
    '553',
  ],
  [
    '§4.4 step 1: two publishers',
    publish('2000-05-14T13:02:00Z', tuple('2525-12-31T23:59:59Z'), 'wilma@example.com'),
    '503',
  ],
  ['§4.4 step 4: another publishes', publish('2000-05-14T13:02:00Z', tuple('2525-12-31T23:59:59Z')), '537'],
  ['§4.5 step 1: no such operation', "<terminate transID='7' />", '550'],
  ['what the service is not told', "<allow transID='7' />", '501'],
  ['no duration', "<subscribe publisher='fred@example.com' transID='7' />", '501'],
]

for (const [what, inline, code] of rows) {
  test(`${what}: ${code}`, async () => {
    const wilma = await attached(await fixture(), 'wilma')
    assert.match(
      (await told(wilma, 'wilma', inline)).join(),
      new RegExp(`^<reply code='${code}' transID='\\d+'`),
    )
  })
}

test('who subscribes is shown the entry, and each change of it octet for octet (§4.2, §4.4)', async () => {
  const world = await fixture()
  const [fred, wilma] = [await attached(world, 'fred'), await attached(world, 'wilma')]
  const [first] = await told(wilma, 'wilma', subscribe('fred@example.com'))
  assert.match(first ?? '', /^<publish publisher='fred@example.com' transID='100' timeStamp='2026-/)
  assert.match(
    first ?? '',
    /<tuple destination='im:fred@example.com' availableUntil='1970-01-01T00:00:00.000Z' \/>/,
  )
  const [own] = await told(fred, 'fred', subscribe('fred@example.com', 9, 0))
  const [reply] = await told(fred, 'fred', publish(lastUpdateIn(own), tuple('2026-01-01T00:10:00Z')))
  assert.equal(reply, "<reply code='250' transID='1' />")
  const [changed] = (await wilma.hear()).map(inside)
  assert.match(changed ?? '', /transID='100'.*publisherInfo='http:\/\/www.example.com\/fred\/'/)
  assert.ok(changed?.includes(tuple('2026-01-01T00:10:00Z')))
})

test('an entry is replaced by who has read it: 555 to all others (§4.4 step 5)', async () => {
  const world = await fixture()
  const fred = await attached(world, 'fred')
  const [own] = await told(fred, 'fred', subscribe('fred@example.com', 9, 0))
  const stamp = lastUpdateIn(own)
  const other = publish('2000-05-14T13:02:00Z', tuple('2525-12-31T23:59:59Z'))
  assert.match((await told(fred, 'fred', other)).join(), /code='555'/)
  const right = publish(stamp, tuple('2525-12-31T23:59:59Z'))
  assert.match((await told(fred, 'fred', right)).join(), /code='250'/)
  assert.match((await told(fred, 'fred', right)).join(), /code='555'/)
})

test('a device that is called as the entry is has its own tuple, and neither takes the other away (decision 0141)', async () => {
  const world = await fixture()
  const fred = await attached(world, 'fred')
  const owner = at('fred@example.com')
  const device = { presentity: owner, by: owner, tuple: 'apex', seconds: undefined }
  const publishes = (source: PresenceEnvelope | undefined): void =>
    world.service.presence.publish({ ...device, source }, () => {})
  const [own] = await told(fred, 'fred', subscribe('fred@example.com', 9, 0))
  await told(fred, 'fred', publish(lastUpdateIn(own), tuple('2026-01-01T00:10:00Z')))
  const ids = (): readonly (readonly [string, string | undefined])[] => {
    const found = world.service.directory.resident(owner)
    return [...(found?.presentity.tuples.values() ?? [])]
      .map(({ id, freeName }) => [id, freeName] as const)
      .sort()
  }
  assert.deepEqual(ids(), [['apex', 'apex']])
  const other: PresenceEntry = {
    publisher: 'fred@example.com',
    lastUpdate: '2026-01-01T00:00:00Z',
    publisherInfo: '',
    tuples: [
      {
        destination: 'im:fred@example.com',
        availableUntil: '2026-01-02T00:00:00Z',
        tupleInfo: '',
        capabilities: [],
      },
    ],
  }
  publishes(entryEnvelope(other, owner, world.clock.now()))
  assert.deepEqual(ids(), [
    ['apex', undefined],
    ['apex.2', 'apex'],
  ])
  publishes(undefined)
  assert.deepEqual(ids(), [['apex.2', 'apex']])
  world.clock.advance(600_000)
  await settled()
  assert.deepEqual(ids(), [])
})

test('a tuple is available until its time: then watchers of other protocols see it closed', async () => {
  const world = await fixture()
  const fred = await attached(world, 'fred')
  const [own] = await told(fred, 'fred', subscribe('fred@example.com', 9, 0))
  await told(fred, 'fred', publish(lastUpdateIn(own), tuple('2026-01-01T00:10:00Z')))
  const seen = (): unknown => {
    let shown: unknown
    world.service.presence.fetch(at('wilma@example.com'), at('fred@example.com'), (fetched) => {
      assert.ok(fetched.kind === 'fetched')
      shown = fetched.notification.document().tuples.map(({ basic, notes }) => [basic, notes[0]?.text])
    })
    return shown
  }
  assert.deepEqual(seen(), [['open', 'Gone bowling']])
  world.clock.advance(600_000)
  await settled()
  assert.deepEqual(seen(), [['closed', 'Gone bowling']])
})

test('a subscription ends with terminate at its time (§4.2 step 6.3)', async () => {
  const world = await fixture()
  const wilma = await attached(world, 'wilma')
  await told(wilma, 'wilma', subscribe('fred@example.com', 100, 600))
  world.clock.advance(600_000)
  assert.deepEqual((await wilma.hear()).map(inside), ["<terminate transID='100' />"])
  assert.match((await told(wilma, 'wilma', "<terminate transID='100' />")).join(), /code='550'/)
})

test('who terminates hears 250 and then nothing more (§4.5)', async () => {
  const world = await fixture()
  const wilma = await attached(world, 'wilma')
  await told(wilma, 'wilma', subscribe('fred@example.com'))
  assert.deepEqual(await told(wilma, 'wilma', "<terminate transID='100' />"), [
    "<reply code='250' transID='100' />",
  ])
})

test('a transID that is in progress for something else: 555; an older one for the same subject is replaced (§4.2 steps 4, 5)', async () => {
  const world = await fixture()
  const wilma = await attached(world, 'wilma')
  await told(wilma, 'wilma', subscribe('fred@example.com', 100))
  assert.match((await told(wilma, 'wilma', subscribe('barney@example.com', 100))).join(), /code='555'/)
  assert.match(
    (await told(wilma, 'wilma', subscribe('fred@example.com', 101))).join(),
    /^<publish .*transID='101'/,
  )
  assert.match((await told(wilma, 'wilma', "<terminate transID='100' />")).join(), /code='550'/)
})

test('a watcher of watchers is told who subscribes, who is there and who ends (§4.3, §4.6)', async () => {
  const world = await fixture()
  const [fred, wilma, barney] = [
    await attached(world, 'fred'),
    await attached(world, 'wilma'),
    await attached(world, 'barney'),
  ]
  await told(wilma, 'wilma', subscribe('fred@example.com'))
  const heard = await told(fred, 'fred', "<watch publisher='fred@example.com' duration='600' transID='2' />")
  assert.deepEqual(heard, [
    "<reply code='250' transID='2' />",
    "<notify subscriber='wilma@example.com' transID='2' duration='86400' action='subscribe' />",
  ])
  await told(barney, 'barney', subscribe('fred@example.com'))
  await told(wilma, 'wilma', "<terminate transID='100' />")
  assert.deepEqual((await fred.hear()).map(inside), [
    "<notify subscriber='barney@example.com' transID='2' duration='86400' action='subscribe' />",
    "<notify subscriber='wilma@example.com' transID='2' action='terminate' />",
  ])
  world.clock.advance(600_000)
  assert.deepEqual((await fred.hear()).map(inside), ["<terminate transID='2' />"])
})

test('who is blocked is refused (537); who is politely blocked sees nobody there', async () => {
  const world = await fixture()
  const [fred, wilma] = [await attached(world, 'fred'), await attached(world, 'wilma')]
  const [own] = await told(fred, 'fred', subscribe('fred@example.com', 9, 0))
  await told(fred, 'fred', publish(lastUpdateIn(own), tuple('2525-12-31T23:59:59Z')))
  const rule = { subject: 'wilma@example.com', visibility: 'full' } as const
  world.service.contacts.setRule(at('fred@example.com'), { ...rule, action: 'block' }, () => {})
  assert.match((await told(wilma, 'wilma', subscribe('fred@example.com'))).join(), /code='537'/)
  world.service.contacts.setRule(at('fred@example.com'), { ...rule, action: 'polite-block' }, () => {})
  const [shown] = await told(wilma, 'wilma', subscribe('fred@example.com'))
  assert.match(shown ?? '', /availableUntil='1970-01-01T00:00:00.000Z'/)
  assert.doesNotMatch(shown ?? '', /bowling/)
})

test('a subscription goes on while its originator is away: it hears the latest when it is attached again', async () => {
  const world = await fixture()
  const [fred, wilma] = [await attached(world, 'fred'), await attached(world, 'wilma')]
  await told(wilma, 'wilma', subscribe('fred@example.com'))
  wilma.drop()
  await settled()
  const [own] = await told(fred, 'fred', subscribe('fred@example.com', 9, 0))
  await told(fred, 'fred', publish(lastUpdateIn(own), tuple('2525-12-31T23:59:59Z')))
  const again = await attached(world, 'wilma')
  assert.match((await again.hear()).map(inside).join(), /^<publish .*transID='100'.*Gone%20bowling/)
})

test('LIMIT: operations in progress of one endpoint: 554', async () => {
  const wilma = await attached(await fixture({ subscriptionsMax: 1 }), 'wilma')
  await told(wilma, 'wilma', subscribe('fred@example.com', 1))
  assert.match((await told(wilma, 'wilma', subscribe('barney@example.com', 2))).join(), /code='554'/)
})
