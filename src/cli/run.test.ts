import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { exitCodes } from './exit-codes.ts'
import type { LoginOptions, Watching } from './person.ts'
import { run } from './run.ts'
import { ScriptedControl } from './testing/scripted-control.ts'
import { openPresence, ScriptedPerson } from './testing/scripted-person.ts'
import { type Script, ScriptedTerminal } from './testing/scripted-terminal.ts'

const directory = mkdtempSync(join(tmpdir(), 'verona-cli-'))
after(() => rmSync(directory, { recursive: true }))

test('user add asks twice for the password and sets it', async () => {
  const { code, terminal, control } = await call(['user', 'add', 'a@x', '--alias', 'b@x', '--alias', 'c@x'], {
    secrets: ['p', 'p'],
  })
  assert.equal(code, exitCodes.done)
  assert.deepEqual(terminal.prompts, ['Password for a@x: ', 'The same again: '])
  assert.deepEqual(control.said, [
    ['add', { address: 'a@x', aliases: ['b@x', 'c@x'], password: 'p' }],
    ['close'],
  ])
  assert.ok(!terminal.complained.includes('p\n'.repeat(2)))
})

/** [what, words, script, exit code, part of what is said] */
const passwords: [string, string[], Script, number, string][] = [
  ['two that differ', ['user', 'add', 'a@x'], { secrets: ['p', 'q'] }, 1, 'not the same'],
  ['none at all', ['user', 'add', 'a@x'], {}, 2, '--password-stdin or VERONA_PASSWORD'],
  ['an empty one', ['user', 'add', 'a@x', '--password-stdin'], { input: '\n' }, 2, 'empty'],
  ['standard input', ['user', 'add', 'a@x', '--password-stdin'], { input: 'p\r\nrest' }, 0, 'added a@x'],
  [
    'standard input without a line end',
    ['user', 'password', 'a@x', '--password-stdin'],
    { input: 'p' },
    0,
    'set the password',
  ],
  [
    'the environment',
    ['user', 'password', 'a@x'],
    { environment: { VERONA_PASSWORD: 'p' } },
    0,
    'set the password',
  ],
]
for (const [what, words, script, expected, said] of passwords) {
  test(`a password from ${what}: exit code ${expected}`, async () => {
    const { code, terminal, control } = await call(words, script)
    assert.equal(code, expected, terminal.complained)
    assert.ok(terminal.complained.includes(said), terminal.complained)
    if (expected === 0) assert.equal(JSON.stringify(control.said).match(/"p"/g)?.length, 1)
  })
}

test('what the server refuses is said, with exit code 1; that it is not there, with 4', async () => {
  const refused = await call(
    ['user', 'remove', 'a@x'],
    {},
    { fault: named('ControlError', 'there is no such account') },
  )
  assert.equal(refused.code, exitCodes.failed)
  assert.equal(refused.terminal.complained, 'verona: there is no such account\n')
  assert.deepEqual(refused.control.said.at(-1), ['close'])
  const gone = await call(['user', 'list'], {}, { fault: named('NotRunning', 'it belongs to another user') })
  assert.equal(gone.code, exitCodes.unreachable)
})

test('a fault of ours shows where it happened', async () => {
  const { code, terminal } = await call(
    ['user', 'remove', 'a@x'],
    {},
    { fault: new TypeError('x is not a function') },
  )
  assert.equal(code, exitCodes.failed)
  assert.match(terminal.complained, /please report it:\nTypeError: x is not a function\n {4}at /)
})

test('with --json a failure is a JSON object on standard error', async () => {
  const fault = Object.assign(named('ControlError', 'that domain is not served here'), {
    condition: 'domain-unknown',
  })
  const { code, terminal } = await call(['user', 'list', '--json'], {}, { fault })
  assert.equal(code, exitCodes.failed)
  assert.equal(terminal.written, '')
  assert.deepEqual(JSON.parse(terminal.complained), {
    error: { condition: 'domain-unknown', message: 'that domain is not served here' },
  })
})

