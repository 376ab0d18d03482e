import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exitCodes } from '../exit-codes.ts'
import { run } from '../run.ts'
import { ScriptedControl } from '../testing/scripted-control.ts'
import { ScriptedTerminal } from '../testing/scripted-terminal.ts'

async function doctor(words: readonly string[], running = true) {
  const terminal = new ScriptedTerminal()
  const control = new ScriptedControl(undefined)
  const openControl = async () => ({ control, running, close: async () => {} })
  const logIn = () => Promise.reject(new Error('nobody logs in'))
  const code = await run(
    ['doctor', ...words],
    { terminal, openControl, logIn, logInBy: { prim: logIn, apex: logIn } },
    '1.2.3',
  )
  return { code, terminal, control }
}

test('doctor DOMAIN tells what each protocol finds, what fails where, and how things would go', async () => {
  const { code, terminal, control } = await doctor(['capulet.example'])
  assert.equal(code, exitCodes.done)
  assert.deepEqual(control.said[0], ['examine', 'capulet.example'])
  const lines = terminal.written.split('\n')
  assert.deepEqual(
    lines.filter((line) => !line.startsWith('   ')),
    [
      'ok      xmpp: messages and presence, by SRV _xmpp-server._tcp.capulet.example',
      'WRONG   x1.capulet.example:5269 (192.0.2.1): connection refused',
      'ok      x2.capulet.example:5269 (192.0.2.2): ready, TLSv1.3, certificate of capulet.example, until 2027-01-02',
      'ok      impp: not offered: no record names it',
      'ok      sip: presence, by SRV _pres._sip.capulet.example',
      'WRONG   s:5061: \\u001b[31mno',
      'ok      capulet.example: messages: by xmpp, unless the sender’s own protocol is offered too',
      'ok      capulet.example: presence: by xmpp',
      '',
    ],
  )
  assert.match(terminal.written, /what to do: nobody listens there/)
})

/** [domain, what is said] */
const rows: [string, RegExp][] = [
  ['silent.example', /WRONG {3}silent.example: no messages: DNS gave no answer/],
  ['spam.example', /notice {2}policy: spam.example is not spoken with, by our configuration/],
  ['nowhere.example', /WRONG {3}nowhere.example: no presence: it offers no protocol that we speak/],
]
for (const [domain, said] of rows) {
  test(`where nothing can be exchanged doctor says why, and fails: ${domain}`, async () => {
    const { code, terminal } = await doctor([domain])
    assert.equal(code, exitCodes.failed)
    assert.match(terminal.written, said)
    assert.match(terminal.complained, new RegExp(`nothing can be exchanged with ${domain} now`))
  })
}

test('as JSON it is what was found; without a server nobody can try', async () => {
  const { terminal } = await doctor(['capulet.example', '--json'])
  assert.equal((JSON.parse(terminal.written) as { domain: string }).domain, 'capulet.example')
  assert.equal((await doctor(['capulet.example'], false)).code, exitCodes.unreachable)
})
