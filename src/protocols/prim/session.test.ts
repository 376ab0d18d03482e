import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { methods } from './methods/index.ts'
import { fixture, settled } from './testing/fixture.ts'
import { dropHands, Hand, pidf } from './testing/hand.ts'

afterEach(dropHands)

const From = 'im:bob@example.com'
const init = { From, 'Auth-State': 'init', 'SASL-Mech': 'PLAIN' }
const more = { From, 'Auth-State': 'continue', 'SASL-Mech': 'PLAIN' }

describe('setting up a session (docs/specs/prim.md §4)', () => {
  test('STARTTLS is agreed once; octets before the handshake end the connection (§4.2)', async () => {
    const f = await fixture({ plainWithoutTls: false })
    const hand = new Hand(f)
    hand.write('STARTTLS PRIM-PR/1.0 1 0\r\n\r\nLOGIN')
    await settled()
    assert.ok(hand.closed !== undefined)
    assert.equal((await new Hand(f).ask('STARTTLS PRIM-PR')).text, 'PRIM-PR/1.0 c1 0 200 OK\r\n\r\n')
    const secure = new Hand(f, true)
    assert.equal((await secure.ask('STARTTLS PRIM-PR')).status, 400)
    const without = new Hand({ ...f, environment: { ...f.environment, tls: undefined } })
    assert.equal((await without.ask('STARTTLS PRIM-PR')).status, 501)
    const late = await new Hand(await fixture()).login('bob')
    assert.equal((await late.ask('STARTTLS PRIM-PR')).status, 400)
  })

  test('PLAIN is not offered without TLS: 406 names what is, and ends the connection (§4.3)', async () => {
    const hand = new Hand(await fixture({ plainWithoutTls: false }))
    const refused = await hand.ask('LOGIN PRIM-IM', init)
    assert.equal(refused.status, 406)
    assert.equal(refused.fields['SASL-Mech'], 'SCRAM-SHA-512 SCRAM-SHA-256 SCRAM-SHA-1')
    await settled()
    assert.ok(hand.closed !== undefined)
  })

  const failures: [string, (hand: Hand) => Promise<number>][] = [
    ['a wrong pass phrase', async (hand) => (await hand.ask('LOGIN PRIM-IM', more, 'bob\r\nwrong')).status],
    ['From of another', async (hand) => (await hand.ask('LOGIN PRIM-IM', more, 'alice\r\nsecret')).status],
    [
      'another mechanism in the middle',
      async (hand) =>
        (await hand.ask('LOGIN PRIM-IM', { ...more, 'SASL-Mech': 'SCRAM-SHA-1' }, 'bob\r\nsecret')).status,
    ],
    [
      'another name in the middle',
      async (hand) =>
        (await hand.ask('LOGIN PRIM-IM', { ...more, From: 'im:alice@example.com' }, 'x')).status,
    ],
    ['a second init', async (hand) => (await hand.ask('LOGIN PRIM-IM', init)).status],
    ['abort', async (hand) => (await hand.ask('LOGIN PRIM-IM', { From, 'Auth-State': 'abort' })).status],
  ]
  for (const [what, take] of failures) {
    test(`${what} fails the login: 406, and the connection is over (§4.3)`, async () => {
      const hand = new Hand(await fixture())
      assert.equal((await hand.ask('LOGIN PRIM-IM', init)).status, 100)
      assert.equal(await take(hand), 406)
      await settled()
      assert.ok(hand.closed !== undefined)
    })
  }

  test('one connection serves both services after a login to each; the second to one is 409', async () => {
    const f = await fixture()
    const hand = await new Hand(f).login('bob')
    assert.equal((await hand.presence('PUBLISH')).status, 401)
    await hand.login('bob', 'pres')
    assert.equal((await hand.message('LISTEN')).status, 200)
    assert.equal((await hand.presence('STARTWATCHERNOTIFY')).status, 200)
    assert.equal((await hand.ask('LOGIN PRIM-IM', init)).status, 409)
    assert.equal((await hand.message('SILENCE')).status, 200)
  })

  test('with the token PRIM the method names the service, or the scheme of From (§3.2)', async () => {
    const hand = new Hand(await fixture())
    assert.equal((await hand.ask('LOGIN PRIM', init)).status, 100)
    assert.equal((await hand.ask('LOGIN PRIM', more, 'bob\r\nsecret')).status, 200)
    assert.equal((await hand.ask('LISTEN PRIM', { From })).status, 200)
    assert.equal((await hand.ask('FETCH PRIM', { From })).status, 401)
    assert.equal((await hand.ask('LISTEN PRIM-PR', { From })).status, 400)
  })

  test('another major version is 503, and the connection ends', async () => {
    const hand = new Hand(await fixture())
    hand.write('LOGIN PRIM-IM/2.0 7 0\r\n\r\n')
    await settled()
    assert.equal(hand.responses[0]?.first, 'PRIM-IM/1.0 7 0 503 Version Not Supported')
    assert.ok(hand.closed !== undefined)
  })

  test('what is no start line ends the connection; empty lines before one are passed over', async () => {
    const hand = new Hand(await fixture())
    hand.write('\r\n\r\nFETCH PRIM-PR/1.0 1 0\r\n\r\n')
    await settled()
    assert.equal(hand.responses[0]?.status, 401)
    hand.write('hello\r\n\r\n')
    await settled()
    assert.ok(hand.closed !== undefined)
  })

  test('who does not log in in time is disconnected', async () => {
    const f = await fixture()
    const hand = new Hand(f)
    await settled()
    f.clock.advance(31_000)
    await settled()
    assert.ok(hand.closed !== undefined)
  })

  test('a silent client is pinged and never closed (§4.5); PING and LOGOUT are not answered', async () => {
    const f = await fixture()
    const hand = await new Hand(f).login('bob')
    for (let i = 0; i < 3; i++) {
      f.clock.advance(121_000)
      await settled()
    }
    assert.deepEqual(new Set(hand.pings), new Set(['PING PRIM-IM/1.0 - 0\r\n\r\n']))
    const before = hand.responses.length
    hand.write('PING PRIM-IM/1.0 - 0\r\n\r\nLOGOUT PRIM-IM/1.0 - 0\r\n\r\n')
    await settled()
    assert.equal(hand.responses.length, before)
    assert.ok(hand.closed !== undefined)
  })

  test('clients are sent elsewhere with 300 and Redirect', async () => {
    const hand = new Hand(await fixture({ redirect: 'chat.example.com:7999' }))
    const answer = await hand.ask('LOGIN PRIM-IM', init)
    assert.equal(answer.first.slice(-12), '300 Redirect')
    assert.equal(answer.fields.Redirect, 'chat.example.com 7999')
  })

  for (const method of [...methods.keys(), 'SETVOLUME', 'NOTIFY', 'VERIFYSERVER']) {
    const before = /^(LOGIN|STARTTLS|PING|LOGOUT)$/.test(method)
    test(`${method} before login is ${before ? 'taken' : '401'}, and ${methods.has(method) ? 'known' : '501'} after it`, async () => {
      if (before) return assert.ok(methods.get(method)?.when === 'before-login')
      const f = await fixture()
      assert.equal((await new Hand(f).ask(`${method} PRIM`, { From })).status, 401)
      const hand = await (await new Hand(f).login('bob')).login('bob', 'pres')
      const scheme = methods.get(method)?.service === 'im' ? 'im' : 'pres'
      const own = await hand.ask(`${method} PRIM`, { From: `${scheme}:bob@example.com` })
      assert.equal(own.status === 501, !methods.has(method), own.text)
      if (methods.has(method)) {
        const other = await hand.ask(`${method} PRIM`, { From: `${scheme}:alice@example.com` })
        assert.equal(other.status, 402)
        if (!methods.get(method)?.hasBody) {
          const fields = { From: `${scheme}:bob@example.com`, 'Content-Type': 'a/b' }
          assert.equal((await hand.ask(`${method} PRIM`, fields, 'x')).status, 400)
        }
      }
    })
  }

  test('a body without Content-Type is 400, but in LOGIN', async () => {
    const hand = await new Hand(await fixture()).login('bob', 'pres')
    const fields = { 'PI-Type': 'leased', Duration: '60', 'Tuple-ID': 'im' }
    assert.equal((await hand.presence('PUBLISH', fields, pidf('open'))).status, 400)
  })

  test('too many requests at a time are 500, and who goes on is disconnected', async () => {
    const f = await fixture()
    const hand = await new Hand(f).login('bob')
    const login =
      'LOGIN PRIM-PR/1.0 1 0\r\nFrom: pres:bob@example.com\r\nAuth-State: init\r\nSASL-Mech: SCRAM-SHA-1\r\n\r\n'
    hand.write(login)
    await settled()
    for (let i = 0; i < 9; i++)
      hand.send('SEND PRIM-IM', { From, To: From, 'Message-ID': `${i}`, 'Content-Type': 'text/plain' }, 'x')
    await settled()
    const refused = hand.responses.filter(({ first }) => first.endsWith('500 Too Many Requests At A Time'))
    assert.ok(refused.length >= 4, String(refused.length))
    assert.ok(hand.closed !== undefined)
  })

  test('a body beyond the limit is 400 and ends the connection; a header line beyond it is 400 alone (§3.4)', async () => {
    const f = await fixture()
    const hand = await new Hand(f).login('bob')
    assert.equal((await hand.message('LISTEN', { X: 'x'.repeat(4100) })).status, 400)
    const many = Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`X-${i}`, 'x']))
    assert.equal((await hand.message('LISTEN', many)).status, 400)
    assert.equal((await hand.message('LISTEN')).status, 200)
    hand.write('SEND PRIM-IM/1.0 9 20001\r\n\r\n')
    await settled()
    assert.equal(hand.responses.at(-1)?.first, 'PRIM-IM/1.0 9 0 400 Bad Request')
    assert.ok(hand.closed !== undefined)
  })
})
