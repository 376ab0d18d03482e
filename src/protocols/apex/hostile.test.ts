// What a hostile, a broken or a slow application may do with the relay: each gets a defined answer, and what it makes grow is bounded.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '#base'
import { entryEnvelope } from './binding-presence.ts'
import { controlOf, isRefusal, readMessage, readPayloadBytes } from './codec/index.ts'
import { takeData } from './operations/data.ts'
import type { ApexPresenceEnvelope } from './presence-envelope.ts'
import { at as addressAt, type Fixture, fixture, settled } from './testing/fixture.ts'
import { data, Hand } from './testing/hand.ts'

async function attached(world: Fixture, user: string, as = user): Promise<Hand> {
  const hand = new Hand(world)
  await hand.signIn(user, `<attach endpoint='${as}@example.com' transID='1' />`)
  return hand
}

const originator = "<originator identity='fred@example.com' />"
const recipient = "<recipient identity='barney@example.com' />"
const around = (inside: string, content = "content='#c'"): string => `<data ${content}>${inside}</data>`
const content = "<data-content Name='c'><a /></data-content>"
const many = (count: number, text: string): string => text.repeat(count)

/** [what, the code, the document] */
const documents: readonly (readonly [string, number, string | Buffer])[] = [
  [
    'an entity that nobody defined',
    500,
    around(`${originator}${recipient}<data-content Name='c'><a>&b;</a></data-content>`),
  ],
  [
    'a DTD with entities in entities',
    500,
    '<!DOCTYPE ok [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><ok>&b;</ok>',
  ],
  ['an external entity', 500, '<!DOCTYPE ok [<!ENTITY a SYSTEM "file:///etc/passwd">]><ok>&a;</ok>'],
  ['an XML declaration with another encoding', 500, "<?xml version='1.0' encoding='latin1'?><ok />"],
  ['a reference to NUL', 500, "<terminate transID='1'>&#0;</terminate>"],
  ['a reference to a surrogate', 500, "<terminate transID='1'>&#xD800;</terminate>"],
  ['octets that are no UTF-8', 500, Buffer.from("<terminate transID='1'>\xc3\x28</terminate>", 'latin1')],
  [
    'UTF-8 that is longer than it need be',
    500,
    Buffer.from("<terminate transID='1'>\xc0\xaf</terminate>", 'latin1'),
  ],
  ['UTF-16', 500, Buffer.from('\ufeff<ok />', 'utf16le')],
  [
    'a thousand levels',
    500,
    around(
      `${originator}${recipient}<data-content Name='c'>${many(1000, '<a>')}${many(1000, '</a>')}</data-content>`,
    ),
  ],
  ['a thousand attributes', 500, `<ok ${Array.from({ length: 1000 }, (_, at) => `a${at}=''`).join(' ')} />`],
  ['an attribute twice', 500, "<terminate transID='1' transID='2' />"],
  ['a prefix that nobody bound', 500, '<a:ok />'],
  ['the same name in another namespace', 501, "<a:ok xmlns:a='urn:a' />"],
  ['the namespace of XML as the default', 500, "<ok xmlns='http://www.w3.org/XML/1998/namespace' />"],
  [
    'a child in another namespace',
    501,
    around(`<originator xmlns='urn:a' identity='fred@example.com' />${recipient}${content}`),
  ],
  ['an attribute in a namespace', 501, "<terminate xmlns:a='urn:a' a:transID='1' />"],
  ['a document behind the document', 500, '<ok /><ok />'],
  ['nothing', 500, ''],
  [
    'an identity of 100,000 characters',
    501,
    around(`<originator identity='${many(100_000, 'a')}@example.com' />${recipient}${content}`),
  ],
  [
    'a domain of 300 characters',
    501,
    around(`<originator identity='a@${many(300, 'a')}' />${recipient}${content}`),
  ],
  ['257 recipients', 501, around(originator + many(257, recipient) + content)],
  ['ten thousand recipients', 500, around(originator + many(10_000, recipient) + content)],
  [
    '33 options',
    501,
    around(originator + recipient + many(33, "<option internal='a' transID='1' />") + content),
  ],
  [
    '33 options of one recipient',
    501,
    around(
      `${originator}<recipient identity='a@b'>${many(33, "<option internal='a' />")}</recipient>${content}`,
    ),
  ],
  ['two contents', 501, around(originator + recipient + content + content)],
  [
    'a content of two elements',
    501,
    around(`${originator}${recipient}<data-content Name='c'><a /><b /></data-content>`),
  ],
  ['a transID of fifty digits', 501, `<terminate transID='${many(50, '1')}' />`],
  ['a negative transID', 501, "<terminate transID='-1' />"],
  ['a code of letters', 501, "<terminate transID='1' code='abc' />"],
]

