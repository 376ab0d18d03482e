import assert from 'node:assert/strict'
import { test } from 'node:test'
import { references, stalePages } from './reference.ts'

test('docs/reference is what the code says; else run: node --conditions=verona-source tools/reference.ts', async () => {
  assert.deepEqual(await stalePages(), [])
})

test('the reference names every protocol and command', async () => {
  const pages = await references()
  for (const part of ['## [xmpp]', '## [sip]', '## [impp]', '`VERONA_DATA`']) {
    assert.ok(pages.get('docs/reference/settings.md')?.includes(part), part)
  }
  for (const part of ['## verona user import', '## verona contact', '## verona doctor', '--password-stdin']) {
    assert.ok(pages.get('docs/reference/commands.md')?.includes(part), part)
  }
})
