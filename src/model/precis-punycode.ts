// Decoding of Punycode (RFC 3492 §6.2), to see whether an A-label is what its U-label encodes to (RFC 5890
// §2.3.2.1). Decoding only; the URL class encodes.

const base = 36
const tMin = 1
const tMax = 26
const skew = 38
const damp = 700
const initialBias = 72
const initialN = 128
const pointMax = 0x10ffff

/** The text that `encoded` (lower case, without `xn--`) stands for, or undefined when it is malformed. */
export function decodePunycode(encoded: string): string | undefined {
  const delimiter = encoded.lastIndexOf('-')
  const points = Array.from(encoded.slice(0, Math.max(0, delimiter)), (basic) => basic.charCodeAt(0))
  let n = initialN
  let i = 0
  let bias = initialBias
  let at = delimiter + 1
  while (at < encoded.length) {
    const before = i
    let weight = 1
    for (let k = base; ; k += base) {
      const digit = digitOf(encoded.charCodeAt(at++))
      if (digit === undefined) return undefined
      i += digit * weight
      const threshold = k <= bias ? tMin : k >= bias + tMax ? tMax : k - bias
      if (digit < threshold) break
      weight *= base - threshold
      if (weight > pointMax * base) return undefined // past any string of 63 octets: RFC 3492 §6.4
    }
    const length = points.length + 1
    bias = adapt(i - before, length, before === 0)
    n += Math.floor(i / length)
    i %= length
    if (n > pointMax || (n >= 0xd800 && n <= 0xdfff)) return undefined
    points.splice(i++, 0, n)
  }
  return String.fromCodePoint(...points)
}

/** RFC 3492 §6.1. */
function adapt(difference: number, length: number, first: boolean): number {
  let delta = first ? Math.floor(difference / damp) : difference >> 1
  delta += Math.floor(delta / length)
  let k = 0
  for (; delta > ((base - tMin) * tMax) >> 1; k += base) delta = Math.floor(delta / (base - tMin))
  return k + Math.floor(((base - tMin + 1) * delta) / (delta + skew))
}

function digitOf(code: number): number | undefined {
  if (code >= 0x61 && code <= 0x7a) return code - 0x61
  return code >= 0x30 && code <= 0x39 ? code - 0x30 + 26 : undefined // NaN past the end is neither
}
