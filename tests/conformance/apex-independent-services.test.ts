// APEX read twice: the services for access and presence, and the options of RFC 3342, by the application that was written from the RFCs alone.
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { XmppPerson } from '../hostile/people.ts'
import { option } from './independent-apex.ts'
import { open, type Person, person } from './independent-apex-people.ts'
import { elementsOf, type Node } from './independent-xml.ts'

const who = (name: string): string => (name.includes('@') ? name : `${name}@localhost`)

async function two(context: TestContext, lines = ''): Promise<{ fred: Person; wilma: Person }> {
  const stand = await open(context, lines)
  return { fred: await person(context, stand, 'fred'), wilma: await person(context, stand, 'wilma') }
}

/** What a service says next, whatever it is. */
async function said(one: Person, service: string): Promise<Node> {
  const { inside } = await one.apex.next(({ originator }) => originator === `apex=${service}@localhost`)
  assert.ok(inside)
  return inside
}

function coded(node: Node): string {
  const { name, attributes } = node
  return [name, attributes.get('code'), attributes.get('transID')].filter(Boolean).join(' ')
}

describe('access, as a second reader has it (RFC 3341 §4)', () => {
  const get = (actor: string, id: number, owner = 'fred'): string =>
    `<get owner='${who(owner)}' actor='${actor}' transID='${id}' />`
  const set = (actor: string, id: number, more: string, owner = 'fred'): string =>
    `<set transID='${id}'><access owner='${who(owner)}' actor='${actor}' ${more} /></set>`
  const query = (actor: string, actions: string, id: number): string =>
    `<query owner='${who('fred')}' actor='${who(actor)}' actions='${actions}' transID='${id}' />`

  it('get, set with the time that was read, set again with an old one, delete: each step has its code (§4.3, §4.4)', async (context) => {
    const { fred } = await two(context)
    const tell = async (element: string): Promise<Node> => {
      await fred.tell('access', element)
      return said(fred, 'access')
    }
    assert.equal(coded(await tell(get('wilma@localhost', 1))), 'reply 551 1')
    assert.equal(coded(await tell(set('wilma@localhost', 2, "actions='core:data'"))), 'reply 250 2')
    const created = await said(fred, 'access')
    assert.equal(coded(created), 'set 2')
    const read = await tell(get('wilma@localhost', 3))
    assert.equal(coded(read), 'set 3')
    const [entry] = elementsOf(read)
    const stamp = entry?.attributes.get('lastUpdate') ?? ''
    assert.equal(stamp, elementsOf(created)[0]?.attributes.get('lastUpdate'))
    assert.equal(entry?.attributes.get('actions'), 'core:data')
    assert.equal(coded(await tell(set('wilma@localhost', 4, "actions='all:none'"))), 'reply 555 4')
    const other = stamp.replace('Z', '+00:00')
    assert.equal(
      coded(await tell(set('wilma@localhost', 5, `actions='all:none' lastUpdate='${other}'`))),
      'reply 250 5',
      'semantically identical',
    )
    const updated = elementsOf(await said(fred, 'access'))[0]?.attributes.get('lastUpdate') ?? ''
    assert.notEqual(updated, stamp)
    assert.equal(coded(await tell(set('wilma@localhost', 6, `lastUpdate='${stamp}'`))), 'reply 555 6')
    assert.equal(coded(await tell(set('wilma@localhost', 7, `lastUpdate='${updated}'`))), 'reply 250 7')
    assert.equal(elementsOf(await said(fred, 'access'))[0]?.attributes.has('actions'), false)
    assert.equal(coded(await tell(get('wilma@localhost', 8))), 'reply 551 8')
  })

  it('who is another is refused in the order of the steps: 553, 550, 537', async (context) => {
    const { wilma } = await two(context)
    for (const [owner, code] of [
      ['fred@elsewhere.example', 553],
      ['pebbles', 550],
      ['fred', 537],
    ] as const) {
      await wilma.tell('access', get('barney@localhost', 9, owner))
      assert.equal(coded(await said(wilma, 'access')), `reply ${code} 9`, owner)
    }
  })

  it('an entry decides data and presence at once, and query says how (§3.1, §4.2; RFC 3340 §4.4.4.1)', async (context) => {
    const { fred, wilma } = await two(context)
    const ask = async (actions: string): Promise<string> => {
      await fred.tell('access', query('wilma', actions, 3))
      return (await said(fred, 'access')).name
    }
    assert.equal(await ask('core:data presence:subscribe'), 'allow')
    await fred.tell('access', set('wilma@localhost', 4, "actions='all:none'"))
    await said(fred, 'access')
    assert.deepEqual([await ask('core:data'), await ask('presence:subscribe')], ['set', 'deny'])
    await said(fred, 'access')
    await wilma.inline('fred', '<a />', option('statusRequest', "transID='77'"))
    const [destination] = elementsOf(await wilma.apex.said('report', 'statusResponse'))
    assert.equal(elementsOf(destination as Node)[0]?.attributes.get('code'), '537')
  })

  it('what it can’t read is 501, with the transaction-identifier where there is one', async (context) => {
    const { fred } = await two(context)
    for (const [element, code] of [
      ["<get owner='fred@localhost' transID='5' />", 'reply 501 5'],
      ["<subscribe publisher='fred@localhost' duration='0' transID='5' />", 'reply 501 5'],
      ['<hello />', 'reply 501'],
      ["<query owner='fred@localhost' actor='a@b' actions='data' transID='5' />", 'reply 501 5'],
    ] as const) {
      await fred.tell('access', element)
      assert.equal(coded(await said(fred, 'access')), code, element)
    }
  })
})

