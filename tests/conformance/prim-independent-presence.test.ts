// PRIM read twice: presence, classes and access lists, by the client that was written from docs/specs/prim.md alone.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { XmppPerson } from '../hostile/people.ts'
import { fieldOf, type Unit } from './independent-prim.ts'
import { open, person } from './independent-prim-people.ts'

const xml = ['Content-Type', 'application/xml'] as const
const leased = [
  ['PI-Type', 'leased'],
  ['Duration', '300'],
] as const
const of = (name: string): readonly [string, string] => ['To', `pres:${name}@localhost`]

function basics(unit: Unit): string[] {
  return [...unit.body.toString().matchAll(/<basic>(\w+)<\/basic>/g)].map(([, basic]) => basic as string)
}

function acl(...entries: [addresses: string[], rights: string[]][]): string {
  const written = entries.map(
    ([addresses, rights]) =>
      `<entry><target>${addresses.map((one) => `<address>${one}</address>`).join('')}</target><allow>${rights.map((right) => `<${right}/>`).join('')}</allow></entry>`,
  )
  return `<acl>${written.join('')}</acl>`
}

function classes(table: Readonly<Record<string, string[]>>): string {
  const written = Object.entries(table).map(
    ([name, watchers]) =>
      `<class name="${name}">${watchers.map((one) => `<watcher>${one}</watcher>`).join('')}</class>`,
  )
  return `<classtable>${written.join('')}</classtable>`
}

