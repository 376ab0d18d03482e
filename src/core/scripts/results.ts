// Between what a script decides and outcomes, for whatever is neither call nor device: RFC 3880 §6.1.1, §6.2, §6.3.
import {
  addressOfUri,
  type Condition,
  type Outcome,
  type ProxyResult,
  type Refused,
  type RejectStatus,
  refused,
  type ScriptLocation,
} from '#model'

/** §6.3.1 */
const words = { busy: 486, notfound: 404, reject: 603, error: 500 } as const

/** What protocols other than SIP make of a status; what is not here goes by its class. */
const conditions: Readonly<Record<number, Condition>> = {
  403: 'permission-denied',
  404: 'target-unknown',
  408: 'remote-timeout',
  410: 'target-unknown',
  413: 'message-too-large',
  415: 'content-not-understood',
  433: 'permission-denied',
  480: 'temporarily-unavailable',
  482: 'loop-detected',
  483: 'too-many-hops',
  486: 'temporarily-unavailable',
  488: 'not-acceptable',
  600: 'temporarily-unavailable',
  603: 'permission-denied',
  604: 'target-unknown',
  606: 'not-acceptable',
  607: 'permission-denied',
  608: 'permission-denied',
}
const classes: Readonly<Record<number, Condition>> = {
  4: 'not-acceptable',
  5: 'internal-fault',
  6: 'permission-denied',
}

/** A `reject`, as its sender is told. */
export function rejection(status: RejectStatus, reason: string): Refused {
  const number = typeof status === 'number' ? status : words[status]
  const condition = conditions[number] ?? classes[Math.floor(number / 100)] ?? 'permission-denied'
  return { ...refused(condition), said: { status: number, reason: reason.replace(/\p{Cc}+/gu, ' ') } }
}

/** A `redirect`: its sender may go there. Where no place names a person, no protocol but SIP could say it. */
export function redirection(locations: readonly ScriptLocation[], permanent: boolean): Refused {
  const condition = permanent ? 'permanently-forwarded' : 'temporarily-forwarded'
  const told =
    locations.find(({ uri }) => addressOfUri(uri) !== undefined) ?? (locations[0] as ScriptLocation)
  return { kind: 'refused', condition, location: told.uri, locations }
}

const busy: ReadonlySet<number | undefined> = new Set([486, 600])

/** Which output of `proxy` a refusal leads to. */
export function resultOf({ condition, said, detail }: Refused): ProxyResult {
  const status = said?.status ?? (detail?.protocol === 'sip' ? detail.code : undefined)
  if (busy.has(status)) return 'busy'
  if (condition === 'temporarily-forwarded' || condition === 'permanently-forwarded') return 'redirection'
  return condition === 'remote-timeout' ? 'noanswer' : 'failure'
}

const ranks: readonly ProxyResult[] = ['redirection', 'busy', 'failure', 'noanswer']

/** The one that tells its sender most. */
export function bestOf(refusals: readonly Refused[]): Refused | undefined {
  const rank = (one: Refused): number => ranks.indexOf(resultOf(one))
  return refusals.reduce<Refused | undefined>(
    (best, one) => (best === undefined || rank(one) < rank(best) ? one : best),
    undefined,
  )
}

export function isTaken(outcome: Outcome): outcome is Exclude<Outcome, Refused> {
  return outcome.kind !== 'refused'
}
