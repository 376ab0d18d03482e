import assert from 'node:assert/strict'
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { describe, it } from 'node:test'
import { testDomain } from './testing/test-domain.ts'

describe('stream negotiation', () => {
  it('offers STARTTLS alone where TLS is required, and logs in after it (RFC 6120 §5.3.1, §5.4.3)', async () => {
    const domain = await testDomain({ settings: { plainWithoutTls: false } })
    const client = domain.connect()
    client.open()
    assert.equal(
      await client.next(),
      "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>" +
        "<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>16384</max-bytes><idle-seconds>60</idle-seconds></limits></stream:features>",
    )
    client.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    assert.equal(await client.next(), "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    client.connection.startTls({ secureContext: () => assert.fail() }, { server: false })
    await domain.settle()
    assert.equal(client.secured, true)
    await client.logIn('romeo', 'localhost')
    assert.equal(await client.bind('orchard'), 'romeo@localhost/orchard')
  })

  it('offers mechanisms strongest first, with bindings under TLS (RFC 6120 §6.3.3, RFC 5802, XEP-0440)', async () => {
    const domain = await testDomain()
    const client = domain.connect({ secure: true })
    client.open()
    const features = await client.nextElement()
    const mechanisms = features.child('mechanisms', 'urn:ietf:params:xml:ns:xmpp-sasl')
    assert.deepEqual(
      mechanisms?.elements().map((mechanism) => mechanism.text()),
      [
        'SCRAM-SHA-512-PLUS',
        'SCRAM-SHA-256-PLUS',
        'SCRAM-SHA-1-PLUS',
        'SCRAM-SHA-512',
        'SCRAM-SHA-256',
        'SCRAM-SHA-1',
        'PLAIN',
      ],
    )
    assert.equal(features.child('sasl-channel-binding', 'urn:xmpp:sasl-cb:0')?.elements().length, 2)
  })

  it('refuses a login in the clear where TLS is required (RFC 6120 §6.5.4)', async () => {
    const domain = await testDomain({ settings: { plainWithoutTls: false } })
    const client = domain.connect()
    client.open()
    await client.next()
    client.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AHgAeA==</auth>")
    assert.match(await client.next(), /<failure .*<encryption-required\/>/)
  })

  it('takes whitespace behind <starttls/> for the end of the old stream (RFC 6120 §11.7)', async () => {
    const domain = await testDomain()
    const client = domain.connect()
    client.open()
    await client.next()
    client.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>\n")
    assert.equal(await client.next(), "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
  })

  it('refuses octets behind <starttls/>, which could be injected (RFC 6120 §5.4.3.3)', async () => {
    const domain = await testDomain()
    const client = domain.connect()
    client.open()
    await client.next()
    client.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><iq/>")
    assert.match(await client.next(), /<policy-violation/)
  })

  const failures: readonly (readonly [string, string, string])[] = [
    ['§6.5.6 a mechanism that is not offered', "mechanism='EXTERNAL'>=", 'invalid-mechanism'],
    ['§6.5.10 a wrong password', "mechanism='PLAIN'>AHJvbWVvAHdyb25n", 'not-authorized'],
    ['§6.5.10 an unknown user', "mechanism='PLAIN'>AHR5YmFsdABzZWNyZXQ=", 'not-authorized'],
    ['§6.5.5 what is not base64', "mechanism='PLAIN'>AHJ*", 'incorrect-encoding'],
    ['§6.5.7 no mechanism', '>AHI=', 'malformed-request'],
    ['§6.5.8 a malformed message', "mechanism='PLAIN'>cm9tZW8=", 'malformed-request'],
    [
      '§6.3.8 another identity',
      "mechanism='PLAIN'>anVsaWV0QGxvY2FsaG9zdAByb21lbwBzZWNyZXQ=",
      'invalid-authzid',
    ],
  ]
  for (const [what, auth, condition] of failures) {
    it(`a failed login may be tried again: RFC 6120 ${what}`, async () => {
      const domain = await testDomain()
      const client = domain.connect()
      client.open()
      await client.next()
      client.send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' ${auth}</auth>`)
      assert.equal(
        await client.next(),
        `<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><${condition}/></failure>`,
      )
      domain.clock.advance(60_000 - 1)
      const data = Buffer.from('\0romeo\0secret').toString('base64')
      client.send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${data}</auth>`)
      assert.match(await client.next(), /^<success/)
    })
  }

  it('ends the stream after as many failures as are allowed (RFC 6120 §6.4.5)', async () => {
    const domain = await testDomain()
    const client = domain.connect()
    client.open()
    await client.next()
    for (let k = 0; k < 3; k++) {
      client.send("<abort xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")
      assert.match(await client.next(), /<aborted\/>/)
    }
    assert.match(await client.next(), /<stream:error><policy-violation/)
    await domain.settle()
    assert.equal(client.closed?.why, 'peer')
  })

  it('does not count what was refused for its channel binding as a guess (RFC 5802 §6)', async () => {
    const domain = await testDomain()
    const client = domain.connect({ secure: true })
    client.open()
    await client.next()
    for (const [suffix, flag] of Object.entries({ '-PLUS': 'p=tls-unique', '': 'y' })) {
      const data = Buffer.from(`${flag},,n=romeo,r=abc`).toString('base64')
      for (const hash of ['512', '256', '1']) {
        const mechanism = `SCRAM-SHA-${hash}${suffix}`
        client.send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='${mechanism}'>${data}</auth>`)
        assert.match(await client.next(), /<not-authorized\/>/)
      }
    }
    const data = Buffer.from('\0romeo\0secret').toString('base64')
    client.send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${data}</auth>`)
    assert.match(await client.next(), /^<success/)
  })

  it('asks for the initial response where the client sends none (RFC 6120 §6.4.2)', async () => {
    const domain = await testDomain()
    const client = domain.connect()
    client.open()
    await client.next()
    client.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'/>")
    assert.equal(await client.next(), "<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")
    const data = Buffer.from('\0romeo\0secret').toString('base64')
    client.send(`<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>${data}</response>`)
    assert.match(await client.next(), /^<success/)
  })

  const headers: readonly (readonly [string, string, string])[] = [
    ['§4.9.3.6 a domain that is not ours', "to='verona.example' version='1.0'", 'host-unknown'],
    ['§4.9.3.7 what is no domain', "to='a b' version='1.0'", 'improper-addressing'],
    ['§4.9.3.25 no version', "to='localhost'", 'unsupported-version'],
    ['§4.9.3.25 version 0.9', "to='localhost' version='0.9'", 'unsupported-version'],
  ]
  for (const [what, attributes, condition] of headers) {
    it(`answers a header with its own and an error: RFC 6120 ${what}`, async () => {
      const domain = await testDomain()
      const client = domain.connect()
      client.send(
        `<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' ${attributes}>`,
      )
      assert.equal(
        await client.next(),
        `<stream:error><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>`,
      )
      assert.equal(client.headers[0]?.attribute('from'), 'localhost')
      assert.equal(client.ended, true)
    })
  }

  const broken: readonly (readonly [string, string, string])[] = [
    [
      '§4.9.3.10',
      "<stream:stream xmlns='jabber:client' xmlns:stream='urn:x' version='1.0'>",
      'invalid-namespace',
    ],
    [
      '§4.9.3.10',
      "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>",
      'invalid-namespace',
    ],
    ['§4.9.3.13', '<a b=c>', 'not-well-formed'],
    ['§4.9.3.13', 'GET / HTTP/1.1\r\n\r\n', 'not-well-formed'],
    ['§4.9.3.18', '<!DOCTYPE stream><stream/>', 'restricted-xml'],
    ['§4.9.3.2', '<stream:stream>', 'bad-namespace-prefix'],
    ['§4.9.3.22', "<?xml version='1.0' encoding='UTF-16'?>", 'unsupported-encoding'],
    ['§4.9.3.14', `<a b='${'x'.repeat(300_000)}'/>`, 'policy-violation'],
  ]
  for (const [section, text, condition] of broken) {
    it(`answers ${JSON.stringify(text.slice(0, 40))} with ${condition} (RFC 6120 ${section})`, async () => {
      const domain = await testDomain()
      const client = domain.connect()
      client.send(text)
      assert.match(await client.next(), new RegExp(`<stream:error><${condition} `))
      await domain.settle()
      assert.equal(client.ended, true)
      assert.equal(domain.sessions.size, 0)
    })
  }

  it('takes no stanza before login and binding (RFC 6120 §4.3.5, §7.1)', async () => {
    const domain = await testDomain()
    const client = domain.connect()
    client.open()
    await client.next()
    client.send('<presence/>')
    assert.match(await client.next(), /<not-authorized /)
    const second = domain.connect()
    await second.logIn('romeo', 'localhost')
    second.send("<message to='juliet@localhost'><body>x</body></message>")
    assert.match(await second.next(), /<not-authorized /)
  })

  it('makes a resource where the client asks for none (RFC 6120 §7.6)', async () => {
    const domain = await testDomain()
    const client = domain.connect()
    await client.logIn('romeo', 'localhost')
    assert.match(await client.bind(''), /^romeo@localhost\/.{20,}$/)
  })

  it('ends the older session where two want one resource (RFC 6120 §7.7.2.2)', async () => {
    const domain = await testDomain()
    const older = await domain.available('romeo', 'orchard')
    const newer = await domain.bound('romeo', 'orchard')
    assert.match(await older.next(), /<stream:error><conflict /)
    newer.send("<message to='romeo@localhost/orchard'><body>it is I</body></message>")
    assert.match(await newer.next(), /it is I/)
  })

  it('answers the end of a stream with its own, and closes (RFC 6120 §4.4)', async () => {
    const domain = await testDomain()
    const client = await domain.bound('romeo', 'orchard')
    client.send('</stream:stream>')
    await domain.settle()
    assert.equal(client.ended, true)
    assert.equal(client.closed?.why, 'peer')
    assert.equal(domain.sessions.size, 0)
    assert.equal(domain.service.directory.resident(domain.address('romeo'))?.inUse, false)
  })

  it('says when the server stops (RFC 6120 §4.9.3.20)', async () => {
    const domain = await testDomain()
    const client = await domain.bound('romeo', 'orchard')
    for (const session of domain.sessions) session.stop()
    assert.match(await client.next(), /<system-shutdown /)
  })

  it('reads what came in one piece with the login, octet for octet', async () => {
    const domain = await testDomain()
    const client = domain.connect()
    client.open()
    await client.next()
    const data = Buffer.from('\0romeo\0secret').toString('base64')
    const header =
      "<stream:stream to='localhost' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
    const bind = "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"
    // A client should wait (RFC 6120 §6.3.4); what it sends early must still be read once, and only after the verdict.
    client.send(
      `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${data}</auth>${header}${bind}`,
    )
    assert.match(await client.next(), /^<success/)
    assert.match(await client.next(), /^<stream:features><bind /)
    assert.match(await client.next(), /<jid>romeo@localhost\//)
  })
})

