// Message carbons (XEP-0280): what is copied, to whom, and with which octets.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serialize } from '#wire/xml'
import { clientStream } from '../codec/namespaces.ts'
import type { TestClient } from '../testing/test-client.ts'
import { type TestDomain, testDomain } from '../testing/test-domain.ts'

const carbons = 'urn:xmpp:carbons:2'
let asked = 0

async function set(client: TestClient, name: 'enable' | 'disable', to = ''): Promise<string> {
  const answer = await client.ask(
    `<iq type='set' id='c${++asked}'${to === '' ? '' : ` to='${to}'`}><${name} xmlns='${carbons}'/></iq>`,
  )
  return answer.child('error')?.elements()[0]?.name ?? (answer.attribute('type') as string)
}

interface Stage {
  readonly domain: TestDomain
  /** Romeo's two clients with carbons, and one without. */
  readonly garden: TestClient
  readonly home: TestClient
  readonly old: TestClient
  readonly juliet: TestClient
}

async function stage(history = false): Promise<Stage> {
  const domain = await testDomain({ policy: { history } })
  const garden = await domain.available('romeo', 'garden')
  const home = await domain.available('romeo', 'home')
  const old = await domain.available('romeo', 'old')
  const juliet = await domain.available('juliet', 'balcony')
  assert.equal(await set(garden, 'enable'), 'result')
  assert.equal(await set(home, 'enable'), 'result')
  for (const client of [garden, home, old, juliet]) await messages(client)
  return { domain, garden, home, old, juliet }
}

async function messages(client: TestClient): Promise<string[]> {
  await client.settled()
  const came = client.received.splice(0)
  return came
    .filter(({ name }) => name === 'message')
    .map((element) => serialize(element, { outer: clientStream }))
}

const forwarded = (kind: 'sent' | 'received', resource: string, type: string, message: string): string =>
  `<message from='romeo@localhost' to='romeo@localhost/${resource}'${type === '' ? '' : ` type='${type}'`}>` +
  `<${kind} xmlns='${carbons}'><forwarded xmlns='urn:xmpp:forward:0'>${message}</forwarded></${kind}></message>`

test('a message for one client is copied, whole, to those that want copies and to no others (§7, examples 9 and 10)', async () => {
  const { garden, home, old, juliet } = await stage()
  const inner =
    "<body>What man art thou that, thus bescreen'd in night, so stumblest on my counsel?</body>" +
    '<thread>0e3141cd80894871a68e6fe6b1ec56fa</thread>'
  juliet.send(`<message to='romeo@localhost/garden' type='chat'>${inner}</message>`)
  const start = "from='juliet@localhost/balcony' to='romeo@localhost/garden' type='chat'>"
  assert.deepEqual(await messages(garden), [`<message ${start}${inner}</message>`])
  assert.deepEqual(await messages(home), [
    forwarded('received', 'home', 'chat', `<message xmlns='jabber:client' ${start}${inner}</message>`),
  ])
  assert.deepEqual(await messages(old), [])
  assert.deepEqual(await messages(juliet), [])
})

test('what one client sends is copied to the others that want copies (§8, examples 12 and 13)', async () => {
  const { garden, home, old, juliet } = await stage()
  const body = '<body>Neither, fair saint, if either thee dislike.</body>'
  old.send(`<message to='juliet@localhost/balcony' type='chat' id='s1'>${body}</message>`)
  const message = `<message xmlns='jabber:client' from='romeo@localhost/old' to='juliet@localhost/balcony' type='chat' id='s1'>${body}</message>`
  assert.deepEqual(await messages(garden), [forwarded('sent', 'garden', 'chat', message)])
  assert.deepEqual(await messages(home), [forwarded('sent', 'home', 'chat', message)])
  assert.deepEqual(await messages(old), [], 'not to the sending client')
  assert.equal((await messages(juliet)).length, 1)
})

test('a message for all is no carbon for any (§7)', async () => {
  const { garden, home, old, juliet } = await stage()
  juliet.send("<message to='romeo@localhost' type='chat'><body>x</body></message>")
  for (const client of [garden, home, old]) {
    const came = await messages(client)
    assert.equal(came.length, 1)
    assert(!came[0]?.includes(carbons))
  }
})

const marks = {
  body: '<body>x</body>',
  state: "<composing xmlns='http://jabber.org/protocol/chatstates'/>",
  receipt: "<received xmlns='urn:xmpp:receipts' id='1'/>",
  marker: "<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>",
  other: "<x xmlns='urn:x'/>",
  direct: "<x xmlns='jabber:x:conference' jid='room@example.net'/>",
  mediated: "<x xmlns='http://jabber.org/protocol/muc#user'><invite to='x@example.net'/></x>",
}

