// The access service (RFC 3341 §4): rows of its steps, the choice among entries, and the rules that it is a view of.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { at, type Fixture, fixture } from '../testing/fixture.ts'
import { data, Hand } from '../testing/hand.ts'

async function attached(world: Fixture, user: string): Promise<Hand> {
  const hand = new Hand(world)
  await hand.signIn(user, `<attach endpoint='${user}@example.com' transID='1' />`)
  return hand
}

async function told(hand: Hand, user: string, inline: string): Promise<string[]> {
  await hand.say(data(`${user}@example.com`, 'apex=access@example.com', inline))
  return (await hand.hear()).map(
    (document) => /<data-content[^>]*>(.*)<\/data-content>/.exec(document)?.[1] ?? '',
  )
}

const query = (actor: string, actions: string): string =>
  `<query owner='fred@example.com' transID='1' actor='${actor}' actions='${actions}' />`
const get = (actor: string, owner = 'fred@example.com'): string =>
  `<get owner='${owner}' transID='2' actor='${actor}' />`

function set(
  actor: string,
  actions: string | undefined,
  lastUpdate?: string,
  owner = 'fred@example.com',
): string {
  const granted = actions === undefined ? '' : ` actions='${actions}'`
  const stamp = lastUpdate === undefined ? '' : ` lastUpdate='${lastUpdate}'`
  return `<set transID='3'><access owner='${owner}' actor='${actor}'${granted}${stamp} /></set>`
}

const refusals: readonly (readonly [string, string, string, string])[] = [
  ['§4.3 step 1: an owner elsewhere', 'fred', get('*@*', 'betty@rubble.com'), '553'],
  ['§4.3 step 1: a service elsewhere', 'fred', get('*@*', 'apex=report@rubble.com'), '553'],
  ['§4.3 step 2: a service', 'fred', get('*@*', 'apex=report@example.com'), '550'],
  [
    'an entry of a subaddress alone',
    'fred',
    set('barney@example.com', 'core:data', undefined, 'fred/appl=wb@example.com'),
    '554',
  ],
  ['§4.3 step 2: nobody', 'fred', get('*@*', 'pebbles@example.com'), '550'],
  ['§4.3 step 3: not the owner', 'wilma', get('*@*'), '537'],
  ['§4.2 step 3: not the owner', 'wilma', query('barney@example.com', 'core:data'), '537'],
  ['§4.4 step 3: not the owner', 'wilma', set('barney@example.com', 'core:data'), '537'],
  ['§4.3 step 5: no such entry', 'fred', get('barney@example.com'), '551'],
  [
    '§4.4 step 5: a time for what is not there',
    'fred',
    set('barney@example.com', 'core:data', '2000-05-14T13:02:00Z'),
    '555',
  ],
  ['§4.4 step 7: a default that was not read', 'fred', set('*@*', 'all:none'), '555'],
  ['an actor that no rule names', 'fred', set('barney/*@example.com', 'core:data'), '554'],
  ['a name in all subdomains', 'fred', set('barney@*.example.com', 'core:data'), '554'],
  ['services of all subdomains', 'fred', set('apex=*@*.example.com', 'all:none'), '554'],
  ['one service', 'fred', set('apex=presence@example.com', 'all:none'), '554'],
  ["a person's applications, to be read", 'fred', get('barney/*@example.com'), '551'],
  ['a domain that is none', 'fred', set('*@a.*.example.com', 'core:data'), '501'],
  ['a domain that is none, to be read', 'fred', get('*@*.'), '551'],
  ['actions that no rule grants', 'fred', set('barney@example.com', 'access:set'), '554'],
  ['no tokens', 'fred', set('barney@example.com', 'data'), '501'],
]

for (const [what, user, inline, code] of refusals) {
  test(`${what}: ${code}`, async () => {
    const hand = await attached(await fixture(), user)
    assert.match((await told(hand, user, inline)).join(), new RegExp(`^<reply code='${code}'`))
  })
}

