// docs/specs/xmpp.md: the register says what the code cites, and each rule is found in the test that it names.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'

const folder = new URL('../../src/protocols/xmpp/', import.meta.url)
const page = readFileSync(new URL('../../docs/specs/xmpp.md', import.meta.url), 'utf8')

const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  .map((name) => readFileSync(new URL(name, folder), 'utf8'))
  .join('\n')

/** The rows of the tables with that many columns, their cells trimmed; heads and rules are left out. */
function rows(section: string, columns: number): string[][] {
  const part = page.split(/^## /m).find((one) => one.startsWith(section)) ?? ''
  return part
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(1)
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
    .filter((cells) => cells.length === columns)
}

const register = rows('Register', 4)

test('every XEP that the code cites is on the page', () => {
  const cited = new Set(sources.match(/XEP-\d{4}/g))
  assert.ok(cited.size > 20)
  assert.deepEqual(
    [...cited].filter((name) => !page.includes(name)),
    [],
  )
})

test('every specification of the register is cited by the code, named once, with a version', () => {
  assert.ok(register.length > 20)
  assert.equal(new Set(register.map(([name]) => name)).size, register.length)
  for (const [name = '', title, version = '', leftOut] of register) {
    // RFC 7590 is obeyed where TLS is set up, by its successor RFC 9325.
    if (name !== 'RFC 7590') assert.ok(sources.includes(name), `${name} is cited nowhere`)
    assert.ok(title !== '' && leftOut !== '', name)
    assert.match(version, /^\d+(\.\d+)*$/, name)
  }
})

test('every decision and file that the register points to is there', () => {
  const decisions = readdirSync(new URL('../../docs/decisions/', import.meta.url))
  for (const [, number] of page.matchAll(/decision (\d{4})/g))
    assert.ok(
      decisions.some((name) => name.startsWith(number as string)),
      `decision ${number}`,
    )
})

for (const section of ['RFC 6121', 'RFC 6120'])
  test(`each rule of ${section} is found in the test that is named`, () => {
    const rules = rows(section, 4)
    assert.ok(rules.length > 5)
    for (const [name = '', , file = '', found = ''] of rules) {
      const text = readFileSync(new URL(file, folder), 'utf8')
      assert.ok(text.includes(found), `${name}: ${file} does not say ${found}`)
    }
  })

test('each rule between servers is found in the transcript or scene that is named', () => {
  const rules = rows('Between servers', 4)
  assert.ok(rules.length > 20)
  for (const [name = '', , file = '', found = ''] of rules) {
    const text = readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')
    assert.ok(text.includes(found), `${name}: ${file} does not say ${found}`)
  }
})

/** RFC 6121's sections with rules for servers. */
const ofServers =
  '2.1.2 2.1.3 2.1.4 2.1.5 2.1.6 2.2 2.3.2 2.3.3 2.4.2 2.4.3 2.5.1 2.5.2 2.5.3 2.6.1 2.6.2 2.6.3 3.1.2 3.1.3 3.1.5 3.1.6 3.2.2 3.2.3 ' +
  '3.3.2 3.3.3 3.4 3.4.2 4.2.2 4.2.3 4.3.1 4.3.2 4.3.2.1 4.4.2 4.4.3 4.5.2 4.5.3 4.6.1 4.6.3 4.6.4 4.6.6 4.7.1 4.7.2.3 4.7.3 5.2.1 5.2.2 ' +
  '8.3 8.4 8.5.1 8.5.2.1.1 8.5.2.1.2 8.5.2.1.3 8.5.2.2.1 8.5.2.2.2 8.5.2.2.3 8.5.3.1 8.5.3.2.1 8.5.3.2.2 8.5.3.2.3 A.1 A.2 A.3'

test('no section of RFC 6121 with rules for servers is left out', () => {
  const named = new Set(rows('RFC 6121', 4).flatMap(([sections = '']) => sections.split(', ')))
  assert.deepEqual(
    ofServers.split(' ').filter((section) => !named.has(section)),
    [],
  )
})
