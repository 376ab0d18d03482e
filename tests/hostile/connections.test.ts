// Connections that trickle, wait, never end or are never read: they end with a word where the protocol has one, and nobody else is
// the worse for it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ImppPerson, SipPerson, XmppPerson, xmppHeader } from './people.ts'
import { Raw } from './raw.ts'
import { crowd, heap, isSoak, Stand, turns, until } from './stand.ts'

/** Milliseconds that anybody may wait for an answer while others do their worst, on a machine shared with the tests. */
const roundTripMax = 2000

test('octets that come one at a time are as good as those that come together', async (context) => {
  const stand = await Stand.open(context, { accounts: ['alice'] })
  const xmpp = await XmppPerson.logIn(stand, 'alice', 'slow', false)
  await xmpp.sendOneByOne("<iq type='get' id='one' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>")
  await xmpp.expect(/<iq [^>]*id=['"]one['"]/)
  const impp = await ImppPerson.logIn(stand, 'alice')
  const lines = `FETCH one impp/1.0\r\nFrom: ${impp.url}\r\nConnection-ID: ${impp.connectionId}\r\nTarget: ${impp.url}\r\n\r\n`
  await impp.sendOneByOne(lines)
  await impp.expect(/OK \(FETCH\) one/)
  const sip = new Raw(stand, 'sip.tcp')
  await sip.sendOneByOne(
    'OPTIONS sip:localhost SIP/2.0\r\nVia: SIP/2.0/TCP x;branch=z9hG4bKone\r\nFrom: <sip:alice@localhost>;tag=1\r\n' +
      'To: <sip:localhost>\r\nCall-ID: one\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n',
  )
  await sip.expect(/SIP\/2\.0 200/)
  for (const raw of [xmpp, impp, sip]) raw.destroy()
  assert.deepEqual(stand.faults, [])
})

/** How strangers begin; each then says nothing more. */
const beginnings: readonly (readonly [setting: string, text: string])[] = [
  ['xmpp.client', ''],
  ['xmpp.client', xmppHeader],
  [
    'xmpp.client',
    `${xmppHeader}<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-1'>${'A'.repeat(500)}`,
  ],
  ['impp.client', ''],
  ['impp.client', 'HELLO h impp/1.0\r\nDomain: localhost\r\n\r\nAUTH a impp/1.0\r\nMecha'],
  ['sip.tcp', 'REGISTER sip:localhost SIP/2.0\r\nVia: SIP/2.0/TCP x;branch=z9hG4bKx\r\n'],
]

/** How many ended, and how many of them broke for which reason. */
function faultsOf(strangers: readonly Raw[]): string {
  const ended = strangers.filter(({ closed }) => closed)
  const kinds = Map.groupBy(ended, ({ fault }) => fault)
  const told = [...kinds].map(([fault, of]) => `${of.length} ${fault === '' ? 'in order' : fault}`)
  return `${ended.length} ended${told.length > 0 ? `: ${told.join(', ')}` : ''}`
}

async function comeAndWait(stand: Stand, alice: XmppPerson, count: number): Promise<Raw[]> {
  const strangers: Raw[] = []
  for (let k = 0; k < count; k++) {
    const [setting, text] = beginnings[k % beginnings.length] as readonly [string, string]
    const raw = new Raw(stand, setting)
    raw.send(text)
    strangers.push(raw)
    if (k % 100 === 99) {
      await raw.begun()
      assert.ok((await alice.roundTrip()) < roundTripMax)
    }
  }
  await until(
    async () => (await stand.connections()) > count,
    () => `${count} connections; ${faultsOf(strangers)}`,
  )
  return strangers
}

test('thousands of connections that begin and go no further end in their time, and nobody else waits for them', async (context) => {
  const count = crowd(isSoak ? 5000 : 1000)
  const stand = await Stand.open(context, { accounts: ['alice'], virtual: true })
  const alice = await XmppPerson.logIn(stand, 'alice')
  const left: number[] = []
  for (let wave = 0; wave < 2; wave++) {
    const before = heap()
    const strangers = await comeAndWait(stand, alice, count)
    const each = (heap() - before) / count
    // Both ends are in this process.
    assert.ok(each < 40_000, `${each} octets a connection`)
    // The longest to wait is XMPP: a minute (`negotiation_seconds_max`).
    for (let seconds = 0; seconds < 90; seconds += 10) {
      await stand.advance(10)
      assert.ok((await alice.roundTrip()) < roundTripMax)
    }
    await until(
      () => strangers.every((raw) => raw.closed),
      () => `${strangers.filter((raw) => !raw.closed).length} connections to end`,
    )
    assert.match(strangers[1]?.text ?? '', /connection-timeout/)
    assert.match(strangers[4]?.text ?? '', /ERROR \(-\)/)
    await until(
      async () => (await stand.connections()) === 1,
      () => 'the server to hold no connection but one',
    )
    strangers.length = 0
    await turns(20)
    left.push(heap())
  }
  const [first = 0, second = 0] = left
  assert.ok(second - first < count * 500 + 500_000, `${second - first} octets stay of a wave of ${count}`)
  alice.destroy()
  assert.deepEqual(stand.faults, [])
})

/** What never ends, piece by piece, after a beginning. */
const endless: readonly (readonly [
  what: string,
  setting: string,
  begin: string,
  piece: string,
  end: RegExp,
])[] = [
  ['an XML declaration', 'xmpp.client', '<?xml ', 'x'.repeat(1000), /stream:error/],
  ['a stream header', 'xmpp.client', '<stream:stream ', "a='x' ".repeat(200), /stream:error/],
  [
    'a stream header of one attribute',
    'xmpp.client',
    "<stream:stream xmlns='",
    'x'.repeat(1000),
    /stream:error/,
  ],
  ['an element before login', 'xmpp.client', `${xmppHeader}<auth>`, 'A'.repeat(1000), /policy-violation/],
  ['white space and comments', 'xmpp.client', `${xmppHeader}<!--`, ' '.repeat(1000), /restricted-xml/],
  ['depth', 'xmpp.client', xmppHeader, '<a>'.repeat(300), /stream:error/],
  ['an IMPP start line', 'impp.client', 'HELLO ', 'h'.repeat(1000), /ERROR \(-\)/],
  [
    'IMPP header fields',
    'impp.client',
    'HELLO h impp/1.0\r\n',
    'X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n'.repeat(30),
    /ERROR/,
  ],
  ['one IMPP header field', 'impp.client', 'HELLO h impp/1.0\r\nX: ', 'y'.repeat(1000), /ERROR/],
  [
    'an IMPP body of a stranger',
    'impp.client',
    'HELLO h impp/1.0\r\nContent-Type: a/b\r\nContent-Length: 999999999\r\n\r\n',
    'y'.repeat(1000),
    /ERROR/,
  ],
  ['a SIP start line', 'sip.tcp', 'REGISTER sip:', 'x'.repeat(1000), /^$/],
  [
    'SIP header fields',
    'sip.tcp',
    'REGISTER sip:localhost SIP/2.0\r\n',
    'X: yyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n'.repeat(30),
    /^$/,
  ],
  ['one SIP header field', 'sip.tcp', 'REGISTER sip:localhost SIP/2.0\r\nX: ', 'y'.repeat(1000), /^$/],
  [
    'a SIP body',
    'sip.tcp',
    'REGISTER sip:localhost SIP/2.0\r\nContent-Length: 999999999\r\n\r\n',
    'y'.repeat(1000),
    /^$/,
  ],
]

for (const [what, setting, begin, piece, end] of endless) {
  test(`${what} without an end ends the connection, soon`, async (context) => {
    const stand = await Stand.open(context, { accounts: ['alice'] })
    const raw = new Raw(stand, setting)
    raw.send(begin)
    let sent = 0
    // LIMIT: no unit of a stranger needs so much; what is under way in the sockets included.
    while (!raw.closed && !raw.socket.destroyed && sent < 8_000_000) {
      if (raw.socket.writableLength < 100_000) {
        raw.send(piece)
        sent += piece.length
      }
      if (sent % 20_000 < 1000) await turns(1)
      else await new Promise((resolve) => setImmediate(resolve))
    }
    await raw.ended(`the end, after ${sent} octets`)
    assert.match(raw.text, end)
    assert.deepEqual(stand.faults, [])
  })
}

test('somebody who never reads loses their connection, and others get what is theirs', async (context) => {
  const stand = await Stand.open(context, {
    accounts: ['alice', 'bob', 'deaf'],
    settings: { xmpp: 'stanza_octets_max = 262144' },
  })
  const alice = await XmppPerson.logIn(stand, 'alice')
  const bob = await XmppPerson.logIn(stand, 'bob')
  const deaf = await XmppPerson.logIn(stand, 'deaf')
  deaf.socket.pause()
  const before = heap()
  const body = 'x'.repeat(50_000)
  let sent = 0
  for (; sent < 600 && (await stand.metric('verona_slow_readers_total')) === 0; sent++) {
    alice.message('deaf@localhost', `d${sent}`, body)
    if (sent % 10 === 9) {
      assert.ok((await bob.roundTrip()) < roundTripMax)
      await alice.roundTrip()
    }
  }
  assert.ok(sent < 600, 'the connection was kept')
  alice.text = ''
  bob.text = ''
  alice.message('bob@localhost', 'b', 'still here?')
  await bob.expect(/still here\?/)
  // What came after its end is kept for its owner, who reads this time.
  alice.message('deaf@localhost', 'after', 'are you there?')
  await alice.roundTrip()
  const again = await XmppPerson.logIn(stand, 'deaf', 'again')
  await again.expect(/are you there\?/)
  deaf.destroy()
  again.destroy()
  again.text = ''
  // The memory store holds the messages themselves.
  assert.ok(heap() - before < sent * body.length * 2 + 20_000_000)
  for (const raw of [alice, bob]) raw.destroy()
  assert.deepEqual(stand.faults, [])
})

test('an IMPP client that never responds is sent a bounded number of requests; the rest is stored', async (context) => {
  const stand = await Stand.open(context, {
    accounts: ['alice', 'deaf'],
    settings: { impp: 'queued_max = 20' },
  })
  const alice = await XmppPerson.logIn(stand, 'alice')
  const deaf = await ImppPerson.logIn(stand, 'deaf')
  for (let k = 0; k < 200; k++) alice.message('deaf@localhost', `m${k}`, `text ${k}`)
  await alice.roundTrip()
  await turns(20)
  assert.ok(
    (deaf.text.match(/^SEND /gm)?.length ?? 0) <= 16,
    'as many as it said it takes, or the default of 16',
  )
  assert.doesNotMatch(alice.text, /type=['"]error/)
  // It goes; all of them come to the one who comes next, once.
  deaf.destroy()
  const next = await XmppPerson.logIn(stand, 'deaf', 'next')
  await next.expect(/text 199/)
  await next.roundTrip()
  next.destroy()
  alice.destroy()
  assert.deepEqual(stand.faults, [])
})

test('wrong passwords by the hundred cost their sender time, and others nothing', async (context) => {
  const stand = await Stand.open(context, { accounts: ['alice', 'victim'] })
  const alice = await XmppPerson.logIn(stand, 'alice')
  const phone = await SipPerson.open(stand, 'alice')
  let longest = 0
  const guess = async (k: number): Promise<string> => {
    const raw = new Raw(stand, 'xmpp.client')
    raw.send(xmppHeader)
    await raw.expect(/<\/stream:features>/)
    const data = Buffer.from(`\0victim\0wrong ${k}`).toString('base64')
    raw.send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${data}</auth>`)
    const failure = await raw.expect(/<failure[^>]*><([a-z-]+)/)
    raw.destroy()
    return failure[1] as string
  }
  const answers: string[] = []
  for (let round = 0; round < (isSoak ? 100 : 10); round++) {
    answers.push(...(await Promise.all(Array.from({ length: 30 }, (_, k) => guess(round * 30 + k)))))
    longest = Math.max(longest, await alice.roundTrip(), await phone.roundTrip())
  }
  assert.ok(longest < roundTripMax, `${longest} ms`)
  const looked = answers.filter((answer) => answer === 'not-authorized').length
  assert.ok(looked <= 30, `${looked} guesses were looked at`)
  assert.ok(answers.every((answer) => ['not-authorized', 'temporary-auth-failure'].includes(answer)))
  assert.ok(answers.filter((answer) => answer === 'temporary-auth-failure').length > 200)
  // Whoever is in stays in.
  await alice.roundTrip()
  alice.destroy()
  phone.close()
  assert.deepEqual(stand.faults, [])
})
