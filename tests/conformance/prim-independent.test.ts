// PRIM read twice: a client that was written from docs/specs/prim.md alone, and the server, over TCP and TLS. Sessions and messages.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ImppPerson, XmppPerson } from '../hostile/people.ts'
import { password } from '../hostile/stand.ts'
import { fieldOf } from './independent-prim.ts'
import { client, open, person, text, under } from './independent-prim-people.ts'

describe('LOGIN, as a second reader has it', () => {
  const proofs = ['SCRAM-SHA-1', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'SCRAM-SHA-1-PLUS', 'SCRAM-SHA-256-PLUS']
  for (const mechanism of proofs) {
    it(`${mechanism} under STARTTLS, for both services (§4.2, §4.3)`, async (context) => {
      const one = await under(context, await open(context))
      const addresses = ['PR', 'IM'] as const
      for (const service of addresses) {
        const done = await one.logInScram(service, 'romeo@localhost', password, mechanism)
        assert.equal(done.status, 200)
      }
    })
  }

  for (const form of ['drafts', 'RFC 4616'] as const) {
    it(`PLAIN as in the ${form} (§4.3)`, async (context) => {
      const one = await under(context, await open(context))
      assert.equal((await one.logInPlain('IM', 'romeo@localhost', password, form)).status, 200)
    })
  }

  it('is refused with 406 and the end: a wrong secret, by either mechanism', async (context) => {
    const stand = await open(context)
    const plain = await under(context, stand)
    assert.equal((await plain.logInPlain('IM', 'romeo@localhost', 'wrong')).status, 406)
    await plain.ends()
    const scram = await under(context, stand)
    assert.equal((await scram.logInScram('PR', 'romeo@localhost', 'wrong', 'SCRAM-SHA-256')).status, 406)
    await scram.ends()
  })

  it('SCRAM needs no TLS; PLAIN is not offered without, and SASL-Mech of 406 says what is (§4.3)', async (context) => {
    const stand = await open(context)
    const scram = await client(context, stand)
    assert.equal((await scram.logInScram('IM', 'romeo@localhost', password, 'SCRAM-SHA-256')).status, 200)
    const plain = await client(context, stand)
    const refused = await plain.logInPlain('IM', 'romeo@localhost', password)
    assert.equal(refused.status, 406)
    assert.match(fieldOf(refused, 'SASL-Mech') ?? '', /SCRAM-SHA-256/)
    assert.doesNotMatch(fieldOf(refused, 'SASL-Mech') ?? '', /PLAIN|PLUS/)
    await plain.ends()
  })

  it('chooses the first of the list that it offers, with commas or spaces (§3.1, §4.3)', async (context) => {
    const one = await under(context, await open(context))
    const begun = await one.login(
      'IM',
      'im:romeo@localhost',
      'init',
      'X-NOTHING, SCRAM-SHA-256,PLAIN CRAM-MD5',
    )
    assert.equal(begun.status, 100)
    assert.equal(fieldOf(begun, 'SASL-Mech'), 'SCRAM-SHA-256')
    assert.equal(begun.body.length, 0)
  })

  const breaks = {
    'another mechanism in the middle': ['im:romeo@localhost', 'continue', 'SCRAM-SHA-1'],
    'another From in the middle': ['im:juliet@localhost', 'continue', 'PLAIN'],
    'a second init': ['im:romeo@localhost', 'init', 'PLAIN'],
    abort: ['im:romeo@localhost', 'abort', 'PLAIN'],
  } as const
  for (const [what, [from, state, mechanism]] of Object.entries(breaks)) {
    it(`ends with 406: ${what} (§4.3)`, async (context) => {
      const one = await under(context, await open(context))
      assert.equal((await one.login('IM', 'im:romeo@localhost', 'init', 'PLAIN')).status, 100)
      const body = state === 'continue' ? Buffer.from(`romeo@localhost\r\n${password}`) : undefined
      assert.equal((await one.login('IM', from, state, mechanism, body)).status, 406)
      await one.ends()
    })
  }

  it('406 where From is not who SASL has proven, 409 where a service is logged in to already (§4.3)', async (context) => {
    const stand = await open(context)
    const liar = await under(context, stand)
    assert.equal((await liar.login('IM', 'im:juliet@localhost', 'init', 'PLAIN')).status, 100)
    const body = Buffer.from(`romeo@localhost\r\n${password}`)
    assert.equal((await liar.login('IM', 'im:juliet@localhost', 'continue', 'PLAIN', body)).status, 406)
    const romeo = await person(context, stand, 'romeo')
    assert.equal((await romeo.client.login('IM', 'im:romeo@localhost', 'init', 'PLAIN')).status, 409)
    assert.equal((await romeo.im('LISTEN')).status, 200, 'the session goes on')
  })

  it('before it all is 401, after it STARTTLS is 400 and what nobody knows is 501 (§4.1, §4.2)', async (context) => {
    const stand = await open(context)
    const stranger = await client(context, stand)
    for (const method of ['SEND', 'FETCH', 'LISTEN', 'GETACL', 'VERIFYSERVER', 'DANCE']) {
      assert.equal((await stranger.ask('PRIM/1.0', method, [])).status, 401, method)
    }
    const romeo = await person(context, stand, 'romeo')
    assert.equal((await romeo.client.ask('PRIM-IM/1.0', 'STARTTLS', [])).status, 400)
    assert.equal((await romeo.im('DANCE')).status, 501)
    assert.equal((await romeo.im('VERIFYSERVER')).status, 501)
  })

  it('binds each From to the identifier that logged in to the service: else 402 (§4.3)', async (context) => {
    const romeo = await person(context, await open(context), 'romeo')
    const asked = await romeo.client.ask('PRIM-IM/1.0', 'LISTEN', [['From', 'im:juliet@localhost']])
    assert.equal(asked.status, 402)
    const wrong = await romeo.client.ask('PRIM-IM/1.0', 'LISTEN', [['From', 'pres:romeo@localhost']])
    assert.equal(wrong.status, 402)
  })
})

