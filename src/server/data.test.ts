import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { silentLog } from '#observe'
import { loadConfiguration } from './configuration.ts'
import { isNew, openStore } from './data.ts'

const directory = mkdtempSync(join(tmpdir(), 'verona-data-'))
after(() => rmSync(directory, { recursive: true }))

test('a data directory is new until a database was made in it', async () => {
  const configuration = await loadConfiguration({ directory, environment: { VERONA_DATA: 'deep/down' } })
  assert.equal(isNew(configuration), true)
  await (await openStore(configuration, silentLog)).close()
  assert.equal(isNew(configuration), false)
})
