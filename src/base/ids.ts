// Identifiers that a stranger cannot guess. Web Crypto only, so the browser's client can use it.

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

const pool = new Uint8Array(4096)
let left = 0

/** `length` characters of the URL-safe base64 alphabet, six random bits each. 22 carry 132 bits. */
export function randomId(length = 22): string {
  let id = ''
  for (let i = 0; i < length; i++) {
    if (left === 0) {
      crypto.getRandomValues(pool)
      left = pool.length
    }
    id += alphabet[(pool[--left] as number) & 63]
  }
  return id
}

/** A random whole number in 0..bound-1, unbiased; bound in 1..2^32. */
export function randomBelow(bound: number): number {
  const word = new Uint32Array(1)
  const fair = 0x100000000 - (0x100000000 % bound)
  do crypto.getRandomValues(word)
  while ((word[0] as number) >= fair)
  return (word[0] as number) % bound
}
