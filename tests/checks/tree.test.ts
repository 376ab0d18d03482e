// The shape of the tree: doors, READMEs, the length of files.

import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { doors, listModules, readModules, root, unitsOf } from '../../tools/checks/modules.ts'
import { doorTargets } from '../../tools/checks/reach.ts'

const modules = readModules()

for (const [name, path] of doorTargets(modules)) {
  const absent = modules.has(path) ? false : `${path} does not exist yet`
  test(`the door ${name} names its exports one by one`, { skip: absent }, () => {
    const wholesale = modules.get(path)?.edges.filter((edge) => edge.handsOn && edge.names === '*')
    assert.deepEqual(
      wholesale?.map((edge) => edge.specifier),
      [],
    )
  })
}

test('each door leads to the same module in the sources and in the build', () => {
  for (const [name, { 'verona-source': source, default: built }] of Object.entries(doors)) {
    assert.equal(built, source.replace('./src/', './dist/').replace(/\.ts$/, '.js'), name)
  }
})

test('every folder of src that has a door has a README.md', () => {
  const units = unitsOf(modules).filter((unit) => modules.has(`${unit}/index.ts`))
  assert.ok(units.length > 5, units.join(' '))
  assert.deepEqual(
    units.filter((unit) => !existsSync(join(root, unit, 'README.md'))),
    [],
  )
})

const linesMax = 400
/** Files longer than that, with the reason: tables may be long, what decides may not. */
const longFiles: Record<string, string> = {}

test(`no file is longer than ${linesMax} lines but those listed with a reason`, () => {
  const paths = listModules(['src', 'tests', 'fuzz', 'bench', 'tools'])
  assert.ok(paths.length > 50, `only ${paths.length} modules seen`)
  const long = paths.filter(
    (path) => readFileSync(join(root, path), 'utf8').split('\n').length - 1 > linesMax,
  )
  assert.deepEqual(
    long.filter((path) => !(path in longFiles)),
    [],
  )
  assert.deepEqual(
    Object.keys(longFiles).filter((path) => !long.includes(path)),
    [],
    'listed but no longer long',
  )
})

test('every decision record has a number of its own and stands in the index', () => {
  const folder = join(root, 'docs', 'decisions')
  const index = readFileSync(join(folder, 'README.md'), 'utf8')
  const records = readdirSync(folder).filter((name) => name !== 'README.md')
  assert.ok(records.length >= 4)
  for (const name of records) assert.match(name, /^\d{4}-[a-z0-9-]+\.md$/)
  assert.equal(
    new Set(records.map((name) => name.slice(0, 4))).size,
    records.length,
    'a number is used twice',
  )
  assert.deepEqual(
    records.filter((name) => !index.includes(`(${name})`)),
    [],
  )
})
