// What keeps a server from starting is told in one sentence, with an exit code that scripts can rely on; never a stack.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import { VirtualClock } from '#base'
import { ensureCertificates } from '#net'
import { silentLog } from '#observe'
import { loadConfiguration, startServer } from '#server'
import { createMemoryStore, openSqliteStore } from '#store'

const directory = mkdtempSync(join(tmpdir(), 'verona-start-'))
const mounted: string[] = []
after(() => {
  for (const place of mounted) spawnSync('umount', [place])
  rmSync(directory, { recursive: true, force: true })
})

let cases = 0

/** A configuration of its own, with a data directory of its own that is not made yet. */
function configured(lines = '', data?: string): { file: string; data: string } {
  const own = join(directory, `case-${++cases}`)
  mkdirSync(own)
  const where = data ?? join(own, 'data')
  const file = join(own, 'verona.toml')
  writeFileSync(
    file,
    `data = ${JSON.stringify(where)}\n[http]\nlisten = "127.0.0.1:0"\n[log]\nlevel = "warn"\n${lines}\n`,
  )
  return { file, data: where }
}

const own = join(import.meta.dirname, '..', '..', 'bin', 'verona')

/** `verona serve`, to its end, or to `ready` and then Ctrl-C. */
function serve(
  file: string,
  options = '',
): Promise<{ code: number | null; said: string; complained: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [own, 'serve', '--config', file], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_OPTIONS: options },
    })
    let said = ''
    let stopping = false
    let complained = ''
    child.stdout.on('data', (text: Buffer) => {
      said += text
      if (stopping || !/^ready$/m.test(said)) return
      stopping = true
      child.kill('SIGINT')
    })
    child.stderr.on('data', (text: Buffer) => {
      complained += text
    })
    child.on('close', (code) => resolve({ code, said, complained }))
  })
}

async function assertRefused(file: string, code: number, sentence: RegExp): Promise<void> {
  const ended = await serve(file)
  assert.match(ended.complained, sentence)
  assert.doesNotMatch(ended.complained, /\n\s+at |fault of Verona/, ended.complained)
  assert.doesNotMatch(ended.said, /^ready$/m)
  assert.equal(ended.code, code, ended.complained)
}

const certificateLines = (certificate: string, key: string): string =>
  `[[domain]]\nname = "localhost"\ncertificate = ${JSON.stringify(certificate)}\nkey = ${JSON.stringify(key)}\n`

async function certificatesOf(name: string, at: number): Promise<{ certificate: string; key: string }> {
  const made = await ensureCertificates(join(directory, name), ['localhost'], new VirtualClock(at))
  return { certificate: made.certificateFile, key: made.keyFile }
}

test('a configuration without trouble starts and stops with 0', async () => {
  const ended = await serve(configured('[xmpp]\nclient = "127.0.0.1:0"\n').file)
  assert.equal(ended.code, 0, ended.complained)
  assert.match(ended.said, /^ready$/m)
})

test('a fault that nobody caught is logged, and the server stops in order with 1', async () => {
  const provoked = "process.on('SIGINT',()=>{throw new Error('provoked')})"
  const { code, said, complained } = await serve(
    configured().file,
    `--import data:text/javascript,${encodeURIComponent(provoked)}`,
  )
  assert.equal(code, 1, complained)
  assert.match(said, /"msg":"a fault that nobody caught; the server stops"/)
  assert.match(complained, /^verona: stopped by a fault of its own; the log says which$/m)
})

test('a port that another program uses', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => other.once('listening', resolve))
  const { port } = other.address() as { port: number }
  for (const setting of ['[xmpp]\nclient', '[sip]\ntcp', '[impp]\nclient']) {
    const { file } = configured(`${setting} = "127.0.0.1:${port}"`)
    await assertRefused(file, 1, new RegExp(`cannot listen on 127\\.0\\.0\\.1:${port}: another program`))
  }
  other.close()
})