describe('presence, as a second reader has it', () => {
  it('FETCH has the tuples, SUBSCRIBE without an id has them in its response, NOTIFY the whole again (§6.3)', async (context) => {
    const stand = await open(context)
    const [romeo, juliet] = [await person(context, stand, 'romeo'), await person(context, stand, 'juliet')]
    assert.equal((await juliet.publish('im', 'open', leased)).status, 200)
    const fetched = await romeo.presence('FETCH', [of('juliet')])
    assert.equal(fetched.status, 200)
    assert.deepEqual(basics(fetched), ['open'])
    assert.match(fetched.body.toString(), /entity="pres:juliet@localhost"/)
    assert.match(fetched.body.toString(), /<tuple id="im"/)
    const asked = await romeo.presence('SUBSCRIBE', [of('juliet'), ['Duration', '86400']])
    assert.deepEqual([asked.status, fieldOf(asked, 'Duration')], [201, '3600'])
    assert.deepEqual(basics(asked), ['open'])
    assert.equal(fieldOf(asked, 'Content-Type'), 'application/pidf+xml')
    await juliet.publish('phone', 'closed', leased)
    const told = await romeo.client.next('NOTIFY')
    assert.deepEqual(basics(told).sort(), ['closed', 'open'])
    assert.equal(fieldOf(told, 'From'), 'pres:juliet@localhost')
    assert.equal(fieldOf(told, 'To'), 'pres:romeo@localhost')
  })

  it('with a Subscription-ID: no body, NOTIFY at once with id, Duration and Date; several of a pair; 0 ends (§6.3)', async (context) => {
    const stand = await open(context)
    const [romeo, juliet] = [await person(context, stand, 'romeo'), await person(context, stand, 'juliet')]
    await juliet.publish('im', 'open', leased)
    for (const id of ['one', 'two']) {
      const asked = await romeo.presence('SUBSCRIBE', [
        of('juliet'),
        ['Duration', '600'],
        ['Subscription-ID', id],
      ])
      assert.deepEqual([asked.status, asked.body.length], [200, 0])
      const told = await romeo.client.next('NOTIFY')
      assert.equal(fieldOf(told, 'Subscription-ID'), id)
      assert.match(fieldOf(told, 'Duration') ?? '', /^(600|59\d)$/)
      assert.match(fieldOf(told, 'Date') ?? '', /\+0000$/)
    }
    await juliet.publish('im', 'closed', leased)
    const both = [await romeo.client.next('NOTIFY'), await romeo.client.next('NOTIFY')]
    assert.deepEqual(both.map((unit) => fieldOf(unit, 'Subscription-ID')).sort(), ['one', 'two'])
    const end = [of('juliet'), ['Duration', '0'], ['Subscription-ID', 'one']] as const
    assert.equal((await romeo.presence('SUBSCRIBE', end)).status, 200)
    await juliet.publish('im', 'open', leased)
    assert.equal(fieldOf(await romeo.client.next('NOTIFY'), 'Subscription-ID'), 'two')
    const gone = [of('juliet'), ['Subscription-ID', 'one']] as const
    assert.equal((await romeo.presence('UNSUBSCRIBE', gone)).status, 404)
    assert.equal((await romeo.presence('UNSUBSCRIBE', [of('juliet')])).status, 200)
    assert.equal((await romeo.presence('UNSUBSCRIBE', [of('juliet')])).status, 404)
  })

  it('a Duration below the least is made longer (201), and 0 without an id is FETCH (§6.3)', async (context) => {
    const stand = await open(context)
    const [romeo, juliet] = [await person(context, stand, 'romeo'), await person(context, stand, 'juliet')]
    await juliet.publish('im', 'open', leased)
    const once = await romeo.presence('SUBSCRIBE', [of('juliet'), ['Duration', '0']])
    assert.deepEqual([once.status, basics(once)], [200, ['open']])
    assert.equal((await romeo.presence('UNSUBSCRIBE', [of('juliet')])).status, 404)
    const brief = await romeo.presence('SUBSCRIBE', [of('juliet'), ['Duration', '5']])
    assert.deepEqual([brief.status, fieldOf(brief, 'Duration')], [201, '60'])
    const none = await romeo.presence('SUBSCRIBE', [of('juliet'), ['Duration', 'soon']])
    assert.equal(none.status, 400)
  })

  it('the table of values: leased before permanent, renew, revert, REMOVE (§6.2)', async (context) => {
    const stand = await open(context)
    const [romeo, juliet] = [await person(context, stand, 'romeo'), await person(context, stand, 'juliet')]
    const seen = async (): Promise<string[]> => basics(await romeo.presence('FETCH', [of('juliet')]))
    const short = async (type: string, ...more: (readonly [string, string])[]): Promise<number | undefined> =>
      (await juliet.presence('PUBLISH', [['PI-Type', type], ...more, ['Tuple-ID', 'im']])).status
    assert.equal(await short('renew', ['Duration', '300']), 403, 'no lease yet')
    assert.equal(await short('revert'), 200, 'nothing to take back')
    assert.equal((await juliet.publish('im', 'closed', [['PI-Type', 'permanent']])).status, 200)
    assert.deepEqual(await seen(), ['closed'])
    assert.equal((await juliet.publish('im', 'open', leased)).status, 200)
    assert.deepEqual(await seen(), ['open'])
    assert.equal(await short('renew', ['Duration', '300']), 200)
    assert.equal(await short('renew'), 400)
    assert.equal(await short('renew', ['Duration', '0']), 400)
    assert.equal((await juliet.publish('im', 'open', [['PI-Type', 'leased']])).status, 400)
    assert.equal((await juliet.publish('im', 'open', [['PI-Type', 'for ever']])).status, 400)
    assert.equal((await juliet.publish('im', 'open', [['PI-Type', 'revert']])).status, 400, 'a body')
    assert.equal((await juliet.publish('im', 'open', [...leased, ['Class', 'nobody']])).status, 400)
    assert.equal(await short('revert'), 200)
    assert.deepEqual(await seen(), ['closed'])
    assert.equal((await juliet.presence('REMOVE', [['Tuple-ID', 'im']])).status, 200)
    assert.deepEqual(await seen(), [])
    assert.equal((await juliet.presence('REMOVE', [['Tuple-ID', 'im']])).status, 403)
  })

  it('a Duration beyond the longest is cut, and 200 says so (§6.2)', async (context) => {
    const juliet = await person(context, await open(context), 'juliet')
    const long = [
      ['PI-Type', 'leased'],
      ['Duration', '9999999'],
    ] as const
    const given = await juliet.publish('im', 'open', long)
    assert.deepEqual([given.status, fieldOf(given, 'Duration')], [200, '86400'])
  })

  it('the drafts own format is read and converted (§6.2)', async (context) => {
    const stand = await open(context)
    const [romeo, juliet] = [await person(context, stand, 'romeo'), await person(context, stand, 'juliet')]
    const old =
      '<presence address="pres:juliet@localhost"><contact address="im:juliet@localhost"><status value="open"/></contact></presence>'
    const lines = [...leased, ['Tuple-ID', 'im'], ['Content-Type', 'application/presence']] as const
    assert.equal((await juliet.presence('PUBLISH', lines, old)).status, 200)
    assert.deepEqual(basics(await romeo.presence('FETCH', [of('juliet')])), ['open'])
  })

  it('a user of XMPP sees it', async (context) => {
    const stand = await open(context)
    const juliet = await person(context, stand, 'juliet')
    const romeo = await XmppPerson.logIn(stand, 'romeo')
    romeo.send(`<presence to='juliet@localhost' type='subscribe'/>`)
    await romeo.roundTrip()
    await juliet.publish('im', 'open', leased)
    await romeo.expect(/<presence[^>]*from=['"]juliet@localhost\/im/)
  })
})

describe('classes and access lists, as a second reader has them', () => {
  it('each watcher sees its class and nothing else: exact before domain before default (§6.5)', async (context) => {
    const stand = await open(context)
    const juliet = await person(context, stand, 'juliet')
    const [romeo, nurse] = [await person(context, stand, 'romeo'), await person(context, stand, 'nurse')]
    const table = classes({ friends: ['romeo@localhost'], others: ['@localhost'], blocked: ['.'] })
    assert.equal((await juliet.presence('SETCLASSTABLE', [xml], table)).status, 200)
    const got = await juliet.presence('GETCLASSTABLE')
    assert.equal(got.status, 200)
    for (const name of ['friends', 'others', 'blocked']) assert.ok(got.body.includes(`name="${name}"`), name)
    await juliet.publish('im', 'open', [...leased, ['Class', 'friends']])
    await juliet.publish('im', 'closed', [...leased, ['Class', 'others blocked']])
    const seen = async (who: typeof romeo): Promise<string[]> =>
      basics(await who.presence('FETCH', [of('juliet')]))
    assert.deepEqual([await seen(romeo), await seen(nurse)], [['open'], ['closed']])
    const asked = await romeo.presence('SUBSCRIBE', [of('juliet'), ['Duration', '600']])
    assert.deepEqual(basics(asked), ['open'])
    assert.equal((await juliet.presence('SETCLASSTABLE', [xml], '<classtable/>')).status, 200)
    assert.deepEqual(
      basics(await romeo.client.next('NOTIFY')),
      [],
      'what was for a class that is gone is gone',
    )
  })

  it('an entry in two classes is 400, and changes nothing (§6.5)', async (context) => {
    const juliet = await person(context, await open(context), 'juliet')
    const twice = classes({ a: ['romeo@localhost'], b: ['romeo@localhost'] })
    assert.equal((await juliet.presence('SETCLASSTABLE', [xml], twice)).status, 400)
    assert.equal((await juliet.presence('SETCLASSTABLE', [xml], '<classtable>')).status, 400)
    assert.doesNotMatch((await juliet.presence('GETCLASSTABLE')).body.toString(), /romeo/)
  })

  it('a new presentity is asked first: an empty document, and NOTIFY when its list allows (§6.3, §6.4)', async (context) => {
    const stand = await open(context, true)
    const [romeo, juliet] = [await person(context, stand, 'romeo'), await person(context, stand, 'juliet')]
    await juliet.publish('im', 'open', leased)
    assert.equal((await romeo.presence('FETCH', [of('juliet')])).status, 402)
    const asked = await romeo.presence('SUBSCRIBE', [of('juliet'), ['Duration', '600']])
    assert.deepEqual([asked.status, basics(asked)], [200, []])
    const list = acl([['romeo@localhost'], ['fetch', 'subscribe']])
    assert.equal((await juliet.presence('SETACL', [xml], list)).status, 200)
    assert.deepEqual(basics(await romeo.client.next('NOTIFY')), ['open'])
  })

  it('an access list forbids: FETCH and SUBSCRIBE are 402, and who watched hears CANCELSUBSCRIPTION (§6.3, §6.4)', async (context) => {
    const stand = await open(context)
    const [romeo, juliet] = [await person(context, stand, 'romeo'), await person(context, stand, 'juliet')]
    await juliet.publish('im', 'open', leased)
    assert.equal((await romeo.presence('SUBSCRIBE', [of('juliet'), ['Duration', '600']])).status, 200)
    const list = acl([['romeo@localhost'], []], [['@localhost'], ['fetch', 'subscribe']])
    assert.equal((await juliet.presence('SETACL', [xml], list)).status, 200)
    const ended = await romeo.client.next('CANCELSUBSCRIPTION')
    assert.equal(ended.id, '-')
    assert.equal(fieldOf(ended, 'From'), 'pres:juliet@localhost')
    assert.equal((await romeo.presence('FETCH', [of('juliet')])).status, 402)
    assert.equal((await romeo.presence('SUBSCRIBE', [of('juliet'), ['Duration', '600']])).status, 402)
    const nurse = await person(context, stand, 'nurse')
    assert.deepEqual(basics(await nurse.presence('FETCH', [of('juliet')])), ['open'])
    assert.match((await juliet.presence('GETACL')).body.toString(), /romeo@localhost/)
  })

  it('of an inbox: who may not send is told 402; who is in no entry may do nothing (§6.4)', async (context) => {
    const stand = await open(context)
    const [romeo, juliet] = [await person(context, stand, 'romeo'), await person(context, stand, 'juliet')]
    const nurse = await person(context, stand, 'nurse')
    await juliet.im('LISTEN')
    assert.equal((await juliet.im('SETACL', [xml], acl([['nurse@localhost'], ['send']]))).status, 200)
    assert.equal((await nurse.say('juliet', 'n1', 'Madam!')).status, 200)
    assert.equal((await romeo.say('juliet', 'r1', 'speak again')).status, 402)
    assert.equal((await juliet.say('juliet', 'j1', 'to myself')).status, 200, 'the owner has all rights')
  })

  it('lists that are none are 400, rights that cannot be given 501 (§6.4)', async (context) => {
    const juliet = await person(context, await open(context), 'juliet')
    const answers: [body: string, status: number][] = [
      ['<acl>', 400],
      ['<list/>', 400],
      [acl([['romeo@localhost'], ['dance']]), 400],
      [acl([['romeo@localhost'], ['send']]), 400],
      [acl([['romeo@localhost'], ['publish']]), 501],
      [acl([['romeo@localhost'], ['fetch']]), 501],
    ]
    for (const [body, status] of answers)
      assert.equal((await juliet.presence('SETACL', [xml], body)).status, status, body)
  })

  it('watcher information: who watches now, then each that begins, fetches and ends (§6.6)', async (context) => {
    const stand = await open(context)
    const [romeo, juliet] = [await person(context, stand, 'romeo'), await person(context, stand, 'juliet')]
    await romeo.presence('SUBSCRIBE', [of('juliet'), ['Duration', '600']])
    const begun = await juliet.presence('STARTWATCHERNOTIFY')
    assert.match(begun.body.toString(), /<subscriber>pres:romeo@localhost<\/subscriber>/)
    const nurse = await person(context, stand, 'nurse')
    const heard = async (): Promise<(string | undefined)[]> => {
      const unit = await juliet.client.next('WATCHERNOTIFY')
      return [fieldOf(unit, 'From'), fieldOf(unit, 'To'), fieldOf(unit, 'Watcher-Type')]
    }
    await nurse.presence('FETCH', [of('juliet')])
    assert.deepEqual(await heard(), ['pres:nurse@localhost', 'pres:juliet@localhost', 'fetch'])
    await nurse.presence('SUBSCRIBE', [of('juliet'), ['Duration', '600']])
    assert.deepEqual(await heard(), ['pres:nurse@localhost', 'pres:juliet@localhost', 'subscribe'])
    await romeo.presence('UNSUBSCRIBE', [of('juliet')])
    assert.deepEqual(await heard(), ['pres:romeo@localhost', 'pres:juliet@localhost', 'unsubscribe'])
    assert.equal((await juliet.presence('STOPWATCHERNOTIFY')).status, 200)
    await romeo.presence('FETCH', [of('juliet')])
    await juliet.presence('GETACL')
    assert.deepEqual(juliet.client.inbox, [])
  })
})
