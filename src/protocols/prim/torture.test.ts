import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import fc from 'fast-check'
import { utf8 } from '#base'
import { methods } from './methods/index.ts'
import { fixture, settled } from './testing/fixture.ts'
import { dropHands, Hand } from './testing/hand.ts'
import { everything, twoDomains } from './testing/two-domains.ts'

afterEach(dropHands)

const numRuns = Number(process.env.VERONA_SOAK) > 0 ? 2000 : 40

const names = [...methods.keys(), 'NOTIFY', 'VERIFYSERVER', 'CANCELSUBSCRIPTION', 'FLY'].filter(
  (name) => !/^(LOGOUT|PING)$/.test(name),
)
const field = fc.constantFrom(
  'From: im:bob@example.com',
  'From: pres:bob@example.com',
  'From: pres:carol@example.net',
  'To: im:alice@example.com',
  'To: pres:alice@example.com',
  'To: pres:bob@example.com',
  'Domain: example.net',
  'Auth-State: init',
  'Auth-State: continue',
  'SASL-Mech: EXTERNAL ANONYMOUS PLAIN',
  'Message-ID: m',
  'Message-ID: \u0001',
  'Conversation-ID: c d',
  'Duration: 9999999999',
  'Duration: 0',
  'Duration: -1',
  'Tuple-ID: im',
  'Tuple-ID: ../..',
  'PI-Type: leased',
  'PI-Type: permanent',
  'Class: default friends',
  'Subscription-ID: k',
  'AStrength: iron',
  'Hop-Count: 1',
  'Content-Type: application/xml',
  'Content-Type: application/pidf+xml',
  'Server-Address: ::1',
  'X:y',
)
const body = fc.constantFrom(
  '',
  '',
  '<acl/>',
  '<classtable><class name="a"/></classtable>',
  '<presence/>',
  '\u0000',
  '&',
)
const request = fc
  .tuple(
    fc.constantFrom(...names),
    fc.constantFrom('PRIM-PR', 'PRIM-IM', 'PRIM'),
    fc.array(field, { maxLength: 8 }),
    body,
  )
  .map(
    ([method, token, fields, content]) =>
      [
        method,
        token,
        `${method} ${token}/1.0 1 ${utf8(content).length}\r\n${[...fields, '', ''].join('\r\n')}${content}`,
      ] as const,
  )

describe('whatever is said', () => {
  test('every request of a client that is logged in is answered once, or the connection ends (property)', async () => {
    const f = await fixture({ pendingMax: 100, loginSeconds: 3600 })
    await fc.assert(
      fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 10 }), async (said) => {
        const hand = await (await new Hand(f).login('bob')).login('bob', 'pres')
        const before = hand.responses.length
        for (const [, , octets] of said) hand.write(octets)
        for (let turn = 0; turn < 40 && hand.responses.length - before < said.length; turn++) await settled()
        assert.ok(hand.closed !== undefined || hand.responses.length - before === said.length)
        hand.drop()
        await settled()
      }),
      { numRuns },
    )
  })

  test('a client that sends any octets ends nothing but its own connection (property)', async () => {
    const f = await fixture()
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            request.map(([, , octets]) => octets),
            fc.string({ unit: 'binary', maxLength: 40 }),
          ),
        ),
        async (parts) => {
          const hand = new Hand(f)
          for (const part of parts) hand.write(part)
          await settled()
          hand.drop()
          await settled()
        },
      ),
      { numRuns },
    )
    assert.equal((await (await new Hand(f).login('bob')).message('LISTEN')).status, 200)
  })

  test('a server that says anything at all is answered or disconnected (property)', async () => {
    const two = await twoDomains({
      serverAnonymous: true,
      domainStrangersPerAddressMax: 1000,
      domainConnectionsMax: 1000,
    })
    await fc.assert(
      fc.asyncProperty(fc.array(request, { maxLength: 10 }), fc.boolean(), async (said, isIn) => {
        const connection = two.strike('192.0.2.17')
        connection.start({ onData: () => {}, onClose: () => {} })
        const login = 'Domain: example.net\r\nSASL-Mech: ANONYMOUS\r\n'
        if (isIn) {
          connection.write(utf8(`LOGIN PRIM/1.0 1 0\r\n${login}Auth-State: init\r\n\r\n`))
          connection.write(utf8(`LOGIN PRIM/1.0 1 0\r\n${login}Auth-State: continue\r\n\r\n`))
          await everything()
        }
        for (const [, , octets] of said) connection.write(utf8(octets))
        await everything()
        connection.destroy()
        await everything()
      }),
      { numRuns },
    )
  })
})
