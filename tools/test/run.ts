// `npm test`: says which peer programs are here, then becomes one `node --test` over every test file, so that the
// runner's own summary closes the output and its exit code is ours.

import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, relative } from 'node:path'
import { arePeersRequired, missingPeers, peerNames } from '../../tests/interop/peers.ts'

const root = join(import.meta.dirname, '..', '..')
const folders = ['src', 'tests', 'fuzz', 'tools']
/** A file that takes longer than this hangs; in a soak there is no such bound. */
const fileMinutesMax = 5

const args = process.argv.slice(2)
const options = args.filter((arg) => arg.startsWith('-'))
const files = testFiles(args.filter((arg) => !arg.startsWith('-')))
if (files.length === 0) {
  console.error(`no test files (*.test.ts, *.test.js) in ${args.join(' ') || folders.join(' ')}`)
  process.exit(2)
}
tellPeers(files)
process.chdir(root)
const command = [...process.execArgv, ...runnerOptions(), ...options, ...files]
if (process.execve) process.execve(process.execPath, [process.execPath, ...command])
process.exit(spawnSync(process.execPath, command, { stdio: 'inherit' }).status ?? 1)

function runnerOptions(): string[] {
  const timeout = process.env['VERONA_SOAK'] ? [] : [`--test-timeout=${fileMinutesMax * 60_000}`]
  return ['--test', `--test-concurrency=${availableParallelism()}`, '--test-reporter=spec', ...timeout]
}

/** The test files named, or below the folders named (seen from the root or from here), or all. */
function testFiles(named: string[]): string[] {
  const places = named.length > 0 ? named : folders
  return [...new Set(places.flatMap((place) => testFilesAt(join(root, place))))].sort()
}

function testFilesAt(place: string): string[] {
  if (!existsSync(place)) return []
  if (statSync(place).isFile()) return [relative(root, place)]
  return readdirSync(place, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.test\.[jt]s$/.test(entry.name))
    .filter((entry) => !entry.parentPath.includes('node_modules'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
}

/** One line a missing peer: how to get it and which files skip tests for it. */
function tellPeers(files: string[]): void {
  const users = new Map<string, string[]>()
  for (const file of files.filter((name) => name.startsWith(join('tests', 'interop')))) {
    for (const [, name] of readFileSync(join(root, file), 'utf8').matchAll(/\bpeer\('([^']+)'\)/g)) {
      users.set(name as string, [...(users.get(name as string) ?? []), file])
    }
  }
  if (users.size === 0) return
  const missing = missingPeers().filter((peer) => users.has(peer.name))
  const found = peerNames.filter((name) => users.has(name) && !missing.some((peer) => peer.name === name))
  console.log(`peer programs found: ${found.join(', ') || 'none'}`)
  for (const { name, package: from } of missing) {
    const effect = arePeersRequired ? 'its tests will fail' : 'skipped for it'
    console.log(
      `peer program not found: ${name} (Debian package ${from}); ${effect}: ${[...new Set(users.get(name))].join(', ')}`,
    )
  }
}