describe('presence, as a second reader has it (RFC 3343 §4)', () => {
  const far = '2040-01-01T00:00:00Z'
  const subscribe = (of: string, id: number, seconds = 600): string =>
    `<subscribe publisher='${who(of)}' duration='${seconds}' transID='${id}' />`
  const watch = (of: string, id: number, seconds = 600): string =>
    `<watch publisher='${who(of)}' duration='${seconds}' transID='${id}' />`
  const publish = (of: string, id: number, stamp: string, until = far, inner = of): string =>
    `<publish publisher='${who(of)}' transID='${id}' timeStamp='2026-11-21T00:00:00Z'><presence publisher='${who(inner)}' lastUpdate='${stamp}' publisherInfo='http://www.example.com/fred/'><tuple destination='apex:${who(of)}' availableUntil='${until}' tupleInfo='data:,cave'><capability baseline='urn:ietf:rfc:rfc2533'>(&amp;(a=b))</capability></tuple></presence></publish>`

  async function entry(one: Person): Promise<{ id: string; stamp: string; ends: string[] }> {
    const node = await one.apex.said('presence', 'publish')
    const [presence] = elementsOf(node)
    assert.ok(presence)
    return {
      id: node.attributes.get('transID') ?? '',
      stamp: presence.attributes.get('lastUpdate') ?? '',
      ends: elementsOf(presence).map((tuple) => tuple.attributes.get('availableUntil') ?? ''),
    }
  }

  it('poll, publish with the time that was read, publish to who subscribes, terminate by either (§4.2 to §4.5)', async (context) => {
    const { fred, wilma } = await two(context)
    await wilma.tell('presence', subscribe('fred', 21))
    const first = await entry(wilma)
    assert.equal(first.id, '21')
    await fred.tell('presence', subscribe('fred', 1, 0))
    const own = await entry(fred)
    await fred.tell('presence', publish('fred', 2, own.stamp))
    assert.equal(coded(await said(fred, 'presence')), 'reply 250 2')
    const second = await entry(wilma)
    assert.deepEqual([second.id, second.ends], ['21', ['2040-01-01T00:00:00Z']])
    assert.notEqual(second.stamp, own.stamp)
    await fred.tell('presence', publish('fred', 3, own.stamp))
    assert.equal(coded(await said(fred, 'presence')), 'reply 555 3')
    await fred.tell('presence', publish('fred', 4, second.stamp, '2001-01-01T00:00:00Z'))
    assert.equal(coded(await said(fred, 'presence')), 'reply 250 4')
    assert.ok(Date.parse((await entry(wilma)).ends[0] as string) < Date.now())
    await wilma.tell('presence', "<terminate transID='21' />")
    assert.equal(coded(await said(wilma, 'presence')), 'reply 250 21')
    await wilma.tell('presence', "<terminate transID='21' />")
    assert.equal(coded(await said(wilma, 'presence')), 'reply 550 21')
  })

  it('capabilities and the URIs of an entry come as they were published', async (context) => {
    const { fred, wilma } = await two(context)
    await fred.tell('presence', subscribe('fred', 1, 0))
    await fred.tell('presence', publish('fred', 2, (await entry(fred)).stamp))
    await said(fred, 'presence')
    await wilma.tell('presence', subscribe('fred', 3, 0))
    const [presence] = elementsOf(await wilma.apex.said('presence', 'publish'))
    assert.equal(presence?.attributes.get('publisherInfo'), 'http://www.example.com/fred/')
    const [tuple] = elementsOf(presence as Node)
    assert.deepEqual(
      [tuple?.attributes.get('destination'), tuple?.attributes.get('tupleInfo')],
      ['apex:fred@localhost', 'data:,cave'],
    )
    const [capability] = elementsOf(tuple as Node)
    assert.equal(capability?.attributes.get('baseline'), 'urn:ietf:rfc:rfc2533')
    assert.deepEqual(capability?.children, ['(&(a=b))'])
  })

  it('watch: who subscribes now and later, polls and ends, each with its action (§4.3, §4.6)', async (context) => {
    const { fred, wilma } = await two(context)
    await wilma.tell('presence', subscribe('fred', 21, 500))
    await entry(wilma)
    await fred.tell('presence', watch('fred', 8))
    assert.equal(coded(await said(fred, 'presence')), 'reply 250 8')
    const told = async (): Promise<(string | undefined)[]> => {
      const { attributes } = await fred.apex.said('presence', 'notify')
      return ['transID', 'subscriber', 'action', 'duration'].map((name) => attributes.get(name))
    }
    assert.deepEqual((await told()).slice(0, 3), ['8', 'wilma@localhost', 'subscribe'])
    await wilma.tell('presence', "<terminate transID='21' />")
    assert.deepEqual((await told()).slice(0, 3), ['8', 'wilma@localhost', 'terminate'])
    await wilma.tell('presence', subscribe('fred', 22, 0))
    assert.deepEqual(await told(), ['8', 'wilma@localhost', 'subscribe', '0'])
    await wilma.tell('presence', subscribe('fred', 23, 300))
    assert.deepEqual(await told(), ['8', 'wilma@localhost', 'subscribe', '300'])
  })

  it('refusals in the order of the steps: 503 before 553 before 550 before 537, 555 for an identifier in use', async (context) => {
    const { fred, wilma } = await two(context)
    const rows: readonly (readonly [string, string])[] = [
      [publish('fred@elsewhere.example', 1, far, far, 'fred'), 'reply 503 1'],
      [publish('fred@elsewhere.example', 1, far), 'reply 553 1'],
      [publish('pebbles', 1, far), 'reply 550 1'],
      [publish('fred', 1, far), 'reply 537 1'],
      [publish('wilma', 1, far), 'reply 555 1'],
      [subscribe('fred@elsewhere.example', 1), 'reply 553 1'],
      [subscribe('pebbles', 1), 'reply 550 1'],
      [watch('fred', 1), 'reply 537 1'],
      [watch('pebbles', 1), 'reply 550 1'],
      ["<subscribe publisher='fred@localhost' duration='soon' transID='1' />", 'reply 501 1'],
      ["<subscribe publisher='fred@localhost' duration='1' transID='0' />", 'reply 501'],
    ]
    for (const [element, code] of rows) {
      await wilma.tell('presence', element)
      assert.equal(coded(await said(wilma, 'presence')), code, element)
    }
    await wilma.tell('presence', subscribe('fred', 30))
    await entry(wilma)
    await wilma.tell('presence', subscribe('barney', 30))
    assert.equal(coded(await said(wilma, 'presence')), 'reply 555 30')
    // Step 4 comes first: its own earlier one for the same subject is replaced, whatever its number.
    await wilma.tell('presence', subscribe('fred', 31))
    assert.equal((await entry(wilma)).id, '31')
    await wilma.tell('presence', "<terminate transID='30' />")
    assert.equal(coded(await said(wilma, 'presence')), 'reply 550 30')
    assert.ok(fred)
  })

  it('a user of XMPP sees an entry, and is seen in one', async (context) => {
    const stand = await open(context)
    const fred = await person(context, stand, 'fred')
    const barney = await XmppPerson.logIn(stand, 'barney')
    barney.send(`<presence to='fred@localhost' type='subscribe'/>`)
    await barney.roundTrip()
    await fred.tell('presence', subscribe('fred', 1, 0))
    await fred.tell('presence', publish('fred', 2, (await entry(fred)).stamp))
    assert.equal(coded(await said(fred, 'presence')), 'reply 250 2')
    await barney.expect(/<presence[^>]*from=['"]fred@localhost\/[^>]*(?<!type='unavailable')>/)
    await fred.tell('presence', subscribe('barney', 3))
    assert.ok(Date.parse((await entry(fred)).ends[0] as string) > Date.now())
  })
})

describe('options of RFC 3342, as a second reader has them', () => {
  const timing = (attributes: string, id: number): string =>
    option(
      'dataTiming',
      `targetHop='all' mustUnderstand='true' transID='${id}'`,
      `<dataTiming ${attributes} />`,
    )

  async function report(one: Person): Promise<string> {
    const response = await one.apex.said('report', 'statusResponse')
    const [destination] = elementsOf(response)
    const [reply] = elementsOf(destination as Node)
    return `${response.attributes.get('transID')} ${reply?.attributes.get('code')}`
  }

  it('dataTiming: reportAfter tells 350 of a slow application, returnTrip 250 of its answer (§2)', async (context) => {
    const { fred, wilma } = await two(context)
    wilma.apex.answers = undefined
    await fred.inline('wilma', '<a />', timing("reportAfter='20' returnTrip='60000'", 5))
    assert.equal(await report(fred), '5 350')
    wilma.apex.answer('<ok />')
    assert.equal(await report(fred), '5 250')
  })

  it('dataTiming: noLaterThan with reportErrors tells 550 of who is not there, and nothing comes later (§2.1)', async (context) => {
    const stand = await open(context)
    const fred = await person(context, stand, 'fred')
    await fred.inline('wilma', '<late />', timing("noLaterThan='30' reportErrors='true'", 6))
    assert.equal(await report(fred), '6 550')
    await fred.inline('wilma', '<in-time />')
    const wilma = await person(context, stand, 'wilma')
    assert.equal((await wilma.apex.next()).inside?.name, 'in-time')
  })

  it('hold4Endpoint waits where the relay holds nothing else; the data comes with less time (§3)', async (context) => {
    const stand = await open(context, 'hold_always = false\n')
    const fred = await person(context, stand, 'fred')
    const asks = option('statusRequest', "transID='7'")
    await fred.inline('wilma', '<dropped />', asks)
    assert.equal(await report(fred), '7 450')
    const hold = option('hold4Endpoint', "mustUnderstand='true'")
    await fred.inline('wilma', '<held />', hold + timing("noLaterThan='60000'", 8) + asks)
    assert.equal(await report(fred), '7 350')
    const wilma = await person(context, stand, 'wilma')
    const came = await wilma.apex.next()
    assert.equal(came.inside?.name, 'held')
    const left = came.options.find(({ attributes }) => attributes.get('internal') === 'dataTiming')
    const [inner] = elementsOf(left as Node)
    const rest = Number(inner?.attributes.get('noLaterThan'))
    assert.ok(rest > 0 && rest <= 60_000, String(rest))
    assert.equal(await report(fred), '7 250')
  })

  it('options that say nothing readable are 501; out of their place and to be understood, 504', async (context) => {
    const { fred } = await two(context)
    const rows: readonly (readonly [string, number])[] = [
      [timing("noLaterThan='soon'", 9), 501],
      [option('dataTiming', "targetHop='all' mustUnderstand='true'", "<dataTiming noLaterThan='5' />"), 501],
      [
        option(
          'dataHopping',
          "targetHop='all' mustUnderstand='true' transID='3'",
          "<dataHopping noMoreThan='256' />",
        ),
        501,
      ],
      [option('statusRequest', ''), 501],
      [option('statusRequest', "transID='1' targetHop='never'"), 501],
      [option('attachOverride', "transID='1' mustUnderstand='true'"), 504],
    ]
    for (const [options, code] of rows)
      assert.equal(await fred.inline('fred', '<a />', options), code, options)
  })
})
