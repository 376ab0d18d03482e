// SIP as the open network has it: scans for names and passwords, floods from many addresses, requests in others' names, senders who never
// end. Good phones register and write all the while, nothing grows, and the log says it once.
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { test } from 'node:test'
import { sparingLimits } from '#observe'
import { SipPerson } from './people.ts'
import { Raw } from './raw.ts'
import { heap, isSoak, Stand, turns, until } from './stand.ts'
import { Strangers } from './strangers.ts'

/** An answer to who has proved nothing is no more than so many times what was asked (as RFC 9000 §8.1). */
const amplificationMax = 3

/** Alice comes anew and writes to Bob, who gets it: it takes as many requests as ever, and each is answered at once. */
async function goodPhones(stand: Stand, bob: SipPerson, nth: number): Promise<void> {
  const alice = await SipPerson.open(stand, 'alice')
  const { status } = await alice.message('bob@localhost', `good ${nth}`)
  assert.equal(status, 200)
  await bob.expect(`good ${nth}`, ({ body }) => body === `good ${nth}`)
  // Of her own phones the next one would be one too many.
  await alice.request('REGISTER', 'sip:localhost', ['Contact: *', 'Expires: 0'])
  alice.close()
}

/** Lines of warnings by kind and source, each of which is to be one. */
function assertToldOnce(warnings: readonly string[], kind: RegExp): void {
  const told = warnings.filter((line) => kind.test(line))
  assert.ok(told.length > 0, `no line is ${kind}: ${warnings}`)
  assert.equal(new Set(told).size, told.length, 'a line stands twice')
  assert.ok(warnings.length <= sparingLimits.linesMax + 1, `${warnings.length} lines`)
}

test('a scan for names from many addresses learns none, gets little for its octets, and is told once a source', async (context) => {
  const stand = await Stand.open(context, { accounts: ['alice', 'bob', '100'] })
  const bob = await SipPerson.open(stand, 'bob')
  const scan = await Strangers.open(stand, 4)
  const count = isSoak ? 60_000 : 4000
  const methods = ['OPTIONS', 'REGISTER', 'INVITE', 'MESSAGE', 'SUBSCRIBE'] as const
  for (let k = 0; k < count; k++) {
    const method = methods[k % methods.length] as string
    // 100 is somebody's name, the others nobody's.
    const name = String(100 + (k % 50))
    const uri = method === 'REGISTER' ? 'sip:localhost' : `sip:${name}@localhost`
    scan.send(
      k,
      method,
      uri,
      k % 3 === 0 ? name : `x${k}`,
      method === 'SUBSCRIBE' ? 'Event: presence\r\n' : '',
    )
    if (k % 100 === 99) await scan.quiet()
    if (k % 1000 === 999) await goodPhones(stand, bob, k)
  }
  await scan.quiet()
  // One answer a method, whoever it is that they ask for.
  assert.deepEqual([...scan.statuses.keys()].sort(), [
    'INVITE 407',
    'MESSAGE 407',
    'OPTIONS 407',
    'REGISTER 401',
    'SUBSCRIBE 401',
  ])
  const factor = scan.answered / scan.asked
  assert.ok(factor <= amplificationMax, `${factor.toFixed(2)} octets for each`)
  assertToldOnce(stand.warnings, /^one source asks again and again and proves nothing .*127\.0\.1\.1/)
  assert.deepEqual(stand.faults, [])
})

for (const method of ['REGISTER', 'INVITE', 'SUBSCRIBE'] as const)
  test(`a flood of ${method} from a hundred addresses leaves good phones their turn, and a bounded memory`, async (context) => {
    const stand = await Stand.open(context, {
      accounts: ['alice', 'bob'],
      settings: { sip: 'transactions_max = 2048' },
    })
    const bob = await SipPerson.open(stand, 'bob')
    const flood = await Strangers.open(stand, 100)
    const count = isSoak ? 200_000 : 6000
    const made: number[] = []
    for (let wave = 0, k = 0; wave < 2; wave++) {
      for (; k < ((wave + 1) * count) / 2; k++) {
        flood.send(k, method, method === 'REGISTER' ? 'sip:localhost' : 'sip:bob@localhost', 'alice')
        if (k % 200 === 199) await turns(2)
        if (k % 1000 === 999) await goodPhones(stand, bob, k)
      }
      await flood.quiet()
      made.push(heap())
    }
    const [first = 0, second = 0] = made
    assert.ok(second - first < 8_000_000, `${second - first} octets more`)
    assert.ok(flood.answered <= amplificationMax * flood.asked, `${flood.answered / flood.asked}`)
    assert.equal(bob.arrived.filter(({ first: line }) => line.startsWith('INVITE')).length, 0)
    assert.deepEqual(stand.faults, [])
  })

