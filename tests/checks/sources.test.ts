// Types, format and lint of the whole tree, by the programs that know them.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { listModules, root } from '../../tools/checks/modules.ts'

function run(program: string, args: string[]): { output: string; status: number | null } {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [join(root, 'node_modules', program), ...args],
    {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    },
  )
  return { output: `${stdout}${stderr}`.trim(), status }
}

test('the compiler finds no fault in any type, and saw every module', () => {
  const { output, status } = run('typescript/bin/tsc', ['-p', '.', '--listFiles', '--pretty', 'false'])
  const files = output
    .split('\n')
    .filter((line) => !line.includes('/node_modules/') && /^(\/|[A-Za-z]:).*\.[jt]s$/.test(line))
  const faults = output.split('\n').filter((line) => line.includes('error TS'))
  assert.deepEqual(faults, [])
  assert.equal(status, 0, output.slice(-2000))
  assert.equal(files.length, listModules(['src', 'tests', 'fuzz', 'bench', 'tools']).length)
})

test('the format is ours and the linter has nothing to say', () => {
  const { output, status } = run('@biomejs/biome/bin/biome', [
    'check',
    '--colors=off',
    '--max-diagnostics=20',
  ])
  assert.equal(status, 0, output)
  const checked = Number(/Checked (\d+) files/.exec(output)?.[1])
  assert.ok(checked >= listModules(['src', 'tests', 'fuzz', 'bench', 'tools']).length, output)
})
