import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CommandContext } from './commands/command.ts'
import { momentOf } from './commands/history.ts'
import { exitCodes } from './exit-codes.ts'
import type { HistoryMessage } from './person.ts'
import { run } from './run.ts'
import { ScriptedPerson } from './testing/scripted-person.ts'
import { type Script, ScriptedTerminal } from './testing/scripted-terminal.ts'

async function call(words: string[], person: ScriptedPerson, script: Script = {}) {
  const terminal = new ScriptedTerminal({ environment: { VERONA_PASSWORD: 'p' }, ...script })
  const context: CommandContext = {
    terminal,
    openControl: () => assert.fail('not this way'),
    logIn: async () => person,
    logInBy: { prim: () => assert.fail('not this way'), apex: () => assert.fail('not this way') },
  }
  const code = await run(words, context, '0')
  return { code, terminal }
}

const nobody = (): ScriptedPerson => new ScriptedPerson(() => {})

const acl = (words: string[], person = nobody()) => call(['acl', '--as', 'a@x', ...words], person)

const history = (words: string[], person: ScriptedPerson, script?: Script) =>
  call(['history', '--as', 'a@x', ...words], person, script)

test('acl decides about one or several, and shows the rules in columns', async () => {
  const person = nobody()
  const put = await acl(['polite-block', 'b@x', 'example.net'], person)
  assert.deepEqual([put.code, put.terminal.complained], [0, 'b@x, example.net: polite-block\n'])
  await acl(['allow', '*', '--basic'], person)
  assert.equal(
    (await acl([], person)).terminal.written,
    'WHO          RULE          SEES\nb@x          polite-block\nexample.net  polite-block\neverybody    allow         only presence\n',
  )
  const removed = await acl(['remove', 'b@x', '--json'], person)
  assert.deepEqual(JSON.parse(removed.terminal.written), person.rules)
  assert.deepEqual(
    person.rules.map(({ subject }) => subject),
    ['example.net', '*'],
  )
  assert.match((await acl(['list'])).terminal.complained, /^no rules/)
})

for (const words of [['block'], ['list', 'b@x'], ['forgive', 'b@x']]) {
  test(`acl ${words.join(' ')} is a wrong command line`, async () => {
    assert.equal((await acl(words)).code, exitCodes.usage)
  })
}

function message(more: Partial<HistoryMessage>): HistoryMessage {
  return {
    id: '1',
    at: new Date(2026, 0, 31, 20, 5).toISOString(),
    direction: 'received',
    peer: 'b@x',
    messageId: 'm',
    thread: undefined,
    subject: undefined,
    text: 'hello',
    contentType: 'text/plain',
    omitted: undefined,
    ...more,
  }
}

test('history shows days, times, who and what in columns, and nothing of a text looks like a line of ours', async () => {
  const person = nobody()
  person.remembered = [
    message({}),
    message({ direction: 'sent', peer: 'mercutio@x', subject: 'S', text: 'one\n2026-01-31\u001b[31m' }),
    message({ at: new Date(2026, 1, 1, 7, 30).toISOString(), text: undefined, contentType: 'image/png' }),
    message({ at: new Date(2026, 1, 1, 7, 31).toISOString(), omitted: 'message-too-large' }),
  ]
  const { terminal } = await history([], person)
  assert.equal(
    terminal.written,
    `2026-01-31
  20:05  < b@x  hello
  20:05  > mercutio@x  [S] one
                       2026-01-31\\u001b[31m
2026-02-01
  07:30  < b@x         <image/png>
  07:31  < b@x         <not shown: message-too-large>
`,
  )
  assert.deepEqual(person.said[0], ['history', { ...none, last: 20 }])
  const coloured = await history([], person, { coloured: true })
  assert.match(coloured.terminal.written, /^\u001b\[2m2026-01-31\u001b\[0m\n/)
  const json = await history(['--json'], person)
  assert.deepEqual(
    json.terminal.written
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).peer),
    ['b@x', 'mercutio@x', 'b@x', 'b@x'],
  )
})

const none = { with: undefined, since: undefined, until: undefined, after: undefined, last: undefined }

/** [words, query] */
const queries: [string[], object][] = [
  [['--all'], none],
  [['--last', '5', '--with', 'b@x'], { ...none, last: 5, with: 'b@x' }],
  [['--since', '2026-01-31T20:00:00Z'], { ...none, since: new Date('2026-01-31T20:00:00Z') }],
  [['--until', '2026-01-31'], { ...none, last: 20, until: new Date(2026, 0, 31) }],
  [['--after', 'x'], { ...none, after: 'x' }],
]
for (const [words, query] of queries) {
  test(`history ${words.join(' ')} asks for that`, async () => {
    const person = nobody()
    assert.equal((await history(words, person)).code, 0)
    assert.deepEqual(person.said[0], ['history', query])
  })
}

for (const words of [
  ['--last', '0'],
  ['--last', '1', '--all'],
  ['--last', '1', '--after', 'x'],
  ['--since', 'yesterday'],
]) {
  test(`history ${words.join(' ')} is a wrong command line`, async () => {
    assert.equal((await history(words, nobody())).code, exitCodes.usage)
  })
}

test('how long ago is counted from now', () => {
  assert.equal(momentOf('--since', '90m', 5_400_000).getTime(), 0)
  assert.equal(momentOf('--since', '2d', 3 * 86_400_000).getTime(), 86_400_000)
})

test('history --follow goes on behind the last message, until Ctrl-C', async () => {
  const person = nobody()
  person.remembered = [message({ id: '7' })]
  const say = person.say.bind(person)
  const terminal = new ScriptedTerminal({ environment: { VERONA_PASSWORD: 'p' } })
  person.say = (...words) => {
    say(...words)
    if (words[0] === 'history' && person.said.length === 2) setImmediate(() => terminal.interrupt())
  }
  const context: CommandContext = {
    terminal,
    openControl: () => assert.fail('not this way'),
    logIn: async () => person,
    logInBy: { prim: () => assert.fail('not this way'), apex: () => assert.fail('not this way') },
  }
  // A timer of the system does not keep the process alive; a connection would.
  const alive = setInterval(() => {}, 1000)
  assert.equal(await run(['history', '--as', 'a@x', '--follow'], context, '0'), 0)
  clearInterval(alive)
  assert.deepEqual(person.said[1], ['history', { with: undefined, until: undefined, after: '7' }])
})
