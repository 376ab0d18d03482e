// Imports lead one way.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { circlesOf } from '../../tools/checks/circles.ts'
import { importsOf } from '../../tools/checks/imports.ts'
import { type Module, readModules } from '../../tools/checks/modules.ts'

test('no two files load one another, directly or by others', () => {
  assert.deepEqual(circlesOf(readModules()), [])
})

/** Modules by name; each source imports others by `./name`. */
function modulesOf(sources: Record<string, string>): Map<string, Module> {
  return new Map(
    Object.entries(sources).map(([path, source]) => {
      const edges = importsOf(source).map((found) => ({
        ...found,
        target: { module: String(found.specifier).slice(2) },
      }))
      return [path, { path, edges, lines: 1 }]
    }),
  )
}

test('circles of any length are found, each once', () => {
  const modules = modulesOf({
    a: "import { b } from './b'",
    b: "import { c } from './c'\nimport { x } from './x'",
    c: "export * from './a'",
    x: "import './y'",
    y: "import { x } from './x'",
    z: "import { a } from './a'",
  })
  assert.deepEqual(circlesOf(modules).sort(), [
    ['a', 'b', 'c'],
    ['x', 'y'],
  ])
})

test('types make none, nor does what is loaded when it is asked for, nor two ways to one file', () => {
  const modules = modulesOf({
    a: "import type { B } from './b'\nimport { d } from './d'\nimport { c } from './c'",
    b: "import { a } from './a'\nawait import('./b')",
    c: "import { d } from './d'\nconst a = await import('./a')",
    d: '',
  })
  assert.deepEqual(circlesOf(modules), [])
})