describe('SCRAM over a stream (RFC 5802, RFC 7677, RFC 6120 §6)', () => {
  for (const [mechanism, hash, type = ''] of [
    ['SCRAM-SHA-1', 'sha1'],
    ['SCRAM-SHA-256', 'sha256'],
    ['SCRAM-SHA-512', 'sha512'],
    ['SCRAM-SHA-256-PLUS', 'sha256', 'tls-exporter'],
    ['SCRAM-SHA-512-PLUS', 'sha512', 'tls-server-end-point'],
  ] as const) {
    it(`${mechanism} ${type}: the client proves itself, and so does the server`, async () => {
      const domain = await testDomain()
      const client = domain.connect({ secure: true })
      client.open()
      await client.next()
      const plus = mechanism.endsWith('-PLUS')
      // The pair's binding data are 32 zero octets.
      const gs2 = plus ? `p=${type},,` : 'n,,'
      const binding = Buffer.concat([Buffer.from(gs2), Buffer.alloc(plus ? 32 : 0)]).toString('base64')
      const first = 'n=romeo,r=clientnonce'
      const base64 = (text: string): string => Buffer.from(text).toString('base64')
      client.send(
        `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='${mechanism}'>${base64(gs2 + first)}</auth>`,
      )
      const challenge = Buffer.from((await client.nextElement()).text(), 'base64').toString()
      const [, nonce = '', salt = '', iterations = ''] = /^r=([^,]*),s=([^,]*),i=(\d+)$/.exec(challenge) ?? []
      assert.ok(nonce.startsWith('clientnonce') && nonce.length > 30)
      const hmac = (key: Uint8Array, text: string): Buffer => createHmac(hash, key).update(text).digest()
      const length = createHash(hash).digest().length
      const salted = pbkdf2Sync('secret', Buffer.from(salt, 'base64'), Number(iterations), length, hash)
      const final = `c=${binding},r=${nonce}`
      const message = `${first},${challenge},${final}`
      const key = hmac(salted, 'Client Key')
      const signature = hmac(createHash(hash).update(key).digest(), message)
      const proof = key.map((octet, at) => octet ^ (signature[at] as number))
      client.send(
        `<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>${base64(`${final},p=${Buffer.from(proof).toString('base64')}`)}</response>`,
      )
      const success = await client.nextElement()
      assert.equal(success.name, 'success')
      const verifier = hmac(hmac(salted, 'Server Key'), message).toString('base64')
      assert.equal(Buffer.from(success.text(), 'base64').toString(), `v=${verifier}`)
      client.open()
      await client.next()
      assert.equal(await client.bind('orchard'), 'romeo@localhost/orchard')
    })
  }
})

