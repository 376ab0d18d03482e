// A whole server and a domain that is away: a message waits for it through a restart, an operator sees it, gives it up, and its
// sender is told.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { loadConfiguration, openControl, type RunningServer, startServer } from '#server'
import { exitCodes } from './exit-codes.ts'
import { logInByImpp } from './impp-person.ts'
import { run } from './run.ts'
import { type Script, ScriptedTerminal } from './testing/scripted-terminal.ts'

const directory = mkdtempSync(join(tmpdir(), 'verona-away-'))
const file = join(directory, 'verona.toml')
let server: RunningServer | undefined
after(async () => {
  await server?.stop()
  rmSync(directory, { recursive: true })
})

test('a message for a domain that is away waits for it, through a restart, until it is given up', async () => {
  writeFileSync(
    file,
    `[impp]
client = "127.0.0.1:0"
server = "127.0.0.1:0"
[log]
level = "silent"
[[peer]]
domain = "capulet.example"
protocol = "impp"
servers = ["127.0.0.1:${await deafPort()}"]
[[peer]]
domain = "venice.example"
allowed = false
`,
  )
  await start()
  assert.equal((await verona(['user', 'add', 'romeo@localhost', '--password-stdin'], { input: 'p' })).code, 0)
  const stored = await asRomeo(['send', 'juliet@capulet.example', 'wherefore'])
  assert.equal(stored.code, exitCodes.done, stored.terminal.complained)
  const refused = await asRomeo(['send', 'iago@venice.example', 'what'])
  assert.equal(refused.code, exitCodes.failed, 'policy forbids it')
  assert.deepEqual(await waiting(), [['capulet.example', 1, 'connection-failed']])
  await server?.stop()
  assert.deepEqual(
    await waiting(),
    [['capulet.example', 1, 'connection-failed']],
    'shown without a server too',
  )
  await start()
  assert.equal((await verona(['peers', 'retry', 'capulet.example'])).code, exitCodes.done)
  assert.deepEqual(await waiting(), [['capulet.example', 1, 'connection-failed']])
  const dropped = await verona(['peers', 'drop', 'capulet.example', '--json'])
  assert.deepEqual(JSON.parse(dropped.terminal.written), { domain: 'capulet.example', dropped: 1 })
  assert.deepEqual(await waiting(), [])
  const { store } = (server as RunningServer).service
  const romeo = (await store.accounts('localhost', '', 1))[0]?.address
  assert(romeo !== undefined)
  const [report] = await store.undelivered(romeo, 0, 10)
  assert.equal(report?.head.kind, 'report')
  const sent = await store.history(romeo, { limit: 10 })
  assert.deepEqual(
    sent.map(({ peer, direction }) => [peer.key, direction]),
    [['juliet@capulet.example', 'sent']],
  )
})

async function start(): Promise<void> {
  server = await startServer(await loadConfiguration({ file, directory, environment: {} }))
}

/** A port where nobody listens. */
function deafPort(): Promise<number> {
  return new Promise((resolve) => {
    const socket = createServer().listen(0, '127.0.0.1', () => {
      const { port } = socket.address() as { port: number }
      socket.close(() => resolve(port))
    })
  })
}

/** [domain, how many, why] of every queue. */
async function waiting(): Promise<unknown[]> {
  const { terminal } = await verona(['peers', '--json'])
  const peers: { domain: string; queue?: { length: number; condition: string } }[] = JSON.parse(
    terminal.written,
  )
  return peers.flatMap(({ domain, queue }) =>
    queue === undefined ? [] : [[domain, queue.length, queue.condition]],
  )
}

function asRomeo([command = '', ...words]: string[]) {
  const where = server?.listeners.find(({ setting }) => setting === 'impp.client')?.where ?? ''
  const login = ['--as', 'romeo@localhost', '--server', where.replace('/tcp', '')]
  return verona([command, ...login, ...words], { environment: { VERONA_PASSWORD: 'p' } })
}

async function verona(words: string[], script: Script = {}) {
  const terminal = new ScriptedTerminal({ directory, ...script })
  const context = {
    terminal,
    openControl: async (named: string | undefined) =>
      openControl(await loadConfiguration({ file: named, directory, environment: {} })),
    logIn: (options: Parameters<typeof logInByImpp>[1]) => logInByImpp(terminal, options),
    logInBy: { prim: () => assert.fail('not this way'), apex: () => assert.fail('not this way') },
  }
  return { code: await run([...words, '--config', file], context, '0'), terminal }
}
