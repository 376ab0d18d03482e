// The commands by APEX, with a running server: the TLS profile with its own certificate, SCRAM, one channel attached.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { exitCodes } from './exit-codes.ts'
import { House } from './testing/house.ts'

const house = new House('apex', '[apex]\nedge = "127.0.0.1:0"\n')
let edge = ''

before(async () => {
  await house.open('juliet', 'romeo')
  edge = house.whereOf('apex.edge')
})
after(() => house.close())

function asPerson(name: string, words: string[]): ReturnType<typeof house.asPerson> {
  return house.asPerson(name, edge, words)
}

test('a message to somebody away is kept, and shown with its subject when they watch for messages', async () => {
  const words = ['send', 'juliet@localhost', 'Good\nnight \u{1f319}', '--subject', 'Late']
  const sent = await asPerson('romeo', words)
  const kept = 'juliet@localhost is away; stored until they are back\n'
  assert.deepEqual([sent.code, sent.terminal.complained], [0, kept])
  const watching = ['watch', '--messages', '--count', '1', '--json']
  const { code, terminal } = await asPerson('juliet', watching)
  assert.equal(code, 0, terminal.complained)
  const { event, from, text, subject } = JSON.parse(terminal.written)
  assert.deepEqual(
    [event, from, text, subject],
    ['message', 'romeo@localhost', 'Good\nnight \u{1f319}', 'Late'],
  )
})

test('a command that sends takes no message away: what is kept for its person stays kept', async () => {
  assert.equal((await asPerson('romeo', ['send', 'juliet@localhost', 'for you'])).code, 0)
  assert.equal((await asPerson('juliet', ['send', 'romeo@localhost', 'not now'])).code, 0)
  const juliet = await asPerson('juliet', ['watch', '--messages', '--count', '1'])
  assert.equal(juliet.terminal.written, 'romeo@localhost: for you\n')
  const romeo = await asPerson('romeo', ['watch', '--messages', '--count', '1'])
  assert.equal(romeo.terminal.written, 'juliet@localhost: not now\n')
})

test('a message to somebody who listens is delivered, also while both listen and send at once', async () => {
  const listening = asPerson('juliet', ['watch', 'romeo@localhost', '--messages', '--count', '2'])
  await listening.shown('romeo@localhost: closed')
  const romeo = asPerson('romeo', ['watch', 'juliet@localhost', '--messages', '--count', '2'])
  await romeo.shown('juliet@localhost')
  // Attached as romeo/appl=im: another application is attached as romeo.
  const sent = await asPerson('romeo', ['send', 'juliet@localhost', 'hello', '--json'])
  assert.equal(JSON.parse(sent.terminal.written).result, 'delivered', sent.terminal.complained)
  assert.match((await listening).terminal.written, /^romeo@localhost: hello$/m)
  assert.equal((await asPerson('juliet', ['send', 'romeo@localhost', 'hi'])).code, 0)
  assert.match((await romeo).terminal.written, /^juliet@localhost: hi$/m)
})

test('presence is said, watched, fetched, and taken back; what is closed stays', async () => {
  const watching = asPerson('romeo', ['watch', 'juliet@localhost', '--count', '2', '--json'])
  await watching.shown('presence')
  const juliet = (...words: string[]) => asPerson('juliet', ['presence', ...words])
  const fetched = async () => (await asPerson('romeo', ['fetch', 'juliet@localhost'])).terminal.written
  const said = await juliet('away', '--note', 'at Laurence', '--seconds', '600')
  assert.deepEqual([said.code, said.terminal.complained], [0, 'away, for 600 seconds\n'])
  const { code, terminal } = await watching
  assert.equal(code, 0, terminal.complained)
  const [first, second] = terminal.written
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).presence.tuples)
  assert.deepEqual(
    [first[0].basic, second[0].basic, second[0].notes[0].text, second[0].contact.uri],
    ['closed', 'open', 'at Laurence', 'apex:juliet/appl=im@localhost'],
  )
  assert.equal(await fetched(), 'juliet@localhost: open\n  apex-1: open "at Laurence"\n')
  assert.equal((await juliet('open', '--seconds', '0')).code, 0)
  assert.match(await fetched(), /^juliet@localhost: closed\n/)
  const kept = await juliet('closed', '--permanent', '--note', 'on vacation')
  assert.equal(kept.terminal.complained, 'closed, for good\n')
  assert.match(await fetched(), /^juliet@localhost: closed\n {2}apex-1: closed "on vacation"\n/)
  const busy = await juliet('dnd')
  assert.equal(busy.terminal.complained, 'dnd, for 3600 seconds\n')
  assert.equal(await fetched(), 'juliet@localhost: open\n  apex-1: open "dnd"\n')
})

