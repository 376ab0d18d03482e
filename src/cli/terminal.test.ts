import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { exitCodes } from './exit-codes.ts'
import { readSecret } from './terminal.ts'

test('a password typed as soon as the prompt appears is not echoed', async () => {
  const { keys, said, secret } = prompting()
  assert.deepEqual(
    said,
    ['raw', 'Password: '],
    'the echo is off before anybody can know that it is their turn',
  )
  keys.write('pa\u007faß\r')
  assert.equal(await secret, 'paß')
  assert.deepEqual(said, ['raw', 'Password: ', 'cooked', '\n'])
})

test('Ctrl-C at the prompt ends the command and gives the terminal back', async () => {
  const { keys, said, secret } = prompting()
  keys.write('half\u0003')
  await assert.rejects(secret, { code: exitCodes.interrupted })
  assert.deepEqual(said.slice(2), ['cooked', '\n'])
})

function prompting() {
  const said: string[] = []
  const keys = new PassThrough()
  const stdin = Object.assign(keys, { setRawMode: (raw: boolean) => said.push(raw ? 'raw' : 'cooked') })
  const stderr = { write: (text: string) => said.push(text) }
  const secret = readSecret('Password: ', { stdin, stderr } as never)
  return { keys, said, secret }
}
