// The scanner that all other checks stand on.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importsOf } from '../../tools/checks/imports.ts'

const seen = (source: string) =>
  importsOf(source).map(({ specifier, kind, names }) => [specifier, kind, names])

test('each form of import is seen with its kind and the names it asks for', () => {
  assert.deepEqual(seen("import './a.ts'"), [['./a.ts', 'value', []]])
  assert.deepEqual(seen("import a from 'a'"), [['a', 'value', ['default']]])
  assert.deepEqual(seen("import a, { b, c as d } from 'a'"), [['a', 'value', ['default', 'b', 'c']]])
  assert.deepEqual(seen("import * as a from 'a'"), [['a', 'value', '*']])
  assert.deepEqual(seen("import type { a } from 'a'"), [['a', 'type', ['a']]])
  assert.deepEqual(seen("import type A from 'a'"), [['a', 'type', ['default']]])
  assert.deepEqual(seen("import { type A, b } from 'a'"), [['a', 'value', ['b']]])
  assert.deepEqual(seen("import type, { a } from 'a'"), [['a', 'value', ['default', 'a']]])
  assert.deepEqual(seen("import { type } from 'a'"), [['a', 'value', ['type']]])
  assert.deepEqual(seen("import a from 'a' with { type: 'json' }"), [['a', 'value', ['default']]])
  assert.deepEqual(seen("const x = await import('a')"), [['a', 'dynamic', '*']])
  assert.deepEqual(seen("type X = import('a').X"), [['a', 'dynamic', '*']])
  assert.deepEqual(seen('await import(name)'), [[undefined, 'dynamic', '*']])
  assert.deepEqual(seen('await import(`${name}/index.ts`)'), [[undefined, 'dynamic', '*']])
  assert.deepEqual(seen("new Worker(new URL('./w.ts', import.meta.url))"), [['./w.ts', 'worker', '*']])
})

test('each form of export from is seen, a mere export is not', () => {
  assert.deepEqual(seen("export { a, b as c } from './a.ts'"), [['./a.ts', 'value', ['a', 'c']]])
  assert.deepEqual(seen("export type { A } from './a.ts'"), [['./a.ts', 'type', ['A']]])
  assert.deepEqual(seen("export * from './a.ts'"), [['./a.ts', 'value', '*']])
  assert.deepEqual(seen("export * as a from './a.ts'"), [['./a.ts', 'value', '*']])
  assert.deepEqual(seen("export { a }\nconst from = 'x'"), [])
  assert.deepEqual(seen("export const a = { from: 'x' }"), [])
  assert.deepEqual(seen('export type A = { b: 1 }'), [])
})

test('several lines, comments between, and no spaces make no difference', () => {
  assert.deepEqual(seen("import {\n  a, // the first\n  /* b, */ c,\n} from\n 'a'"), [
    ['a', 'value', ['a', 'c']],
  ])
  assert.deepEqual(seen("import{a}from'a';export{b}from'b'"), [
    ['a', 'value', ['a']],
    ['b', 'value', ['b']],
  ])
})

test('what only looks like an import is none', () => {
  assert.deepEqual(seen("// import 'a'\n/* import 'b' */"), [])
  assert.deepEqual(seen("const s = \"import 'a'\", t = 'it\\'s; import(\"b\")'"), [])
  assert.deepEqual(seen("const t = `import 'a' ${f(`import 'b'`)} import 'c'`"), [])
  assert.deepEqual(seen("x.import('a'); const o = { import: 'a' }; import.meta.url"), [])
  assert.deepEqual(seen("const r = /import '[/]'/g; const q = a / b / c"), [])
})

test('what follows a template, an expression or a division is still seen', () => {
  const after = "import 'z'"
  for (const before of [
    '`${a}`',
    '`${ { b: `${c}` }.b }`',
    '/[`"/\']/',
    'a / b',
    '(a) / 2',
    "'//'",
    '/* ` */',
    '`\\``',
  ]) {
    assert.deepEqual(seen(`x = ${before}\n${after}`), [['z', 'value', []]], before)
  }
})

test('the line is that of the import', () => {
  assert.deepEqual(
    importsOf("\n\nimport 'a'\nexport * from 'b'").map(({ line }) => line),
    [3, 4],
  )
})