test('who is blocked is told so, in words', async () => {
  assert.equal((await house.verona(['contact', 'juliet@localhost', 'block', 'romeo@localhost'])).code, 0)
  for (const words of [
    ['fetch', 'juliet@localhost'],
    ['send', 'juliet@localhost', 'x'],
    ['watch', 'juliet@localhost'],
  ]) {
    const refused = await asPerson('romeo', words)
    assert.deepEqual(
      [refused.code, refused.terminal.complained],
      [exitCodes.failed, 'verona: juliet@localhost: that is not allowed (537)\n'],
    )
  }
  assert.equal((await house.verona(['contact', 'juliet@localhost', 'no-rule', 'romeo@localhost'])).code, 0)
})

test('who has not agreed yet is told from who is not there', async () => {
  const juliet = (...words: string[]) => house.verona(['contact', 'juliet@localhost', ...words])
  assert.equal((await juliet('no-rule', '*')).code, 0)
  const watching = asPerson('romeo', ['watch', 'juliet@localhost', '--count', '1'])
  await watching.shown('juliet@localhost has not agreed yet')
  assert.equal((await juliet('approve', 'romeo@localhost')).code, 0)
  assert.match((await watching).terminal.written, /^juliet@localhost: (?:open|closed)/m)
  assert.equal((await juliet('allow', '*')).code, 0)
})

/** [what, words, password, code, what is said] */
const refusals: [string, string[], string, number, RegExp][] = [
  ['a wrong password', ['--as', 'romeo@localhost'], 'wrong', 1, /the name or the password is wrong/],
  ['an unknown name', ['--as', 'nobody@localhost'], 'secret', 1, /the name or the password is wrong/],
  ['no address', ['--as', 'romeo'], 'secret', 1, /romeo is no address/],
  [
    'nobody of that name',
    ['--as', 'romeo@localhost', '--thread', 'a'],
    'secret',
    2,
    /no word for a conversation/,
  ],
  [
    'another domain',
    ['--as', 'romeo@elsewhere.example'],
    'secret',
    1,
    /the server does not serve elsewhere\.example \(553\)/,
  ],
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
    /expects host:port, as in im\.example\.com:913/,
  ],
]
for (const [what, words, password, code, said] of refusals) {
  test(`${what} ends with ${code}`, async () => {
    const where = words.includes('--server') ? [] : ['--server', edge]
    const given = ['send', 'juliet@localhost', 'x', '--protocol', 'apex', ...words, ...where]
    const result = await house.verona(given, { environment: { VERONA_PASSWORD: password } })
    assert.equal(result.code, code, result.terminal.complained)
    assert.match(result.terminal.complained, said)
  })
}

test('a server of another protocol is told from one of APEX', async () => {
  const words = ['send', 'juliet@localhost', 'x', '--protocol', 'apex', '--as', 'romeo@localhost']
  const impp = house.whereOf('impp.client')
  const result = await house.verona([...words, '--server', impp], {
    environment: { VERONA_PASSWORD: 'secret' },
  })
  assert.equal(result.code, exitCodes.unreachable)
  assert.match(
    result.terminal.complained,
    /does not keep to the protocol|closed the connection|speaks no BEEP/,
  )
})

test('a message to an unknown person is refused with its code', async () => {
  const { code, terminal } = await asPerson('romeo', ['send', 'nobody@localhost', 'x', '--json'])
  assert.equal(code, exitCodes.failed)
  assert.deepEqual(JSON.parse(terminal.complained).error, {
    condition: 'target-unknown',
    message: 'nobody@localhost: nobody has that name (550)',
  })
})

test('somebody of a domain that is nowhere', async () => {
  for (const words of [
    ['send', 'a@nowhere.invalid', 'x'],
    ['fetch', 'a@nowhere.invalid'],
  ]) {
    const { code, terminal } = await asPerson('romeo', words)
    assert.equal(code, exitCodes.failed)
    assert.match(terminal.complained, /no way to that domain is known \(550\)/)
  }
})

test('without --server the configuration must name a place', async () => {
  const words = ['fetch', 'romeo@localhost', '--as', 'juliet@localhost', '--protocol', 'apex']
  const { code, terminal } = await house.verona(words, { environment: { VERONA_PASSWORD: 'secret' } })
  assert.equal(code, exitCodes.failed, 'port 0 is no place to connect to')
  assert.match(terminal.complained, /names no place for APEX clients \(\[apex\] edge\)/)
})

test('watching ends with 4 when the server stops', async () => {
  const watching = asPerson('juliet', ['watch', 'romeo@localhost'])
  await watching.shown('romeo@localhost')
  await house.server.stop()
  const { code, terminal } = await watching
  assert.equal(code, exitCodes.unreachable)
  assert.match(terminal.complained, /the relay stops|closed the connection/)
})
