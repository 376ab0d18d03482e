import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parseAddress } from '#model'
import { ConfigurationFault, loadConfiguration } from './configuration.ts'
import { type RunningServer, startServer } from './index.ts'

async function running(t: TestContext, toml: string): Promise<RunningServer> {
  const directory = mkdtempSync(join(tmpdir(), 'verona-functions-'))
  const file = join(directory, 'verona.toml')
  writeFileSync(file, `domains = ["verona.example"]\n${toml}\n[log]\nlevel = "silent"\n[http]\nlisten = ""\n`)
  const server = await startServer(await loadConfiguration({ file, directory, environment: {} }))
  t.after(async () => {
    await server.stop()
    rmSync(directory, { recursive: true })
  })
  return server
}

const settingsOf = (server: RunningServer): string[] => server.listeners.map(({ setting }) => setting)
const portOf = ({ listeners }: RunningServer, setting: string): number =>
  Number(/:(\d+)\//.exec(listeners.find((one) => one.setting === setting)?.where ?? '')?.[1])

/** What a server answers, up to its first empty line. */
async function ask(port: number, request: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(request)
  let answer = ''
  while (!answer.includes('\r\n\r\n')) answer += String(((await once(socket, 'data')) as [Buffer])[0])
  socket.destroy()
  return answer
}

const hello = 'HELLO 1 impp/1.0\r\nDomain: verona.example\r\n\r\n'
const listeners = '[impp]\nclient = "127.0.0.1:0"\nserver = "127.0.0.1:0"\n[xmpp]\nclient = "127.0.0.1:0"'

test('one process has all three functions where nobody says otherwise', async (t) => {
  const server = await running(t, listeners)
  assert.ok(['impp.client', 'impp.server', 'xmpp.client'].every((each) => settingsOf(server).includes(each)))
})

test('without the forwarder nobody speaks with other domains: no listener, no link', async (t) => {
  const server = await running(t, `functions = ["authenticator", "locator"]\n${listeners}`)
  assert.deepEqual(settingsOf(server).sort(), ['impp.client', 'xmpp.client'])
  assert.deepEqual(server.service.peers.status(), [])
  const link = await new Promise((resolve) =>
    server.service.router.findLink(
      parseAddress('a@capulet.example') as NonNullable<ReturnType<typeof parseAddress>>,
      'impp',
      resolve,
    ),
  )
  assert.equal(link, 'domain-unknown')
})

test('a locator alone opens nothing but where it sends clients elsewhere, and there they are served (IMPP §4, §18.8)', async (t) => {
  const serving = await running(t, listeners)
  const place = `127.0.0.1:${portOf(serving, 'impp.client')}`
  const locating = await running(
    t,
    `functions = ["locator"]\n${listeners.replace('[impp]', `[impp]\nredirect = "${place}"`)}`,
  )
  assert.deepEqual(settingsOf(locating), ['impp.client'])
  const sent = await ask(portOf(locating, 'impp.client'), hello)
  assert.match(sent, /^ERROR \(HELLO\) 1 .*Reason: redirect-to-server\r\nLocation: (\S+)\r\n/s)
  const [, host, port] = /^Location: ([\d.]+):(\d+)\r$/m.exec(sent) ?? []
  assert.equal(`${host}:${port}`, place)
  assert.match(await ask(Number(port), hello), /^OK \(HELLO\) 1 /)
})

test('who is no locator serves, whatever redirect says', async (t) => {
  const redirect = listeners.replace('[impp]', '[impp]\nredirect = "elsewhere.example"')
  const server = await running(t, `functions = ["authenticator", "forwarder"]\n${redirect}`)
  assert.match(await ask(portOf(server, 'impp.client'), hello), /^OK /)
})

/** [configuration, what is said] */
const useless: [string, RegExp][] = [
  [`functions = ["forwarder"]\n${listeners}`, /a forwarder needs the people/],
  [`functions = ["locator"]\n${listeners}`, /name the place with redirect/],
  ['functions = ["locator"]\n[impp]\nredirect = "x.example"', /name the place with redirect and a listener/],
]
for (const [toml, said] of useless) {
  test(`of no use, and told: ${toml.split('\n')[0]} (${said.source})`, async (t) => {
    await assert.rejects(
      running(t, toml),
      (error) => error instanceof ConfigurationFault && said.test(error.message),
    )
  })
}

for (const wrong of ['[]', '["gatekeeper"]']) {
  test(`functions = ${wrong} is refused by its name`, async (t) => {
    await assert.rejects(running(t, `functions = ${wrong}\n${listeners}`), /functions/)
  })
}
