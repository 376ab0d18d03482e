// The commands by PRIM, with a running server: STARTTLS with its own certificate, SCRAM, both services.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { exitCodes } from './exit-codes.ts'
import { House } from './testing/house.ts'

const house = new House('prim', '[prim]\npresence = "127.0.0.1:0"\nim = "127.0.0.1:0"\n')
let presenceAt = ''
let messagesAt = ''

before(async () => {
  await house.open('juliet', 'romeo')
  presenceAt = house.whereOf('prim.presence')
  messagesAt = house.whereOf('prim.im')
})
after(() => house.close())

const verona = house.verona.bind(house)
const asPerson = house.asPerson.bind(house)

test('a message to somebody away is kept, and shown with its subject when they watch for messages', async () => {
  const words = ['send', 'juliet@localhost', 'Good\nnight \u{1f319}', '--subject', 'Late', '--thread', 'a b']
  const sent = await asPerson('romeo', messagesAt, words)
  assert.deepEqual([sent.code, sent.terminal.complained], [0, 'handed to the server of juliet@localhost\n'])
  const watching = ['watch', '--messages', '--count', '1', '--json']
  const { code, terminal } = await asPerson('juliet', messagesAt, watching)
  assert.equal(code, 0, terminal.complained)
  const { event, from, text, subject, thread } = JSON.parse(terminal.written)
  assert.deepEqual(
    [event, from, text, subject, thread],
    ['message', 'romeo@localhost', 'Good\nnight \u{1f319}', 'Late', 'a b'],
  )
})

test('a message to somebody who listens is delivered', async () => {
  // At the place of presence: one connection serves both services.
  const listening = asPerson('juliet', presenceAt, ['watch', 'romeo@localhost', '--messages', '--count', '2'])
  await listening.shown('romeo@localhost: closed')
  const sent = await asPerson('romeo', messagesAt, ['send', 'juliet@localhost', 'hello', '--json'])
  assert.equal(JSON.parse(sent.terminal.written).result, 'delivered')
  assert.match((await listening).terminal.written, /^romeo@localhost: hello$/m)
})

test('presence is said, watched, fetched, and taken back; a permanent value shows then', async () => {
  const watching = asPerson('romeo', presenceAt, ['watch', 'juliet@localhost', '--count', '2', '--json'])
  await watching.shown('presence')
  const juliet = (...words: string[]) => asPerson('juliet', presenceAt, ['presence', ...words])
  const fetched = async () =>
    (await asPerson('romeo', presenceAt, ['fetch', 'juliet@localhost'])).terminal.written
  const said = await juliet('xa', '--note', 'at Laurence', '--seconds', '999999')
  assert.deepEqual([said.code, said.terminal.complained], [0, 'xa, for 86400 seconds\n'])
  const { code, terminal } = await watching
  assert.equal(code, 0, terminal.complained)
  const [first, second] = terminal.written
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).presence.tuples)
  assert.deepEqual([first, second[0].show], [[], 'xa'])
  assert.equal(await fetched(), 'juliet@localhost: open\n  verona: open, away for long "at Laurence"\n')
  assert.equal((await juliet('open', '--seconds', '0')).code, 0)
  assert.equal(await fetched(), 'juliet@localhost: closed\n')
  const kept = await juliet('closed', '--permanent', '--note', 'on vacation')
  assert.equal(kept.terminal.complained, 'closed, for good\n')
  assert.equal(await fetched(), 'juliet@localhost: closed\n  verona: closed "on vacation"\n')
})

test('who may see no more hears the end of it', async () => {
  const watching = asPerson('romeo', presenceAt, ['watch', 'juliet@localhost'])
  await watching.shown('juliet@localhost')
  assert.equal((await verona(['contact', 'juliet@localhost', 'block', 'romeo@localhost'])).code, 0)
  const { code, terminal } = await watching
  assert.equal(code, 0)
  assert.match(terminal.written, /juliet@localhost is no longer shown: the subscription was ended/)
  const refused = await asPerson('romeo', presenceAt, ['fetch', 'juliet@localhost'])
  assert.deepEqual(
    [refused.code, refused.terminal.complained],
    [exitCodes.failed, 'verona: juliet@localhost: 402 Forbidden\n'],
  )
  assert.equal((await verona(['contact', 'juliet@localhost', 'no-rule', 'romeo@localhost'])).code, 0)
})

/** [what, words, password, code, what is said] */
const refusals: [string, string[], string, number, RegExp][] = [
  ['a wrong password', ['--as', 'romeo@localhost'], 'wrong', 1, /the name or the password is wrong/],
  ['an unknown name', ['--as', 'nobody@localhost'], 'secret', 1, /the name or the password is wrong/],
  ['no address', ['--as', 'romeo'], 'secret', 1, /romeo is no address/],
  ['another domain', ['--as', 'romeo@elsewhere.example'], 'secret', 4, /certificate is not trusted/],
  [
    'no server there',
    ['--as', 'romeo@localhost', '--server', '127.0.0.1:1'],
    'secret',
    4,
    /nobody answers at 127\.0\.0\.1:1/,
  ],
  [
    'a server that is none',
    ['--as', 'romeo@localhost', '--server', '127.0.0.1:99999'],
    'secret',
    2,
    /expects host:port/,
  ],
]
for (const [what, words, password, code, said] of refusals) {
  test(`${what} ends with ${code}`, async () => {
    const where = words.includes('--server') ? [] : ['--server', messagesAt]
    const given = ['send', 'juliet@localhost', 'x', '--protocol', 'prim', ...words, ...where]
    const result = await verona(given, { environment: { VERONA_PASSWORD: password } })
    assert.equal(result.code, code, result.terminal.complained)
    assert.match(result.terminal.complained, said)
  })
}

test('a message to an unknown person is refused with its status', async () => {
  const { code, terminal } = await asPerson('romeo', messagesAt, ['send', 'nobody@localhost', 'x', '--json'])
  assert.equal(code, exitCodes.failed)
  assert.deepEqual(JSON.parse(terminal.complained).error, {
    condition: 'target-unknown',
    message: 'nobody@localhost: 403 Resource Not Found',
  })
})

test('without --server the configuration must name a place', async () => {
  const words = ['fetch', 'romeo@localhost', '--as', 'juliet@localhost', '--protocol', 'prim']
  const { code, terminal } = await verona(words, { environment: { VERONA_PASSWORD: 'secret' } })
  assert.equal(code, exitCodes.failed, 'port 0 is no place to connect to')
  assert.match(terminal.complained, /names no place for PRIM clients/)
})

test('watching ends with 4 when the server stops', async () => {
  const watching = asPerson('juliet', presenceAt, ['watch', 'romeo@localhost'])
  await watching.shown('romeo@localhost')
  await house.server.stop()
  assert.equal((await watching).code, exitCodes.unreachable)
})
