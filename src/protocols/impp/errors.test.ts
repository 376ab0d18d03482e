// The table of conditions, and the page that shows it.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { conditions } from '#model'
import { authenticationFailed, conditionOf, reasonOf } from './errors.ts'

const page = readFileSync(new URL('../../../docs/mappings/impp.md', import.meta.url), 'utf8')

test('docs/mappings/impp.md has each condition with its reason, and a reason is read as what it was told for', () => {
  for (const condition of conditions) {
    const row = `| ${condition} | ${reasonOf[condition]} |`
    assert.ok(page.includes(`\n${row}\n`), `the page lacks ${row}`)
    assert.equal(conditionOf(reasonOf[condition]), condition)
  }
  assert.equal(conditionOf(authenticationFailed), 'authentication-required')
  assert.equal(conditionOf('never heard of'), 'connection-failed')
})
