// Servers of other domains that flood, never read, come by the thousand or prove nothing: bounded, told, and nobody else is the worse
// for it. What they may not say is in src/protocols/xmpp/servers (proof, hostile).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { believing, FarServer, far, serverHeader } from './far-server.ts'
import { XmppPerson } from './people.ts'
import { Raw } from './raw.ts'
import { crowd, heap, isSoak, Stand, turns, until } from './stand.ts'

/** Milliseconds that anybody may wait for an answer while others do their worst, on a machine shared with the tests. */
const roundTripMax = 2000

const listens = 'server = "127.0.0.1:0"\n'

async function unhurt(...people: readonly XmppPerson[]): Promise<void> {
  for (const person of people) {
    const took = await person.roundTrip()
    assert.ok(took < roundTripMax, `${took} ms for ${person.jid}`)
  }
}

for (const managed of [true, false]) {
  test(`a server that never reads, ${managed ? 'nor acknowledges' : 'without acknowledgements'}: its messages wait, bounded, and come when it reads again`, async (context) => {
    const stand = await Stand.open(context, {
      accounts: ['alice', 'bob'],
      settings: { xmpp: `${listens}server_queued_max = 100\nserver_probe_seconds = 5\n` },
      more: await believing('queue_length_max = 300\nsender_length_max = 300\n'),
    })
    const alice = await XmppPerson.logIn(stand, 'alice')
    const bob = await XmppPerson.logIn(stand, 'bob')
    const deaf = await FarServer.proven(stand, { bidi: true, managed })
    // The first stanza of an unmanaged one says that it will not acknowledge (XEP-0288).
    deaf.message('bob', 'first', 'hark')
    await bob.expect(/hark/)
    deaf.pause()
    const before = heap()
    const body = 'x'.repeat(20_000)
    const count = 1200
    for (let sent = 0; sent < count; sent++) {
      alice.message(`paris@${far}`, `d${sent}`, body)
      if (sent % 50 === 49) await unhurt(bob, alice)
    }
    await until(
      async () => deaf.closed || (await stand.metric('verona_xmpp_server_streams')) === 0,
      () => 'the stream to be given up',
    )
    await until(
      async () => (await stand.metric('verona_relay_waiting')) === 300,
      () => 'the queue to be full',
    )
    // Whoever is refused is told (RFC 6120 §8.3.3.18), and nobody else waits.
    await until(
      () => /type=['"]error['"].*?resource-constraint/s.test(alice.text),
      () => 'the sender to be told',
    )
    await unhurt(bob, alice)
    const kept = heap() - before
    assert.ok(kept < 60_000_000, `${kept} octets for one deaf server`)
    const refused = new Set([...alice.text.matchAll(/<message [^>]*id=['"](d\d+)['"]/g)].map(([, id]) => id))
    deaf.destroy()
    // When it is back and reads, what was kept comes, in order.
    const cured = await FarServer.proven(stand, { bidi: true, managed })
    cured.message('bob', 'second', 'again')
    await bob.expect(/again/)
    await until(
      async () => {
        if (managed) cured.send(`<a xmlns='urn:xmpp:sm:3' h='${idsOf(cured.text).length}'/>`)
        return (await stand.metric('verona_relay_waiting')) === 0
      },
      () => 'the queue to be handed over',
    )
    await until(
      () => idsOf(cured.text).length >= 300,
      () => `300 messages; there are ${idsOf(cured.text).length}`,
    )
    const came = idsOf(cured.text)
    assert.equal(came.length, 300)
    const numbers = came.map((id) => Number(id.slice(1)))
    assert.deepEqual(
      numbers,
      [...numbers].sort((a, b) => a - b),
    )
    assert.ok(
      came.every((id) => !refused.has(id)),
      'what was refused does not come',
    )
    for (const raw of [alice, bob, cured]) raw.destroy()
    assert.deepEqual(stand.faults, [])
  })
}

function idsOf(text: string): string[] {
  return [...text.matchAll(/<message [^>]*id=['"](d\d+)['"].*?<\/message>/gs)].map(([, id]) => id as string)
}

test('a server that floods is read at its pace: it waits, nothing is kept for it, and others are answered', async (context) => {
  const pace = 500
  const stand = await Stand.open(context, {
    accounts: ['alice', 'bob'],
    settings: { xmpp: `${listens}server_stanzas_per_second_max = ${pace}\n` },
    more: await believing(),
  })
  const alice = await XmppPerson.logIn(stand, 'alice')
  const bob = await XmppPerson.logIn(stand, 'bob')
  const honest = await FarServer.proven(stand, { from: '127.0.0.2' })
  const flood = await FarServer.proven(stand)
  const begin = performance.now()
  const body = 'f'.repeat(1000)
  let sent = 0
  let came = 0
  const before = heap()
  for (let round = 0; round < (isSoak ? 100 : 20); round++) {
    // Never more in this process than it takes to keep the sockets full: both ends are here.
    for (let k = 0; k < 500 && flood.unwritten < 4_000_000; k++) flood.message('bob', `f${sent++}`, body)
    honest.message('alice', `h${round}`, `word ${round}.`)
    await alice.expect(new RegExp(`word ${round}\\.`))
    await unhurt(alice, bob)
    came += bob.text.split('</message>').length - 1
    bob.text = ''
    await turns(10)
  }
  const seconds = (performance.now() - begin) / 1000
  assert.ok(sent > pace + 1000, `only ${sent} were sent`)
  assert.ok(came <= pace * (seconds + 1.5), `${came} of ${sent} in ${seconds} s`)
  assert.ok(flood.unwritten > 0, 'the flood waits with its sender')
  const kept = heap() - before - flood.unwritten
  assert.ok(kept < 40_000_000, `${kept} octets for a flood`)
  for (const raw of [alice, bob, honest, flood]) raw.destroy()
  assert.deepEqual(stand.faults, [])
})

test('thousands of streams from one address that prove nothing: few are kept, and a server of another address gets in', async (context) => {
  const count = crowd(isSoak ? 5000 : 1500)
  const stand = await Stand.open(context, {
    accounts: ['alice'],
    settings: { xmpp: listens },
    more: await believing(),
  })
  const alice = await XmppPerson.logIn(stand, 'alice')
  const before = heap()
  const strangers: Raw[] = []
  for (let k = 0; k < count; k++) {
    const raw = new Raw(stand, 'xmpp.server')
    raw.send(k % 2 === 0 ? serverHeader : '')
    strangers.push(raw)
    if (k % 100 === 99) {
      await raw.begun()
      await unhurt(alice)
    }
  }
  const open = (): number => strangers.filter(({ closed }) => !closed).length
  // `server_strangers_per_address_max`
  await until(
    () => open() <= 20,
    () => `${open()} to be 20`,
  )
  const honest = await FarServer.proven(stand, { from: '127.0.0.2' })
  honest.message('alice', 'h', 'let me in')
  await alice.expect(/let me in/)
  const each = (heap() - before) / count
  assert.ok(each < 5_000, `${each} octets for each`)
  for (const raw of [...strangers, alice, honest]) raw.destroy()
  assert.deepEqual(stand.faults, [])
})

test('LIMIT: streams of one domain that is believed: one more is refused with a word (RFC 6120 §4.9.3.17)', async (context) => {
  const stand = await Stand.open(context, {
    accounts: ['alice'],
    settings: { xmpp: `${listens}server_streams_of_domain_max = 5\n` },
    more: await believing(),
  })
  const alice = await XmppPerson.logIn(stand, 'alice')
  const proven: FarServer[] = []
  for (let k = 0; k < 5; k++) proven.push(await FarServer.proven(stand))
  for (let k = 0; k < 30; k++) {
    const more = await FarServer.secured(stand)
    more.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>")
    await more.expect(/resource-constraint/)
    await more.ended()
  }
  await unhurt(alice)
  proven[0]?.message('alice', 'p', 'still here')
  await alice.expect(/still here/)
  for (const raw of [alice, ...proven]) raw.destroy()
  assert.deepEqual(stand.faults, [])
})

/** How servers begin that then go no further, or come by drops. */
const beginnings: readonly string[] = [
  '',
  serverHeader.slice(0, 40),
  serverHeader,
  `${serverHeader}<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`,
  `${serverHeader}<db:result from='${far}' to='localhost'>half a ke`,
]

test('servers that begin and go no further, or drop by drop, end in their time', async (context) => {
  const count = crowd(isSoak ? 5000 : 500)
  const stand = await Stand.open(context, {
    accounts: ['alice'],
    virtual: true,
    settings: { xmpp: `${listens}server_strangers_max = 10000\nserver_strangers_per_address_max = 10000\n` },
    more: await believing(),
  })
  const alice = await XmppPerson.logIn(stand, 'alice')
  const strangers: Raw[] = []
  for (let k = 0; k < count; k++) {
    const raw = new Raw(stand, 'xmpp.server')
    raw.send(beginnings[k % beginnings.length] as string)
    strangers.push(raw)
    if (k % 100 === 99) {
      await raw.begun()
      await unhurt(alice)
    }
  }
  await until(
    async () => (await stand.connections()) > count,
    () => `${count} connections`,
  )
  // `negotiation_seconds_max`, a minute; those in the middle of something write on, which renews nothing.
  for (let seconds = 0; seconds < 90; seconds += 5) {
    for (const [k, raw] of strangers.entries()) if (k % beginnings.length === 1) raw.send(' ')
    await stand.advance(5, 5)
    if (seconds % 30 === 0) await unhurt(alice)
  }
  await until(
    () => strangers.every(({ closed }) => closed),
    () => `${strangers.filter(({ closed }) => !closed).length} to end`,
  )
  assert.match(strangers[2]?.text ?? '', /connection-timeout/)
  for (const raw of strangers) raw.destroy()
  alice.destroy()
  assert.deepEqual(stand.faults, [])
})

test('a stanza without an end, and elements without a proof, end their streams soon', async (context) => {
  const stand = await Stand.open(context, {
    accounts: ['alice'],
    settings: { xmpp: listens },
    more: await believing(),
  })
  const alice = await XmppPerson.logIn(stand, 'alice')
  const giants: [FarServer, string, RegExp, number][] = [
    [await FarServer.secured(stand), "<message from='x'>", /policy-violation/, 100_000],
    [
      await FarServer.proven(stand),
      `<message from='paris@${far}' to='alice@localhost'><body>`,
      /policy-violation/,
      2_000_000,
    ],
  ]
  for (const [giant, begin, end, octetsMax] of giants) {
    giant.send(begin)
    let sent = 0
    while (!giant.closed && sent < 20_000_000) {
      if (giant.unwritten < 100_000) {
        giant.send('x'.repeat(10_000))
        sent += 10_000
      }
      await turns(1)
    }
    await giant.ended(`the end, after ${sent} octets`)
    assert.ok(sent < octetsMax + 1_000_000, `${sent} octets were taken`)
    assert.match(giant.text, end)
    await unhurt(alice)
  }
  const early = await FarServer.secured(stand)
  early.send(`<message from='paris@${far}' to='alice@localhost'><body>unproven</body></message>`)
  await early.expect(/not-authorized/)
  await early.ended()
  await unhurt(alice)
  assert.doesNotMatch(alice.text, /unproven/)
  alice.destroy()
  assert.deepEqual(stand.faults, [])
})
