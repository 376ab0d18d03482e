// Getting ready, from both sides, with what can go wrong (docs/specs/impp-1.0.md §12.2; IMPP §10, §15.1.2).
import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { text, utf8 } from '#base'
import { type Connection, connectionPair } from '#net'
import { requestBytes, responseBytes, UnitFramer } from '../codec/index.ts'
import { dropHands } from '../testing/hand.ts'
import { type Certified, clientOf, everything, type TwoDomains, twoDomains } from '../testing/two-domains.ts'

afterEach(dropHands)

const juliet = 'impp://capulet.example/juliet'

/** What an operator of montague.example reads about capulet.example after a message could not be sent. */
async function lastError(world: TwoDomains): Promise<string> {
  const from = await clientOf(world.here, 'romeo')
  const answer = await from.ask('SEND', { Target: juliet }, 'Hello?')
  assert.equal(answer.fields.result, 'stored', 'it waits for the domain')
  await everything()
  return world.here.domains.status()[0]?.lastError ?? ''
}

describe('the initiator', () => {
  const certificates: readonly (readonly [string, Certified, RegExp])[] = [
    [
      'of another name',
      { names: ['mantua.example'], authorized: true },
      /is for DNS:mantua.example, not for capulet/,
    ],
    [
      'of nobody’s making',
      { names: ['capulet.example'], authorized: false },
      /not accepted: [^\n]*SELF_SIGNED/,
    ],
  ]
  for (const [what, certified, expected] of certificates)
    test(`goes away from a certificate ${what}, and says so to the operator`, async () => {
      const world = await twoDomains({}, certified)
      assert.match(await lastError(world), expected)
      assert.doesNotMatch(world.wires.texts.join(''), /SEND/)
    })

  test('takes a certificate on trust where the operator has said so', async () => {
    const world = await twoDomains({}, { names: ['montague.example', 'capulet.example'], authorized: false })
    world.here.policy.tls = 'encrypted'
    world.there.policy.tls = 'encrypted'
    const from = await clientOf(world.here, 'romeo')
    assert.match((await from.ask('SEND', { Target: juliet }, 'Hello?')).first, /^OK/)
    assert.match(world.here.domains.status()[0]?.identity ?? '', /not verified/)
  })

  test('is told why its own certificate is refused', async () => {
    const world = await twoDomains({}, { names: ['capulet.example'], authorized: true })
    assert.match(await lastError(world), /authenticating was refused: domain-authentication-required/)
  })

  test('that nobody answers gives up in time, and the message waits', async () => {
    const world = await twoDomains()
    world.wires.up = false
    assert.match(await lastError(world), /nobody answers/)
  })

  test('that is not spoken with gives up when its time is over', async () => {
    const world = await twoDomains({ loginSeconds: 5 })
    world.there.domains.accept = () => {} // it accepts, and says nothing
    const from = await clientOf(world.here, 'romeo')
    from.request('SEND', 'm1', { Target: juliet }, 'Hello?')
    await everything()
    world.clock.advance(5000)
    await everything()
    world.clock.advance(30_000)
    await everything()
    assert.equal((await from.next(from.responses)).fields.result, 'stored')
    assert.match(world.here.domains.status()[0]?.lastError ?? '', /not get ready in time/)
  })
})

interface Stranger {
  readonly connection: Connection
  /** The first lines and reasons of what came. */
  readonly heard: string[]
  closed: boolean
  ask(method: string, fields?: readonly (readonly [string, string])[]): Promise<string>
}

