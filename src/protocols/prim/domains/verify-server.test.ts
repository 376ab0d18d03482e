// VERIFYSERVER from the asking side (docs/specs/prim.md §8.2): a connection whose address DNS does not have for the domain that it names by ANONYMOUS.

import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { dropHands } from '../testing/hand.ts'
import { Server } from '../testing/server-by-hand.ts'
import { everything, type TwoDomains, twoDomains } from '../testing/two-domains.ts'

afterEach(dropHands)

const stranger = '192.0.2.66'
const known = '192.0.2.17'

interface Asked {
  readonly two: TwoDomains
  /** The server that DNS names, with what it was asked. */
  readonly named: Server
  /** What the stranger's `continue` is answered, once it is. */
  readonly answer: () => string
  readonly isOver: () => boolean
}

/** A stranger says that it is of example.net, and the server that DNS has for example.net is asked. */
async function asked(): Promise<Asked> {
  const two = await twoDomains({ serverAnonymous: true })
  const named: Server[] = []
  two.byHand.set(known, (connection) => named.push(new Server(connection)))
  const server = new Server(two.strike(stranger))
  await server.say('LOGIN PRIM/1.0 1 0\nDomain: example.net\nAuth-State: init\nSASL-Mech: ANONYMOUS\n\n')
  server.write('LOGIN PRIM/1.0 2 0\nDomain: example.net\nAuth-State: continue\nSASL-Mech: ANONYMOUS\n\n')
  await everything()
  const [first] = named
  assert.ok(first, 'the server that DNS names is asked')
  return {
    two,
    named: first,
    answer: () => server.told.join(''),
    isOver: () => server.closed,
  }
}

const question = `VERIFYSERVER PRIM/1.0 d1 0\r\nServer-Address: ${stranger}\r\n\r\n`

describe('VERIFYSERVER, asked by us (docs/specs/prim.md §8.2, Example 6)', () => {
  test('a yes lets the stranger in; the question is the first word of a connection of its own, LOGOUT the last', async () => {
    const { named, answer, isOver } = await asked()
    assert.equal(named.told.splice(0).join(''), question)
    assert.equal(answer(), '')
    assert.equal(await named.say('PRIM/1.0 d1 0 200 OK\n\n'), 'LOGOUT PRIM/1.0 - 0\n\n')
    await everything()
    assert.match(answer(), /^PRIM\/1\.0 2 0 200 OK/)
    assert.ok(!isOver() && named.closed)
  })

  const noes: [string, (a: Asked) => unknown][] = [
    ['403', ({ named }) => named.say('PRIM/1.0 d1 0 403 Resource Not Found\n\n')],
    [
      '501, from a server that does not know the question',
      ({ named }) => named.say('PRIM/1.0 d1 0 501 No\n\n'),
    ],
    ['the end of the connection', ({ two }) => two.wires.cut(2)],
    ['silence', ({ two }) => two.clock.advance(29_000)],
    ['nonsense', ({ named }) => named.say('hello\n\n')],
  ]
  for (const [what, say] of noes) {
    test(`${what} is a no: 406, and the stranger is shut out`, async () => {
      const scene = await asked()
      // The stranger came before the question was asked: its own time to get ready must not end first.
      await say(scene)
      await everything()
      if (what === 'silence') {
        assert.equal(scene.answer(), '', 'not yet')
        scene.two.clock.advance(2000)
        await everything()
        assert.ok(scene.isOver())
        return
      }
      assert.match(scene.answer(), /^PRIM\/1\.0 2 0 406 /)
      assert.ok(scene.isOver())
    })
  }

  test('while the question is under way nothing else is taken of the stranger, and its end ends nothing else', async () => {
    const { two, named, answer } = await asked()
    two.wires.cut(1)
    await everything()
    await named.say('PRIM/1.0 d1 0 200 OK\n\n')
    await everything()
    assert.equal(answer(), '')
    assert.deepEqual(two.here.domains.status(), [])
    // Another comes, and is asked for anew.
    const again: Server[] = []
    two.byHand.set(known, (connection) => again.push(new Server(connection)))
    const server = new Server(two.strike(stranger))
    await server.say('LOGIN PRIM/1.0 1 0\nDomain: example.net\nAuth-State: init\nSASL-Mech: ANONYMOUS\n\n')
    server.write('LOGIN PRIM/1.0 2 0\nDomain: example.net\nAuth-State: continue\nSASL-Mech: ANONYMOUS\n\n')
    await everything()
    assert.equal(again.length, 1)
    server.told.splice(0)
    assert.match(
      await server.say('FETCH PRIM/1.0 3 0\nFrom: pres:a@example.net\nTo: pres:bob@example.com\n\n'),
      / 401 /,
    )
  })

  test('nobody that DNS names can be reached: 406', async () => {
    const two = await twoDomains({ serverAnonymous: true })
    const server = new Server(two.strike(stranger))
    two.up = false
    assert.match(await server.login('ANONYMOUS'), / 406 /)
    assert.ok(server.closed)
  })

  test('one server of the domain that is gone does not keep another from saying yes', async () => {
    const two = await twoDomains({ serverAnonymous: true }, { 'example.net': ['192.0.2.16', known] })
    const named: Server[] = []
    two.byHand.set('192.0.2.16', () => {
      throw new Error('nobody answers')
    })
    two.byHand.set(known, (connection) => named.push(new Server(connection)))
    const server = new Server(two.strike(stranger))
    await server.say('LOGIN PRIM/1.0 1 0\nDomain: example.net\nAuth-State: init\nSASL-Mech: ANONYMOUS\n\n')
    server.write('LOGIN PRIM/1.0 2 0\nDomain: example.net\nAuth-State: continue\nSASL-Mech: ANONYMOUS\n\n')
    await everything()
    await named[0]?.say('PRIM/1.0 d1 0 200 OK\n\n')
    await everything()
    assert.match(server.told.join(''), /^PRIM\/1\.0 2 0 200 OK/)
  })

  test('our own server vouches for its addresses alone', async () => {
    const two = await twoDomains({ serverAnonymous: true })
    assert.match(await new Server(two.strike(stranger)).login('ANONYMOUS'), / 406 /)
    const crossed = two.wires.said.map(({ octets }) => octets)
    assert.ok(crossed.some((octets) => octets.startsWith('VERIFYSERVER ')))
    assert.ok(crossed.some((octets) => / 403 Resource Not Found/.test(octets)))
  })
})
