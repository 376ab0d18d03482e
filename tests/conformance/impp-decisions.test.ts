// Appendix A of docs/specs/impp-1.0.md: every decision and error is there, and the section and the test that it names.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'

const root = new URL('../../', import.meta.url)
const document = readFileSync(new URL('docs/specs/impp-1.0.md', root), 'utf8')
const rows = [...document.matchAll(/^\| ([DE]\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/gm)].map(
  ([, number, decided, section, proof]) => ({
    number: number as string,
    decided: decided as string,
    section: section as string,
    proof: proof as string,
  }),
)

const folders = [
  'src/protocols/impp/',
  'src/protocols/impp/codec/',
  'src/protocols/impp/domains/',
  'tests/conformance/impp-',
  'tests/hostile/',
  'src/core/',
  'src/net/',
  'src/server/',
]

/** The test file or transcript of that name. */
function fileOf(name: string): string | undefined {
  const path = folders
    .map((folder) => `${folder}${name}.test.ts`)
    .find((each) => existsSync(new URL(each, root)))
  return path && readFileSync(new URL(path, root), 'utf8')
}

test('D1 to D96 and E1 to E14 are all there, once, in their order', () => {
  const all = [
    ...Array.from({ length: 96 }, (_, n) => `D${n + 1}`),
    ...Array.from({ length: 14 }, (_, n) => `E${n + 1}`),
  ]
  assert.deepEqual(
    rows.map(({ number }) => number),
    all,
  )
})

test('every section that is named is there', () => {
  const sections = new Set([...document.matchAll(/^##+ (\d+(?:\.\d+)?)\.? /gm)].map(([, number]) => number))
  for (const { number, section } of rows) assert.ok(sections.has(section), `${number}: section ${section}`)
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
      assert.ok(file.includes(`'${said}`), `${number}: no test of ${name} begins "${said}"`)
    }
  }
})

test('references from one section to another lead somewhere', () => {
  const sections = new Set([...document.matchAll(/^##+ (\d+(?:\.\d+)?)\.? /gm)].map(([, number]) => number))
  for (const [, number] of document.matchAll(/\b[Ss]ections? (\d+(?:\.\d+)?)\b/g))
    assert.ok(sections.has(number), `section ${number}`)
  for (const path of [
    'binding.ts',
    'client-session.ts',
    'feeds.ts',
    'agent.ts',
    'methods/acl.ts',
    'methods/history.ts',
  ]) {
    const source = readFileSync(new URL(`src/protocols/impp/${path}`, root), 'utf8')
    for (const [, number] of source.matchAll(/impp-1\.0\.md §(\d+(?:\.\d+)?)/g))
      assert.ok(sections.has(number), `${path} cites §${number}`)
  }
})