describe('lines, as a second reader has them', () => {
  const faults: Readonly<Record<string, string>> = {
    'no space after the colon (§3.3)': 'From:im:romeo@localhost\r\n',
    'a line that goes on (§3.3)': 'From: im:romeo@localhost\r\n and more\r\n',
    'a field twice (§3.3)': 'From: im:romeo@localhost\r\nFrom: im:romeo@localhost\r\n',
    'Content-Transfer-Encoding (§3.3)': 'From: im:romeo@localhost\r\nContent-Transfer-Encoding: base64\r\n',
    'a name in small letters is another, and From is missing (§3.3)': 'from: im:romeo@localhost\r\n',
    'an escape that is not UTF-8 (§3.1)': 'From: im:%ffromeo@localhost\r\n',
    'a scheme in capitals (§3.1)': 'From: IM:romeo@localhost\r\n',
    'a token against its method (§3.2)': 'token',
  }
  for (const [what, lines] of Object.entries(faults)) {
    it(`400, and the connection goes on: ${what}`, async (context) => {
      const romeo = await person(context, await open(context), 'romeo')
      const token = lines === 'token' ? 'PRIM-PR/1.0' : 'PRIM-IM/1.0'
      const from = lines === 'token' ? 'From: pres:romeo@localhost\r\n' : lines
      assert.equal((await romeo.im('LISTEN')).status, 200)
      const asked = await romeo.client.askRaw('bad', `LISTEN ${token} bad 0\r\n${from}\r\n`)
      assert.equal(asked.status, 400)
      assert.equal((await romeo.im('SILENCE')).status, 200)
    })
  }

  it('letter case and needless escapes count for nothing in an address, and empty lines are passed over (§3.1)', async (context) => {
    const romeo = await person(context, await open(context), 'romeo')
    romeo.client.raw('\r\n\r\n')
    const asked = await romeo.client.ask('PRIM-IM/1.0', 'LISTEN', [['From', 'im:%52oMeo@LocalHost']])
    assert.equal(asked.status, 200)
  })

  it('another major number is 503 and the end; another minor one is taken (§3.2)', async (context) => {
    const romeo = await person(context, await open(context), 'romeo')
    const minor = await romeo.client.ask('PRIM-IM/1.7', 'LISTEN', [['From', 'im:romeo@localhost']])
    assert.equal(minor.status, 200)
    assert.equal((await romeo.client.ask('PRIM-IM/2.0', 'LISTEN', [])).status, 503)
    await romeo.client.ends()
  })

  it('a request that is not answered is not answered, whatever it is (§3.1)', async (context) => {
    const romeo = await person(context, await open(context), 'romeo')
    romeo.client.tell('PRIM-IM/1.0', 'PING')
    romeo.client.raw('LISTEN PRIM-IM/1.0 - 0\r\nFrom: im:juliet@localhost\r\n\r\n')
    assert.equal((await romeo.im('LISTEN')).status, 200)
    romeo.client.tell('PRIM-IM/1.0', 'LOGOUT')
    await romeo.client.ends()
  })
})

