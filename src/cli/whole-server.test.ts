import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { loadConfiguration, openControl, type RunningServer, startServer } from '#server'
import type { CommandContext } from './commands/command.ts'
import { exitCodes } from './exit-codes.ts'
import { logInByImpp } from './impp-person.ts'
import { run } from './run.ts'
import { type Script, ScriptedTerminal } from './testing/scripted-terminal.ts'

const directory = mkdtempSync(join(tmpdir(), 'verona-whole-'))
const file = join(directory, 'verona.toml')
let server: RunningServer | undefined
let imppAt = ''

before(() => {
  writeFileSync(file, '[impp]\nclient = "127.0.0.1:0"\n[log]\nlevel = "silent"\n')
})
after(async () => {
  await server?.stop()
  rmSync(directory, { recursive: true })
})

test('without a server, accounts and contacts are kept in the store', async () => {
  assert.equal(
    (await verona(['user', 'add', 'juliet@localhost', '--password-stdin'], { input: 'pj' })).code,
    0,
  )
  const taken = await verona(['user', 'add', 'Juliet@LOCALHOST', '--password-stdin'], { input: 'x' })
  assert.deepEqual([taken.code, taken.terminal.complained], [exitCodes.failed, 'verona: the name is taken\n'])
  const elsewhere = await verona(['user', 'add', 'a@elsewhere.example', '--password-stdin'], { input: 'x' })
  assert.equal(elsewhere.code, exitCodes.failed)
  const unfit = await verona(['user', 'password', 'juliet@localhost', '--password-stdin'], { input: 'a\tb' })
  assert.equal(unfit.code, exitCodes.failed)
  assert.equal((await verona(['contact', 'juliet@localhost', 'allow', '*'])).code, 0)
  const list = await verona(['contact', 'juliet@localhost', 'list', '--json'])
  assert.deepEqual(JSON.parse(list.terminal.written).rules, [
    { subject: '*', action: 'allow', visibility: 'full' },
  ])
  const doctor = await verona(['doctor', '--json'])
  const findings: { about: string; state: string }[] = JSON.parse(doctor.terminal.written)
  assert.ok(findings.some((finding) => finding.about === 'port' && finding.state === 'good'))
  assert.ok(findings.some((finding) => finding.about === 'server' && finding.state === 'notice'))
  const send = await verona(['send', '--as', 'juliet@localhost', 'x@localhost', 'x'], {
    environment: { VERONA_PASSWORD: 'pj' },
  })
  assert.equal(send.code, exitCodes.failed, 'port 0 is no place to connect to')
})

test('the configuration that operators start from is loaded by the real sections', async () => {
  const example = join(directory, 'example.toml')
  writeFileSync(
    example,
    `data = "./data"
domains = ["localhost"]
[http]
listen = "127.0.0.1:8080"
[xmpp]
client = "127.0.0.1:5222"
client_tls = "127.0.0.1:5223"
server = "127.0.0.1:5269"
plain_without_tls = false
[sip]
udp = "127.0.0.1:5060"
tcp = "127.0.0.1:5060"
tls = "127.0.0.1:5061"
[impp]
client = "127.0.0.1:7410"
server = "127.0.0.1:7411"
`,
  )
  const { config, domains } = await loadConfiguration({ file: example, directory, environment: {} })
  assert.deepEqual([config.file, domains], [example, ['localhost']])
})

test('domains are those that the file names, in either way, and localhost where it names none', async () => {
  const named = join(directory, 'named.toml')
  for (const [toml, expected] of [
    ['', ['localhost']],
    ['[[domain]]\nname = "Example.com"\n', ['example.com']],
    ['domains = ["example.org"]\n[[domain]]\nname = "example.com"\n', ['example.org', 'example.com']],
  ] as const) {
    writeFileSync(named, toml)
    const { domains } = await loadConfiguration({ file: named, directory, environment: {} })
    assert.deepEqual(domains, expected)
  }
})

