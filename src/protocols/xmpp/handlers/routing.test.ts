// RFC 6121 §8, RFC 6120 §10: presence and IQ of every type to every form of address, whoever is there. Messages to people have their
// table in message.test.ts.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TestClient } from '../testing/test-client.ts'
import { testDomain } from '../testing/test-domain.ts'

/** Juliet's devices and their presence; undefined: connected and not available. */
const devices = {
  here: '<presence/>',
  there: '<presence><priority>5</priority></presence>',
  negative: '<presence><priority>-1</priority></presence>',
  connected: undefined,
} as const

type Device = keyof typeof devices

/** The devices that got it, the condition that its sender was told, an answer, or nothing at all. */
type Fate = readonly Device[] | 'service-unavailable' | 'result' | 'ignored'

type Row = readonly [
  section: string,
  types: readonly string[],
  to: string,
  there: readonly Device[],
  fate: Fate,
]

const all: readonly Device[] = ['here', 'there', 'negative', 'connected']
const available: readonly Device[] = ['here', 'there', 'negative']
const notices = ['', 'unavailable']
const juliet = 'juliet@localhost'

async function run(
  kind: 'presence' | 'iq' | 'message',
  type: string,
  [, , to, there, fate]: Row,
  areFriends: boolean,
): Promise<void> {
  const domain = await testDomain({ users: ['romeo', 'juliet'] })
  if (areFriends) await domain.befriend('romeo', 'juliet')
  // Without a roster: its pushes are Appendix A's (subscription-states.test.ts).
  const sender = await domain.bound('romeo', 'orchard')
  sender.send('<presence/>')
  await domain.settle()
  const clients = new Map<Device, TestClient>()
  for (const device of there) {
    const client = await domain.bound('juliet', device)
    clients.set(device, client)
    const presence = devices[device]
    if (presence !== undefined) client.send(presence)
    await domain.settle()
  }
  for (const client of [sender, ...clients.values()]) client.takeAll()
  const typeText = type === '' ? '' : ` type='${type}'`
  const payload = kind === 'iq' && (type === 'get' || type === 'set') ? "<a xmlns='x'/>" : ''
  sender.send(`<${kind} to='${to}'${typeText} id='r1'>${payload}</${kind}>`)
  await domain.settle()
  const got = [...clients].map(([device, client]) => [device, client.takeAll()] as const)
  const told = sender.takeAll()
  const expected = Array.isArray(fate) ? fate : []
  assert.deepEqual(
    got.filter(([, stanzas]) => stanzas.length > 0).map(([device]) => device),
    expected,
  )
  // §8.5.2.1: the 'to' is never rewritten.
  for (const [, stanzas] of got)
    for (const stanza of stanzas) assert.ok(stanza.includes(` to='${to}'`), stanza)
  if (fate === 'service-unavailable') {
    assert.equal(told.length, 1)
    assert.match(
      told[0] ?? '',
      new RegExp(`^<${kind} type='error' id='r1' from='${to}' .*<service-unavailable `),
    )
  } else if (fate === 'result') assert.match(told[0] ?? '', /^<iq type='result' id='r1'/)
  else assert.deepEqual(told, [])
}

function table(
  what: string,
  kind: 'presence' | 'iq' | 'message',
  rows: readonly Row[],
  areFriends = false,
): void {
  describe(what, () => {
    for (const row of rows) {
      const [section, types, to, there, fate] = row
      for (const type of types)
        it(`${section}: ${type === '' ? 'no type' : type} to ${to} with ${there.join(', ') || 'nobody'} -> ${fate}`, () =>
          run(kind, type, row, areFriends))
    }
  })
}

table('presence (RFC 6121 §8.5)', 'presence', [
  ['§8.5.1', notices, 'nobody@localhost', [], 'ignored'],
  ['§8.5.1', notices, 'nobody@localhost/x', [], 'ignored'],
  [
    '§8.5.1',
    ['subscribed', 'unsubscribe', 'unsubscribed', 'probe', 'error'],
    'nobody@localhost',
    [],
    'ignored',
  ],
  ['§8.5.2.1.2', notices, juliet, all, available],
  ['§8.5.2.1.2', notices, juliet, ['negative'], ['negative']],
  ['§8.5.2.1.2', ['subscribe'], juliet, all, available],
  ['§8.5.2.1.2 Appendix A', ['subscribed', 'unsubscribe', 'unsubscribed'], juliet, all, 'ignored'],
  ['§8.5.2.1.2', ['probe'], juliet, all, 'ignored'],
  ['§8.5.2.2.2', notices, juliet, [], 'ignored'],
  ['§8.5.2.2.2', notices, juliet, ['connected'], 'ignored'],
  ['§8.5.2.2.2', ['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed', 'probe'], juliet, [], 'ignored'],
  ['§8.5.3.1', notices, `${juliet}/here`, all, ['here']],
  ['§8.5.3.1', notices, `${juliet}/negative`, all, ['negative']],
  ['§8.5.3.1', notices, `${juliet}/connected`, all, ['connected']],
  ['§8.5.3.1', ['error'], `${juliet}/here`, all, ['here']],
  ['§8.5.3.1', ['probe'], `${juliet}/here`, all, 'ignored'],
  ['§8.5.3.2.2', notices, `${juliet}/gone`, all, 'ignored'],
  ['§8.5.3.2.2', ['subscribed', 'unsubscribe', 'unsubscribed', 'probe'], `${juliet}/gone`, all, 'ignored'],
  ['§8.4, RFC 6120 §10.5.1', notices, 'localhost', [], 'ignored'],
  ['§8.4, RFC 6120 §10.5.2', notices, 'localhost/x', [], 'ignored'],
])