test('what is asked in the name of another address is answered to where it came from (RFC 3261 §18.2.1)', async (context) => {
  const stand = await Stand.open(context, { accounts: ['alice', 'bob'] })
  const bob = await SipPerson.open(stand, 'bob')
  const victim = createSocket('udp4')
  context.after(() => victim.close())
  victim.bind(0, '127.0.2.1')
  await once(victim, 'listening')
  let hit = 0
  victim.on('message', () => hit++)
  const spoofers = await Strangers.open(stand, 3)
  const claim = `127.0.2.1:${victim.address().port}`
  for (let k = 0; k < 600; k++) {
    const method = ['OPTIONS', 'REGISTER', 'INVITE', 'MESSAGE'][k % 4] as string
    spoofers.send(k, method, 'sip:bob@localhost', 'alice', '', k % 2 === 0 ? claim : `${claim};rport`)
    if (k % 50 === 49) await turns(2)
  }
  await spoofers.quiet()
  await goodPhones(stand, bob, 1)
  assert.equal(hit, 0)
  // Those that asked for it by rport hear (RFC 3581); the others' answers go to the port that Via names, at the source's address.
  assert.ok(spoofers.answered > 0)
  assert.deepEqual(stand.faults, [])
})

test('a bomb of Contacts registers none of them (RFC 3261 §10.3), and who sent it is told', async (context) => {
  const stand = await Stand.open(context, { accounts: ['alice', 'bob', 'mallory'] })
  const bob = await SipPerson.open(stand, 'bob')
  const mallory = await SipPerson.open(stand, 'mallory', false)
  const contacts = (count: number): string[] =>
    Array.from({ length: count }, (_, k) => `Contact: <sip:m${k}@127.0.2.${k % 250}:${1024 + k}>`)
  for (const count of [17, 90, 200]) {
    const { status } = await mallory.request('REGISTER', 'sip:localhost', contacts(count))
    assert.ok(status >= 400 && status < 600, `${count} contacts: ${status}`)
  }
  const oneField = `Contact: ${contacts(120)
    .map((line) => line.slice(9))
    .join(', ')}`
  assert.ok((await mallory.request('REGISTER', 'sip:localhost', [oneField])).status >= 400)
  const { head, status } = await mallory.request('REGISTER', 'sip:localhost')
  assert.equal(status, 200)
  assert.doesNotMatch(head, /^Contact:/im)
  await goodPhones(stand, bob, 1)
  assert.deepEqual(stand.faults, [])
})

test('a length beyond all messages, and thousands of headers, end their connection at once', async (context) => {
  const stand = await Stand.open(context, { accounts: ['alice', 'bob'] })
  const bob = await SipPerson.open(stand, 'bob')
  const before = heap()
  const start = 'MESSAGE sip:bob@localhost SIP/2.0\r\nVia: SIP/2.0/TCP x;branch=z9hG4bK1\r\n'
  const beginnings = [
    `${start}Content-Length: 4294967295\r\n\r\n`,
    `${start}Content-Length: 99999999999999999999\r\n\r\n`,
    `${start}l: 70000\r\n\r\n${'x'.repeat(1000)}`,
    `${start}${'X: y\r\n'.repeat(20_000)}`,
    `${start}X: ${'y'.repeat(200_000)}`,
    'x'.repeat(200_000),
  ]
  for (const beginning of beginnings) {
    const raw = new Raw(stand, 'sip.tcp')
    raw.send(beginning)
    await raw.ended(beginning.slice(-30))
  }
  await goodPhones(stand, bob, 1)
  assert.ok(heap() - before < 4_000_000)
  assert.deepEqual(stand.faults, [])
})

test('handshakes of TLS that begin, and never end or are none, are over in their time, and told once', async (context) => {
  const stand = await Stand.open(context, {
    accounts: ['alice', 'bob'],
    settings: { sip: 'tls = "127.0.0.1:0"' },
    virtual: true,
  })
  const bob = await SipPerson.open(stand, 'bob')
  const count = isSoak ? 5000 : 600
  const strangers: Raw[] = []
  // A record of a handshake that says it is longer than what comes; nothing at all; something else.
  const hello = Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3)
  for (let k = 0; k < count; k++) {
    const raw = new Raw(stand, 'sip.tls')
    if (k % 3 === 0) raw.send(hello)
    else if (k % 3 === 1) raw.send('OPTIONS sip:localhost SIP/2.0\r\n\r\n')
    strangers.push(raw)
    if (k % 100 === 99) await turns(20)
  }
  await goodPhones(stand, bob, 1)
  await until(
    async () => (await stand.metric('verona_connections_accepted_total', 'sip tls')) >= count,
    () => `${count} connections`,
  )
  await stand.advance(20)
  await until(
    () => strangers.every(({ closed }) => closed),
    () => `all closed, not ${strangers.filter(({ closed }) => !closed).length} open`,
  )
  assertToldOnce(stand.warnings, /^TLS handshakes from one source fail again and again .*127\.0\.0\.1/)
  await goodPhones(stand, bob, 2)
  assert.deepEqual(stand.faults, [])
})
