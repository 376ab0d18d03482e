// The tables of conditions, and the page that shows them.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { conditions } from '#model'
import { type StanzaCondition, stanzaErrorTypes } from './codec/stanza-error.ts'
import { conditionOfStanzaError, stanzaErrorOf } from './errors.ts'

const page = readFileSync(new URL('../../../docs/mappings/xmpp.md', import.meta.url), 'utf8')
const names = Object.keys(stanzaErrorTypes) as StanzaCondition[]

test('docs/mappings/xmpp.md has each condition with the stanza error it is told by and those it is read from', () => {
  for (const condition of conditions) {
    const { condition: name, type } = stanzaErrorOf(condition)
    const read = names.filter((each) => conditionOfStanzaError(each) === condition).join(', ')
    const row = `| ${condition} | ${name}, ${type ?? stanzaErrorTypes[name]} | ${read} |`
    assert.ok(page.includes(`\n${row}\n`), `the page lacks ${row}`)
  }
})
