import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exitCodes } from '../exit-codes.ts'
import { run } from '../run.ts'
import { ScriptedControl } from '../testing/scripted-control.ts'
import { ScriptedTerminal } from '../testing/scripted-terminal.ts'

test('peers lists a row a protocol of every domain, with what waits', async () => {
  for (const words of [['peers'], ['peers', 'list']]) {
    const { code, terminal } = await call(words)
    assert.equal(code, exitCodes.done)
    assert.deepEqual(
      terminal.written.split('\n').map((line) => line.replace(/ {2,}/g, ' | ')),
      [
        'DOMAIN | PROTOCOL | STATE | CONNECTIONS | WAITING | SINCE | IDENTITY | LAST ERROR',
        'capulet.example | xmpp | connected | 1 | certificate of capulet.example',
        ' | sip | backing-off | 0 | 2026-01-01T00:00:00Z \\u001b[31mrefused',
        'montague.example | 3 | 2026-01-01 00:00 | remote-timeout',
        '',
      ],
    )
  }
})

test('peers show tells of one domain: policy, links, what waits; nothing colours the screen', async () => {
  const capulet = await call(['peers', 'show', 'capulet.example'])
  assert.deepEqual(capulet.terminal.written.split('\n'), [
    'capulet.example: messages, presence',
    '  by its [[peer]] table in the configuration',
    '  xmpp: connected, certificate of capulet.example',
    '    out to 192.0.2.1:5269, TLS 1.3, 2 minutes',
    '  sip: backing-off',
    '    last error: 2026-01-01T00:00:00Z \\u001b[31mrefused',
    '  nothing waits for it',
    '',
  ])
  const montague = await call(['peers', 'show', 'montague.example'])
  assert.deepEqual(montague.terminal.written.split('\n'), [
    'montague.example: messages, no presence, names not trusted, by xmpp',
    '  set here: presence=false trusted=false protocol=xmpp',
    '  no link: nothing was exchanged since the server started',
    '  3 messages wait, the oldest since 2026-01-01 00:00:00: remote-timeout, next try 2026-01-01 00:05:00',
    '',
  ])
  const stranger = await call(['peers', 'show', 'venice.example'])
  assert.match(stranger.terminal.written, /^venice.example: not spoken with, by our configuration\n/)
})

test('peers --json is one JSON value, with times as ISO 8601', async () => {
  const { terminal } = await call(['peers', '--json'])
  const [capulet, montague] = JSON.parse(terminal.written) as {
    domain: string
    links: unknown[]
    queue?: unknown
  }[]
  assert.deepEqual(
    [capulet?.domain, capulet?.links.length, capulet?.queue],
    ['capulet.example', 2, undefined],
  )
  assert.deepEqual(montague?.queue, {
    length: 3,
    oldest: '2026-01-01T00:00:00.000Z',
    nextTry: '2026-01-01T00:05:00.000Z',
    condition: 'remote-timeout',
  })
  const one = await call(['peers', 'show', 'montague.example', '--json'])
  assert.deepEqual(JSON.parse(one.terminal.written), montague)
})

test('without other domains a person is told so, and a program gets nothing or an empty list', async () => {
  const person = await call(['peers'], true, { interactive: true, hasPeers: false })
  assert.deepEqual([person.terminal.written, person.terminal.complained], ['', 'no other domains yet\n'])
  const piped = await call(['peers'], true, { hasPeers: false })
  assert.deepEqual([piped.terminal.written, piped.terminal.complained], ['', ''])
  const json = await call(['peers', '--json'], true, { interactive: true, hasPeers: false })
  assert.deepEqual([json.terminal.written, json.terminal.complained], ['[]\n', ''])
})

test('peers drop gives up what waits, peers retry tries a domain at once', async () => {
  const dropped = await call(['peers', 'drop', 'montague.example'])
  assert.equal(
    dropped.terminal.complained,
    'gave up 3 messages for montague.example; their senders are told\n',
  )
  assert.deepEqual(dropped.control.said, [['drop', 'montague.example'], ['close']])
  const scripted = await call(['peers', 'drop', 'montague.example', '--json'])
  assert.deepEqual(JSON.parse(scripted.terminal.written), { domain: 'montague.example', dropped: 3 })
  const retried = await call(['peers', 'retry', 'montague.example'])
  assert.equal(retried.terminal.complained, 'montague.example is tried now\n')
  assert.deepEqual(retried.control.said, [['retry', 'montague.example'], ['close']])
})

test('peers set says what holds for a domain, peers unset takes it out', async () => {
  const set = await call(['peers', 'set', 'capulet.example', 'tls=none', 'servers=a:1,b:2'])
  assert.deepEqual(set.control.said, [
    ['set', 'capulet.example', { tls: 'none', servers: 'a:1,b:2' }],
    ['close'],
  ])
  assert.equal(set.terminal.complained, 'set for capulet.example: tls=none servers=a:1,b:2\n')
  const some = await call(['peers', 'unset', 'capulet.example', 'tls'])
  assert.deepEqual(some.control.said, [['set', 'capulet.example', { tls: null }], ['close']])
  const all = await call(['peers', 'unset', 'capulet.example'])
  assert.deepEqual(all.control.said, [['unset', 'capulet.example'], ['close']])
  assert.equal(all.terminal.complained, 'taken out for capulet.example: all that was set\n')
  const wrong = await call(['peers', 'set', 'capulet.example', 'tls'])
  assert.deepEqual([wrong.code, wrong.control.said], [exitCodes.usage, []])
})

test('without a server nothing can be tried: exit code 4', async () => {
  const { code, control, terminal } = await call(['peers', 'retry', 'montague.example'], false)
  assert.equal(code, exitCodes.unreachable)
  assert.match(terminal.complained, /no server runs here/)
  assert.deepEqual(control.said, [['close']])
})

test('a word that is none of these is refused', async () => {
  assert.equal((await call(['peers', 'forget'])).code, exitCodes.usage)
  assert.equal((await call(['peers', 'show'])).code, exitCodes.usage)
})

async function call(words: string[], running = true, { interactive = false, hasPeers = true } = {}) {
  const terminal = new ScriptedTerminal({ interactive })
  const control = new ScriptedControl(undefined)
  control.hasPeers = hasPeers
  const openControl = async () => ({ control, running, close: async () => control.say('close') })
  const logIn = () => Promise.reject(new Error('nobody logs in'))
  const code = await run(
    words,
    { terminal, openControl, logIn, logInBy: { prim: logIn, apex: logIn } },
    '1.2.3',
  )
  return { code, terminal, control }
}