for (const [what, code, document] of documents)
  test(`${what}: ${code}`, () => {
    const message = readMessage(typeof document === 'string' ? utf8(document) : document)
    assert.ok(isRefusal(message), 'it was read')
    assert.equal(message.code, code, message.text)
  })

const head = (parameters: string): string => `Content-Type: multipart/related; ${parameters}\r\n\r\n`
const part = (id: string, type = 'application/beep+xml', body = '<ok />'): string =>
  `--b\r\nContent-Type: ${type}\r\nContent-ID: <${id}>\r\n\r\n${body}\r\n`

/** [what, the code or how many parts are found, the payload] */
const payloads: readonly (readonly [
  string,
  { readonly code: number } | { readonly parts: number },
  string,
])[] = [
  ['no boundary', { code: 500 }, `${head('start="<1@a>"')}${part('1@a')}--b--\r\n`],
  ['a boundary that is not there', { code: 500 }, `${head('boundary=c')}${part('1@a')}--b--\r\n`],
  ['a boundary of 71 characters', { code: 500 }, `${head(`boundary=${many(71, 'b')}`)}${part('1@a')}`],
  ['no end', { code: 500 }, `${head('boundary=b')}${part('1@a')}`],
  [
    'thousands of parts',
    { code: 500 },
    `${head('boundary=b')}${part('1@a')}${many(5000, part('2@a', 'text/plain', 'x'))}--b--\r\n`,
  ],
  ['a start that no part has', { code: 501 }, `${head('boundary=b; start="<9@a>"')}${part('1@a')}--b--\r\n`],
  [
    'a first part that is no document',
    { code: 501 },
    `${head('boundary=b')}${part('1@a', 'text/plain')}--b--\r\n`,
  ],
  [
    'a document in base64',
    { code: 504 },
    `${head('boundary=b')}--b\r\nContent-Type: application/beep+xml\r\nContent-Transfer-Encoding: base64\r\n\r\nPG9rIC8+\r\n--b--\r\n`,
  ],
  [
    'a part without an end of its header',
    { code: 500 },
    `${head('boundary=b')}--b\r\nContent-Type: application/beep+xml\r\n--b--\r\n`,
  ],
  [
    'a hundred parameters',
    { code: 501 },
    `Content-Type: multipart/related; ${Array.from({ length: 100 }, (_, at) => `p${at}=1`).join('; ')}\r\n\r\n`,
  ],
  [
    'another kind of multipart',
    { code: 501 },
    `Content-Type: multipart/mixed; boundary=b\r\n\r\n${part('1@a')}--b--\r\n`,
  ],
  [
    'one name for two parts: the last counts',
    { parts: 1 },
    `${head('boundary=b')}${part('1@a')}${part('2@a', 'text/plain', 'x')}${part('2@a', 'text/plain', 'y')}--b--\r\n`,
  ],
  [
    'a boundary within a boundary',
    { parts: 1 },
    `${head('boundary=b')}${part('1@a')}${part('2@a', 'text/plain', '--bc\r\nx')}--b--\r\n`,
  ],
]

for (const [what, expected, payload] of payloads)
  test(`a payload with ${what}`, () => {
    const read = readPayloadBytes(utf8(payload))
    if ('code' in expected) assert.equal('code' in read ? read.code : 'read', expected.code)
    else assert.equal('parts' in read ? read.parts.size : read.text, expected.parts)
  })

test('many recipients, and what is asked for each: each is reported as often as asked, and nothing more', async () => {
  const world = await fixture({ holdAlways: false })
  const fred = await attached(world, 'fred')
  const names = Array.from({ length: 60 }, (_, at) => `nobody${at}@example.com`)
  const asks = many(4, "<option internal='statusRequest' transID='7' />")
  assert.equal(await fred.say(data('fred@example.com', names.join(' '), '<a />', asks)), '<ok />')
  await settled()
  const reports = (await fred.hear()).filter((text) => text.includes('statusResponse'))
  assert.equal(reports.length, 240)
})

test('what would be too much in all its copies is refused whole (554)', async () => {
  const world = await fixture({ messageOctetsMax: 262_144 })
  const names = Array.from({ length: 200 }, (_, at) => `<recipient identity='nobody${at}@example.com' />`)
  const document = `<data content='cid:2@a'><originator identity='fred@example.com' />${names.join('')}</data>`
  const payload = readPayloadBytes(
    utf8(
      `${head('boundary=b')}${part('1@a', undefined, document)}${part('2@a', 'text/plain', many(100_000, 'x'))}--b--\r\n`,
    ),
  )
  assert.ok('control' in payload)
  const message = readMessage(controlOf(payload))
  assert.ok(!isRefusal(message) && message.kind === 'data')
  const sender = { from: addressAt('fred@example.com'), agent: '' }
  assert.equal(takeData(world.relay, { payload, data: message }, sender, {})?.code, 554)
})

