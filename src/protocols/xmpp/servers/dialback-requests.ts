// Requests of dialback that come by a stream, whoever opened it (XEP-0220 §2.2, XEP-0288 §2.2), pure: a domain asks to be believed, or
// asks whether a key is ours.
import type { Dialback } from '../codec/server-stream.ts'
import type { StanzaCondition } from '../codec/stanza-error.ts'
import type { ProofPolicy } from './environment.ts'

/** LIMIT: pairs of domains on one stream, those being verified included (XEP-0220 §2.5). */
export const pairsMax = 100

export interface ReceivingPolicy {
  readonly isOurs: (domain: string) => boolean
  /** False: nothing is taken from it. */
  readonly isAllowed: (domain: string) => boolean
  readonly proofOf: (domain: string) => ProofPolicy
}

/** What a stream knows of the domains that ask by it. */
export interface Verification {
  readonly secure: boolean
  /** `ours theirs`: requests whose keys are being verified, and pairs that are authorized. */
  readonly verifying: readonly string[]
  readonly authorized: readonly string[]
}

export interface DialbackRequest {
  readonly dialback: Dialback
  /** Of a `result`, whether the other side's certificate proves `from`; of a `verify`, whether the key is ours. */
  readonly proves: boolean
}

/** What became of a key. */
export interface Verdict {
  readonly from: string
  readonly to: string
  readonly answer: 'valid' | 'invalid' | StanzaCondition
}

export type DialbackEffect =
  | { readonly do: 'check-key'; readonly from: string; readonly to: string; readonly key: string }
  | {
      readonly do: 'send-dialback'
      readonly answer: Parameters<typeof import('../codec/server-stream.ts').dialbackText>[0]
    }
  | {
      readonly do: 'authorize'
      readonly ours: string
      readonly theirs: string
      readonly by: 'certificate' | 'dialback'
    }
  | { readonly do: 'refused'; readonly theirs: string; readonly why: string }

type Step<S> = readonly [state: S, effects: readonly DialbackEffect[]]

/** A request; answers to requests of ours are not for here. */
export function requested<S extends Verification>(
  policy: ReceivingPolicy,
  state: S,
  { dialback, proves }: DialbackRequest,
): Step<S> {
  const { kind, from, to, id, key } = dialback
  if (kind === 'verify') {
    // XEP-0220 §2.2.2: we are the authoritative server; whoever asks learns nothing else.
    const answer = policy.isOurs(to)
      ? ({ kind, from: to, to: from, id, type: proves ? 'valid' : 'invalid' } as const)
      : ({ kind, from: to, to: from, id, type: 'error', condition: 'item-not-found' } as const)
    return [state, [{ do: 'send-dialback', answer }]]
  }
  const condition = refusalOf(policy, state, from, to, proves)
  if (condition !== undefined) return refuse(state, from, to, condition)
  const pair = pairOf(to, from)
  if (state.verifying.includes(pair)) return [state, []]
  // The certificate proves it: nobody need be asked (XEP-0220 §1, "dialback without dialing back").
  if (proves && state.secure) return accept(state, from, to, 'certificate')
  return [{ ...state, verifying: [...state.verifying, pair] }, [{ do: 'check-key', from, to, key }]]
}

/** XEP-0220 §2.2.1, §2.5 */
function refusalOf(
  policy: ReceivingPolicy,
  state: Verification,
  from: string,
  to: string,
  proves: boolean,
): StanzaCondition | undefined {
  if (!policy.isOurs(to)) return 'item-not-found'
  if (policy.isOurs(from) || !policy.isAllowed(from)) return 'policy-violation'
  const { tls, dialback: mayDial } = policy.proofOf(from)
  if (!state.secure && tls !== 'none') return 'policy-violation'
  if (!mayDial && !proves) return 'not-authorized'
  // LIMIT
  return state.authorized.length + state.verifying.length >= pairsMax ? 'resource-constraint' : undefined
}

function refuse<S extends Verification>(
  state: S,
  from: string,
  to: string,
  condition: StanzaCondition,
): Step<S> {
  const why = `dialback refused: ${condition}`
  return [
    state,
    [
      { do: 'send-dialback', answer: { kind: 'result', from: to, to: from, type: 'error', condition } },
      { do: 'refused', theirs: from, why },
    ],
  ]
}

function accept<S extends Verification>(
  state: S,
  from: string,
  to: string,
  by: 'certificate' | 'dialback',
): Step<S> {
  const pair = pairOf(to, from)
  const isNew = !state.authorized.includes(pair)
  const next: S = {
    ...state,
    verifying: state.verifying.filter((each) => each !== pair),
    authorized: isNew ? [...state.authorized, pair] : state.authorized,
  }
  return [
    next,
    [
      { do: 'send-dialback', answer: { kind: 'result', from: to, to: from, type: 'valid' } },
      ...(isNew ? [{ do: 'authorize', ours: to, theirs: from, by } as const] : []),
    ],
  ]
}

/** What the domain itself said of a key. */
export function verified<S extends Verification>(state: S, { from, to, answer }: Verdict): Step<S> {
  const pair = pairOf(to, from)
  if (!state.verifying.includes(pair)) return [state, []]
  if (answer === 'valid') return accept(state, from, to, 'dialback')
  const left: S = { ...state, verifying: state.verifying.filter((each) => each !== pair) }
  if (answer !== 'invalid') return refuse(left, from, to, answer)
  const refusal = { kind: 'result', from: to, to: from, type: 'invalid' } as const
  return [
    left,
    [
      { do: 'send-dialback', answer: refusal },
      { do: 'refused', theirs: from, why: wrongKey },
    ],
  ]
}

export const wrongKey = "the key is not the domain's own"

export function pairOf(ours: string, theirs: string): string {
  return `${ours} ${theirs}`
}
