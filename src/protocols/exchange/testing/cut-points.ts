// Behind which octets what crosses is cut: each of them with VERONA_SOAK, else some, drawn from a seed that failures print.

/** VERONA_SEED=n cuts where that run did. */
export const seed = Number(process.env.VERONA_SEED) || 1 + Math.floor(Math.random() * 1_000_000)

/** @param most at most so many without VERONA_SOAK */
export function cutPoints(octets: number, most = 30): readonly number[] {
  const step = Number(process.env.VERONA_SOAK) > 0 ? 1 : Math.ceil(octets / most)
  const points: number[] = []
  for (let cut = 1 + (seed % step); cut <= octets; cut += step) points.push(cut)
  return points
}

export function cutFailed(cut: number, octets: number, cause: Error): Error {
  return new Error(`cut behind octet ${cut} of ${octets} (VERONA_SEED=${seed}): ${cause.message}`, { cause })
}
