import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settingsReference } from './reference.ts'
import { keyOf, section, variableOf } from './section.ts'
import { listen, seconds, tables, text } from './setting.ts'

test('the reference tells name, type, default, variable and sentence of each setting', () => {
  const written = settingsReference([
    section('', 'Everything.', {
      domain: tables({ name: text({ default: 'x', doc: 'Its name.' }) }, { doc: 'A domain.' }),
    }),
    section('xmpp', 'For XMPP.', {
      clientTls: listen({ builtIn: '127.0.0.1:5223', doc: 'Clients.' }),
      idleSeconds: seconds({ default: 60, min: 1, doc: 'How long.' }),
    }),
  ])
  for (const line of [
    '## Above all tables',
    '- **`[[domain]]`** (tables)  \n  A domain.\n  - **`name`** (text; default `"x"`)\n    Its name.',
    '## [xmpp]\n\nFor XMPP.',
    '- **`client_tls`** (address to listen on; off, built-in `127.0.0.1:5223`; `VERONA_XMPP_CLIENT_TLS`)  \n  Clients.',
    '- **`idle_seconds`** (seconds, 1 or more; default `60`; `VERONA_XMPP_IDLE_SECONDS`)  \n  How long.',
  ]) {
    assert.ok(written.includes(line), line)
  }
})

test('names of properties, keys and variables', () => {
  assert.equal(keyOf('plainWithoutTls'), 'plain_without_tls')
  assert.equal(variableOf('xmpp', 'plainWithoutTls'), 'VERONA_XMPP_PLAIN_WITHOUT_TLS')
  assert.equal(variableOf('', 'data'), 'VERONA_DATA')
})
