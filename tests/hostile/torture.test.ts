// The torture messages of SIP against a whole server, over UDP and TCP: what each is answered stands in src/protocols/sip/torture.test.ts;
// here, that after each of them the server is alive and others are served.
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { SipPerson } from './people.ts'
import { Raw } from './raw.ts'
import { Stand } from './stand.ts'

const testdata = new URL('../../src/protocols/sip/testdata/', import.meta.url)
const messages = ['torture', 'torture-ipv6'].flatMap((folder) =>
  readdirSync(new URL(`${folder}/`, testdata)).map((file) => ({
    name: file,
    octets: readFileSync(new URL(`${folder}/${file}`, testdata)),
  })),
)

/** RFC 5118 is of networks with IPv6: all of them come by it too. */
for (const [family, host] of [
  [4, '127.0.0.1'],
  [6, '::1'],
] as const)
  test(`after each message of RFC 4475 and RFC 5118, over UDP and TCP by IPv${family}, the server answers others`, async (context) => {
    const stand = await Stand.open(context, { accounts: ['alice'], sipHost: '*' })
    const alice = await SipPerson.open(stand, 'alice')
    const socket = createSocket(`udp${family}`)
    context.after(() => socket.close())
    socket.bind(0, host)
    await once(socket, 'listening')
    assert.equal(messages.length, 61)
    for (const { name, octets } of messages) {
      socket.send(octets, stand.port('sip.udp'), host)
      const stream = new Raw(stand, 'sip.tcp', host)
      stream.send(octets)
      assert.ok((await alice.roundTrip()) < 5000, name)
      stream.socket.destroy()
    }
    // Each was heard: what the server counts, beside what Alice asked.
    const heard = await stand.metric('verona_datagrams_received_total', 'sip udp')
    assert.ok(heard >= 2 * messages.length, `${heard} datagrams`)
    assert.deepEqual(stand.faults, [])
  })
