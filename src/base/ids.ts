// Identifiers that a stranger cannot guess. Web Crypto only, so the browser's client can use it.

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

const codes = Array.from(alphabet, (one) => one.charCodeAt(0))

const pool = new Uint8Array(4096)
let left = 0

/** `length` characters of the URL-safe base64 alphabet, six random bits each. 22 carry 132 bits. */
export function randomId(length = 22): string {
  let id = ''
  let wanted = length
  // Hot: four at a time, for each addition makes a text.
  for (; wanted >= 4; wanted -= 4)
    id += String.fromCharCode(character(), character(), character(), character())
  for (; wanted > 0; wanted--) id += String.fromCharCode(character())
  return id
}

/** The code of a random character of the alphabet. */
function character(): number {
  if (left === 0) {
    crypto.getRandomValues(pool)
    left = pool.length
  }
  return codes[(pool[--left] as number) & 63] as number
}

/** Digits in the order of their code points, so that text compares as the number does. */
const ordered = '-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz'
let orderedMillisecond = -1
let orderedPrefix = ''

/**
 * An identifier that sorts by its time, to the millisecond, and cannot be guessed: 8 characters of time, then 16 that carry 96
 * random bits. An index of such grows at its end.
 * @param now milliseconds since the epoch, 0..2^48-1
 */
export function orderedId(now: number): string {
  if (now !== orderedMillisecond) {
    orderedMillisecond = now
    orderedPrefix = ''
    for (let left = now, i = 0; i < 8; i++) {
      orderedPrefix = (ordered[left % 64] as string) + orderedPrefix
      left = Math.floor(left / 64)
    }
  }
  return orderedPrefix + randomId(16)
}

/** A random whole number in 0..bound-1, unbiased; bound in 1..2^32. */
export function randomBelow(bound: number): number {
  const word = new Uint32Array(1)
  const fair = 0x100000000 - (0x100000000 % bound)
  do crypto.getRandomValues(word)
  while ((word[0] as number) >= fair)
  return (word[0] as number) % bound
}
