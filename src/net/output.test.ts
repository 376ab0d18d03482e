import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { flushAtEnd, flushConnections, flushSoon, Output, release } from './output.ts'

const numRuns = process.env['VERONA_SOAK'] ? 10_000 : 100

type Write = { kind: 'bytes' | 'ascii' | 'utf8'; text: string; times: number }

const written = fc.array(
  fc.record<Write>({
    kind: fc.constantFrom('bytes', 'ascii', 'utf8'),
    text: fc.string({ unit: 'grapheme', maxLength: 40 }),
    // Up to past every size at which a buffer grows or is sealed.
    times: fc.constantFrom(1, 1, 1, 20, 300, 2000),
  }),
  { maxLength: 30 },
)

test('what is written comes out whole and in order, whatever its sizes', () => {
  fc.assert(
    fc.property(written, fc.nat({ max: 29 }), (writes, drainAfter) => {
      const output = new Output()
      const wanted: Buffer[] = []
      const got: Buffer[] = []
      const drain = () =>
        output.drainTo((bytes, whole) => {
          got.push(Buffer.from(bytes))
          release(whole)
        })
      writes.forEach(({ kind, text, times }, at) => {
        const whole = kind === 'ascii' ? text.replace(/[^ -~]/gu, '?').repeat(times) : text.repeat(times)
        wanted.push(Buffer.from(whole))
        const before = output.length
        if (kind === 'bytes') output.write(Buffer.from(whole))
        else if (kind === 'ascii') output.writeAscii(whole)
        else output.writeUtf8(whole)
        assert.equal(output.length, before + Buffer.byteLength(whole))
        if (at === drainAfter) drain()
      })
      drain()
      assert.equal(output.length, 0)
      assert.ok(Buffer.concat(got).equals(Buffer.concat(wanted)))
    }),
    { numRuns },
  )
})

test('a lone surrogate leaves as U+FFFD', () => {
  const output = new Output()
  output.writeUtf8('a\ud800b')
  output.drainTo((bytes) => assert.equal(bytes.toString(), 'a\ufffdb'))
})

test('an output that was drained owns no buffer, and a released buffer serves another', () => {
  const [one, two] = [new Output(), new Output()]
  const buffers: Buffer[] = []
  one.writeAscii('x')
  one.drainTo((_bytes, whole) => {
    buffers.push(whole)
    release(whole)
  })
  two.writeAscii('y')
  two.drainTo((_bytes, whole) => buffers.push(whole))
  assert.equal(buffers[0], buffers[1])
})

test('each that asks is flushed once; many are flushed before the end of the tick, those that call handlers never', () => {
  const order: number[] = []
  let atEnd = 0
  flushAtEnd({ flush: () => atEnd++ })
  for (let i = 0; i < 100; i++) flushSoon({ flush: () => order.push(i) })
  assert.ok(order.length >= 32 && order.length < 100, `${order.length} early`)
  assert.equal(atEnd, 0)
  flushConnections()
  assert.deepEqual(
    order,
    Array.from({ length: 100 }, (_, i) => i),
  )
  assert.equal(atEnd, 1)
})
