// docs/library.md: its program runs as it stands, against a server of its own.
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Program } from './program.ts'
import { password, VeronaServer } from './server.ts'

const root = join(import.meta.dirname, '..', '..')
const page = readFileSync(join(root, 'docs', 'library.md'), 'utf8')
const program = /^```js\n(.*?)^```$/ms.exec(page)?.[1] as string

test('the program of the page about the library answers, and leaves in order', async () => {
  assert.ok(program.split('\n').filter((line) => line !== '').length <= 20, 'it is short')
  const server = await VeronaServer.start({ users: ['juliet', 'romeo'] })
  after(() => server.remove())
  // As `npm install verona` leaves it, but from source.
  mkdirSync(join(server.directory, 'node_modules'))
  symlinkSync(root, join(server.directory, 'node_modules', 'verona'))
  writeFileSync(join(server.directory, 'echo.mjs'), program)
  const words = ['--conditions=verona-source', '--disable-warning=ExperimentalWarning', 'echo.mjs']
  const echo = new Program(
    'echo.mjs',
    process.execPath,
    [...words, 'juliet@localhost', password, server.at('impp')],
    {
      directory: server.directory,
    },
  )
  after(() => echo.kill())
  await echo.until(/^juliet@localhost is there$/m)
  await server.as('romeo', 'send', 'juliet@localhost', 'Good night').succeeds()
  await echo.until(/^romeo@localhost: Good night\nanswered, stored$/m)
  const answer = server.as('romeo', 'watch', '--messages', '--count', '1')
  assert.match(await answer.succeeds(), /^juliet@localhost \(.*\): You said: Good night$/m)
  echo.signal('SIGINT')
  await echo.until(/^gone$/m)
  await echo.succeeds()
})