describe('a client that does not read', () => {
  it('is not read on, holds no more than its share, and loses nothing', async () => {
    const domain = await testDomain()
    const client = domain.connect({ limits: { queueBytesHigh: 10_000, queueBytesMax: 100_000 } })
    await client.logIn('romeo', 'localhost')
    await client.bind('orchard')
    client.connection.pause()
    const ping = "<iq type='get' id='x'><ping xmlns='urn:xmpp:ping'/></iq>"
    for (let k = 0; k < 50; k++) {
      client.send(ping.repeat(20))
      await domain.settle()
    }
    assert.ok(client.connection.queuedBytes > 40_000, 'what it says waits on its own side')
    client.connection.resume()
    const deadline = performance.now() + 10_000
    while (client.received.length < 1000 && performance.now() < deadline) await domain.settle()
    assert.equal(client.received.length, 1000)
    assert.equal(client.closed, undefined)
  })
})

describe('the language of a stream (RFC 6120 §4.7.4)', () => {
  it('is given to stanzas that have none, and to no other', async () => {
    const domain = await testDomain()
    await domain.befriend('romeo', 'juliet')
    const juliet = await domain.available('juliet', 'balcony')
    const client = domain.connect()
    await client.logIn('romeo', 'localhost', 'secret', 'cs')
    await client.bind('orchard')
    client.send("<presence/><message to='juliet@localhost'><body>x</body></message>")
    client.send("<message to='juliet@localhost' xml:lang='en'><body>x</body></message>")
    await domain.settle()
    const langs = juliet.received.splice(0).map(({ name, lang }) => `${name} ${lang}`)
    assert.deepEqual(langs.sort(), ['message cs', 'message en', 'presence cs'])
  })
})

