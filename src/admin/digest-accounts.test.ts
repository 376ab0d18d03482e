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

test('an account comes with a digest in place of a password; what is none is refused with its reason', async (t) => {
  const client = await control(t)
  const [sha256, md5] = ['a'.repeat(64), 'a'.repeat(32)]
  await client.addAccount({ address: 'juliet@example.com', ha1: { sha256, md5 } })
  const wrong: [object, string, RegExp][] = [
    [{ ha1: { sha256: md5 } }, 'malformed', /32 \(MD5\) or 64/],
    [{ ha1: { md5 } }, 'not-acceptable', /md5_digest is false/],
    [{ ha1: { sha256 }, password: 'x' }, 'malformed', /either password or ha1/],
    [{}, 'malformed', /either password or ha1/],
  ]
  for (const [secret, condition, message] of wrong) {
    const address = 'romeo@example.com'
    await assert.rejects(client.addAccount({ address, ...secret }), { condition, message })
    if (Object.keys(secret).length !== 1) continue
    for await (const [result] of client.importAccounts([{ address, ...secret }]))
      assert.ok(result?.added === false && result.condition === condition && message.test(result.message))
  }
})

async function control(t: { after(run: () => unknown): void }): Promise<ControlClient> {
  const directory = mkdtempSync(join(tmpdir(), 'verona-digest-'))
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
  const all = {
    path,
    service,
    health,
    log: silentLog,
    version: '0',
    domains,
    listeners,
    onStop: () => {},
    peers: new ScriptedPeerTables(),
  }
  const opened = await startControl(all)
  t.after(async () => {
    await opened.close()
    rmSync(directory, { recursive: true })
  })
  return new ControlClient(path)
}