test('a subscriber that answers nothing costs a queue; when it answers again it hears the latest', async () => {
  const world = await fixture()
  const wilma = await attached(world, 'wilma')
  const subscribe = "<subscribe publisher='fred@example.com' duration='86400' transID='9' />"
  await wilma.say(data('wilma@example.com', 'apex=presence@example.com', subscribe))
  await wilma.hear()
  wilma.answers = undefined
  const owner = addressAt('fred@example.com')
  const rounds = 1100
  for (let round = 1; round <= rounds; round++) {
    const about = { presentity: owner, by: owner, tuple: 'desk', seconds: undefined }
    world.service.presence.publish({ ...about, source: available(`round${round}`) }, () => {})
    await settled()
  }
  const before = await wilma.hear()
  assert.ok(before.length <= 1000, `${before.length} are under way`)
  wilma.answerAll('<ok />')
  await settled()
  const after = await wilma.hear()
  assert.match(after.at(-1) ?? '', new RegExp(`round${rounds}'`))
})

function available(words: string): ApexPresenceEnvelope {
  const destination = 'im:fred@example.com'
  const tuple = {
    destination,
    availableUntil: '2030-01-01T00:00:00Z',
    tupleInfo: `data:,${words}`,
    capabilities: [],
  }
  const entry = {
    publisher: 'fred@example.com',
    lastUpdate: '2026-01-01T00:00:00Z',
    publisherInfo: '',
    tuples: [tuple],
  }
  return entryEnvelope(entry, addressAt('fred@example.com'), 0)
}

test('many attach and terminate leave nothing behind, and an attachment too many is refused', async () => {
  const world = await fixture({ attachmentsMax: 4 })
  const fred = await attached(world, 'fred')
  for (let round = 0; round < 500; round++) {
    assert.equal(
      await fred.say(`<attach endpoint='fred/a${round}@example.com' transID='${round + 2}' />`),
      '<ok />',
    )
    assert.equal(await fred.say(`<terminate transID='${round + 2}' />`), '<ok />')
  }
  assert.equal(world.relay.endpoints.all().length, 1)
  const answers: string[] = []
  for (let more = 0; more < 10; more++)
    answers.push(await fred.say(`<attach endpoint='fred/b${more}@example.com' transID='${more + 2}' />`))
  assert.equal(answers.filter((answer) => answer === '<ok />').length, 3)
  assert.ok(answers.slice(3).every((answer) => answer.includes("code='554'")))
})

test('ten thousand subscribe operations: those beyond the limit are refused, and those in progress are as many', async () => {
  const world = await fixture({ subscriptionsMax: 3 })
  const fred = await attached(world, 'fred')
  const rounds = process.env.VERONA_SOAK === undefined ? 1000 : 10_000
  const people = ['fred', 'wilma', 'barney']
  for (let round = 0; round < rounds; round++) {
    const publisher = `${people[round % 3]}@example.com`
    // Each replaces the one before for the same presentity (RFC 3343 §4.2 step 4).
    await fred.say(
      data(
        'fred@example.com',
        'apex=presence@example.com',
        `<subscribe publisher='${publisher}' duration='600' transID='${round + 10}' />`,
      ),
    )
    fred.came.length = 0
  }
  await settled()
  const watched = people.map((name) => {
    const owner = world.service.directory.resident(addressAt(`${name}@example.com`))
    return owner === undefined ? 0 : world.service.presence.watchers(owner).length
  })
  assert.deepEqual(watched, [1, 1, 1])
})

test('what was not asked is no harm: replies, reports and services’ words from an application', async () => {
  const world = await fixture()
  const fred = await attached(world, 'fred')
  const words = [
    ['apex=presence@example.com', "<reply code='250' transID='1' />", 501],
    ['apex=presence@example.com', "<notify subscriber='wilma@example.com' transID='1' />", 501],
    ['apex=access@example.com', "<allow transID='1' />", 501],
    [
      'apex=report@example.com',
      "<statusResponse transID='1'><destination identity='a@b'><reply code='250' /></destination></statusResponse>",
      undefined,
    ],
    ['apex=presence@example.com', '<presence />', 501],
    ['apex=access@example.com', "<set transID='1' />", 501],
  ] as const
  for (const [service, inline, code] of words) {
    assert.equal(await fred.say(data('fred@example.com', service, inline)), '<ok />')
    const said = (await fred.hear()).join()
    if (code === undefined) assert.equal(said, '')
    else assert.match(said, new RegExp(`<reply code='${code}'`), inline)
  }
  // In the name of a service, or of somebody else.
  for (const name of ['apex=report@example.com', 'wilma@example.com', 'fred/appl=im@example.com'])
    assert.match(await fred.say(data(name, 'barney@example.com', '<a />')), /<error code='537'/)
})