test('user forward moves a person, brings them back, and shows where they are', async () => {
  const moves: [string[], unknown[] | undefined, string, number][] = [
    [['a@x', 'im:a@y'], ['forward', 'a@x', { location: 'im:a@y', permanent: false }], '', 0],
    [['a@x', 'im:a@y', '--permanent'], ['forward', 'a@x', { location: 'im:a@y', permanent: true }], '', 0],
    [['a@x', '--off'], ['forward', 'a@x', {}], '', 0],
    [['a@x'], undefined, 'im:a@y permanently\n', 0],
    [['b@x'], undefined, '', 0],
    [['a@x', 'im:a@y', '--off'], undefined, '', 2],
    [['a@x', '--permanent'], undefined, '', 2],
  ]
  for (const [words, said, written, expected] of moves) {
    const { code, terminal, control } = await call(['user', 'forward', ...words])
    assert.equal(code, expected, terminal.complained)
    assert.deepEqual(
      control.said.find(([word]) => word === 'forward'),
      said,
    )
    assert.equal(terminal.written, written)
  }
  const json = await call(['user', 'forward', 'a@x', '--json'])
  assert.deepEqual(JSON.parse(json.terminal.written), { address: 'a@x', location: 'im:a@y', permanent: true })
})

test('user list writes a table, or a JSON object a line', async () => {
  const table = await call(['user', 'list', 'x'])
  assert.deepEqual(table.control.said[0], ['list', 'x'])
  assert.equal(
    table.terminal.written,
    'ADDRESS  ALIASES  CREATED\na@x      1@x 2@x  2026-01-01\nb@x               2026-01-02  disabled\n',
  )
  const json = await call(['user', 'list', '--json'])
  assert.deepEqual(
    json.terminal.written
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).address),
    ['a@x', 'b@x'],
  )
})

test('user import adds what it can, names the lines that were refused, and ends with 1', async () => {
  const lines = ['address,password,aliases', 'a@x,"p,1",', 'taken@x,q,', 'b@x,r,1@x 2@x']
  const { code, terminal, control } = await importing(lines.join('\n'))
  assert.equal(code, exitCodes.failed)
  assert.deepEqual(control.said[0], [
    'import',
    [
      { address: 'a@x', password: 'p,1', aliases: [] },
      { address: 'taken@x', password: 'q', aliases: [] },
      { address: 'b@x', password: 'r', aliases: ['1@x', '2@x'] },
    ],
  ])
  assert.match(terminal.complained, /^line 3, taken@x: that name is taken$/m)
  assert.match(terminal.complained, /added 2 of 3 accounts\n$/)
})

