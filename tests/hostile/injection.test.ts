// What one protocol's user writes must never become syntax of another protocol: line ends, NUL, header fields, markup.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { ImppPerson, SipPerson, type SipUnit, XmppPerson } from './people.ts'
import { Stand } from './stand.ts'

const accounts = ['mallory', 'alice', 'bob']

/** Header fields that no translation has reason to write: whoever sees one was shown a forged field. */
const forged =
  /^(X-Evil|Evil|Route|Record-Route|Contact|P-Asserted-Identity|Report|Origin|Copy|Stored|About)\s*:/im

/** Texts that try to end a line, a header block or a unit. */
const breakers = [
  'a\r\nEvil: 1',
  'a\r\n\r\nMESSAGE sip:x SIP/2.0',
  'a\nEvil: 1',
  'a\rEvil: 1',
  'a\r\n Evil: folded',
  'a\u2028Evil: 1',
  'a\u0085Evil: 1',
  'a\\r\\nEvil: 1',
  'a%0d%0aEvil: 1',
  '\u202eevil\u202c\u2066x\u2069',
]

const reference = (text: string): string =>
  text.replace(/[&<>'"\r\n\t]/g, (character) => `&#${character.charCodeAt(0)};`)

function fieldsOf(head: string): Map<string, string[]> {
  const fields = new Map<string, string[]>()
  for (const line of head.split('\r\n').slice(1)) {
    if (line === '') continue
    assert.match(line, /^[!-9;-~]+:/, `no field: ${JSON.stringify(line)}`)
    const name = line.slice(0, line.indexOf(':')).toLowerCase()
    fields.set(name, [...(fields.get(name) ?? []), line.slice(line.indexOf(':') + 1).trim()])
  }
  return fields
}

/** A request to a phone has one of each field, none that is forged, and no lone CR, LF or NUL. */
function assertCleanSip({ head }: SipUnit): void {
  assert.doesNotMatch(head, forged)
  assert.doesNotMatch(head.replaceAll('\r\n', ''), /[\r\n\0]/)
  for (const [name, values] of fieldsOf(head))
    assert.equal(values.length, 1, `${name} is there ${values.length} times:\n${head}`)
}

function assertCleanImpp(unit: string): void {
  const head = unit.slice(0, unit.indexOf('\r\n\r\n') + 2)
  assert.doesNotMatch(head, forged)
  assert.doesNotMatch(head.replaceAll('\r\n', ''), /[\r\n\0]/)
  for (const [name, values] of fieldsOf(head))
    if (name !== 'subject')
      assert.equal(values.length, 1, `${name} is there ${values.length} times:\n${head}`)
}

async function world(context: TestContext): Promise<{ stand: Stand; phone: SipPerson; client: ImppPerson }> {
  const stand = await Stand.open(context, { accounts })
  const phone = await SipPerson.open(stand, 'alice')
  const client = await ImppPerson.logIn(stand, 'bob')
  context.after(() => {
    phone.close()
    client.destroy()
    assert.deepEqual(stand.faults, [])
  })
  return { stand, phone, client }
}

const nextSend = (client: ImppPerson): Promise<string> => nextRequest(client, 'SEND')

/** The next request of a method that the client is given; answered, so that the next may follow. */
async function nextRequest(client: ImppPerson, method: string): Promise<string> {
  const match = await client.expect(new RegExp(`${method} (\\S+) impp/1\\.0\\r\\n[\\s\\S]*?\\r\\n\\r\\n`))
  const length = Number(/^Content-Length: (\d+)/im.exec(match[0])?.[1] ?? 0)
  const [from, connection] = ['From', 'Connection-ID'].map(
    (name) => new RegExp(`^${name}: (.*)\\r$`, 'im').exec(match[0])?.[1] ?? '',
  )
  client.text = client.text.slice(length)
  client.send(`OK (${method}) ${match[1]} impp/1.0\r\nTo: ${from}\r\nConnection-ID: ${connection}\r\n\r\n`)
  return match[0]
}

test('nothing that an XMPP client writes ends a line of SIP or IMPP', async (context) => {
  const { stand, phone, client } = await world(context)
  const mallory = await XmppPerson.logIn(stand, 'mallory')
  for (const [k, text] of breakers.entries()) {
    const evil = reference(text)
    for (const to of ['alice', 'bob']) {
      mallory.send(
        `<message to='${to}@localhost' type='chat' id='${evil}' xml:lang='${evil}'><subject>${evil}</subject><thread>${evil}</thread>` +
          `<body>${evil} ${k}</body><request xmlns='urn:xmpp:receipts'/></message>`,
      )
    }
    const unit = await phone.expect(`message ${k}`, ({ first }) => first.startsWith('MESSAGE '))
    assertCleanSip(unit)
    assert.ok(unit.body.endsWith(` ${k}`))
    assertCleanImpp(await nextSend(client))
  }
})

test('content that an XMPP client brings along has no header fields but those that describe content', async (context) => {
  const { stand, phone, client } = await world(context)
  const mallory = await XmppPerson.logIn(stand, 'mallory')
  const names = [
    'X-Evil&#13;&#10;Evil',
    'Evil: 1&#13;&#10;Content-Language',
    'Route',
    'Contact',
    'P-Asserted-Identity',
    'Via',
    'v',
    'From',
    'f',
    'Content-Length',
    'l',
    'Content-Type',
    'c',
    'Report',
    'About',
    'Origin',
    'Connection-ID',
    'Message-ID',
    '',
    'Content-X:y',
    'Content-&#13;&#10;Evil',
  ]
  for (const [k, name] of names.entries()) {
    for (const to of ['alice', 'bob']) {
      mallory.send(
        `<message to='${to}@localhost' type='chat' id='n${k}'><content xmlns='urn:verona:content:0' type='text/x-own'>` +
          `<field name='${name}'>delivered</field><field name='Content-Language'>de</field>aGVsbG8=</content></message>`,
      )
    }
    const unit = await phone.expect(`content ${k}`, ({ first }) => first.startsWith('MESSAGE '))
    assertCleanSip(unit)
    assert.match(unit.head, /^Content-Language: de\r$/m)
    assert.equal(unit.body, 'hello')
    const send = await nextSend(client)
    assertCleanImpp(send)
    assert.match(send, /^Content-Language: de\r$/m)
  }
  for (const type of [
    'text/x&#13;&#10;Evil: 1',
    'text/x&#0;',
    'x',
    '',
    'text/plain;a=&quot;b&#10;Evil: 1&quot;',
  ]) {
    if (type.includes('&#0;')) continue // not well-formed: it would end the stream
    for (const to of ['alice', 'bob'])
      mallory.send(
        `<message to='${to}@localhost' type='chat' id='t'><body>plain</body><content xmlns='urn:verona:content:0' type='${type}'>aGVsbG8=</content></message>`,
      )
  }
  mallory.message('alice@localhost', 'last', 'the last')
  mallory.message('bob@localhost', 'last', 'the last')
  for (let body = ''; body !== 'the last'; ) {
    const unit = await phone.expect('the last', ({ first }) => first.startsWith('MESSAGE '))
    assertCleanSip(unit)
    body = unit.body
  }
  for (let send = ''; !/^Message-ID: last\r$/m.test(send); ) {
    send = await nextSend(client)
    assertCleanImpp(send)
  }
  await mallory.roundTrip()
})

test('presence notes, states and priorities end no line, and break no document', async (context) => {
  const { stand, phone, client } = await world(context)
  const mallory = await XmppPerson.logIn(stand, 'mallory')
  for (const watcher of ['alice', 'bob'])
    mallory.send(`<presence to='${watcher}@localhost' type='subscribed'/>`)
  client.request('SUBSCRIBE', [
    'Target: impp://localhost/mallory',
    'Lease-Time: 600',
    'Accept: application/impp',
  ])
  const subscribed = await phone.request('SUBSCRIBE', 'sip:mallory@localhost', [
    'Event: presence',
    `Contact: ${phone.contact}`,
    'Expires: 600',
  ])
  assert.equal(subscribed.status, 200)
  for (const text of [
    ...breakers,
    '</note></tuple></presence>',
    ']]>',
    '<!-- ',
    '&lt;',
    '\'"',
    '\u{1f319}',
  ]) {
    mallory.send(`<presence><status>${reference(text)}</status><show>${reference(text)}</show></presence>`)
    await mallory.roundTrip()
  }
  mallory.send('<presence><show>away</show><status>the end</status></presence>')
  for (let ended = false; !ended; ) {
    const unit = await phone.expect('NOTIFY', ({ first }) => first.startsWith('NOTIFY '))
    // Contact is the notifier's own (RFC 6665 §4.2.2).
    assertCleanSip({ ...unit, head: unit.head.replace(/^Contact: <sip:[^\r\n>]*>\r\n/m, '') })
    ended = unit.body.includes('the end')
  }
  // One notification waits for the answer to the one before, then comes the newest state alone.
  await nextRequest(client, 'CHANGE-NOTIFY')
  await client.expect(/the end/)
})

test('nothing that a phone writes becomes markup of XMPP or a line of IMPP', async (context) => {
  const { stand, client } = await world(context)
  const mallory = await SipPerson.open(stand, 'mallory')
  const xmpp = await XmppPerson.logIn(stand, 'alice')
  context.after(() => mallory.close())
  const evil = 'x</thread><body>forged</body><thread>&amp;<!--\'">'
  const forgedFrom = `From: "</message><iq type='set'>" <sip:mallory@localhost>;tag=1`
  for (const to of ['alice@localhost', 'bob@localhost']) {
    const sending = mallory.message(
      to,
      '</body><presence/>\0\u0001 ]]> end',
      forgedFrom,
      `Subject: ${evil}`,
      `Call-ID: a'<b>"c@x`,
      `Message-ID: ${evil}`,
      'Content-Type: text/plain;charset=utf-8',
      `Content-Language: en'><x`,
      'Date: Sat, 99 Foo 999999 99:99:99 GMT',
    )
    if (to.startsWith('bob')) assertCleanImpp(await nextSend(client))
    assert.equal((await sending).status, 200)
  }
  assert.equal((await mallory.message('alice@localhost', 'after')).status, 200)
  await xmpp.roundTrip()
  assert.match(xmpp.text, /<body[^>]*>after<\/body>/)
  assert.doesNotMatch(xmpp.text, /<body>forged|<presence\/>|<iq type='set'|\0|\u0001/)
})

test('nothing that an IMPP client writes becomes markup of XMPP or a field of SIP', async (context) => {
  const { stand, phone } = await world(context)
  const mallory = await ImppPerson.logIn(stand, 'mallory')
  const xmpp = await XmppPerson.logIn(stand, 'bob')
  const values = [
    'x\\r\\nEvil: 1',
    'x\\u000d\\u000aEvil: 1',
    'x\\u000AEvil: 1',
    'x\\u0000y',
    'x\\ud800y',
    '</body><body>forged</body>\'">',
    '\\u003c/body\\u003e',
    '\u202eevil',
  ]
  for (const value of values) {
    for (const to of ['alice', 'bob']) {
      const id = mallory.request(
        'SEND',
        [
          `Target: impp://localhost/${to}`,
          `Message-ID: ${value}`,
          `Thread-ID: ${value}`,
          `Subject: ;lang=en ${value}`,
          'Content-Type: text/plain',
          `Content-Language: ${value}`,
          `Content-Evil: ${value}`,
        ],
        'hello <b>&</b> \0 ]]>',
      )
      assert.match(await mallory.answer(id), /^OK/)
    }
    assertCleanSip(await phone.expect('MESSAGE', ({ first }) => first.startsWith('MESSAGE ')))
  }
  await xmpp.roundTrip()
  assert.doesNotMatch(xmpp.text, /<body>forged|\0|&#(x0|0);/i)
  assert.equal(xmpp.text.match(/<message /g)?.length, values.length)
})

test('addresses with escaped line ends, NUL and markup are refused or carried as what they are', async (context) => {
  const { stand, phone, client } = await world(context)
  const mallory = await XmppPerson.logIn(stand, 'mallory')
  const users = [
    'a%0d%0aEvil: 1',
    'a%00b',
    '%0a',
    'a%3cb%3e',
    'a%40b',
    '%',
    '%zz',
    'a%e2%80%ae',
    "a'b",
    'a\\20b',
    'a\\0ab',
  ]
  for (const user of users) {
    for (const scheme of ['impp://localhost/', 'im:']) {
      const url = scheme === 'im:' ? `im:${user}@localhost` : scheme + user
      const id = client.request('SEND', [`Target: ${url}`, 'Content-Type: text/plain'], 'x')
      assert.match(await client.answer(id), /^ERROR/)
    }
    const answered = await phone.message(`${user.replaceAll(' ', '')}@localhost`, 'x')
    assert.ok(answered.status >= 400 && answered.status < 500, answered.first)
    mallory.send(`<message to='${reference(user)}@localhost' id='u'><body>x</body></message>`)
    await mallory.expect(/<message [^>]*type='error'|<message [^>]*type="error"/)
  }
  await mallory.roundTrip()
})
