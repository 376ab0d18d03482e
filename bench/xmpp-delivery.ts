// What a message from one XMPP client to another costs the server's own code, without sockets, beside the framer alone.
// node --conditions=verona-source bench/xmpp-delivery.ts [seconds] [--history]; with a history each gets its stanza-id, and is kept in memory.
import { utf8 } from '#base'
import { flushConnections } from '#net'
import { Framer } from '#wire/xml'
import { testDomain } from '../src/protocols/xmpp/testing/test-domain.ts'

const seconds = Number(process.argv[2] ?? 2)
const domain = await testDomain({ policy: { history: process.argv.includes('--history') } })
const romeo = await domain.available('romeo', 'orchard')
const juliet = await domain.available('juliet', 'balcony')

const stanza = utf8(
  `<message to='juliet@localhost/balcony' type='chat' id='m0000001'><body>The quick brown fox ${'x'.repeat(60)}</body></message>`,
)
const perTick = 100
const chunk = Buffer.concat(Array(perTick).fill(stanza))
let arrived = 0
juliet.connection.start({ onData: (bytes) => (arrived += bytes.length), onClose: () => {} })

const header = utf8(
  "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>",
)
const framer = new Framer()
framer.feed(header)
while (framer.next() !== 'more') continue

function frame(): void {
  framer.feed(chunk)
  while (framer.next() === 'stanza') continue
}

function deliver(): void {
  romeo.connection.write(chunk)
  flushConnections()
}

// The same to one who acknowledges what it reads (XEP-0198), a hundred at a time.
const nurse = await domain.available('nurse', 'kitchen')
nurse.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
await nurse.nextElement()
let handled = 0
nurse.connection.start({ onData: () => {}, onClose: () => {} })
const toNurse = Buffer.from(
  chunk.toString().replaceAll('juliet@localhost/balcony', 'nurse@localhost/kitchen'),
)

async function deliverManaged(): Promise<void> {
  romeo.connection.write(toNurse)
  flushConnections()
  handled += perTick
  nurse.connection.writeUtf8(`<a xmlns='urn:xmpp:sm:3' h='${handled % 2 ** 32}'/>`)
  flushConnections()
  // The marks of a tick are one write at its end.
  await undefined
}

async function measure(work: () => void | Promise<void>): Promise<number> {
  const warm = performance.now() + 500
  while (performance.now() < warm) await work()
  const from = process.cpuUsage()
  const end = performance.now() + seconds * 1000
  let rounds = 0
  while (performance.now() < end) {
    await work()
    rounds++
  }
  const used = process.cpuUsage(from)
  return (used.user + used.system) / (rounds * perTick)
}

const framed = await measure(frame)
const delivered = await measure(deliver)
const managed = await measure(deliverManaged)
if (domain.metrics.sessions.value !== 3) throw new Error('a session ended')
if (arrived === 0) throw new Error('nothing arrived')
console.log(`framer alone      ${framed.toFixed(3)} µs a message  1.0 x`)
console.log(`in, route and out ${delivered.toFixed(3)} µs a message  ${(delivered / framed).toFixed(1)} x`)
console.log(`acknowledged      ${managed.toFixed(3)} µs a message  ${(managed / framed).toFixed(1)} x`)
