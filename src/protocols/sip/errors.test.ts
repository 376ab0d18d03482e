// The table of conditions, and the page that shows it.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { type Condition, conditions } from '#model'
import { conditionOf, statusOf } from './errors.ts'

const page = readFileSync(new URL('../../../docs/mappings/sip.md', import.meta.url), 'utf8')

/** The statuses that mean a condition; what every other of their class means is said once. */
function statusesOf(condition: Condition): string {
  const found: string[] = []
  for (const hundred of [300, 400, 500, 600]) {
    const isRest = conditionOf(hundred + 99) === condition
    for (let status = hundred; status < hundred + 100 && !isRest; status++) {
      if (conditionOf(status) === condition) found.push(String(status))
    }
    if (isRest) found.push(`other ${hundred / 100}xx`)
  }
  return found.join(', ')
}

test('docs/mappings/sip.md has each condition with the status it is told by and those it is read from', () => {
  for (const condition of conditions) {
    const row = `| ${condition} | ${statusOf[condition]} | ${statusesOf(condition)} |`
    assert.ok(page.includes(`\n${row}\n`), `the page lacks ${row}`)
  }
})

test('a refusal is a final response (RFC 3261 §21)', () => {
  for (const condition of conditions) assert.ok(statusOf[condition] >= 300 && statusOf[condition] < 700)
  for (let status = 300; status < 700; status++) assert.ok(conditions.includes(conditionOf(status)))
})