const rows: [string, string, string, boolean][] = [
  ['chat with a body', 'chat', marks.body, true],
  ['chat without one', 'chat', marks.other, true],
  ['a chat state (§10.2)', 'chat', marks.state, true],
  ['normal with a body', 'normal', marks.body, true],
  ['no type with a body', '', marks.body, true],
  ['an unknown type is normal (RFC 6121 §5.2.2)', 'else', marks.body, true],
  ['normal with something else', 'normal', marks.other, false],
  ['normal with a receipt', 'normal', marks.receipt, true],
  ['normal with a marker', 'normal', marks.marker, true],
  ['normal with a chat state', 'normal', marks.state, true],
  ['a direct invitation', 'normal', marks.direct, true],
  ['a mediated invitation', '', marks.mediated, true],
  ['headline', 'headline', marks.body, false],
  ['groupchat', 'groupchat', marks.body, false],
  [
    'private and no-copy (§9)',
    'chat',
    `${marks.body}<private xmlns='${carbons}'/><no-copy xmlns='urn:xmpp:hints'/>`,
    false,
  ],
  ['private alone', 'chat', `${marks.body}<private xmlns='${carbons}'/>`, false],
  ['no-copy alone (XEP-0334 §4.3)', 'chat', `${marks.body}<no-copy xmlns='urn:xmpp:hints'/>`, false],
  ['no-store is no no-copy', 'chat', `${marks.body}<no-store xmlns='urn:xmpp:hints'/>`, true],
]

for (const [name, type, inner, isCopied] of rows) {
  test(`copied or not (§6.1): ${name}`, async () => {
    const { home, garden, juliet } = await stage()
    const typeText = type === '' ? '' : ` type='${type}'`
    juliet.send(`<message to='romeo@localhost/garden'${typeText}>${inner}</message>`)
    assert.equal((await messages(garden)).length, 1, 'the one it is for has it, with all that is in it')
    assert.equal((await messages(home)).length, isCopied ? 1 : 0, 'received')
    garden.send(`<message to='juliet@localhost/balcony'${typeText}>${inner}</message>`)
    await messages(juliet)
    assert.equal((await messages(home)).length, isCopied ? 1 : 0, 'sent')
  })
}

test('enabled and disabled any number of times (§10.1), by the client itself alone', async () => {
  const { home, old, juliet } = await stage()
  const isCopied = async (): Promise<boolean> => {
    juliet.send("<message to='romeo@localhost/garden' type='chat'><body>x</body></message>")
    await juliet.settled()
    return (await messages(home)).length === 1
  }
  assert.equal(await set(home, 'enable'), 'result')
  assert.equal(await isCopied(), true)
  assert.equal(await set(home, 'disable'), 'result')
  assert.equal(await set(home, 'disable'), 'result')
  assert.equal(await isCopied(), false)
  assert.equal(await set(home, 'enable', 'romeo@localhost'), 'result')
  assert.equal(await isCopied(), true)
  assert.equal(await set(old, 'enable', 'juliet@localhost'), 'service-unavailable')
})

test('a carbon that somebody else made is cut, and is copied as little (§7, example 11)', async () => {
  const { garden, home, juliet } = await stage(true)
  for (const kind of ['received', 'sent']) {
    const forged =
      `<${kind} xmlns='${carbons}'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' ` +
      `from='x@localhost' to='romeo@localhost/garden' type='chat'><body>Thou shall meet me tonite</body></message></forwarded></${kind}>`
    juliet.send(`<message to='romeo@localhost/garden' type='chat'>${forged}<body>left</body></message>`)
    for (const client of [garden, home]) {
      const [came] = await messages(client)
      assert(came?.includes('<body>left</body>'))
      assert(!came.includes('tonite'))
    }
  }
  const receipt = "<received xmlns='urn:xmpp:receipts' id='1'/>"
  juliet.send(`<message to='romeo@localhost/garden' type='chat'>${receipt}</message>`)
  assert((await messages(garden))[0]?.includes(receipt), 'a receipt has the same name and another namespace')
})

test('no copy of a copy: two clients that want copies hear each thing once', async () => {
  const { garden, home, juliet } = await stage()
  for (let i = 0; i < 3; i++) {
    garden.send(`<message to='juliet@localhost' type='chat'><body>${i}</body></message>`)
    juliet.send(`<message to='romeo@localhost/home' type='chat'><body>${i}</body></message>`)
  }
  await juliet.settled()
  assert.equal((await messages(garden)).length, 3)
  assert.equal((await messages(home)).length, 6)
})

test('with history a sent copy bears the id in the own archive (XEP-0313 §3.5)', async () => {
  const { domain, garden, home } = await stage(true)
  garden.send("<message to='juliet@localhost' type='chat'><body>x</body></message>")
  const [copy] = await messages(home)
  const [item] = await domain.store.history(domain.address('romeo'), { limit: 1 })
  assert(
    copy?.includes(`<stanza-id xmlns='urn:xmpp:sid:0' id='${item?.id}' by='romeo@localhost'/>`) ||
      copy?.includes(`<stanza-id xmlns='urn:xmpp:sid:0' by='romeo@localhost' id='${item?.id}'/>`),
    copy,
  )
})
