// Damage for any codec: good octets cut at each place, flipped, repeated until over-long, and sprinkled with what grammars
// stumble over; and the bound on the time that any of it may take.

import assert from 'node:assert/strict'
import fc from 'fast-check'

export const soak = process.env['VERONA_SOAK'] !== undefined
export const seed = Number(process.env['VERONA_SEED'] ?? Date.now() % 0x7fffffff)
export const runs = { numRuns: soak ? 20_000 : 300, seed }

/** LIMIT: milliseconds for one input of at most `octetsMax`, with the whole machine's other tests beside it. */
const millisecondsMax = 2000
const octetsMax = 200_000

const pieces: readonly Buffer[] = [
  '\r\n',
  '\r',
  '\n',
  '\0',
  '\x7f',
  '"',
  "'",
  '\\',
  '\\u000d\\u000a',
  '%0d%0a',
  '%',
  '<',
  '>',
  '&',
  '&#0;',
  ']]>',
  ':',
  ';',
  ',',
  '=',
  '(',
  ')',
  '\ufeff',
  '\u2028',
  '\u202e',
  '\u{1f319}',
  '-1',
  '99999999999999999999',
  '--',
]
  .map((text) => Buffer.from(text))
  // Not UTF-8: a lone continuation, an overlong slash, a surrogate, past the last plane, cut short (RFC 3629 §3).
  .concat(['80', 'c0af', 'eda080', 'f4908080', 'e282', 'ff'].map((hex) => Buffer.from(hex, 'hex')))

export interface Change {
  readonly how: 'flip' | 'insert' | 'cut' | 'repeat' | 'swell'
  readonly at: number
  readonly size: number
  readonly piece: number
}

export const changes: fc.Arbitrary<Change[]> = fc.array(
  fc.record({
    how: fc.constantFrom('flip', 'flip', 'insert', 'insert', 'cut', 'repeat', 'swell'),
    at: fc.nat(),
    size: fc.nat(40),
    piece: fc.nat(),
  }),
  { minLength: 1, maxLength: 5 },
)

export function damaged(octets: Buffer, list: readonly Change[]): Buffer {
  let out = octets
  for (const { how, at, size, piece } of list) {
    const i = at % (out.length + 1)
    const sprinkle = pieces[piece % pieces.length] as Buffer
    const middle =
      how === 'flip'
        ? [Buffer.of(piece % 256), out.subarray(i + 1)]
        : how === 'insert'
          ? [sprinkle, out.subarray(i)]
          : how === 'cut'
            ? [out.subarray(i + size)]
            : how === 'repeat'
              ? [out.subarray(Math.max(0, i - size))]
              : [
                  Buffer.concat(Array.from({ length: 1 + ((size * 97) % 2000) }, () => sprinkle)),
                  out.subarray(i),
                ]
    out = Buffer.concat([out.subarray(0, i), ...middle]).subarray(0, octetsMax)
  }
  return out
}

/** Gives one input to a codec, and sees that it comes back in time. What it throws is the finding. */
export function timed(take: (octets: Buffer) => unknown, octets: Buffer): void {
  const begin = performance.now()
  try {
    take(octets)
  } catch (error) {
    const shown = JSON.stringify(octets.subarray(0, 2000).toString('latin1'))
    throw new Error(`${(error as Error).message}; the input: ${shown}`, { cause: error })
  }
  const took = performance.now() - begin
  assert.ok(took < millisecondsMax, `${took} ms for ${octets.length} octets`)
}

/** Every first n octets, and every octet in turn replaced by some that matter. */
export function everyCut(sample: Buffer, take: (octets: Buffer) => unknown): void {
  const step = soak ? 1 : Math.max(1, Math.floor(sample.length / 400))
  for (let n = 0; n <= sample.length; n += step) {
    timed(take, sample.subarray(0, n))
    for (const octet of [0, 0x0a, 0x22, 0x3c, 0x80, 0xff]) {
      if (n === sample.length) continue
      const flipped = Buffer.from(sample)
      flipped[n] = octet
      timed(take, flipped)
    }
  }
}
