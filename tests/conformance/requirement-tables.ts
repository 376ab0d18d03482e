// Tables of a document that say of each item what is done, where, and which test shows it: read, and held against the tree.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'

const root = new URL('../../', import.meta.url)

export interface Row {
  readonly item: string
  readonly asked: string
  readonly done: string
  readonly where: string
  readonly proof: string
}

/** All rows of five columns but the heads of tables. */
export function rowsOf(document: string): readonly Row[] {
  const rows = [...read(document).matchAll(/^\| (\S+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/gm)]
  return rows
    .map(([, item = '', asked = '', done = '', where = '', proof = '']) => ({
      item,
      asked,
      done,
      where,
      proof,
    }))
    .filter(({ item }) => item !== 'item')
}

/** What is wrong with a row's place and its tests; nothing: all is there. */
export function faultsOf({ where, proof }: Row): readonly string[] {
  const [kind, said] = halves(proof)
  const faults = whereFaults(where)
  if (kind === 'not yet' || kind === '-') return said.length > 10 ? faults : [...faults, 'no reason']
  return [...faults, ...proof.split('; ').flatMap(proofFaults)]
}

/** The items whose test is not there yet. */
export function awaited(rows: readonly Row[]): readonly string[] {
  return rows.filter(({ proof }) => proof.startsWith('not yet:')).map(({ item }) => item)
}

function whereFaults(where: string): readonly string[] {
  const [, path = '', section] = /^`([^` ]+)(?: §([\d.]+))?`$/.exec(where.trim()) ?? []
  if (path === '' || !existsSync(new URL(path, root))) return [`no place: ${where}`]
  if (section === undefined) return []
  const heads = [...read(path).matchAll(/^##+ (\d+(?:\.\d+)?)\.? /gm)].map(([, number]) => number)
  return heads.includes(section) ? [] : [`no section: ${where}`]
}

function proofFaults(proof: string): readonly string[] {
  const [name, begins] = halves(proof)
  if (name === 'transcripts')
    return existsSync(new URL(`tests/transcripts/${begins}.transcript`, root))
      ? []
      : [`no transcript ${begins}`]
  const folders = ['src', 'src/protocols', 'tests']
  const path = folders
    .map((folder) => `${folder}/${name}.test.ts`)
    .find((each) => existsSync(new URL(each, root)))
  if (path === undefined || begins.length < 5) return [`no test file: ${proof}`]
  const source = read(path)
  const isThere = [`'${begins}`, `\`${begins}`, `"${begins}`].some((each) => source.includes(each))
  return isThere ? [] : [`no test of ${path} begins "${begins}"`]
}

/** What stands before the first colon, and behind it. */
function halves(text: string): [string, string] {
  const at = text.indexOf(': ')
  assert.ok(at > 0, `"${text}" names no test`)
  return [text.slice(0, at), text.slice(at + 2)]
}

function read(path: string): string {
  return readFileSync(new URL(path, root), 'utf8')
}
