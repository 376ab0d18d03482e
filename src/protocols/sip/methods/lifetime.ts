// How long something lasts: what was asked for, within the bounds of the settings (RFC 3261 §10.3, RFC 6665 §4.2.1.1, RFC 3903 §6).

export interface LifetimeBounds {
  readonly min: number
  readonly default: number
  readonly max: number
}

/** Seconds, or 'too-brief' for 423. 0 stays 0: it ends, or asks once. */
export function grantedSeconds(
  asked: number | undefined | 'malformed',
  bounds: LifetimeBounds,
): number | 'too-brief' {
  // RFC 4475 §3.1.2.4: what cannot be read is as if it were absent.
  if (asked === undefined || asked === 'malformed') return Math.max(bounds.default, bounds.min)
  if (asked === 0) return 0
  // "If and only if the requested expiration interval is greater than zero AND smaller than one hour AND less than a
  // registrar-configured minimum", RFC 3261 §10.3.
  if (asked < bounds.min && asked < 3600) return 'too-brief'
  return Math.min(asked, Math.max(bounds.max, bounds.min))
}