describe('idleness', () => {
  it('pings at half the lease, and ends the session at its end (RFC 6120 §4.6.3)', async () => {
    const domain = await testDomain({ settings: { idleSeconds: 100 } })
    const client = await domain.bound('romeo', 'orchard')
    domain.clock.advance(49_000)
    assert.deepEqual(client.takeAll(), [])
    domain.clock.advance(2_000)
    assert.match(
      await client.next(),
      /<iq type='get' id='[^']+' from='localhost'><ping xmlns='urn:xmpp:ping'\/><\/iq>/,
    )
    domain.clock.advance(50_000)
    assert.match(await client.next(), /<connection-timeout /)
  })

  it('any octet renews the lease, whitespace too (RFC 6120 §4.6.1)', async () => {
    const domain = await testDomain({ settings: { idleSeconds: 100 } })
    const client = await domain.bound('romeo', 'orchard')
    for (let k = 0; k < 10; k++) {
      domain.clock.advance(45_000)
      client.send(' ')
      await domain.settle()
    }
    assert.deepEqual(client.takeAll(), [])
  })

  it('whoever does not log in is not kept', async () => {
    const domain = await testDomain()
    const client = domain.connect()
    client.open()
    await client.next()
    domain.clock.advance(60_001)
    assert.match(await client.next(), /<connection-timeout /)
  })
})
