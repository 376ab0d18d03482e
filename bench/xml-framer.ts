// What the framer costs beside a bare scan of the same octets in the same run. Prints ratios.
// node --conditions=verona-source bench/xml-framer.ts [seconds]

import { utf8 } from '#base'
import { elementOf, Framer } from '#wire/xml'

const seconds = Number(process.argv[2] ?? 1)

const header = utf8(
  "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>",
)
const body = 'But, soft! what light through yonder window breaks? It is the east, and Juliet is the sun.'
const message = `<message to='juliet@capulet.example/balcony' from='romeo@montague.example/orchard' id='b4vs9km4' type='chat'><body>${body}</body><request xmlns='urn:xmpp:receipts'/><active xmlns='http://jabber.org/protocol/chatstates'/></message>`
const stanza = utf8(message.replace(body, body + 'x'.repeat(Math.max(0, 300 - message.length))))
const perChunk = 200
const chunk = Buffer.alloc(stanza.length * perChunk)
for (let i = 0; i < perChunk; i++) chunk.set(stanza, i * stanza.length)

/** Sets a bit for each octet and adds up: what any look at every octet costs at least. */
const marked = new Uint8Array(256)
for (const c of '<>&') marked[c.charCodeAt(0)] = 1

function bareScan(): number {
  let count = 0
  for (let i = 0; i < chunk.length; i++) if (marked[chunk[i]] !== 0) count++
  return count
}

function framing(read: (framer: Framer) => void): () => number {
  const framer = new Framer()
  framer.feed(header)
  while (framer.next() !== 'more') continue
  return () => {
    framer.feed(chunk)
    let count = 0
    for (;;) {
      const event = framer.next()
      if (event === 'more') break
      if (event !== 'stanza') throw new Error(event)
      read(framer)
      count++
    }
    if (count !== perChunk) throw new Error(`${count} stanzas`)
    return count
  }
}

/** Microseconds of CPU a stanza. */
function measure(work: () => number): number {
  const warm = performance.now() + 300
  while (performance.now() < warm) work()
  const from = process.cpuUsage()
  const end = performance.now() + seconds * 1000
  let rounds = 0
  while (performance.now() < end) {
    work()
    rounds++
  }
  const used = process.cpuUsage(from)
  return (used.user + used.system) / (rounds * perChunk)
}

let sink = 0
const baseline = measure(bareScan)
const rows: [string, number][] = [
  ['bare scan', baseline],
  ['framer', measure(framing(() => {}))],
  [
    'framer, to and type read',
    measure(
      framing((framer) => {
        sink += (framer.frame?.attribute('to')?.length ?? 0) + (framer.frame?.attribute('type')?.length ?? 0)
      }),
    ),
  ],
  [
    'framer, names of children read',
    measure(
      framing((framer) => {
        sink += framer.frame?.findChild('delay', 'urn:xmpp:delay') ?? 0
      }),
    ),
  ],
  [
    'framer and tree',
    measure(
      framing((framer) => {
        if (framer.frame !== undefined) sink += elementOf(framer.frame).children.length
      }),
    ),
  ],
]
console.log(`a stanza of ${stanza.length} octets, ${perChunk} in a chunk (${sink > 0 ? 'read' : 'unread'})`)
for (const [what, cost] of rows) {
  console.log(`${what.padEnd(32)} ${cost.toFixed(3)} µs  ${(cost / baseline).toFixed(1)} x`)
}
