import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import { unpack } from '../../tools/launch/unpack.js'
import { makeArchive } from './archive.ts'

const folder = mkdtempSync(join(tmpdir(), 'verona-unpack-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const large = Buffer.alloc(300_001, 'abcdefg')
const archive = makeArchive([
  { name: 'package/other', body: 'passed over' },
  { name: 'package/empty', body: '' },
  { name: 'package/large', body: large },
  { name: 'package/last', body: 'x'.repeat(512) },
])

function stored(name: string, bytes: Buffer): string {
  const path = join(folder, name)
  writeFileSync(path, bytes)
  return path
}

test('the members asked for are written byte for byte with the mode asked for, others are not', async () => {
  const at = (name: string) => ({ path: join(folder, name), mode: 0o755 })
  await unpack(stored('whole.tgz', archive), {
    'package/large': at('large'),
    'package/empty': at('empty'),
    'package/last': at('last'),
  })
  assert.deepEqual(readFileSync(join(folder, 'large')), large)
  assert.equal(readFileSync(join(folder, 'empty')).length, 0)
  assert.equal(readFileSync(join(folder, 'last'), 'utf8'), 'x'.repeat(512))
  assert.equal(statSync(join(folder, 'large')).mode & 0o777, 0o755)
})

test('a member that is not in the archive is named', async () => {
  const wanted = { 'package/absent': { path: join(folder, 'absent'), mode: 0o644 } }
  await assert.rejects(unpack(stored('lacking.tgz', archive), wanted), /holds no package\/absent/)
})

test('an archive cut inside a member, inside the compressed stream, or not an archive at all is refused', async () => {
  const wanted = (name: string) => ({ 'package/last': { path: join(folder, name), mode: 0o644 } })
  const tar = gunzipSync(archive)
  const inMember = stored('cut-member.tgz', gzipSync(tar.subarray(0, 200_000)))
  await assert.rejects(unpack(inMember, wanted('a')), /cut short/)
  const inStream = stored('cut-stream.tgz', archive.subarray(0, archive.length - 20))
  await assert.rejects(unpack(inStream, wanted('b')), /damaged/)
  await assert.rejects(unpack(stored('text.tgz', Buffer.from('not gzip')), wanted('c')), /damaged/)
})
