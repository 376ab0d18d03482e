// Bad octets from another domain, to the side that was connected to and to the one that connected: whatever comes, there is an answer, a
// wait or an end, never an exception, and others go on.
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import fc from 'fast-check'
import { concat, utf8 } from '#base'
import { connectionPair } from '#net'
import { envelopeBytes, requestBytes, responseBytes } from '../codec/index.ts'
import { at, settled } from '../testing/fixture.ts'
import { dropHands } from '../testing/hand.ts'
import { clientOf, everything, twoDomains } from '../testing/two-domains.ts'

afterEach(dropHands)

const runs = Number(process.env.VERONA_SOAK) > 0 ? 2000 : 60

const damage = fc.array(
  fc.record({
    at: fc.nat(),
    length: fc.nat(40),
    how: fc.constantFrom('replace', 'cut', 'repeat', 'insert'),
    octet: fc.nat(255),
  }),
  { minLength: 1, maxLength: 4 },
)

function damaged(
  stream: Uint8Array,
  damages: { at: number; length: number; how: string; octet: number }[],
): Uint8Array {
  let octets = stream
  for (const { at: place, length, how, octet } of damages) {
    const start = place % octets.length
    const piece = octets.subarray(start, start + length)
    const middle =
      how === 'replace'
        ? [piece.slice().fill(octet)]
        : how === 'repeat'
          ? [piece, piece]
          : how === 'insert'
            ? [Uint8Array.of(octet), piece]
            : []
    octets = concat([octets.subarray(0, start), ...middle, octets.subarray(start + length)])
  }
  return octets
}

const own = [
  ['From', 'impp://mantua.example/x'],
  ['Connection-ID', '0'],
  ['Target', 'impp://montague.example/romeo'],
] as const
const certificate = { checkHost: (name: string) => name, validTo: 'Jan  1 00:00:00 2030 GMT' }
const tls = { authorized: true, peerCertificate: () => certificate as never }
const presence = {
  type: 'application/impp',
  bytes: utf8('<presence><entity>pres:x@mantua.example</entity></presence>'),
}

test('a domain that sends anything at all is answered or disconnected (property)', async () => {
  const world = await twoDomains({ domainStrangersMax: 10_000, domainStrangersPerAddressMax: 10_000 })
  const stream = concat([
    requestBytes('HELLO', '1', [
      ['Domain', 'montague.example'],
      ['Originating-Domain', 'mantua.example'],
    ]),
    requestBytes('AUTH', '2', [['Mechanism', 'EXTERNAL']]),
    envelopeBytes([
      ['Hops', '10'],
      ['Transmission', 'abc'],
    ]),
    requestBytes('SEND', '3', own, { type: 'text/plain', bytes: utf8('hello') }),
    requestBytes('SUBSCRIBE', '4', [...own, ['Lease-Time', '600']]),
    requestBytes(
      'CHANGE-NOTIFY',
      '5',
      [...own, ['Origin', 'impp://mantua.example/x'], ['Sequence', '5']],
      presence,
    ),
    requestBytes('FETCH', '6', own),
    responseBytes(true, 'SEND', 'x', own),
    requestBytes('UNSUBSCRIBE', '7', own),
    requestBytes('PING', '8', []),
  ])
  await fc.assert(
    fc.asyncProperty(damage, fc.integer({ min: 1, max: 200 }), async (damages, chunk) => {
      const [accepted, connection] = connectionPair({ clock: world.clock, tls, secure: true })
      world.here.domains.accept(accepted)
      connection.start({ onData: () => {}, onClose: () => {} })
      const octets = damaged(stream, damages)
      for (let start = 0; start < octets.length; start += chunk)
        connection.write(octets.subarray(start, start + chunk))
      await settled()
      connection.destroy()
      await settled()
    }),
    { numRuns: runs },
  )
  const from = await clientOf(world.here, 'romeo')
  const sent = await from.ask('SEND', { Target: 'impp://capulet.example/juliet' }, 'x')
  assert.match(sent.first, /^OK/)
})

test('a domain that answers anything at all leads to an outcome (property)', async () => {
  const world = await twoDomains({ domainStrangersMax: 10_000, domainStrangersPerAddressMax: 10_000 })
  const link = world.here.domains.linkTo('capulet.example')
  let fetched = 0
  let asked = 0
  const original = world.there.domains.accept.bind(world.there.domains)
  const answer = (damages: Parameters<typeof damaged>[1], octets: Uint8Array): Uint8Array =>
    damages.length === 0 ? octets : damaged(octets, damages)
  await fc.assert(
    fc.asyncProperty(fc.option(damage, { nil: [], freq: 10 }), async (damages) => {
      world.there.domains.accept = (connection) => {
        // What capulet.example writes is damaged on its way.
        const write = connection.write.bind(connection)
        const broken = new Proxy(connection, {
          get: (target, name) => {
            if (name === 'write') return (octets: Uint8Array) => write(answer(damages, octets))
            const value: unknown = Reflect.get(target, name, target)
            return typeof value === 'function' ? value.bind(target) : value
          },
        })
        original(broken)
      }
      asked++
      link.fetch(at('romeo@montague.example'), at('juliet@capulet.example'), () => fetched++)
      await everything()
      // What still waits for an answer gives up.
      for (let step = 0; step < 14; step++) {
        world.clock.advance(5000)
        await settled()
      }
      world.wires.cutAll()
      await settled()
    }),
    { numRuns: runs / 4 },
  )
  assert.equal(fetched, asked)
})
