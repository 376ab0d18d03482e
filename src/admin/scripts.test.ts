import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Derivation, StoreAuthenticator } from '#auth'
import { VirtualClock } from '#base'
import { createService, noPeers } from '#core'
import { TimeZone } from '#model'
import { Metrics, silentLog } from '#observe'
import { createMemoryStore } from '#store'
import { readCpl } from '#wire/cpl'
import { ControlClient, Health, startControl } from './index.ts'
import { ScriptedPeerTables } from './testing/peer-tables.ts'

const juliet = 'juliet@example.com'
const busy = '<cpl><incoming><reject status="busy" reason="ö"/></incoming></cpl>'

test('a script is put, shown as it was written, and taken away', async (t) => {
  const client = await control(t)
  assert.equal(await client.script(juliet), undefined)
  await client.setScript(juliet, busy)
  assert.equal(await client.script(juliet), busy)
  await client.removeScript(juliet)
  assert.equal(await client.script(juliet), undefined)
})

test('a document that is none is refused with its line, and changes nothing', async (t) => {
  const client = await control(t)
  await client.setScript(juliet, busy)
  await assert.rejects(client.setScript(juliet, '<cpl>\n  <ingoing/>\n</cpl>'), {
    condition: 'malformed',
    message: 'line 2, column 3: <cpl> holds no <ingoing>',
  })
  assert.equal(await client.script(juliet), busy)
  assert.deepEqual(await client.checkScript('<cpl>'), {
    line: 1,
    column: 6,
    reason: 'the document ends before its elements do',
  })
  assert.equal(await client.checkScript(busy), undefined)
})

test('of whom nobody knows there is no script', async (t) => {
  const client = await control(t)
  for (const asked of [
    client.script('nobody@example.com'),
    client.setScript('nobody@example.com', busy),
    client.removeScript('nobody@example.com'),
  ])
    await assert.rejects(asked, { condition: 'target-unknown' })
})

async function control(t: { after(run: () => unknown): void }): Promise<ControlClient> {
  const directory = mkdtempSync(join(tmpdir(), 'verona-scripts-'))
  const path = join(directory, 'control.sock')
  const clock = new VirtualClock()
  const store = createMemoryStore()
  const service = createService({
    clock,
    log: silentLog,
    metrics: new Metrics(),
    store,
    peers: noPeers,
    domains: ['example.com'],
    policy: { history: true, undeliveredMax: 100, confirmSameDomain: true },
    authenticator: new StoreAuthenticator(store),
    passwords: new Derivation({ iterations: 4096, digests: ['SHA-256'] }),
    revive: () => undefined,
    readScript: (document) => readCpl(document, TimeZone.named('UTC') as TimeZone),
  })
  const opened = await startControl({
    path,
    service,
    peers: new ScriptedPeerTables(),
    health: new Health(clock, silentLog, []),
    log: silentLog,
    version: '0',
    domains: ['example.com'],
    listeners: () => [],
    onStop: () => {},
  })
  t.after(async () => {
    await opened.close()
    rmSync(directory, { recursive: true })
  })
  const client = new ControlClient(path)
  await client.addAccount({ address: juliet, password: 'p' })
  return client
}
