// Bad input for both ends: whatever octets come, there is an answer, a wait or an end, never an exception.
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import fc from 'fast-check'
import { concat, utf8, VirtualClock } from '#base'
import { logIn, type Transport } from '#protocols/impp/client'
import { requestBytes, responseBytes } from './codec/index.ts'
import { fixture, settled } from './testing/fixture.ts'
import { dropHands, Hand } from './testing/hand.ts'

afterEach(dropHands)

const runs = Number(process.env.VERONA_SOAK) > 0 ? 2000 : 60

/** Ways to damage a stream: octets replaced, cut out, or put twice. */
const damage = fc.array(
  fc.record({
    at: fc.nat(),
    length: fc.nat(40),
    how: fc.constantFrom('replace', 'cut', 'repeat'),
    octet: fc.nat(255),
  }),
  { minLength: 1, maxLength: 4 },
)

type Damage = { at: number; length: number; how: string; octet: number }[]

function damaged(stream: Uint8Array, damages: Damage): Uint8Array {
  let octets = stream
  for (const { at, length, how, octet } of damages) {
    const start = at % octets.length
    const before = octets.subarray(0, start)
    const piece = octets.subarray(start, start + length)
    const after = octets.subarray(start + length)
    const middle = how === 'replace' ? [piece.slice().fill(octet)] : how === 'repeat' ? [piece, piece] : []
    octets = concat([before, ...middle, after, utf8(' ')])
  }
  return octets
}

test('a client that sends anything at all is answered or disconnected (property)', async () => {
  const f = await fixture()
  const presence =
    '<presence><entity>pres:juliet@example.com</entity><tuple><id>x</id><basic>open</basic></tuple></presence>'
  await fc.assert(
    fc.asyncProperty(damage, fc.nat(60), async (damages, chunk) => {
      const hand = await new Hand(f).login('juliet', { Device: 'x' })
      const own = [['From', hand.url] as const, ['Connection-ID', hand.connectionId] as const]
      const target = ['Target', hand.url] as const
      const text = { type: 'text/plain', bytes: utf8('hello') }
      const stream = concat([
        requestBytes('CHANGE', '1', [...own, target, ['Lease-Time', '60']], {
          type: 'application/impp',
          bytes: utf8(presence),
        }),
        requestBytes('SUBSCRIBE', '2', [...own, target, ['Accept', 'application/impp']]),
        requestBytes('SEND', '3', [...own, target, ['Message-ID', 'm']], text),
        responseBytes(true, 'SEND', '3', own),
        requestBytes('FETCH', '4', [...own, target]),
        requestBytes('UNSUBSCRIBE', '5', [...own, target]),
        requestBytes('SET-ACL', '6', [...own, target, ['Change', 'put']], {
          type: 'application/impp-list',
          bytes: utf8('<access><rule><subject>x.example</subject><action>block</action></rule></access>'),
        }),
        requestBytes('GET-CONTACTS', '7', [...own, target, ['Notify', 'yes'], ['After', '']]),
        requestBytes('SET-CONTACT', '8', [...own, ['Target', 'im:b@x.example'], ['Change', 'put']], {
          type: 'application/impp-list',
          bytes: utf8('<contacts><contact><address>x</address><name>n</name></contact></contacts>'),
        }),
        requestBytes('AUTHORIZE', '9', [...own, ['Target', 'im:b@x.example'], ['Decision', 'allow']]),
        requestBytes('GET-WATCHERS', '10', [...own, target, ['Notify', 'yes']]),
        requestBytes('GET-HISTORY', '11', [...own, target, ['Limit', '2'], ['Before', '-']]),
        requestBytes('SET-FORWARD', '12', [...own, target, ['Forward', 'none']]),
        requestBytes('PING', '13', []),
      ])
      const octets = damaged(stream, damages)
      for (let at = 0; at < octets.length; at += chunk + 1)
        hand.connection.write(octets.subarray(at, at + chunk + 1))
      await settled()
      hand.connection.destroy()
      await settled()
    }),
    { numRuns: runs },
  )
  assert.equal(f.environment.sessions.open.size, 0)
})

/** A server that says the same whatever it is asked. */
class Parrot implements Transport {
  readonly secure = true
  readonly #says: Uint8Array
  #handler: Parameters<Transport['start']>[0] | undefined
  #left = 20

  constructor(says: Uint8Array) {
    this.#says = says
  }

  start(handler: Parameters<Transport['start']>[0]): void {
    this.#handler = handler
  }

  write(octets: Uint8Array): void {
    const id = /^[A-Z-]+ ([^ (]+) /.exec(Buffer.from(octets).toString())?.[1]
    if (id === undefined) return // a response
    if (--this.#left < 0) return this.close()
    queueMicrotask(() =>
      this.#handler?.onData(utf8(Buffer.from(this.#says).toString().replaceAll('q-q', id))),
    )
  }

  close(): void {
    const handler = this.#handler
    this.#handler = undefined
    handler?.onClose('enough')
  }
}

test('a server that says anything at all ends in a login or a refusal (property)', async () => {
  const clock = new VirtualClock()
  const says = concat([
    responseBytes(true, 'HELLO', 'q-q', [
      ['Mechanisms', 'PLAIN'],
      ['Auth-State', 'done'],
      ['To', 'impp://example.com/romeo'],
      ['Connection-ID', 'x'],
      ['Lease-Time', '60'],
    ]),
    requestBytes(
      'SEND',
      's',
      [
        ['From', 'impp://example.com/juliet'],
        ['Target', 'impp://example.com/romeo'],
      ],
      {
        type: 'text/plain',
        bytes: utf8('hello'),
      },
    ),
    requestBytes('CHANGE-NOTIFY', 'n', [['Origin', 'impp://example.com/juliet']], {
      type: 'application/impp',
      bytes: utf8('<x/>'),
    }),
  ])
  let loggedIn = 0
  await fc.assert(
    fc.asyncProperty(fc.option(damage, { nil: [], freq: 10 }), async (damages) => {
      const options = { address: 'romeo@example.com', password: 'x', plain: true, clock, onMessage: () => {} }
      const login = logIn(new Parrot(damages.length === 0 ? says : damaged(says, damages)), options)
      login.then(
        (client) => {
          loggedIn++
          return client.quit()
        },
        (error: Error) => assert.match(error.name, /^(Refused|ConnectionLost)$/),
      )
      for (let turn = 0; turn < 4; turn++) await settled()
      clock.advance(120_000) // what still waits for an answer gives up
      await settled()
    }),
    { numRuns: runs },
  )
  assert.ok(loggedIn > 0)
})