test('a data directory that is a file, below a file, or cannot be written', async () => {
  const blocked = join(directory, 'a-file')
  writeFileSync(blocked, 'not a directory')
  await assertRefused(configured('', blocked).file, 1, /a-file/)
  await assertRefused(configured('', join(blocked, 'data')).file, 1, /a-file/)
  const readOnly = join(directory, 'read-only')
  mkdirSync(readOnly)
  if (process.getuid?.() === 0) {
    // To root every mode is writable; a file system that is mounted so is not.
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'ro,size=1m', 'none', readOnly]).status !== 0) return
    mounted.push(readOnly)
  } else chmodSync(readOnly, 0o500)
  await assertRefused(configured('', readOnly).file, 1, /read-only/)
  await assertRefused(configured('', join(readOnly, 'data')).file, 1, /read-only/)
  // Where even the superuser makes no directory.
  await assertRefused(configured('', '/proc/verona/data').file, 1, /\/proc\/verona\/data cannot be made/)
})

test('a database that is none, is damaged, or was made by a newer version', async () => {
  const none = configured()
  mkdirSync(none.data)
  writeFileSync(join(none.data, 'verona.sqlite'), 'text '.repeat(2000))
  await assertRefused(none.file, 1, /not a database of ours .*verona\.sqlite/)

  const damaged = configured()
  mkdirSync(damaged.data)
  const store = await openSqliteStore({ file: join(damaged.data, 'verona.sqlite') })
  await store.close()
  const octets = readFileSync(join(damaged.data, 'verona.sqlite'))
  octets.fill(0xff, 100, 16_000)
  writeFileSync(join(damaged.data, 'verona.sqlite'), octets)
  await assertRefused(damaged.file, 1, /database is damaged: restore it from a backup/)

  const newer = configured()
  mkdirSync(newer.data)
  const file = join(newer.data, 'verona.sqlite')
  await (await openSqliteStore({ file })).close()
  const database = new DatabaseSync(file)
  database.exec("INSERT INTO migration (number, what) VALUES (9999, 'from the future')")
  database.close()
  await assertRefused(newer.file, 1, /made by a newer version: its schema is 9999/)
})

test('a certificate that is broken, not there, or of another key; one without its key', async () => {
  const now = await certificatesOf('now', Date.now())
  const others = await certificatesOf('others', Date.now())
  const broken = join(directory, 'broken.pem')
  writeFileSync(broken, '-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n')
  await assertRefused(
    configured(certificateLines(broken, now.key)).file,
    3,
    /broken\.pem holds no certificate in PEM/,
  )
  await assertRefused(
    configured(certificateLines(join(directory, 'no.pem'), now.key)).file,
    3,
    /no\.pem cannot be read/,
  )
  await assertRefused(
    configured(certificateLines(now.certificate, others.key)).file,
    3,
    /the key is not the one of this/,
  )
  const alone = `[[domain]]\nname = "localhost"\ncertificate = ${JSON.stringify(now.certificate)}\n`
  await assertRefused(configured(alone).file, 3, /has a certificate and no key/)
})

test('a certificate that has expired is served, and the log says so', async () => {
  const old = await certificatesOf('old', Date.UTC(2015, 0, 1))
  const ended = await serve(configured(certificateLines(old.certificate, old.key)).file)
  assert.equal(ended.code, 0, ended.complained)
  assert.match(ended.said + ended.complained, /a certificate has expired/)
})

test('a certificate that is broken or has expired when it is read again: the log says it; the old one stays when broken', async (context) => {
  const now = Date.UTC(2026, 0, 1)
  const { certificate, key } = await certificatesOf('reload', now)
  const old = await certificatesOf('reload-old', Date.UTC(2015, 0, 1))
  const { file, data } = configured(certificateLines(certificate, key))
  mkdirSync(data)
  const clock = new VirtualClock(now)
  const told: string[] = []
  const log = { ...silentLog, error: (message: string) => void told.push(message), child: () => log }
  const configuration = await loadConfiguration({ file, environment: {} })
  const server = await startServer(configuration, { clock, log, store: createMemoryStore() })
  context.after(() => server.stop())
  assert.deepEqual(told, [])
  writeFileSync(certificate, 'half a cert')
  clock.advance(61_000)
  assert.deepEqual(told, ['a changed certificate cannot be used; the old one stays'])
  writeFileSync(certificate, readFileSync(old.certificate))
  writeFileSync(key, readFileSync(old.key))
  clock.advance(61_000)
  assert.match(told.at(-1) ?? '', /a certificate has expired/)
})
