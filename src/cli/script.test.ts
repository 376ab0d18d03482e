import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { exitCodes } from './exit-codes.ts'
import { run } from './run.ts'
import { ScriptedControl } from './testing/scripted-control.ts'
import { ScriptedTerminal } from './testing/scripted-terminal.ts'

const directory = mkdtempSync(join(tmpdir(), 'verona-script-'))
after(() => rmSync(directory, { recursive: true }))
const good = join(directory, 'good.cpl')
const bad = join(directory, 'bad.cpl')
writeFileSync(good, '<cpl/>')
writeFileSync(bad, '<cpl>\n    <ring/></cpl>')

async function call(...words: string[]) {
  const terminal = new ScriptedTerminal({ input: '<cpl>typed</cpl>' })
  const control = new ScriptedControl(undefined)
  const code = await run(
    ['script', ...words],
    {
      terminal,
      openControl: async () => ({ control, running: true, close: async () => {} }),
      logIn: () => Promise.reject(new Error('nobody logs in')),
      logInBy: {
        prim: () => Promise.reject(new Error('nobody logs in')),
        apex: () => Promise.reject(new Error('nobody logs in')),
      },
    },
    '0',
  )
  return { code, said: control.said, terminal }
}

test('script set checks the file and puts it in place', async () => {
  const { code, said, terminal } = await call('set', 'a@x', good)
  assert.equal(code, exitCodes.done)
  assert.deepEqual(said, [
    ['check', '<cpl/>'],
    ['script', 'a@x', '<cpl/>'],
  ])
  assert.match(terminal.complained, /the script of a@x is in place/)
  assert.deepEqual((await call('set', 'a@x', '-')).said.at(-1), ['script', 'a@x', '<cpl>typed</cpl>'])
})

test('a fault is told with its file, line and column, and nothing is put', async () => {
  for (const words of [
    ['set', 'a@x', bad],
    ['check', bad],
  ]) {
    const { code, said, terminal } = await call(...words)
    assert.equal(code, exitCodes.failed)
    assert.deepEqual(said, [['check', '<cpl>\n    <ring/></cpl>']])
    assert.match(terminal.complained, /bad\.cpl:2:5: <ring> is no node/)
  }
  assert.equal((await call('check', good)).code, exitCodes.done)
  assert.equal((await call('check', join(directory, 'none'))).code, exitCodes.usage)
})

test('script show writes it as it is, or says that there is none; remove takes it away', async () => {
  assert.equal((await call('show', 'a@x')).terminal.written, '<cpl/>\n')
  assert.equal(
    (await call('show', 'a@x', '--json')).terminal.written,
    '{"address":"a@x","script":"<cpl/>\\n"}\n',
  )
  const none = await call('show', 'b@x')
  assert.deepEqual([none.terminal.written, none.terminal.complained], ['', 'b@x has no script\n'])
  assert.deepEqual((await call('remove', 'b@x')).said, [['no script', 'b@x']])
})