const requests = ['get', 'set']
const answers = ['result', 'error']

const ofStrangers: readonly Row[] = [
  ['§8.5.1', requests, 'nobody@localhost', [], 'service-unavailable'],
  ['§8.5.1', requests, 'nobody@localhost/x', [], 'service-unavailable'],
  ['§8.5.1, RFC 6120 §8.2.3', answers, 'nobody@localhost', [], 'ignored'],
  ['§8.5.1, RFC 6120 §8.2.3', answers, 'nobody@localhost/x', [], 'ignored'],
  ['§8.5.2.1.3', requests, juliet, all, 'service-unavailable'],
  ['§8.5.2.1.3', answers, juliet, all, 'ignored'],
  ['§8.5.2.2.3', requests, juliet, [], 'service-unavailable'],
  ['§8.5.3.1 who may not see', requests, `${juliet}/here`, all, 'service-unavailable'],
  ['§8.5.3.1', answers, `${juliet}/here`, all, ['here']],
  ['§8.5.3.1', answers, `${juliet}/connected`, all, ['connected']],
  ['§8.5.3.2.3', requests, `${juliet}/gone`, all, 'service-unavailable'],
  ['§8.5.3.2.3', requests, `${juliet}/gone`, [], 'service-unavailable'],
  ['§8.5.3.2.3, RFC 6120 §8.2.3', answers, `${juliet}/gone`, all, 'ignored'],
  ['§8.4, RFC 6120 §8.4 not understood', requests, 'localhost', [], 'service-unavailable'],
  ['§8.4', requests, 'localhost/x', [], 'service-unavailable'],
  ['§8.4, RFC 6120 §8.2.3', answers, 'localhost', [], 'ignored'],
  ['§8.4, RFC 6120 §8.2.3', answers, 'localhost/x', [], 'ignored'],
]

table('IQ of strangers (RFC 6121 §8.5)', 'iq', ofStrangers)

table(
  'IQ of those who may see (RFC 6121 §8.5.3.1)',
  'iq',
  [
    ...ofStrangers.filter(([, types, to]) => types === requests && to === juliet),
    ['§8.5.3.1', requests, `${juliet}/here`, all, ['here']],
    ['§8.5.3.1', requests, `${juliet}/negative`, all, ['negative']],
    ['§8.5.3.1', requests, `${juliet}/connected`, all, ['connected']],
    ['§8.5.3.2.3', requests, `${juliet}/gone`, all, 'service-unavailable'],
    ["§8.5.3.1 one's own device", answers, 'romeo@localhost/gone', [], 'ignored'],
  ],
  true,
)

table('messages to the server (RFC 6120 §10.5.1, §10.5.2)', 'message', [
  ['§10.5.1', ['', 'chat', 'normal', 'headline', 'groupchat'], 'localhost', [], 'service-unavailable'],
  ['§10.5.2', ['', 'chat', 'normal', 'headline', 'groupchat'], 'localhost/x', [], 'service-unavailable'],
  ['§10.5.1', ['error'], 'localhost', [], 'ignored'],
  ['§10.5.2', ['error'], 'localhost/x', [], 'ignored'],
])

describe('IQ by transit (RFC 6120 §8.2.3)', () => {
  it('a request and its answer pass both ways, result and error, with ids and octets as they are; nothing of it times out here', async () => {
    const domain = await testDomain()
    await domain.befriend('romeo', 'juliet')
    const romeo = await domain.available('romeo', 'orchard')
    const balcony = await domain.available('juliet', 'balcony')
    for (const client of [romeo, balcony]) client.takeAll()
    const payload = "<q xmlns='urn:x'><n/> &lt; é</q>"
    romeo.send(`<iq to='juliet@localhost/balcony' id='same' type='get'>${payload}</iq>`)
    assert.equal(
      await balcony.next(),
      `<iq from='romeo@localhost/orchard' to='juliet@localhost/balcony' id='same' type='get'>${payload}</iq>`,
    )
    domain.clock.advance(250_000)
    await domain.settle()
    balcony.takeAll()
    romeo.takeAll()
    balcony.send(`<iq to='romeo@localhost/orchard' id='same' type='result'>${payload}</iq>`)
    assert.equal(
      await romeo.next(),
      `<iq from='juliet@localhost/balcony' to='romeo@localhost/orchard' id='same' type='result'>${payload}</iq>`,
    )
    const error = "<error type='cancel'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
    balcony.send(`<iq to='romeo@localhost/orchard' id='same' type='error'>${payload}${error}</iq>`)
    assert.equal(
      await romeo.next(),
      `<iq from='juliet@localhost/balcony' to='romeo@localhost/orchard' id='same' type='error'>${payload}${error}</iq>`,
    )
  })

  it("one's own devices may ask each other (§8.5.3.1: one is authorized to see oneself)", async () => {
    const domain = await testDomain()
    const orchard = await domain.available('romeo', 'orchard')
    const phone = await domain.available('romeo', 'phone')
    for (const client of [orchard, phone]) client.takeAll()
    orchard.send("<iq to='romeo@localhost/phone' id='1' type='get'><ping xmlns='urn:xmpp:ping'/></iq>")
    assert.match(await phone.next(), /^<iq from='romeo@localhost\/orchard'/)
  })
})