/** Somebody at the door of montague.example. */
function stranger({ here, clock }: TwoDomains, secure: boolean): Stranger {
  const tls = { authorized: false, peerCertificate: () => undefined }
  const [accepted, connection] = connectionPair({ clock, tls, secure })
  here.domains.accept(accepted)
  const framer = new UnitFramer()
  const heard: string[] = []
  const made: Stranger = {
    connection,
    heard,
    closed: false,
    ask: async (method, fields = []) => {
      connection.write(requestBytes(method, 'x', fields))
      await everything()
      return heard.shift() ?? 'nothing'
    },
  }
  connection.start({
    onData: (octets) => {
      framer.push(octets)
      for (let unit = framer.next(); unit !== undefined; unit = framer.next()) {
        assert.ok(unit.kind !== 'fault')
        const reason = unit.headers.get('reason')
        heard.push(reason ?? text(unit.raw).split(' ')[0] ?? '')
      }
    },
    onClose: () => {
      made.closed = true
    },
  })
  return made
}

const ours = ['Domain', 'montague.example'] as const
const theirs = ['Originating-Domain', 'capulet.example'] as const

describe('the responder', () => {
  const rows: readonly (readonly [string, string, readonly (readonly [string, string])[], string])[] = [
    ['no domain of its own', 'HELLO', [['Domain', 'mantua.example'], theirs], 'target-unknown'],
    ['nobody', 'HELLO', [ours], 'malformed'],
    [
      'a claim to be itself',
      'HELLO',
      [ours, ['Originating-Domain', 'montague.example']],
      'permission-denied',
    ],
    ['a limit that makes no sense', 'HELLO', [ours, theirs, ['Max-Pending', '0']], 'malformed'],
    ['a limit too small', 'HELLO', [ours, theirs, ['Max-Message-Size', '100']], 'not-acceptable'],
    ['TLS before HELLO', 'STARTTLS', [], 'malformed'],
    ['AUTH before HELLO', 'AUTH', [['Mechanism', 'EXTERNAL']], 'malformed'],
    ['a request before AUTH', 'SEND', [], 'domain-authentication-required'],
    ['PING', 'PING', [], 'OK'],
    ['a good HELLO', 'HELLO', [ours, theirs], 'OK'],
  ]
  test('answers each thing that may come first', async () => {
    const world = await twoDomains()
    for (const [what, method, fields, expected] of rows) {
      const hand = stranger(world, false)
      assert.equal(await hand.ask(method, fields), expected, what)
      hand.connection.destroy()
    }
  })

  test('octets before the handshake end the connection', async () => {
    const world = await twoDomains()
    const hand = stranger(world, false)
    await hand.ask('HELLO', [ours, theirs])
    hand.connection.write(requestBytes('STARTTLS', '1', []))
    hand.connection.write(utf8('HELLO 2 impp/1.0\r\n'))
    await everything()
    assert.equal(hand.closed, true)
  })

  test('another mechanism, another domain than that of HELLO, and nothing to show, are refused', async () => {
    const world = await twoDomains()
    const hand = stranger(world, true)
    await hand.ask('HELLO', [ours, theirs])
    assert.equal(await hand.ask('AUTH', [['Mechanism', 'PLAIN']]), 'not-acceptable')
    assert.equal(await hand.ask('AUTH', [['Mechanism', 'EXTERNAL']]), 'domain-authentication-required')
    await everything()
    assert.equal(hand.closed, true)
  })

  test('who does not get ready is sent away in time', async () => {
    const world = await twoDomains({ loginSeconds: 10 })
    const hand = stranger(world, false)
    world.clock.advance(10_000)
    await everything()
    assert.equal(hand.closed, true)
  })

  test('takes so many strangers of one address, and one again when one has gone', async () => {
    const world = await twoDomains()
    const hands = [1, 2, 3, 4].map(() => stranger(world, false))
    await everything()
    assert.deepEqual(
      hands.map(({ closed }) => closed),
      [false, false, false, true],
    )
    hands[0]?.connection.destroy()
    await everything()
    const next = stranger(world, false)
    assert.equal(await next.ask('PING'), 'OK')
  })

  test('a response to nothing from a stranger ends the connection', async () => {
    const world = await twoDomains()
    const hand = stranger(world, false)
    hand.connection.write(responseBytes(true, 'HELLO', '1', []))
    await everything()
    assert.equal(hand.closed, true)
  })
})
