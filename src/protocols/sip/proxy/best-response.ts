// Which of the branches' final answers goes back, RFC 3261 §16.7 step 6. Pure.

/** Of 4xx: "preference [...] to responses that provide information affecting resubmission of this request". */
const helpful: ReadonlySet<number> = new Set([401, 407, 415, 420, 484])

/** How far back an answer stands: the lowest goes. 6xx before all, then the lowest class, in 4xx those that help. */
function rank(status: number): number {
  if (status >= 600) return 0
  // That one phone was silent tells least.
  if (status === 408) return 402
  if (status >= 400 && status < 500) return helpful.has(status) ? 400 : 401
  return Math.floor(status / 100) * 100
}

/** The index of the best; the first of those that are equally good. -1 of none. */
export function bestOf(statuses: readonly number[]): number {
  let best = -1
  for (const [i, status] of statuses.entries()) if (best < 0 || rank(status) < rank(statuses[best]!)) best = i
  return best
}

/** "A proxy which receives a 503 SHOULD NOT forward it upstream unless it can determine that any subsequent requests will get one too". */
export const asForwarded = (status: number): number => (status === 503 ? 500 : status)
