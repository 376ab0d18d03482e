// How missing peer programs are treated. Each case runs in a process of its own whose PATH holds nothing.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'

const folder = mkdtempSync(join(tmpdir(), 'verona-peers-'))
after(() => rmSync(folder, { recursive: true, force: true }))

function ask(path: string, peers: string): { stdout: string; stderr: string; status: number | null } {
  const module = JSON.stringify(join(import.meta.dirname, 'peers.ts'))
  const code = `const { peer } = await import(${module}); console.log(JSON.stringify(peer("sipp")))`
  const env = { PATH: path, VERONA_PEERS: peers }
  return spawnSync(process.execPath, ['--input-type=module', '-e', code], { env, encoding: 'utf8' })
}

test('a missing peer is a reason to skip that names its package', () => {
  const { stdout } = ask(folder, '')
  assert.deepEqual(JSON.parse(stdout), {
    path: '',
    skip: 'peer program not found: sipp (Debian package sip-tester)',
  })
})

test('a missing peer fails the test file where peers are required', () => {
  const { stderr, status } = ask(folder, 'required')
  assert.notEqual(status, 0)
  assert.match(stderr, /peer program not found: sipp/)
})

test('a peer on PATH is found, required or not', () => {
  const bin = mkdtempSync(join(folder, 'bin-'))
  writeFileSync(join(bin, 'sipp'), '#!/bin/sh\n')
  chmodSync(join(bin, 'sipp'), 0o755)
  for (const peers of ['', 'required']) {
    assert.deepEqual(JSON.parse(ask(bin, peers).stdout), { path: join(bin, 'sipp'), skip: false })
  }
})
