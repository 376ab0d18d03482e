// docs/specs/umpp.md: every sentence of the draft and every slip is there, and the test that it names.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'

const root = new URL('../../', import.meta.url)
const rows = [
  ...readFileSync(new URL('docs/specs/umpp.md', root), 'utf8').matchAll(
    /^\| ([UG]\d+) \| ([^|]+) \| ([^|]+) \|$/gm,
  ),
].map(([, number = '', what = '', proof = '']) => ({ number, what, proof }))

const folders = ['src/protocols/umpp/', 'tests/conformance/', 'tests/transcripts/', 'tests/interop/']

function fileOf(name: string): string | undefined {
  const path = folders
    .map((folder) => `${folder}${name}.test.ts`)
    .find((each) => existsSync(new URL(each, root)))
  return path && readFileSync(new URL(path, root), 'utf8')
}

test('U1 to U117 and G1 to G13 are all there, once, in their order', () => {
  const all = [
    ...Array.from({ length: 117 }, (_, n) => `U${n + 1}`),
    ...Array.from({ length: 13 }, (_, n) => `G${n + 1}`),
  ]
  assert.deepEqual(
    rows.map(({ number }) => number),
    all,
  )
})

test('every test that is named is there, or why there is none', () => {
  for (const { number, proof } of rows) {
    const [, name = '', said = ''] = /^([\w-]+): (.+)$/.exec(proof) ?? []
    if (name === '-') assert.ok(said.length > 10, number)
    else if (name === 'transcripts')
      assert.ok(existsSync(new URL(`tests/transcripts/${said}.transcript`, root)), `${number}: ${said}`)
    else {
      const file = fileOf(name)
      assert.ok(file !== undefined, `${number}: there is no ${name}.test.ts`)
      assert.ok(
        ["'", '`'].some((quote) => file.includes(quote + said)),
        `${number}: no test of ${name} begins "${said}"`,
      )
    }
  }
})
