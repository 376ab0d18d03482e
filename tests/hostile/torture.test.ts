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

test('after each message of RFC 4475 and RFC 5118, over UDP and TCP, the server answers others', async (context) => {
  const stand = await Stand.open(context, { accounts: ['alice'] })
  const alice = await SipPerson.open(stand, 'alice')
  const socket = createSocket('udp4')
  context.after(() => socket.close())
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  assert.ok(messages.length >= 61)
  for (const { name, octets } of messages) {
    socket.send(octets, stand.port('sip.udp'), '127.0.0.1')
    const stream = new Raw(stand, 'sip.tcp')
    stream.send(octets)
    assert.ok((await alice.roundTrip()) < 5000, name)
    stream.socket.destroy()
  }
  assert.deepEqual(stand.faults, [])
})
