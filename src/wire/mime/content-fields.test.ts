import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describingFields } from './content-fields.ts'

test('only what describes content travels with it, each name once (RFC 2045 §9)', () => {
  const field = (name: string, value = 'v'): { name: string; value: string } => ({ name, value })
  const good = [
    field('Content-Language'),
    field('mime-version', '1.0'),
    field('Content-Disposition', 'inline'),
  ]
  const bad = [
    field('content-LANGUAGE', 'again'),
    field('Content-Type'),
    field('content-length', '0'),
    field('From'),
    field('Report'),
    field('v'),
    field(''),
    field('Content-X\r\nEvil'),
    field('Content-X:y'),
    field('Content-(x)'),
    field('Content-ID', 'x\r\nEvil: 1'),
    field('Content-Location', 'x\0'),
  ]
  assert.deepEqual(describingFields([...good, ...bad]), good)
})
