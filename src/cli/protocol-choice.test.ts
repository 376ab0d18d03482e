// --protocol: which login a command goes by, and which commands have the choice.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exitCodes } from './exit-codes.ts'
import type { LoginOptions } from './person.ts'
import { run } from './run.ts'
import { ScriptedPerson } from './testing/scripted-person.ts'
import { ScriptedTerminal } from './testing/scripted-terminal.ts'

/** The exit code, and which login there was. */
async function call(words: string[]) {
  const terminal = new ScriptedTerminal({ environment: { VERONA_PASSWORD: 'p' } })
  const logins: unknown[] = []
  const person = new ScriptedPerson(() => {})
  const by = (protocol: string) => async (login: LoginOptions) => {
    logins.push([protocol, login.address, login.service, login.server])
    return person
  }
  const openControl = () => assert.fail('not this way')
  const context = {
    terminal,
    openControl,
    logIn: by('impp'),
    logInBy: { prim: by('prim'), apex: by('apex') },
  }
  return { code: await run([...words, '--as', 'a@x', '--server', 'h:1'], context, '0'), logins }
}

/** [words, service] */
const either: [string[], string][] = [
  [['send', 'b@x', 'hello'], 'messages'],
  [['fetch', 'b@x'], 'presence'],
  [['presence', 'away'], 'presence'],
]
for (const [words, service] of either) {
  test(`${words[0]} logs in by the protocol that is named, IMPP where none is, to ${service} alone`, async () => {
    for (const [given, protocol] of [
      [['--protocol', 'prim'], 'prim'],
      [['--protocol', 'apex'], 'apex'],
      [['--protocol', 'impp'], 'impp'],
      [[], 'impp'],
    ] as const) {
      const { code, logins } = await call([...words, ...given])
      assert.equal(code, exitCodes.done)
      assert.deepEqual(logins, [[protocol, 'a@x', service, 'h:1']])
    }
  })
}

for (const words of [
  ['fetch', 'b@x', '--protocol', 'telepathy'],
  ['watch', 'b@x', '--protocol', 'prim', '--reconnect'],
  ['watch', 'b@x', '--protocol', 'apex', '--reconnect'],
  ['history', '--protocol', 'prim'],
  ['acl', '--protocol', 'prim'],
]) {
  test(`${words.join(' ')} is a wrong command line`, async () => {
    assert.deepEqual(await call(words), { code: exitCodes.usage, logins: [] })
  })
}