test('a configuration that is wrong ends with 3', async () => {
  const wrong = join(directory, 'wrong.toml')
  for (const [toml, said] of [
    ['[impp]\nclient = 7410\n', /wrong\.toml, line 2, \[impp\] client: expects an address/],
    [
      '[xmpp]\nclient = "*:5222"\nplain_without_tls = true\n',
      /\[xmpp\] plain_without_tls is true, and client listens on \*: .* loopback/,
    ],
    ['[impp]\nclient = "192.0.2.1:7410"\nplain_without_tls = true\n', /\[impp\] plain_without_tls is true/],
    ['domains = ["a b"]\n', /wrong\.toml, line 1, domains: "a b" is not a domain name/],
    ['domains = []\n', /wrong\.toml, line 1, domains: names no domain/],
    ['[[domain]]\nname = "a b"\n', /wrong\.toml, line 2, \[domain\] name: "a b" is not a domain name/],
    ['[[domain]]\n', /wrong\.toml, line 1, \[domain\] name: is missing/],
  ] as const) {
    writeFileSync(wrong, toml)
    const terminal = new ScriptedTerminal({ directory })
    const { code } = await call(terminal, ['user', 'list', '--config', wrong])
    assert.equal(code, exitCodes.configuration)
    assert.match(terminal.complained, said)
  }
})

test('the running server answers the same commands, and keeps what was there', async () => {
  server = await startServer(await loadConfiguration({ file, directory, environment: {} }))
  const where = server.listeners.find((listener) => listener.purpose.startsWith('IMPP'))?.where
  imppAt = (where as string).replace('/tcp', '')
  writeFileSync(join(directory, 'users.csv'), 'address,password\nromeo@localhost,pr\njuliet@localhost,x\n')
  const imported = await verona(['user', 'import', 'users.csv', '--json'])
  assert.equal(imported.code, exitCodes.failed)
  assert.deepEqual(JSON.parse(imported.terminal.written), {
    added: 1,
    refused: [{ line: 3, address: 'juliet@localhost', condition: 'conflict' }],
  })
  const list = await verona(['user', 'list'])
  assert.match(list.terminal.written, /^juliet@localhost [\s\S]*^romeo@localhost /m)
  const doctor = await verona(['doctor'])
  assert.match(doctor.terminal.written, /server: runs as process \d+/)
})

test('a message to somebody away is stored, and shown when they watch for messages', async () => {
  const sent = await asPerson('romeo', 'pr', [
    'send',
    'juliet@localhost',
    'Good\nnight \u{1f319}',
    '--subject',
    'Late',
  ])
  assert.deepEqual(
    [sent.code, sent.terminal.complained],
    [0, 'juliet@localhost is away; stored until they are back\n'],
  )
  const { code, terminal } = await asPerson('juliet', 'pj', ['watch', '--messages', '--count', '1', '--json'])
  assert.equal(code, 0)
  const { event, from, text, subject, stored } = JSON.parse(terminal.written)
  assert.deepEqual(
    [event, from, text, subject],
    ['message', 'romeo@localhost', 'Good\nnight \u{1f319}', 'Late'],
  )
  assert.ok(Date.parse(stored) > 0)
})

test('presence is said, watched and fetched', async () => {
  const watching = asPerson('romeo', 'pr', ['watch', 'juliet@localhost', '--count', '2', '--json'])
  await watching.shown('presence')
  assert.equal((await asPerson('juliet', 'pj', ['presence', 'xa', '--note', 'at Laurence'])).code, 0)
  const events = (await watching).terminal.written
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.equal(events.at(-1).presence.tuples[0].show, 'xa')
  const fetched = await asPerson('romeo', 'pr', ['fetch', 'juliet@localhost'])
  assert.equal(
    fetched.terminal.written,
    'juliet@localhost: open\n  verona: open, away for long "at Laurence"\n',
  )
})

test('rules are put and obeyed, and the history shows what was said', async () => {
  assert.equal((await asPerson('juliet', 'pj', ['acl', 'block', 'romeo@localhost'])).code, 0)
  assert.equal((await asPerson('juliet', 'pj', ['acl', 'confirm', '*.Far.example'])).code, 0)
  assert.equal((await asPerson('juliet', 'pj', ['acl', 'block', 'a.*.example'])).code, exitCodes.failed)
  const rules = await asPerson('juliet', 'pj', ['acl'])
  assert.match(rules.terminal.written, /^romeo@localhost {2}block$/m)
  assert.match(rules.terminal.written, /^\*\.far\.example +confirm +all$/m)
  assert.equal((await asPerson('romeo', 'pr', ['send', 'juliet@localhost', 'x'])).code, exitCodes.failed)
  assert.equal((await asPerson('juliet', 'pj', ['acl', 'remove', 'romeo@localhost'])).code, 0)
  const history = await asPerson('romeo', 'pr', ['history', '--with', 'juliet@localhost', '--json'])
  const { text, direction, peer } = JSON.parse(history.terminal.written.split('\n')[0] as string)
  assert.deepEqual([text, direction, peer], ['Good\nnight \u{1f319}', 'sent', 'juliet@localhost'])
  const shown = await asPerson('juliet', 'pj', ['history', '--since', '1h'])
  assert.match(shown.terminal.written, /< romeo@localhost {2}\[Late\] Good\n {28}night/)
})

