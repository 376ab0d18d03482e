import assert from 'node:assert/strict'
import { test } from 'node:test'
import { historyIdsMax } from '#core'
import {
  archived,
  conversation,
  field,
  form,
  mam,
  query,
  set,
  setOf,
  textOf,
} from '../testing/archive-questions.ts'
import { testDomain } from '../testing/test-domain.ts'

test('a question is answered with each message as it came, its stamp and its id, then the end (XEP-0313 §4.2)', async () => {
  const domain = await archived()
  const juliet = await domain.available('juliet', 'balcony')
  const romeo = await domain.available('romeo', 'orchard')
  const octets = `<body>Hail  to\tthee &lt;"'&gt;</body><x a="1"  xmlns='urn:x'><!--no-->`.replace(
    '<!--no-->',
    '<y/></x>',
  )
  romeo.send(`<message to="juliet@localhost" type='chat' id='m1'>${octets}</message>`)
  await domain.settle()
  const delivered = juliet.received.find(({ name }) => name === 'message')
  const id = delivered?.child('stanza-id', 'urn:xmpp:sid:0')?.attribute('id')
  assert.equal(delivered?.child('stanza-id', 'urn:xmpp:sid:0')?.attribute('by'), 'juliet@localhost')

  const answer = await query(juliet, '', " queryid='f27'")
  const [result] = answer.results
  assert.equal(result?.attribute('queryid'), 'f27')
  assert.equal(result?.attribute('id'), id, 'the id that was told at delivery (§3.5)')
  assert.equal(
    textOf(result?.elements()[0]),
    "<forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00.000Z'/>" +
      "<message xmlns='jabber:client' from='romeo@localhost/orchard' to='juliet@localhost' type='chat' id='m1'>" +
      "<body>Hail  to\tthee &lt;\"'&gt;</body><x xmlns='urn:x' a='1'><y/></x></message></forwarded>",
  )
  assert.equal(
    textOf(answer.fin),
    `<fin xmlns='${mam}' complete='true'><set xmlns='http://jabber.org/protocol/rsm'><first index='0'>${id}</first><last>${id}</last><count>1</count></set></fin>`,
  )
  const ofSender = await query(romeo)
  assert.deepEqual(ofSender.ids, [id], "the sender's copy bears the same id")
})

test('an empty archive is an answer (§4.1)', async () => {
  const domain = await archived()
  const juliet = await domain.available('juliet', 'balcony')
  const answer = await query(juliet)
  assert.equal(
    textOf(answer.fin),
    `<fin xmlns='${mam}' complete='true'><set xmlns='http://jabber.org/protocol/rsm'><count>0</count></set></fin>`,
  )
  const metadata = await juliet.ask(`<iq type='get' id='m'><metadata xmlns='${mam}'/></iq>`)
  assert.equal(textOf(metadata.elements()[0]), `<metadata xmlns='${mam}'/>`)
})