test('user import shows a bar to a person and tenths to a log', async () => {
  const rows = Array.from({ length: 100 }, (_, i) => `user${i}@x,p`).join('\n')
  const bar = await importing(`address,password\n${rows}`, { interactive: true })
  assert.equal(bar.code, exitCodes.done)
  assert.match(bar.terminal.complained, /\r\[#{10,}\.+\] 50 of 100 {2}\d+\/s/)
  const log = await importing(`address,password\n${rows}`)
  assert.match(log.terminal.complained, /^100 of 100 /m)
  assert.ok(!log.terminal.complained.includes('\r'))
})

/** [what, file, part of what is said] */
const badFiles: [string, string, string][] = [
  ['no header', 'a@x,p\n', 'line 1: write address,password'],
  ['an unknown column', 'address,password,colour\n', 'line 1: write address,password'],
  ['a misspelt column', 'address,pasword\n', 'line 1: write address,password'],
  ['a bad first line', 'address,"password\na@x,p\n', 'line 1: write address,password'],
  ['a user and no domain', 'username,password\na,p\n', 'line 2: it names no domain; give one by --domain'],
  ['a line too short', 'address,password\na@x\n', 'line 2: 1 fields where the first line has 2'],
  ['an open quotation mark', 'address,password\na@x,"p\n', 'line 2: a quotation mark is not closed'],
]
for (const [what, file, said] of badFiles) {
  test(`user import of a file with ${what} adds nothing`, async () => {
    const { code, terminal, control } = await importing(file)
    assert.equal(code, exitCodes.failed)
    assert.ok(terminal.complained.includes(said), terminal.complained)
    assert.deepEqual(control.said, [])
  })
}

test('user import tells every bad line; with --skip-bad it adds the others', async () => {
  const file = 'address,password\na@x,p\nb@x\n"c@x"d,p\ne@x,\n'
  const told = await importing(file)
  assert.equal(told.code, exitCodes.failed)
  assert.deepEqual(told.control.said, [])
  assert.equal(
    told.terminal.complained,
    'line 3: 1 fields where the first line has 2\nline 4: something follows the closing quotation mark\n' +
      'line 5, e@x: it has neither a password nor a digest\n' +
      'verona: users.csv: 3 lines are bad, and nothing was added; --skip-bad adds the others\n',
  )
  const skipping = await importing(file, {}, '--skip-bad')
  assert.equal(skipping.code, exitCodes.failed)
  assert.deepEqual(skipping.control.said[0]?.[1], [{ address: 'a@x', password: 'p', aliases: [] }])
  assert.match(skipping.terminal.complained, /added 1 of 4 accounts\n$/)
  const json = await importing(file, {}, '--skip-bad', '--json')
  assert.deepEqual(JSON.parse(json.terminal.written), {
    added: 1,
    refused: [3, 4, 5].map((line) => ({ line, address: line === 5 ? 'e@x' : '', condition: 'malformed' })),
  })
})

test('user import of a file that is not there is a wrong command line', async () => {
  const { code, terminal } = await call(['user', 'import', 'none.csv'], { directory })
  assert.equal(code, exitCodes.usage)
  assert.equal(terminal.complained, 'verona: none.csv cannot be read: there is no such file\n')
})

for (const action of ['approve', 'refuse', 'allow', 'block', 'polite-block', 'confirm', 'no-rule']) {
  test(`contact ${action} decides about the watcher`, async () => {
    const { code, control, terminal } = await call(['contact', 'a@x', action, 'b@y'])
    assert.equal(code, exitCodes.done)
    assert.match(terminal.complained, /^a@x: .*b@y/)
    const scripted = await call(['contact', 'a@x', action, 'b@y', '--json'])
    assert.deepEqual(JSON.parse(scripted.terminal.written), { owner: 'a@x', action, watcher: 'b@y' })
    assert.deepEqual(control.said[0], ['decide', 'a@x', 'b@y', { action }])
    assert.equal((await call(['contact', 'a@x', action])).code, exitCodes.usage)
  })
}

test('contact list and pending show who sees whom', async () => {
  const list = await call(['contact', 'a@x', 'list'])
  assert.equal(
    list.terminal.written,
    'CONTACT  NAME  WHO SEES WHOM     RULE\nb@y      Bea   see each other    block\nc@y            asked, and waits\n*                                confirm\n',
  )
  const pending = await call(['contact', 'a@x', 'pending', '--json'])
  assert.deepEqual(
    JSON.parse(pending.terminal.written).map((one: { address: string }) => one.address),
    ['c@y'],
  )
})

test('send takes its text from the words, from standard input, or from what follows the password', async () => {
  for (const [words, script] of [
    [['send', '--as', 'a@x', 'b@x', 'hi\nthere'], { environment: { VERONA_PASSWORD: 'p' } }],
    [['send', '--as', 'a@x', 'b@x'], { environment: { VERONA_PASSWORD: 'p' }, input: 'hi\nthere\n' }],
    [['send', '--as', 'a@x', 'b@x', '--password-stdin'], { input: 'p\nhi\nthere' }],
  ] as [string[], Script][]) {
    const { code, terminal, person } = await call(words, script)
    assert.equal(code, exitCodes.done, terminal.complained)
    assert.deepEqual(person.said, [
      ['login', 'a@x', 'p'],
      ['send', { to: 'b@x', text: 'hi\nthere', subject: undefined, thread: undefined }],
      ['leave'],
    ])
    assert.equal(terminal.complained, 'delivered to b@x\n')
  }
})

test('send of nothing is a wrong command line, and so is one from nobody', async () => {
  assert.equal(
    (await call(['send', '--as', 'a@x', 'b@x'], { environment: { VERONA_PASSWORD: 'p' } })).code,
    exitCodes.usage,
  )
  assert.equal(
    (await call(['send', 'b@x', 'hi'], { environment: { VERONA_PASSWORD: 'p' } })).code,
    exitCodes.usage,
  )
})

test('fetch shows the presence, and a note cannot colour the screen', async () => {
  const { terminal } = await call(['fetch', '--as', 'a@x', 'b@x'], { environment: { VERONA_PASSWORD: 'p' } })
  assert.equal(terminal.written, 'b@x: open\n  desk: open, away "in \\u001b[31mred"\n')
})

test('watch shows changes and messages until so many were shown', async () => {
  const script = { environment: { VERONA_PASSWORD: 'p' } }
  const { code, terminal } = await call(
    ['watch', '--as', 'a@x', 'b@x', '--messages', '--count', '3'],
    script,
    {
      onLogin: (person) => {
        person.message({
          from: 'c@x',
          text: 'one\ntwo',
          subject: 'S',
          stored: undefined,
          thread: undefined,
          contentType: 'text/plain',
        })
      },
      onWatch: (watching) => {
        watching.pending()
        watching.presence(openPresence)
        watching.presence({ ...openPresence, tuples: [] })
        watching.presence(openPresence)
      },
    },
  )
  assert.equal(code, exitCodes.done)
  assert.equal(
    terminal.written,
    'c@x [S]: one\n  two\nb@x has not agreed yet\nb@x: open\n  desk: open, away "in \\u001b[31mred"\nb@x: closed\n',
  )
})

test('watch ends with 0 at Ctrl-C and when nobody is left, with 4 when the connection is lost', async () => {
  const script = { environment: { VERONA_PASSWORD: 'p' } }
  const words = ['watch', '--as', 'a@x', 'b@x']
  const stopped = await call(words, script, {
    onWatch: (_, { terminal }) => setImmediate(() => assert.ok(terminal.interrupt())),
  })
  assert.equal(stopped.code, exitCodes.done)
  assert.deepEqual(stopped.person.said.at(-1), ['leave'])
  const refused = await call(words, script, { onWatch: (watching) => watching.ended('permission-denied') })
  assert.equal(refused.code, exitCodes.done)
  assert.equal(refused.terminal.written, 'b@x is no longer shown: permission-denied\n')
  const lost = await call(words, script, { onWatch: (_, { person }) => person.lose('the server went away') })
  assert.equal(lost.code, exitCodes.unreachable)
  assert.equal(lost.terminal.complained, 'verona: the server went away\n')
})

test('presence publishes a state for a time, or for good', async () => {
  const script = { environment: { VERONA_PASSWORD: 'p' } }
  const away = await call(['presence', '--as', 'a@x', 'away', '--note', 'lunch'], script)
  assert.deepEqual(away.person.said[1], [
    'publish',
    { basic: 'open', show: 'away', notes: [{ language: '', text: 'lunch' }] },
    3600,
  ])
  assert.equal(away.terminal.complained, 'away, for 3600 seconds\n')
  const closed = await call(['presence', '--as', 'a@x', 'closed', '--permanent'], script)
  assert.deepEqual(closed.person.said[1], ['publish', { basic: 'closed', notes: [] }, 'permanent'])
  assert.equal((await call(['presence', '--as', 'a@x', 'asleep'], script)).code, exitCodes.usage)
  assert.equal(
    (await call(['presence', '--as', 'a@x', 'open', '--seconds', '1.5'], script)).code,
    exitCodes.usage,
  )
})

test('help is for newcomers and ends with 0, a mistyped command with 2 and a suggestion', async () => {
  const help = await call(['--help'])
  assert.equal(help.code, exitCodes.done)
  for (const part of ['verona user add juliet@localhost', 'doctor', 'Exit codes:'])
    assert.ok(help.terminal.written.includes(part), part)
  const mistyped = await call(['sned'])
  assert.equal(mistyped.code, exitCodes.usage)
  assert.match(mistyped.terminal.complained, /Did you mean send\?/)
  assert.equal((await call([])).code, exitCodes.usage)
  assert.equal((await call(['--version'])).terminal.written, '1.2.3\n')
})

interface Behaviour {
  readonly fault?: Error
  readonly onLogin?: (person: ScriptedPerson) => void
  readonly onWatch?: (
    watching: Watching,
    call: { terminal: ScriptedTerminal; person: ScriptedPerson },
  ) => void
}

async function call(words: string[], script: Script = {}, behaviour: Behaviour = {}) {
  const terminal = new ScriptedTerminal(script)
  const control = new ScriptedControl(behaviour.fault)
  const person = new ScriptedPerson((watching) => behaviour.onWatch?.(watching, { terminal, person }))
  const context = {
    terminal,
    openControl: async () => ({ control, running: true, close: async () => control.say('close') }),
    logIn: async (options: LoginOptions) => {
      person.say('login', options.address, options.password)
      if (options.onMessage !== undefined) person.message = options.onMessage
      behaviour.onLogin?.(person)
      return person
    },
    logInBy: { prim: () => assert.fail('not this way'), apex: () => assert.fail('not this way') },
  }
  const code = await run(words, context, '1.2.3')
  return { code, terminal, control, person }
}

function importing(text: string, script: Script = {}, ...options: string[]) {
  writeFileSync(join(directory, 'users.csv'), text)
  return call(['user', 'import', 'users.csv', ...options], { directory, ...script })
}

function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name })
}
