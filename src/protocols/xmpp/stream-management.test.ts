import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { back, enable, failed, idsOf, message, pair, sm, waiting } from './testing/managed-client.ts'
import { testDomain } from './testing/test-domain.ts'

describe('stream management is enabled (XEP-0198 §2, §3)', () => {
  it('is offered once the client is known', async () => {
    const domain = await testDomain()
    const client = domain.connect()
    client.open()
    assert.doesNotMatch(await client.next(), /urn:xmpp:sm:3/)
    const data = Buffer.from('\0romeo\0secret').toString('base64')
    client.send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${data}</auth>`)
    await client.next()
    client.open()
    assert.match(await client.next(), /<sm xmlns='urn:xmpp:sm:3'\/>/)
  })

  const answers: readonly (readonly [string, string, RegExp])[] = [
    ['without resumption', '', /^<enabled xmlns='urn:xmpp:sm:3'\/>$/],
    ['resume=0', "resume='0'", /^<enabled xmlns='urn:xmpp:sm:3'\/>$/],
    ['resume=1', "resume='1'", /^<enabled xmlns='urn:xmpp:sm:3' id='[\w-]{22}' resume='true' max='600'\/>$/],
    ['a shorter time', "resume='true' max='60'", /max='60'/],
    ['a longer time than we give', "resume='true' max='6000'", /max='600'/],
    ['no time at all', "resume='true' max='0'", /^<enabled xmlns='urn:xmpp:sm:3'\/>$/],
  ]
  for (const [what, attributes, answer] of answers) {
    it(`answers ${what}`, async () => {
      const domain = await testDomain()
      const client = await domain.bound('romeo', 'orchard')
      client.send(`<enable ${sm} ${attributes}/>`)
      assert.match(await client.next(), answer)
    })
  }

  it('tells where to come back where that is set', async () => {
    const domain = await testDomain({ settings: { resumptionLocation: '[2001:db8::1]:9222' } })
    const client = await domain.bound('romeo', 'orchard')
    client.send(`<enable ${sm} resume='true'/>`)
    assert.match(await client.next(), / location='\[2001:db8::1\]:9222'/)
  })

  it('refuses it before login and before a resource, and goes on (§3)', async () => {
    const domain = await testDomain()
    const client = domain.connect()
    client.open()
    await client.next()
    client.send(`<enable ${sm}/>`)
    assert.equal(await client.next(), failed('unexpected-request'))
    client.send(`<resume ${sm} previd='x' h='0'/>`)
    assert.equal(await client.next(), failed('unexpected-request'))
    const other = await back(domain, 'romeo')
    other.send(`<enable ${sm}/>`)
    assert.equal(await other.next(), failed('unexpected-request'))
    assert.equal(await other.bind('orchard'), 'romeo@localhost/orchard')
  })

  it('ends the stream of who enables it twice (§3)', async () => {
    const domain = await testDomain()
    const client = await domain.bound('romeo', 'orchard')
    await enable(client)
    client.send(`<enable ${sm}/>`)
    assert.equal(await client.next(), failed('unexpected-request'))
    assert.match(await client.next(), /<stream:error><policy-violation/)
  })

  const unexpected = [`<r ${sm}/>`, `<a ${sm} h='0'/>`, `<resume ${sm} previd='x' h='0'/>`]
  for (const text of unexpected) {
    it(`is recoverable: ${text} where it is not enabled (§6)`, async () => {
      const domain = await testDomain()
      const client = await domain.bound('romeo', 'orchard')
      client.send(text)
      assert.equal(await client.next(), failed('unexpected-request'))
      await client.settled()
    })
  }

  for (const text of [
    `<a ${sm}/>`,
    `<a ${sm} h='x'/>`,
    `<a ${sm} h='-1'/>`,
    `<a ${sm} h='4294967296'/>`,
    `<z ${sm}/>`,
  ]) {
    it(`ends the stream of who writes ${text}`, async () => {
      const domain = await testDomain()
      const client = await domain.bound('romeo', 'orchard')
      await enable(client)
      client.send(text)
      assert.match(await client.next(), /<stream:error><bad-format/)
    })
  }
})

describe('acknowledgements (XEP-0198 §4)', () => {
  it('counts stanzas, and nothing else', async () => {
    const domain = await testDomain()
    const client = await domain.bound('romeo', 'orchard')
    await enable(client)
    client.send(`<r ${sm}/>`)
    assert.equal(await client.next(), `<a xmlns='urn:xmpp:sm:3' h='0'/>`)
    client.send(
      `<presence/><inactive xmlns='urn:xmpp:csi:0'/><active xmlns='urn:xmpp:csi:0'/>\n ${message('1', 'nobody@localhost')}<r ${sm}/>`,
    )
    await domain.settle()
    const came = client.takeAll()
    assert.ok(came.includes(`<a xmlns='urn:xmpp:sm:3' h='2'/>`), came.join('\n'))
  })

  it('acknowledges a message when it is durable, not before', async () => {
    const domain = await testDomain({ policy: { history: true } })
    const append = domain.store.append.bind(domain.store)
    let proceed = (): void => assert.fail('nothing was stored')
    domain.store.append = (row, done) => {
      proceed = () => append(row, done)
    }
    const [romeo, juliet] = await pair(domain)
    await enable(romeo)
    romeo.send(
      `<presence><status>1</status></presence>${message('m')}<presence><status>2</status></presence><r ${sm}/>`,
    )
    await domain.settle()
    assert.deepEqual(idsOf(juliet.takeAll()), ['m'], 'delivery does not wait')
    assert.doesNotMatch(romeo.takeAll().join(''), /<a /)
    proceed()
    await domain.settle()
    assert.deepEqual(romeo.takeAll(), [`<a xmlns='urn:xmpp:sm:3' h='3'/>`])
  })

  it('withholds an answer for no longer than a second, and tells the rest later', async () => {
    const domain = await testDomain({ policy: { history: true } })
    const append = domain.store.append.bind(domain.store)
    let proceed = (): void => {}
    domain.store.append = (row, done) => {
      proceed = () => append(row, done)
    }
    const [romeo] = await pair(domain)
    await enable(romeo)
    romeo.send(`<iq type='set' id='x'/>${message('m')}<r ${sm}/>`)
    await domain.settle()
    romeo.takeAll()
    domain.clock.advance(1000)
    assert.deepEqual(romeo.takeAll(), [`<a xmlns='urn:xmpp:sm:3' h='1'/>`])
    proceed()
    await domain.settle()
    assert.deepEqual(romeo.takeAll(), [`<a xmlns='urn:xmpp:sm:3' h='2'/>`])
  })

  it('tells its count unasked after a hundred stanzas', async () => {
    const domain = await testDomain()
    const client = await domain.bound('romeo', 'orchard')
    await enable(client)
    client.send('<presence/>'.repeat(101))
    await domain.settle()
    assert.deepEqual(
      client.takeAll().filter((text) => text.startsWith('<a ')),
      [`<a xmlns='urn:xmpp:sm:3' h='100'/>`],
    )
  })

  it('asks after ten stanzas at once, after fewer in five seconds, and not again before the answer', async () => {
    const domain = await testDomain()
    const [romeo, juliet] = await pair(domain)
    romeo.send(message('1'))
    await domain.settle()
    assert.deepEqual(idsOf(juliet.takeAll()), ['1'])
    domain.clock.advance(5000)
    assert.deepEqual(juliet.takeAll(), [`<r xmlns='urn:xmpp:sm:3'/>`])
    for (let k = 2; k <= 30; k++) romeo.send(message(`${k}`))
    await domain.settle()
    domain.clock.advance(5000)
    assert.equal(juliet.takeAll().filter((text) => text.startsWith('<r')).length, 0)
    juliet.send(`<a ${sm} h='1'/>`)
    await domain.settle()
    assert.deepEqual(juliet.takeAll(), [`<r xmlns='urn:xmpp:sm:3'/>`], '29 are out')
    juliet.send(`<a ${sm} h='30'/>`)
    await domain.settle()
    domain.clock.advance(10_000)
    assert.deepEqual(juliet.takeAll(), [])
    assert.equal(await waiting(domain, 'juliet'), 0)
  })

  for (const h of [2, 4294967295]) {
    it(`ends the stream of who acknowledges ${h} of 1, and delivers what it did not read to the next (§6)`, async () => {
      const domain = await testDomain()
      const [romeo, juliet] = await pair(domain)
      romeo.send(message('1'))
      await domain.settle()
      juliet.takeAll()
      juliet.send(`<a ${sm} h='${h}'/>`)
      const error = await juliet.next()
      assert.match(error, /<stream:error><undefined-condition xmlns='urn:ietf:params:xml:ns:xmpp-streams'\/>/)
      assert.match(
        error,
        new RegExp(`<handled-count-too-high xmlns='urn:xmpp:sm:3' h='${h}' send-count='1'/>`),
      )
      await domain.settle()
      const next = await domain.available('juliet', 'garden')
      assert.equal(await waiting(domain, 'juliet'), 0)
      next.connection.destroy()
    })
  }

  it('ends the session of who leaves too much unacknowledged, tells so, and keeps its messages', async () => {
    const domain = await testDomain({ settings: { unacknowledgedStanzasMax: 20 } })
    const [romeo, juliet] = await pair(domain)
    for (let k = 1; k <= 25; k++) romeo.send(message(`${k}`))
    await domain.settle()
    const came = juliet.takeAll()
    assert.equal(idsOf(came).length, 20)
    assert.match(came.join(''), /<stream:error><policy-violation.*too many stanzas unacknowledged/)
    assert.equal(domain.metrics.overflows.value, 1)
    assert.equal(await waiting(domain, 'juliet'), 25)
    const next = await domain.bound('juliet', 'garden')
    next.send('<presence/>')
    await domain.settle()
    assert.deepEqual(
      idsOf(next.takeAll()),
      Array.from({ length: 25 }, (_, k) => `${k + 1}`),
    )
  })
})
