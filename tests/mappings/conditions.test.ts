// docs/mappings/ shows the tables of conditions as they are in the code.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { type Condition, conditions } from '#model'
import * as apex from '../../src/protocols/apex/errors.ts'
import * as impp from '../../src/protocols/impp/errors.ts'
import * as prim from '../../src/protocols/prim/errors.ts'
import * as sip from '../../src/protocols/sip/errors.ts'
import { type StanzaCondition, stanzaErrorTypes } from '../../src/protocols/xmpp/codec/stanza-error.ts'
import * as xmpp from '../../src/protocols/xmpp/errors.ts'

function assertRows(protocol: string, row: (condition: Condition) => string): void {
  const page = readFileSync(new URL(`../../docs/mappings/${protocol}.md`, import.meta.url), 'utf8')
  for (const condition of conditions) {
    assert.ok(page.includes(`\n${row(condition)}\n`), `docs/mappings/${protocol}.md lacks ${row(condition)}`)
  }
}

/** The statuses that mean a condition; what every other of their class means is said once. */
function statusesOf(condition: Condition): string {
  const found: string[] = []
  for (const hundred of [300, 400, 500, 600]) {
    const isRest = sip.conditionOf(hundred + 99) === condition
    for (let status = hundred; status < hundred + 100 && !isRest; status++) {
      if (sip.conditionOf(status) === condition) found.push(String(status))
    }
    if (isRest) found.push(`other ${hundred / 100}xx`)
  }
  return found.join(', ')
}

test('SIP: each condition with the status it is told by and those it is read from', () => {
  assertRows('sip', (condition) => {
    assert.ok(sip.statusOf[condition] >= 300 && sip.statusOf[condition] < 700)
    return `| ${condition} | ${sip.statusOf[condition]} | ${statusesOf(condition)} |`
  })
})

test('XMPP: each condition with the stanza error it is told by and those it is read from', () => {
  const names = Object.keys(stanzaErrorTypes) as StanzaCondition[]
  assertRows('xmpp', (condition) => {
    const { condition: name, type } = xmpp.stanzaErrorOf(condition)
    const read = names.filter((each) => xmpp.conditionOfStanzaError(each) === condition).join(', ')
    return `| ${condition} | ${name}, ${type ?? stanzaErrorTypes[name]} | ${read} |`
  })
})

test('IMPP: each condition with its reason, which is read as what it was told for', () => {
  assertRows('impp', (condition) => {
    assert.equal(impp.conditionOf(impp.reasonOf[condition]), condition)
    return `| ${condition} | ${impp.reasonOf[condition]} |`
  })
  assert.equal(impp.conditionOf(impp.authenticationFailed), 'authentication-required')
  assert.equal(impp.conditionOf('never heard of'), 'connection-failed')
})

test('PRIM: each condition with its status', () => {
  assertRows('prim', (condition) => `| ${condition} | ${prim.statusOf[condition]} |`)
})

test('APEX: each condition with its code', () => {
  assertRows('apex', (condition) => `| ${condition} | ${apex.codeOf[condition]} |`)
  assert.equal(apex.conditionOf(537), 'permission-denied')
  assert.equal(apex.conditionOf(599), 'not-acceptable')
})
