import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Derivation, StoreAuthenticator } from '#auth'
import { VirtualClock } from '#base'
import { createService, noPeers } from '#core'
import { Metrics, silentLog } from '#observe'
import { createMemoryStore } from '#store'
import { ControlClient, Health, startControl } from './index.ts'
import { ScriptedPeerTables } from './testing/peer-tables.ts'

const domains = ['example.com']

test('a person is moved, shown, brought back; a place that is none is refused', async (t) => {
  const client = await control(t)
  await client.addAccount({ address: 'juliet@example.com', password: 'p' })
  assert.deepEqual(await client.forward('juliet@example.com'), {})
  const forward = { location: 'im:juliet@example.net', permanent: true }
  await client.setForward('juliet@example.com', forward)
  assert.deepEqual(await client.forward('juliet@example.com'), forward)
  await client.setForward('juliet@example.com', {})
  assert.deepEqual(await client.forward('juliet@example.com'), {})
  const wrong: [string, string, string][] = [
    ['juliet@example.com', 'nowhere', 'address-malformed'],
    ['juliet@example.com', 'sip:juliet@example.com', 'loop-detected'],
    ['nobody@example.com', 'im:juliet@example.net', 'target-unknown'],
  ]
  for (const [address, location, condition] of wrong) {
    await assert.rejects(client.setForward(address, { location }), { condition })
  }
})

async function control(t: { after(run: () => unknown): void }): Promise<ControlClient> {
  const directory = mkdtempSync(join(tmpdir(), 'verona-forward-'))
  const path = join(directory, 'control.sock')
  const clock = new VirtualClock()
  const store = createMemoryStore()
  const service = createService({
    clock,
    log: silentLog,
    metrics: new Metrics(),
    store,
    peers: noPeers,
    domains,
    policy: { history: true, undeliveredMax: 100, confirmSameDomain: true },
    authenticator: new StoreAuthenticator(store),
    passwords: new Derivation({ iterations: 4096, digests: ['SHA-256'] }),
    revive: () => undefined,
  })
  const health = new Health(clock, silentLog, [])
  const listeners = (): [] => []
  const peers = new ScriptedPeerTables()
  const all = {
    path,
    service,
    peers,
    health,
    log: silentLog,
    version: '0',
    domains,
    listeners,
    onStop: () => {},
  }
  const opened = await startControl(all)
  t.after(async () => {
    await opened.close()
    rmSync(directory, { recursive: true })
  })
  return new ControlClient(path)
}
