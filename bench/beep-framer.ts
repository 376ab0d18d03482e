// What it costs to cut frames out of a stream (RFC 3080 §2.2.1) and to write their headers, beside copying the same octets: the ratio is what
// a change to src/protocols/beep/codec is judged by.

import { headerBytes, trailerBytes } from '../src/protocols/beep/codec/frame-writer.ts'
import { Framer } from '../src/protocols/beep/codec/framer.ts'

const payload = Buffer.from(
  `Content-Type: application/beep+xml\r\n\r\n<data content='#Content'><originator identity='u1@localhost' /><recipient identity='u2@localhost' /><data-content Name='Content'><body>${'x'.repeat(100)}</body></data-content></data>`,
)
const perChunk = 64
const chunk = Buffer.concat(
  Array.from({ length: perChunk }, (_none, at) =>
    Buffer.concat([
      Buffer.from(`MSG 3 ${1000 + at} . ${payload.length * at} ${payload.length}\r\n`),
      payload,
      Buffer.from('END\r\n'),
    ]),
  ),
)
const out = Buffer.alloc(chunk.length + 4096)
let kept = 0

/** As it costs to move each of them, and nothing else. */
function copy(): void {
  const size = Math.floor(chunk.length / perChunk)
  for (let n = 0; n < perChunk; n++) {
    const octets = Buffer.allocUnsafe(size)
    octets.set(chunk.subarray(n * size, (n + 1) * size))
    kept ^= octets[0] as number
  }
}

function read(cut: number): void {
  const framer = new Framer()
  for (let at = 0; at < chunk.length; at += cut) {
    framer.push(chunk.subarray(at, at + cut))
    for (let frame = framer.next(); frame !== undefined; frame = framer.next()) {
      if (frame.kind !== 'data') throw new Error('no frame')
      kept ^= frame.size
    }
  }
}

function write(): void {
  let at = 0
  for (let n = 0; n < perChunk; n++) {
    const head = headerBytes('MSG', 3, 1000 + n, false, payload.length * n, payload.length, 0)
    out.set(head, at)
    out.set(payload, at + head.length)
    at += head.length + payload.length
    out.set(trailerBytes, at)
    at += trailerBytes.length
  }
  kept ^= at
}

/** Nanoseconds a frame, the best of several rounds. */
function measure(run: () => void): number {
  for (let warm = 0; warm < 2000; warm++) run()
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < 7; round++) {
    const begin = performance.now()
    for (let n = 0; n < 2000; n++) run()
    best = Math.min(best, performance.now() - begin)
  }
  return (best * 1e6) / 2000 / perChunk
}

console.log(`frames of ${payload.length} octets, ${perChunk} a chunk; nanoseconds a frame, the best of 7`)
const base = measure(copy)
for (const [name, run] of [
  ['copy', copy],
  ['read', () => read(chunk.length)],
  ['read, in chunks of 1460', () => read(1460)],
  ['write', write],
] as const) {
  const took = run === copy ? base : measure(run)
  console.log(`${name.padEnd(26)} ${took.toFixed(1).padStart(8)} ns  x ${(took / base).toFixed(1)}`)
}
if (kept === -1) console.log('')