test('an entry is created, told to its owner, read, replaced by who has read it, and deleted (§4.4)', async () => {
  const world = await fixture()
  const fred = await attached(world, 'fred')
  const [created, notice] = await told(fred, 'fred', set('wilma@example.com', 'all:none'))
  assert.equal(created, "<reply code='250' transID='3' />")
  assert.match(
    notice ?? '',
    /^<set transID='3'><access .*actor='wilma@example.com' actions='all:none' lastUpdate=/,
  )
  const [rule] = [...(world.service.directory.resident(at('fred@example.com'))?.rules.values() ?? [])]
  assert.deepEqual([rule?.subject, rule?.action], ['wilma@example.com', 'block'])
  const [read] = await told(fred, 'fred', get('wilma@example.com'))
  const stamp = /lastUpdate='([^']*)'/.exec(read ?? '')?.[1]
  assert.match((await told(fred, 'fred', set('wilma@example.com', 'core:data'))).join(), /code='555'/)
  const [replaced, again] = await told(fred, 'fred', set('wilma@example.com', 'all:all', stamp))
  assert.match(replaced ?? '', /code='250'/)
  assert.match(again ?? '', /actions='core:data presence:subscribe'/)
  const fresh = /lastUpdate='([^']*)'/.exec(again ?? '')?.[1]
  const [gone, without] = await told(fred, 'fred', set('wilma@example.com', undefined, fresh))
  assert.match(gone ?? '', /code='250'/)
  assert.doesNotMatch(without ?? '', /actions/)
  assert.match((await told(fred, 'fred', get('wilma@example.com'))).join(), /code='551'/)
})

test('a name with an asterisk and a backslash is escaped in set and get, and not in query (§3)', async () => {
  const fred = await attached(await fixture(), 'fred')
  const escaped = 'a\\\\b\\*c@rubble.com'
  assert.match((await told(fred, 'fred', set(escaped, 'all:none'))).join(), /code='250'/)
  assert.match((await told(fred, 'fred', get(escaped))).join(), /actions='all:none'/)
  assert.match((await told(fred, 'fred', query('a\\b*c@rubble.com', 'core:data'))).join(), /<deny /)
  assert.match((await told(fred, 'fred', query('ab*c@rubble.com', 'core:data'))).join(), /<allow /)
  // Unescaped, an asterisk is a wildcard, of which no rule is.
  assert.match((await told(fred, 'fred', set('a*c@rubble.com', 'all:none'))).join(), /code='554'/)
})

test('a rule that another protocol changed has another time: who read it before is told 555', async () => {
  const world = await fixture()
  const fred = await attached(world, 'fred')
  await told(fred, 'fred', set('wilma@example.com', 'all:none'))
  const [read] = await told(fred, 'fred', get('wilma@example.com'))
  const stamp = /lastUpdate='([^']*)'/.exec(read ?? '')?.[1]
  const rule = { subject: 'wilma@example.com', action: 'allow', visibility: 'full' } as const
  world.service.contacts.setRule(at('fred@example.com'), rule, () => {})
  assert.match((await told(fred, 'fred', set('wilma@example.com', 'core:data', stamp))).join(), /code='555'/)
})

const whole = '*@*.far.example'

test('a domain wildcard is created, read, replaced and deleted, and is a rule of all protocols (§3)', async () => {
  const world = await fixture()
  const fred = await attached(world, 'fred')
  assert.match((await told(fred, 'fred', get(whole))).join(), /code='551'/)
  assert.match((await told(fred, 'fred', set('*@*.Far.Example', 'all:none'))).join(), /code='250'/)
  const rules = world.service.directory.resident(at('fred@example.com'))?.rules
  assert.deepEqual(
    [...(rules?.values() ?? [])].map(({ subject, action }) => [subject, action]),
    [['*.far.example', 'block']],
  )
  const denied = async (actor: string): Promise<boolean> =>
    /<deny /.test((await told(fred, 'fred', query(actor, 'core:data'))).join())
  assert.deepEqual(
    [await denied('a@far.example'), await denied('a@b.c.far.example'), await denied('a@afar.example')],
    [true, true, false],
  )
  const stamp = /lastUpdate='([^']*)'/.exec((await told(fred, 'fred', get(whole))).join())?.[1]
  assert.match((await told(fred, 'fred', set(whole, undefined, stamp))).join(), /code='250'/)
  assert.equal(rules?.size, 0)
})

