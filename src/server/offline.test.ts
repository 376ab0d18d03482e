import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { utf8 } from '#base'
import { addressOf, type Head } from '#model'
import { silentLog } from '#observe'
import { loadConfiguration } from './configuration.ts'
import { openControl } from './control-connection.ts'
import { openStore } from './data.ts'

const directory = mkdtempSync(join(tmpdir(), 'verona-offline-'))
after(() => rmSync(directory, { recursive: true }))

test('without a server, what waits for another domain is shown and given up; the report waits for its sender', async () => {
  const configuration = await loadConfiguration({ directory, environment: { VERONA_DATA: 'data' } })
  const [juliet, romeo] = [addressOf('juliet', 'localhost'), addressOf('romeo', 'montague.example')]
  assert(juliet !== undefined && romeo !== undefined)
  const head: Head = {
    protocol: 'xmpp',
    kind: 'message',
    from: juliet,
    fromAgent: '',
    to: romeo,
    toAgent: '',
    id: 'm1',
    hops: 110,
    size: 2,
    whenAbsent: 'store',
    whenAgentGone: 'inbox',
    storable: true,
    copyable: true,
  }
  const store = await openStore(configuration, silentLog)
  const secrets = { scram: {}, ha1: {} }
  await store.addAccounts([
    { record: { address: juliet, aliases: [], created: 0, disabled: false }, secrets },
  ])
  await new Promise<void>((resolve, reject) =>
    store.enqueue('montague.example', { head, raw: utf8('m1') }, Date.now(), (fault) =>
      fault === undefined ? resolve() : reject(fault),
    ),
  )
  await store.close()
  const { control, running, close } = await openControl(configuration)
  assert.equal(running, false)
  assert.deepEqual(
    (await control.peers()).map(({ domain, queue }) => [domain, queue?.length]),
    [['montague.example', 1]],
  )
  assert.equal(await control.dropPeerQueue('montague.example'), 1)
  await close()
  const later = await openStore(configuration, silentLog)
  assert.deepEqual(await later.queuedDomains(), [])
  const [report] = await later.undelivered(juliet, 0, 10)
  assert.deepEqual(JSON.parse(Buffer.from(report?.raw ?? []).toString()), {
    about: 'm1',
    event: 'failed',
    condition: 'connection-failed',
  })
  await later.close()
})