describe('messages, as a second reader has them', () => {
  it('SEND reaches who listens, octet for octet, and 200 says that it was taken (§6.1, §5.3)', async (context) => {
    const stand = await open(context)
    const [romeo, juliet] = [await person(context, stand, 'romeo'), await person(context, stand, 'juliet')]
    assert.equal((await juliet.im('LISTEN')).status, 200)
    const date = 'Fri, 01 May 2026 09:05:00 +0000'
    const more = [
      ['Conversation-ID', 'c-19'],
      ['Reply-To', 'im:romeo@localhost'],
      ['Date', date],
      ['X-Mood', 'exalted'],
      ['AStrength', 'none'],
    ] as const
    const sent = await romeo.say('juliet', 'a1@localhost', 'But soft: é 🌙', more)
    assert.equal(sent.status, 200)
    const heard = await juliet.client.next('SEND')
    assert.equal(heard.version, 'PRIM-IM/1.0')
    assert.equal(heard.body.toString(), 'But soft: é 🌙')
    for (const [name, value] of more.slice(0, 4)) assert.equal(fieldOf(heard, name), value, name)
    assert.equal(fieldOf(heard, 'From'), 'im:romeo@localhost')
    assert.equal(fieldOf(heard, 'Message-ID'), 'a1@localhost')
    assert.equal(fieldOf(heard, 'AStrength'), 'strong', 'its own server rates a client')
  })

  it('101 while nobody listens, and it comes with the next LISTEN with its date (§6.1)', async (context) => {
    const stand = await open(context)
    const [romeo, juliet] = [await person(context, stand, 'romeo'), await person(context, stand, 'juliet')]
    const date = ['Date', 'Fri, 01 May 2026 09:05:00 +0000'] as const
    assert.equal((await romeo.say('juliet', 'b1', 'later', [date])).status, 101)
    assert.equal((await juliet.im('LISTEN')).status, 200)
    const heard = await juliet.client.next('SEND')
    assert.equal(heard.body.toString(), 'later')
    assert.equal(fieldOf(heard, 'Date'), date[1])
  })

  it('400 without Message-ID or Content-Type, or with Hop-Count 0; 403 for nobody (§6.1, §5.3)', async (context) => {
    const romeo = await person(context, await open(context), 'romeo')
    const to = ['To', 'im:juliet@localhost'] as const
    assert.equal((await romeo.im('SEND', [to, text], 'x')).status, 400)
    assert.equal((await romeo.im('SEND', [to, ['Message-ID', 'm']], 'x')).status, 400)
    assert.equal((await romeo.say('juliet', 'm', 'x', [['Hop-Count', '0']])).status, 400)
    assert.equal((await romeo.say('nobody', 'm', 'x')).status, 403)
  })

  it('the most positive answer of several devices counts, and a no of the person is one (§6.1)', async (context) => {
    const stand = await open(context)
    const romeo = await person(context, stand, 'romeo')
    const [desk, pocket] = [await person(context, stand, 'juliet'), await person(context, stand, 'juliet')]
    await desk.im('LISTEN')
    await pocket.im('LISTEN')
    desk.client.onRequest = (unit) => desk.client.answer(unit, 408, 'Inbox Is Closed')
    assert.equal((await romeo.say('juliet', 'd1', 'who is there?')).status, 200)
    await pocket.im('SILENCE')
    assert.equal((await romeo.say('juliet', 'd2', 'and now?')).status, 101)
    desk.client.onRequest = (unit) => desk.client.answer(unit, 402, 'Forbidden')
    assert.equal((await romeo.say('juliet', 'd3', 'may I?')).status, 402)
  })

  it('SILENCE without LISTEN is 408, and closes this connection alone (§6.1)', async (context) => {
    const stand = await open(context)
    const romeo = await person(context, stand, 'romeo')
    const [desk, pocket] = [await person(context, stand, 'juliet'), await person(context, stand, 'juliet')]
    assert.equal((await desk.im('SILENCE')).status, 408)
    await desk.im('LISTEN')
    await pocket.im('LISTEN')
    assert.equal((await desk.im('SILENCE')).status, 200)
    assert.equal((await romeo.say('juliet', 'e1', 'hello')).status, 200)
    assert.equal((await pocket.client.next('SEND')).body.toString(), 'hello')
    assert.deepEqual(desk.client.inbox, [])
  })

  it('goes to and comes from a user of XMPP', async (context) => {
    const stand = await open(context)
    const romeo = await person(context, stand, 'romeo')
    const juliet = await XmppPerson.logIn(stand, 'juliet')
    await romeo.im('LISTEN')
    assert.equal((await romeo.say('juliet', 'x1', 'thou & I')).status, 200)
    await juliet.expect(/<body>thou &amp; I<\/body>/)
    juliet.message('romeo@localhost', 'x2', 'what &lt; light')
    const heard = await romeo.client.next('SEND')
    assert.equal(heard.body.toString(), 'what < light')
    assert.equal(fieldOf(heard, 'From'), 'im:juliet@localhost')
    assert.equal(fieldOf(heard, 'AStrength'), 'medium')
    assert.match(fieldOf(heard, 'Date') ?? '', /^\w{3}, \d{1,2} \w{3} \d{4} [\d:]{8} [+-]\d{4}$/)
  })

  it('goes to and comes from a user of IMPP', async (context) => {
    const stand = await open(context)
    const romeo = await person(context, stand, 'romeo')
    const juliet = await ImppPerson.logIn(stand, 'juliet')
    const said = romeo.say('juliet', 'i1', 'by IMPP')
    const [, id, connection] = await juliet.expect(
      /SEND (\S+) impp\/1\.0\r\n[\s\S]*?Connection-ID: (\S+)[\s\S]*?by IMPP/,
    )
    juliet.send(
      `OK (SEND) ${id} impp/1.0\r\nTo: impp://localhost/romeo\r\nConnection-ID: ${connection}\r\n\r\n`,
    )
    assert.equal((await said).status, 200)
    await romeo.im('LISTEN')
    const message = [
      'Target: impp://localhost/romeo',
      'Message-ID: i2',
      'Content-Type: text/plain; charset=utf-8',
    ]
    juliet.request('SEND', message, 'and back')
    assert.equal((await romeo.client.next('SEND')).body.toString(), 'and back')
  })
})