test('pages forwards, backwards, last, flipped, and what each says of itself (§4.3, XEP-0059)', async () => {
  const { juliet } = await conversation(10)
  const all = await query(juliet)
  assert.deepEqual(all.bodies, ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
  const [ids] = [all.ids]
  const rows: [string, string, string[], (string | undefined)[], boolean][] = [
    ['the first page', set('<max>3</max>'), ['0', '1', '2'], [ids[0], '0', ids[2], undefined], false],
    [
      'the next page (§4.3.2)',
      set(`<max>3</max><after>${ids[2]}</after>`),
      ['3', '4', '5'],
      [ids[3], undefined, ids[5], undefined],
      false,
    ],
    [
      'the page that ends it',
      set(`<max>3</max><after>${ids[6]}</after>`),
      ['7', '8', '9'],
      [ids[7], undefined, ids[9], undefined],
      true,
    ],
    [
      'beyond the end',
      set(`<max>3</max><after>${ids[9]}</after>`),
      [],
      [undefined, undefined, undefined, undefined],
      true,
    ],
    [
      'the last page, in order (§4.3.3)',
      set('<max>3</max><before/>'),
      ['7', '8', '9'],
      [ids[7], undefined, ids[9], undefined],
      false,
    ],
    [
      'the page before (XEP-0059 §2.3)',
      set(`<max>3</max><before>${ids[7]}</before>`),
      ['4', '5', '6'],
      [ids[4], undefined, ids[6], undefined],
      false,
    ],
    [
      'backwards to the beginning',
      set(`<max>5</max><before>${ids[2]}</before>`),
      ['0', '1'],
      [ids[0], '0', ids[1], undefined],
      true,
    ],
    [
      'a flipped page has the same messages and the same ends (§4.3.4)',
      `${set(`<max>3</max><after>${ids[2]}</after>`)}<flip-page/>`,
      ['5', '4', '3'],
      [ids[3], undefined, ids[5], undefined],
      false,
    ],
    [
      'the whole in one page knows its count',
      set('<max>100</max><before/>'),
      all.bodies as string[],
      [ids[0], '0', ids[9], '10'],
      true,
    ],
    [
      'how many there are (XEP-0059 §2.7)',
      set('<max>0</max>'),
      [],
      [undefined, undefined, undefined, '10'],
      false,
    ],
    [
      'within bounds of the form the page goes on',
      form(field('after-id', ids[1] as string)) + set(`<max>2</max><after>${ids[4]}</after>`),
      ['5', '6'],
      [ids[5], undefined, ids[6], undefined],
      false,
    ],
    [
      'a page does not leave the bounds of the form',
      form(field('after-id', ids[5] as string)) + set(`<max>9</max><after>${ids[1]}</after>`),
      ['6', '7', '8', '9'],
      [ids[6], undefined, ids[9], undefined],
      true,
    ],
  ]
  for (const [name, inner, bodies, rsm, isComplete] of rows) {
    const answer = await query(juliet, inner)
    assert.deepEqual(answer.bodies, bodies, name)
    assert.deepEqual(setOf(answer), rsm, name)
    assert.equal(answer.fin?.attribute('complete') === 'true', isComplete, name)
  }
})

test('filters: by JID, by time, by ids (§4.1)', async () => {
  const { domain, juliet } = await conversation(8)
  juliet.send("<message to='romeo@localhost/orchard' type='chat'><body>8</body></message>")
  await domain.settle()
  const { ids } = await query(juliet)
  const minute = (n: number): string => new Date(Date.UTC(2026, 0, 1) + n * 60_000).toISOString()
  const rows: [string, string, string[]][] = [
    ['with a bare JID, both ways (§4.1.1)', field('with', 'romeo@localhost'), ['0', '2', '4', '6', '8']],
    ['with a JID as it is prepared', field('with', 'ROMEO@LocalHost'), ['0', '2', '4', '6', '8']],
    ['with a full JID', field('with', 'romeo@localhost/orchard'), ['0', '2', '4', '6', '8']],
    ['with a full JID that wrote nothing', field('with', 'romeo@localhost/else'), []],
    ['with somebody unknown', field('with', 'x@example.net'), []],
    ['start is inclusive (§4.1.2)', field('start', minute(6)), ['6', '7', '8']],
    ['end is inclusive', field('end', minute(1)), ['0', '1']],
    ['both', field('start', minute(2)) + field('end', minute(3)), ['2', '3']],
    ['an offset is time too (XEP-0082)', field('start', '2026-01-01T01:07:00+01:00'), ['7', '8']],
    ['after-id (§4.1.3)', field('after-id', ids[6] as string), ['7', '8']],
    ['before-id', field('before-id', ids[2] as string), ['0', '1']],
    ['between two', field('after-id', ids[1] as string) + field('before-id', ids[4] as string), ['2', '3']],
    ['ids, in the order of the archive', field('ids', ids[5] as string, ids[1] as string), ['1', '5']],
    ['include-groupchat (§4.1.4)', field('include-groupchat', 'true') + field('end', minute(0)), ['0']],
  ]
  for (const [name, fields, bodies] of rows) {
    assert.deepEqual((await query(juliet, form(fields))).bodies, bodies, name)
  }
  const counted = await query(juliet, form(field('with', 'romeo@localhost')) + set('<max>0</max>'))
  assert.equal(setOf(counted)[3], '5')
})

test('what is wrong with a question is told', async () => {
  const { juliet } = await conversation(1)
  const rows: [string, string, string][] = [
    ['an unknown before (§4.3.2)', set('<before>nobody</before>'), 'item-not-found'],
    ['an unknown after', set('<after>nobody</after>'), 'item-not-found'],
    ['an unknown before-id (§4.1.3)', form(field('before-id', 'x')), 'item-not-found'],
    ['an unknown after-id', form(field('after-id', 'x')), 'item-not-found'],
    ['an unknown id', form(field('ids', 'x')), 'item-not-found'],
    ['an unknown field (§4.1.5)', form(field('{urn:x}y', 'x')), 'feature-not-implemented'],
    ['a page by index (XEP-0059 §2.6)', set('<index>3</index>'), 'feature-not-implemented'],
    ['a max that is no number', set('<max>many</max>'), 'bad-request'],
    ['a max below zero', set('<max>-1</max>'), 'bad-request'],
    ['a start that is no time', form(field('start', 'yesterday')), 'bad-request'],
    ['a start that is a date alone', form(field('start', '2026-01-01')), 'bad-request'],
    ['an end without a zone', form(field('end', '2026-01-01T00:00:00')), 'bad-request'],
    ['a JID that is none', form(field('with', '@@')), 'jid-malformed'],
    ['a field twice', form(field('end', '2026-01-01T00:00:00Z').repeat(2)), 'bad-request'],
    ['no ids', form(field('ids')), 'bad-request'],
    [
      'too many ids',
      form(field('ids', ...Array.from({ length: historyIdsMax + 1 }, (_, i) => `${i}`))),
      'policy-violation',
    ],
    ['a form of something else', "<x xmlns='jabber:x:data' type='submit'/>", 'bad-request'],
    ['a form that is a form', "<x xmlns='jabber:x:data' type='form'/>", 'bad-request'],
  ]
  for (const [name, inner, condition] of rows) {
    const answer = await query(juliet, inner)
    assert.equal(answer.error, condition, name)
    assert.deepEqual(answer.results, [], name)
  }
  assert.equal((await query(juliet, '', " node='urn:x'")).error, 'item-not-found')
})

test('the form, and what is discovered (§4.1.5, §7)', async () => {
  const domain = await archived()
  const juliet = await domain.available('juliet', 'balcony')
  const asked = await juliet.ask(`<iq type='get' id='form1'><query xmlns='${mam}'/></iq>`)
  const fields = asked.elements()[0]?.elements()[0]?.childrenNamed('field') ?? []
  assert.deepEqual(
    fields.map((each) => `${each.attribute('type')} ${each.attribute('var')}`),
    [
      'hidden FORM_TYPE',
      'jid-single with',
      'text-single start',
      'text-single end',
      'text-single before-id',
      'text-single after-id',
      'list-multi ids',
      'boolean include-groupchat',
    ],
  )
  assert(fields[6]?.child('validate', 'http://jabber.org/protocol/xdata-validate') !== undefined)
  const info = await juliet.ask(
    "<iq type='get' id='d' to='juliet@localhost'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
  )
  const features =
    info
      .elements()[0]
      ?.childrenNamed('feature')
      .map((each) => each.attribute('var')) ?? []
  for (const feature of [mam, `${mam}#extended`, `${mam}#groupchat-field`, 'urn:xmpp:sid:0'])
    assert(features.includes(feature), feature)
})

test('metadata tells the ends of the archive (§5)', async () => {
  const { juliet } = await conversation(3)
  const { ids } = await query(juliet)
  const metadata = await juliet.ask(`<iq type='get' id='m'><metadata xmlns='${mam}'/></iq>`)
  assert.equal(
    textOf(metadata.elements()[0]),
    `<metadata xmlns='${mam}'><start id='${ids[0]}' timestamp='2026-01-01T00:00:00.000Z'/><end id='${ids[2]}' timestamp='2026-01-01T00:02:00.000Z'/></metadata>`,
  )
})

test("another's archive is forbidden, whether there is one or not; the server has none (§8.1)", async () => {
  const { juliet } = await conversation(1)
  for (const [to, condition] of [
    ['romeo@localhost', 'forbidden'],
    ['nobody@localhost', 'forbidden'],
    ['localhost', 'service-unavailable'],
  ]) {
    const answer = await juliet.ask(`<iq type='set' id='o' to='${to}'><query xmlns='${mam}'/></iq>`)
    assert.equal(answer.child('error')?.elements()[0]?.name, condition, to)
  }
  const own = await juliet.ask(`<iq type='set' id='o' to='juliet@localhost'><query xmlns='${mam}'/></iq>`)
  assert.equal(own.attribute('type'), 'result')
})

test('without history there is no archive, and none is discovered', async () => {
  const domain = await testDomain({ policy: { history: false } })
  const juliet = await domain.available('juliet', 'balcony')
  for (const payload of ['query', 'metadata', 'prefs']) {
    const answer = await juliet.ask(`<iq type='get' id='x'><${payload} xmlns='${mam}'/></iq>`)
    assert.equal(answer.child('error')?.elements()[0]?.name, 'service-unavailable', payload)
  }
  const info = await juliet.ask(
    "<iq type='get' id='d' to='juliet@localhost'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
  )
  assert(!textOf(info).includes(mam))
})