/** [actor, what it has by default, what no rule would obey] */
const defaults: readonly (readonly [string, string, string])[] = [
  ['fred@example.com', 'all:all', 'all:none'],
  ['apex=*@example.com', 'all:all', 'core:data'],
  ['apex=*@*', 'core:data', 'all:all'],
]

for (const [actor, granted, other] of defaults) {
  test(`the default of ${actor} may be said again, and nothing else: 554 (§3)`, async () => {
    const world = await fixture()
    const fred = await attached(world, 'fred')
    const [read] = await told(fred, 'fred', get(actor))
    assert.ok(read?.includes(`actions='${granted}'`))
    const stamp = /lastUpdate='([^']*)'/.exec(read)?.[1]
    assert.match((await told(fred, 'fred', set(actor, other, stamp))).join(), /code='554'/)
    assert.match((await told(fred, 'fred', set(actor, undefined, stamp))).join(), /code='554'/)
    const [reply, notice] = await told(fred, 'fred', set(actor, granted, stamp))
    assert.match(reply ?? '', /code='250'/)
    assert.ok(notice?.includes(`actions='${granted}'`))
    assert.match((await told(fred, 'fred', set(actor, granted, stamp))).join(), /code='555'/)
    assert.equal(world.service.directory.resident(at('fred@example.com'))?.rules.size, 0)
  })
}

test('people of the own domain have a default where no rule speaks of them', async () => {
  const world = await fixture()
  const fred = await attached(world, 'fred')
  const setRule = (subject: string): void =>
    world.service.contacts.setRule(
      at('fred@example.com'),
      { subject, action: 'block', visibility: 'full' },
      () => {},
    )
  const own = async (): Promise<string> => (await told(fred, 'fred', get('*@example.com'))).join()
  assert.match(await own(), /presence:subscribe/)
  setRule('*.com')
  assert.match(await own(), /code='551'/)
})

const choices: readonly (readonly [string, string, 'allow' | 'deny'])[] = [
  ['wilma@example.com', 'core:data presence:subscribe', 'allow'],
  ['barney@example.com', 'core:data', 'deny'],
  ['betty@rubble.com', 'core:data', 'deny'],
  ['dino@slate.com', 'core:data', 'allow'],
  // §3.1: "a match against an entry of *.foo.example.com is better than a match against an entry of *.example.com".
  ['dino@bar.foo.example.com', 'core:data', 'deny'],
  ['dino@foo.example.com', 'core:data', 'deny'],
  ['dino@bar.example.com', 'core:data', 'allow'],
  ['dino@barexample.com', 'core:data', 'allow'],
  // The applications of a person are that person.
  ['wilma/appl=wb@example.com', 'core:data', 'allow'],
  ['barney/appl=wb@example.com', 'core:data', 'deny'],
  ['fred@example.com', 'all:all', 'allow'],
  ['apex=presence@example.com', 'all:all', 'allow'],
  ['apex=presence@rubble.com', 'core:data', 'allow'],
  ['apex=presence@rubble.com', 'presence:subscribe', 'deny'],
  ['wilma@example.com', 'access:set', 'deny'],
  ['wilma@example.com', 'all:all', 'deny'],
]

for (const [actor, actions, said] of choices) {
  test(`§3.1: ${actor} asks for ${actions}: ${said}`, async () => {
    const world = await fixture()
    const fred = await attached(world, 'fred')
    const owner = at('fred@example.com')
    for (const [subject, action] of [
      ['wilma@example.com', 'allow'],
      ['example.com', 'block'],
      ['rubble.com', 'block'],
      ['*.example.com', 'allow'],
      ['*.foo.example.com', 'block'],
      ['*', 'allow'],
    ] as const)
      world.service.contacts.setRule(owner, { subject, action, visibility: 'full' }, () => {})
    assert.deepEqual(await told(fred, 'fred', query(actor, actions)), [`<${said} transID='1' />`])
  })
}
