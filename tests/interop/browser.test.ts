// The client library in a browser: the built modules, loaded over HTTP as they are, chat over a web socket with a person in Node.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { connect } from '#protocols/impp/client-node'
import { peer } from './peers.ts'
import { Program } from './program.ts'
import { password, VeronaServer } from './server.ts'

const root = join(import.meta.dirname, '..', '..')
const chromium = peer('chromium')

/** What a bundler makes of package.json's `imports`, for a browser that has none. */
function importMap(): Record<string, string> {
  const { imports, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    imports: Record<string, { default: string }>
    exports: Record<string, { default: string }>
  }
  const map: Record<string, string> = { 'verona/impp': (exports['./impp']?.default ?? '').slice(1) }
  for (const [name, target] of Object.entries(imports)) {
    const path = target.default.slice(1)
    if (!name.includes('*')) map[name] = path
    else
      for (const wire of name === '#wire/*' ? readdirSync(join(root, 'src/wire')) : [])
        map[`#wire/${wire}`] = path.replace('*', wire)
  }
  return map
}

const page = (at: string): string => `<!doctype html><meta charset="utf-8"><title>chat</title>
<script type="importmap">${JSON.stringify({ imports: importMap() })}</script>
<script type="module">
const say = (what) => fetch('/said', { method: 'POST', body: JSON.stringify(what) })
window.addEventListener('error', ({ message }) => say({ error: message }))
window.addEventListener('unhandledrejection', ({ reason }) => say({ error: String(reason) }))
const { connect, Refused } = await import('verona/impp')
const login = { address: 'juliet@localhost', server: 'ws://${at}/impp', device: 'browser' }
const wrong = await connect({ ...login, password: 'wrong' }).catch((error) => error)
await say({ refused: wrong instanceof Refused && wrong.isLogin })
const me = await connect({ ...login, password: '${password}' })
await me.publish({ show: 'chat', note: 'in a browser' })
await say({ ready: me.address })
for await (const incoming of me.messages()) {
  const { result } = await me.reply(incoming, incoming.message.body[0].text + ' \\u2713')
  await say({ replied: result })
  break
}
const said = []
for await (const { message } of me.history({ with: 'romeo@localhost' })) said.push(message.body[0].text)
await me.close()
await say({ said })
</script>`

test('a page chats over a web socket with the built library', { skip: chromium.skip }, async () => {
  const built = mkdtempSync(join(tmpdir(), 'verona-browser-'))
  after(() => rmSync(built, { recursive: true, force: true }))
  const build = spawnSync(
    process.execPath,
    [
      join(root, 'node_modules', 'typescript', 'bin', 'tsc'),
      '-p',
      'tsconfig.build.json',
      '--outDir',
      join(built, 'dist'),
    ],
    { cwd: root, encoding: 'utf8' },
  )
  assert.equal(build.status, 0, build.stdout)
  const told = new Told()
  let at = ''
  const site = createServer((request, response) => void serve(request, response, built, () => page(at), told))
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve))
  after(() => site.close())
  const origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`
  const server = await VeronaServer.start({
    users: ['juliet', 'romeo'],
    settings: { http: { origins: [origin] } },
  })
  after(() => server.remove())
  await server.approve('juliet', 'romeo')
  at = server.at('http')
  const romeo = await connect({ address: 'romeo@localhost', password, server: server.at('impp') })
  after(() => romeo.close())
  const browser = new Program('chromium', chromium.path, [
    '--headless=new',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-dev-shm-usage',
    `--user-data-dir=${join(built, 'profile')}`,
    `${origin}/`,
  ])
  after(() => browser.kill())
  assert.deepEqual(await told.next(), { refused: true })
  assert.deepEqual(await told.next(), { ready: 'juliet@localhost' })
  const { tuples } = await romeo.fetch('juliet@localhost')
  assert.deepEqual(
    [tuples[0]?.id, tuples[0]?.show, tuples[0]?.notes[0]?.text],
    ['browser', 'chat', 'in a browser'],
  )
  const answers = romeo.messages()
  const { result } = await romeo.send('juliet@localhost', 'Wherefore art thou? 🌹')
  assert.equal(result, 'delivered')
  const answer = await answers.next()
  assert.equal(
    answer.done === true ? undefined : answer.value.message.body[0]?.text,
    'Wherefore art thou? 🌹 ✓',
  )
  assert.deepEqual(await told.next(), { replied: 'delivered' })
  assert.deepEqual(await told.next(), { said: ['Wherefore art thou? 🌹', 'Wherefore art thou? 🌹 ✓'] })
})

/** What the page says, in order. */
class Told {
  readonly #said: unknown[] = []
  #wake: () => void = () => {}

  say(what: unknown): void {
    this.#said.push(what)
    this.#wake()
  }

  async next(): Promise<unknown> {
    while (this.#said.length === 0) {
      await new Promise<void>((resolve, reject) => {
        const late = setTimeout(() => reject(new Error('the page says nothing')), 60_000)
        this.#wake = () => {
          clearTimeout(late)
          resolve()
        }
      })
    }
    return this.#said.shift()
  }
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  built: string,
  page: () => string,
  told: Told,
): Promise<void> {
  const path = request.url ?? '/'
  if (path === '/said') {
    let said = ''
    for await (const part of request) said += part
    told.say(JSON.parse(said))
    response.end()
  } else if (path === '/') {
    response.setHeader('Content-Type', 'text/html').end(page())
  } else if (/^\/dist\/[\w/.-]+\.js$/.test(path) && !path.includes('..')) {
    response.setHeader('Content-Type', 'text/javascript').end(readFileSync(join(built, path)))
  } else {
    response.writeHead(404).end()
  }
}