/** [what, words, code, what is said] */
const refusals: [string, string[], number, RegExp][] = [
  [
    'a wrong password',
    ['send', '--as', 'romeo@localhost', 'juliet@localhost', 'x'],
    1,
    /the name or the password is wrong/,
  ],
  [
    'an unknown name',
    ['send', '--as', 'nobody@localhost', 'juliet@localhost', 'x'],
    1,
    /the name or the password is wrong/,
  ],
  ['no address', ['send', '--as', 'romeo', 'juliet@localhost', 'x'], 1, /romeo is no address/],
  [
    'no server there',
    ['send', '--as', 'romeo@localhost', '--server', '127.0.0.1:1', 'x@localhost', 'x'],
    4,
    /nobody answers at 127\.0\.0\.1:1/,
  ],
  [
    'a server that is none',
    ['send', '--as', 'romeo@localhost', '--server', '127.0.0.1:99999', 'x@localhost', 'x'],
    2,
    /expects host:port/,
  ],
]
for (const [what, words, code, said] of refusals) {
  test(`${what} ends with ${code}`, async () => {
    const options = words.includes('--server') ? [] : ['--server', imppAt]
    const result = await verona([...words, ...options], { environment: { VERONA_PASSWORD: 'wrong' } })
    assert.equal(result.code, code, result.terminal.complained)
    assert.match(result.terminal.complained, said)
  })
}

test('a person of a domain that is not ours is logged in where DNS has its server', async () => {
  const { code, terminal } = await verona(['send', '--as', 'a@nowhere.localhost', 'b@localhost', 'x'], {
    environment: { VERONA_PASSWORD: 'x' },
  })
  // Nobody is there, or a server on this machine's port 7410 that has no such domain.
  assert.notEqual(code, exitCodes.done)
  assert.doesNotMatch(terminal.complained, /configuration names no place/)
})

test('a message to an unknown person is refused in a sentence', async () => {
  const { code, terminal } = await asPerson('romeo', 'pr', ['send', 'nobody@localhost', 'x'])
  assert.equal(code, exitCodes.failed)
  assert.match(terminal.complained, /^verona: nobody@localhost: /)
})

test('a changed password counts at once, and so does a removal', async () => {
  await verona(['user', 'password', 'romeo@localhost', '--password-stdin'], { input: 'new' })
  assert.equal((await asPerson('romeo', 'pr', ['send', 'juliet@localhost', 'x'])).code, exitCodes.failed)
  assert.equal((await asPerson('romeo', 'new', ['send', 'juliet@localhost', 'x'])).code, 0)
  assert.equal((await verona(['user', 'remove', 'romeo@localhost'])).code, 0)
  assert.equal((await asPerson('romeo', 'new', ['send', 'juliet@localhost', 'x'])).code, exitCodes.failed)
})

test('watching ends with 4 when the server stops', async () => {
  const watching = asPerson('juliet', 'pj', ['watch', '--messages'])
  await watching.loggedIn
  await server?.stop()
  assert.equal((await watching).code, exitCodes.unreachable)
})

type Result = { readonly code: number; readonly terminal: ScriptedTerminal }

function verona(words: string[], script: Script = {}): Promise<Result> {
  const terminal = new ScriptedTerminal({ directory, ...script })
  return call(terminal, [...words, '--config', file])
}

/** A command as a person; `shown` resolves once the output holds a word. */
function asPerson(name: string, password: string, words: string[]) {
  const terminal = new ScriptedTerminal({ directory, environment: { VERONA_PASSWORD: password } })
  let logged: () => void = () => {}
  const loggedIn = new Promise<void>((resolve) => {
    logged = resolve
  })
  const [command = '', ...rest] = words
  const login = ['--as', `${name}@localhost`, '--server', imppAt, '--config', file]
  const result = call(terminal, [command, ...login, ...rest], logged)
  return Object.assign(result, { loggedIn, shown: (word: string) => terminal.until(word) })
}

async function call(terminal: ScriptedTerminal, words: string[], logged = (): void => {}): Promise<Result> {
  const context: CommandContext = {
    terminal,
    openControl: async (named) =>
      openControl(await loadConfiguration({ file: named, directory, environment: {} })),
    logIn: async (options) => {
      const person = await logInByImpp(terminal, options)
      logged()
      return person
    },
    logInBy: { prim: () => assert.fail('not this way'), apex: () => assert.fail('not this way') },
  }
  return { code: await run(words, context, '0'), terminal }
}
