import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AccessRule } from '#core'
import { type Element, serialize } from '#wire/xml'
import { clientStream } from '../codec/namespaces.ts'
import type { TestClient } from '../testing/test-client.ts'
import { type TestDomain, testDomain } from '../testing/test-domain.ts'

const blocking = 'urn:xmpp:blocking'
const item = (jid: string): string => `<item jid='${jid}'/>`
const textOf = (element: Element | undefined): string =>
  element === undefined ? '' : serialize(element, { outer: clientStream })

let asked = 0

/** Asks and answers with the error's condition, or the payload's text. */
async function ask(client: TestClient, name: string, inner = '', attributes = ''): Promise<string> {
  const type = name === 'blocklist' ? 'get' : 'set'
  const iq = await client.ask(
    `<iq type='${type}' id='b${++asked}'${attributes}><${name} xmlns='${blocking}'>${inner}</${name}></iq>`,
  )
  return iq.child('error')?.elements()[0]?.name ?? textOf(iq.elements()[0])
}

const list = (client: TestClient): Promise<string> => ask(client, 'blocklist')

/** What came since, as texts, pushes with their changing ids cut. */
async function came(client: TestClient): Promise<string[]> {
  await client.settled()
  return client.takeAll().map((text) => text.replace(/ id='[^']*'/, ''))
}

const setRule = (domain: TestDomain, owner: string, rule: AccessRule): Promise<void> =>
  new Promise((resolve) => domain.service.contacts.setRule(domain.address(owner), rule, () => resolve()))

const message = (to: string): string => `<message to='${to}' type='chat' id='m'><body>x</body></message>`

/** As `came` shows it, without the id. */
const refusal = (from: string, kind = 'message'): string =>
  `<${kind} type='error' from='${from}' to='juliet@localhost/balcony'><error type='cancel'>` +
  "<not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><blocked xmlns='urn:xmpp:blocking:errors'/></error></" +
  `${kind}>`

test('the list, blocking and unblocking, with their pushes (XEP-0191 §3.2 to §3.5)', async () => {
  const domain = await testDomain()
  const juliet = await domain.available('juliet', 'balcony')
  const window = await domain.available('juliet', 'window')
  const garden = await domain.available('juliet', 'garden')
  assert.equal(await list(juliet), `<blocklist xmlns='${blocking}'/>`)
  await list(window)
  await came(juliet)
  await came(window)
  await came(garden)
  assert.equal(await ask(juliet, 'block', item('romeo@montague.net') + item('iago@shakespeare.lit')), '')
  const to = (client: string, name: string, inner: string): string =>
    `<iq type='set' from='juliet@localhost' to='juliet@localhost/${client}'><${name} xmlns='${blocking}'` +
    `${inner === '' ? '/>' : `>${inner}</${name}>`}</iq>`
  const both = item('romeo@montague.net') + item('iago@shakespeare.lit')
  assert.deepEqual(await came(juliet), [to('balcony', 'block', both)])
  assert.deepEqual(await came(window), [to('window', 'block', both)])
  assert.deepEqual(await came(garden), [], 'who did not ask for the list gets no pushes')
  assert.equal(await list(juliet), `<blocklist xmlns='${blocking}'>${both}</blocklist>`)

  assert.equal(await ask(juliet, 'block', item('romeo@montague.net')), '', 'again changes nothing')
  assert.deepEqual(await came(juliet), [])
  assert.equal(await ask(window, 'unblock', item('romeo@montague.net') + item('never@blocked.lit')), '')
  assert.deepEqual(await came(juliet), [to('balcony', 'unblock', item('romeo@montague.net'))])
  await ask(juliet, 'block', item('romeo@montague.net'))
  await came(juliet)
  await came(window)
  assert.equal(await ask(juliet, 'unblock'), '')
  assert.deepEqual(await came(juliet), [to('balcony', 'unblock', '')], 'all at once (§3.5)')
  assert.deepEqual(await came(window), [to('window', 'unblock', '')])
  assert.equal(await list(juliet), `<blocklist xmlns='${blocking}'/>`)
  await ask(juliet, 'unblock')
  assert.deepEqual(await came(juliet), [], 'nothing was blocked')
})

test('what is wrong with a command is told', async () => {
  const domain = await testDomain()
  const juliet = await domain.available('juliet', 'balcony')
  const rows: [string, string, string, string][] = [
    ['no item (§3.3)', 'block', '', 'bad-request'],
    ['an item without a JID', 'block', '<item/>', 'bad-request'],
    ['a JID that is none', 'block', item('@'), 'jid-malformed'],
    ['oneself (§5)', 'block', item('juliet@localhost/window'), 'not-allowed'],
    ['a JID that is none, to unblock', 'unblock', item('@'), 'jid-malformed'],
  ]
  for (const [name, command, inner, condition] of rows)
    assert.equal(await ask(juliet, command, inner), condition, name)
  assert.equal(await list(juliet), `<blocklist xmlns='${blocking}'/>`)
  assert.equal(await ask(juliet, 'blocklist', '', " to='romeo@localhost'"), 'forbidden')
})

test('the list is a view of the rules, whoever made them: blocks and polite blocks, not who is let in', async () => {
  const domain = await testDomain()
  const juliet = await domain.available('juliet', 'balcony')
  await list(juliet)
  const rule = (subject: string, action: AccessRule['action']): Promise<void> =>
    setRule(domain, 'juliet', { subject, action, visibility: 'full' })
  await rule('romeo@localhost', 'block')
  await rule('example.net', 'polite-block')
  await rule('nurse@localhost', 'allow')
  await rule('*', 'block')
  assert.equal((await came(juliet)).length, 2, 'a push for each that the list shows')
  assert.equal(
    await list(juliet),
    `<blocklist xmlns='${blocking}'>${item('romeo@localhost')}${item('example.net')}</blocklist>`,
  )
  await rule('romeo@localhost', 'allow')
  assert.match((await came(juliet))[0] ?? '', /<unblock .*romeo@localhost/)
  await ask(juliet, 'unblock')
  const left = [...(domain.service.directory.resident(domain.address('juliet'))?.rules.keys() ?? [])]
  assert.deepEqual(left.sort(), ['*', 'nurse@localhost', 'romeo@localhost'])
})

test('nothing goes to a blocked one, by whatever stanza (§3.3)', async () => {
  const domain = await testDomain()
  await domain.befriend('juliet', 'romeo')
  const juliet = await domain.available('juliet', 'balcony')
  const romeo = await domain.available('romeo', 'orchard')
  await ask(juliet, 'block', item('romeo@localhost'))
  await came(romeo)
  await came(juliet)
  const rows: [string, string[]][] = [
    [message('romeo@localhost'), [refusal('romeo@localhost')]],
    [message('romeo@localhost/orchard'), [refusal('romeo@localhost/orchard')]],
    ["<presence to='romeo@localhost' id='m'/>", [refusal('romeo@localhost', 'presence')]],
    ["<presence to='romeo@localhost' type='unsubscribe' id='m'/>", [refusal('romeo@localhost', 'presence')]],
    [
      "<iq to='romeo@localhost/orchard' type='get' id='m'><query xmlns='jabber:iq:version'/></iq>",
      [refusal('romeo@localhost/orchard', 'iq')],
    ],
    ["<iq to='romeo@localhost/orchard' type='result' id='m'/>", []],
    ["<message to='romeo@localhost' type='error' id='m'/>", []],
  ]
  for (const [stanza, answers] of rows) {
    juliet.send(stanza)
    assert.deepEqual(await came(juliet), answers, stanza)
    assert.deepEqual(await came(romeo), [], stanza)
  }
  assert.equal(await ask(juliet, 'unblock', item('romeo@localhost')), '')
  juliet.send(message('romeo@localhost'))
  assert.equal((await came(juliet)).filter((text) => text.startsWith('<message')).length, 0)
  assert.equal((await came(romeo)).filter((text) => text.startsWith('<message')).length, 1)
})

test('nothing comes from a blocked one: messages and requests are refused, presence is not answered (§3.3)', async () => {
  const domain = await testDomain()
  const juliet = await domain.available('juliet', 'balcony')
  const romeo = await domain.available('romeo', 'orchard')
  await ask(juliet, 'block', item('romeo@localhost'))
  const unavailable =
    "<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
  const rows: [string, string[]][] = [
    [
      message('juliet@localhost'),
      [
        `<message type='error' id='m' from='juliet@localhost' to='romeo@localhost/orchard'>${unavailable}</message>`,
      ],
    ],
    [
      "<iq to='juliet@localhost/balcony' type='get' id='m'><query xmlns='jabber:iq:version'/></iq>",
      [
        `<iq type='error' id='m' from='juliet@localhost/balcony' to='romeo@localhost/orchard'>${unavailable}</iq>`,
      ],
    ],
    ["<iq to='juliet@localhost/balcony' type='result' id='m'/>", []],
    ["<presence to='juliet@localhost'/>", []],
    ["<presence to='juliet@localhost' type='probe'/>", []],
  ]
  for (const [stanza, answers] of rows) {
    romeo.send(stanza)
    assert.deepEqual(
      (await came(romeo)).map((text) => text.replace(/^(<\w+ type='error')/, "$1 id='m'")),
      answers,
      stanza,
    )
    assert.deepEqual(await came(juliet), [], stanza)
  }
  romeo.send("<presence to='juliet@localhost' type='subscribe'/>")
  assert.deepEqual(
    (await came(romeo)).filter((text) => text.startsWith('<presence')),
    [],
    'a request is not answered',
  )
  assert.deepEqual(await came(juliet), [])
})

test('a contact that is blocked sees an absence and is not seen; unblocked, both see (§3.3, §3.4)', async () => {
  const domain = await testDomain()
  await domain.befriend('juliet', 'romeo')
  const juliet = await domain.available('juliet', 'balcony')
  const romeo = await domain.available('romeo', 'orchard')
  await came(juliet)
  await came(romeo)
  await ask(juliet, 'block', item('romeo@localhost'))
  assert.deepEqual(await came(romeo), [
    "<presence from='juliet@localhost/balcony' to='romeo@localhost' type='unavailable'/>",
  ])
  romeo.send('<presence><show>away</show></presence>')
  juliet.send('<presence><show>dnd</show></presence>')
  const presences = (texts: readonly string[]): string[] =>
    texts.filter((text) => text.startsWith('<presence') && !/^<presence from='(\w+)@.*to='\1@/.test(text))
  assert.deepEqual(presences(await came(romeo)), [])
  assert.deepEqual(presences(await came(juliet)), [])
  await ask(juliet, 'unblock', item('romeo@localhost'))
  assert.match(presences(await came(romeo))[0] ?? '', /from='juliet@localhost\/balcony'.*<show>dnd/)
  assert.match(presences(await came(juliet))[0] ?? '', /from='romeo@localhost\/orchard'.*<show>away/)
  const contact = domain.service.directory.resident(domain.address('juliet'))?.contacts.get('romeo@localhost')
  assert.equal(contact?.authorization.from, true, 'blocking cancels no subscription (§4)')
})

test('matching: a device, an address, a domain, and the more exact of them (§6)', async () => {
  const domain = await testDomain()
  const juliet = await domain.available('juliet', 'balcony')
  const orchard = await domain.available('romeo', 'orchard')
  const garden = await domain.available('romeo', 'garden')
  const reaches = async (client: TestClient): Promise<boolean> => {
    client.send(message('juliet@localhost'))
    await client.settled()
    client.takeAll()
    return (await came(juliet)).some((text) => text.includes('<body>'))
  }
  await ask(juliet, 'block', item('romeo@localhost/orchard'))
  assert.deepEqual([await reaches(orchard), await reaches(garden)], [false, true])
  assert.equal(
    await list(juliet),
    `<blocklist xmlns='${blocking}'>${item('romeo@localhost/orchard')}</blocklist>`,
  )
  await ask(juliet, 'unblock')
  await ask(juliet, 'block', item('ROMEO@localhost'))
  assert.deepEqual([await reaches(orchard), await reaches(garden)], [false, false])
  await ask(juliet, 'unblock')
  await ask(juliet, 'block', item('localhost'))
  assert.deepEqual([await reaches(orchard), await reaches(garden)], [false, false])
  await juliet.settled()
  await setRule(domain, 'juliet', { subject: 'romeo@localhost', action: 'allow', visibility: 'full' })
  assert.deepEqual([await reaches(orchard), await reaches(garden)], [true, true], 'the more exact rule')
})

test('who blocks the own domain still speaks to the server and to the own devices (§5)', async () => {
  const domain = await testDomain()
  const juliet = await domain.available('juliet', 'balcony')
  const window = await domain.available('juliet', 'window')
  await ask(juliet, 'block', item('localhost'))
  await juliet.settled()
  juliet.send(message('juliet@localhost/window'))
  assert.equal((await came(window)).filter((text) => text.includes('<body>')).length, 1)
})

test('who lets nobody in still writes to whom they like', async () => {
  const domain = await testDomain()
  const juliet = await domain.available('juliet', 'balcony')
  const romeo = await domain.available('romeo', 'orchard')
  await setRule(domain, 'juliet', { subject: '*', action: 'block', visibility: 'full' })
  juliet.send(message('romeo@localhost'))
  assert.equal((await came(romeo)).filter((text) => text.includes('<body>')).length, 1)
  assert.deepEqual(await came(juliet), [])
})

test('a block of a domain with its subdomains is on no list and holds: whom no JID names may still be written to (§3)', async () => {
  const domain = await testDomain()
  const juliet = await domain.available('juliet', 'balcony')
  const romeo = await domain.available('romeo', 'orchard')
  await list(juliet)
  await came(juliet)
  await setRule(domain, 'juliet', { subject: '*.localhost', action: 'block', visibility: 'full' })
  assert.deepEqual(await came(juliet), [], 'no push')
  assert.equal(await list(juliet), `<blocklist xmlns='${blocking}'/>`)
  assert.equal(await ask(juliet, 'block', item('*.localhost')), 'jid-malformed')
  romeo.send(message('juliet@localhost'))
  assert.match((await came(romeo)).join(), /type='error'/)
  juliet.send(message('romeo@localhost'))
  assert.equal((await came(romeo)).filter((text) => text.includes('<body>')).length, 1)
  assert.equal(await ask(juliet, 'unblock'), '')
  const left = [...(domain.service.directory.resident(domain.address('juliet'))?.rules.keys() ?? [])]
  assert.deepEqual(left, ['*.localhost'], 'what was not shown is not taken away')
})
