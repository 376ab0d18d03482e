// Plays every transcript of this folder.
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { readScript } from './script.ts'
import { play } from './world.ts'

const here = new URL('.', import.meta.url).pathname
const files = globSync('**/*.transcript', { cwd: here }).sort()

describe('transcripts', () => {
  it('are there to be played', () => assert.ok(files.length > 0))
  for (const file of files) {
    const script = readScript(file, readFileSync(new URL(file, import.meta.url), 'utf8'))
    it(`${script.title} [${file}]`, () => play(file, script))
  }
})
