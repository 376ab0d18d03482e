// The negotiation of a stream that another domain's server opened (RFC 6120 §4.3, §5, §6; XEP-0178 §3, XEP-0220 §2.2, XEP-0288),
// pure: (state, input) -> new state and effects. Stanzas go past it, by the pairs of domains that it authorized.
import type { ServerFeatures, ServerHeader } from '../codec/server-stream.ts'
import type { StreamCondition } from '../codec/stream-text.ts'
import {
  type DialbackEffect,
  type DialbackRequest,
  pairOf,
  type ReceivingPolicy,
  requested,
  type Verdict,
  type Verification,
  verified,
  wrongKey,
} from './dialback-requests.ts'

export interface ReceivingState extends Verification {
  readonly phase: 'header' | 'features' | 'tls' | 'closed'
  readonly headerSent: boolean
  readonly ours: string
  /** Who it says that it is; '' while it has not. */
  readonly theirs: string
  /** Proven by SASL. */
  readonly isProven: boolean
  readonly bidi: boolean
  readonly failures: number
}

export type ReceivingInput =
  /** `proves`: its certificate proves `from`. */
  | { readonly kind: 'header'; readonly header: ServerHeader; readonly proves: boolean }
  | { readonly kind: 'starttls'; readonly unread: number }
  | { readonly kind: 'secured' }
  /** `proves`: its certificate proves the domain in whose name it asks. */
  | { readonly kind: 'external'; readonly domain: string; readonly proves: boolean }
  | { readonly kind: 'other-mechanism' }
  | { readonly kind: 'bidi' }
  | ({ readonly kind: 'dialback' } & DialbackRequest)
  | ({ readonly kind: 'verified' } & Verdict)
  | { readonly kind: 'not-authorized' }
  | { readonly kind: 'end' }
  | { readonly kind: 'error'; readonly condition: StreamCondition; readonly why: string }

export type ReceivingEffect =
  | DialbackEffect
  | { readonly do: 'send-header' }
  | { readonly do: 'send-features'; readonly features: ServerFeatures }
  | { readonly do: 'proceed' }
  | { readonly do: 'send-success' }
  | {
      readonly do: 'send-failure'
      readonly condition: 'not-authorized' | 'invalid-mechanism' | 'invalid-authzid'
    }
  | { readonly do: 'close'; readonly error: StreamCondition | undefined; readonly why: string }

export type ReceivingStep = readonly [state: ReceivingState, effects: readonly ReceivingEffect[]]

export function receivingStart(secure: boolean): ReceivingState {
  return {
    phase: 'header',
    secure,
    headerSent: false,
    ours: '',
    theirs: '',
    isProven: false,
    bidi: false,
    verifying: [],
    authorized: [],
    failures: 0,
  }
}

export function receivingStep(
  policy: ReceivingPolicy,
  state: ReceivingState,
  input: ReceivingInput,
): ReceivingStep {
  if (state.phase === 'closed') return [state, []]
  if (input.kind === 'error') return closed(state, input.condition, input.why)
  if (input.kind === 'end') return closed(state, undefined, 'the other side closed it')
  if (input.kind === 'verified') return judged(state, input)
  switch (state.phase) {
    case 'header':
      if (input.kind === 'header') return header(policy, state, input)
      return closed(state, 'bad-format', 'no stream header')
    case 'tls':
      // RFC 6120 §5.4.3.3: after <proceed/> the next thing is the handshake, then a new stream.
      if (input.kind !== 'secured') return closed(state, 'policy-violation', 'words before the handshake')
      return [{ ...state, phase: 'header', secure: true, headerSent: false }, []]
    case 'features':
      return features(policy, state, input)
  }
}

function closed(state: ReceivingState, error: StreamCondition | undefined, why: string): ReceivingStep {
  // RFC 6120 §4.9.1.2: an error during set-up still gets a header before it.
  const open: readonly ReceivingEffect[] = state.headerSent ? [] : [{ do: 'send-header' }]
  return [{ ...state, phase: 'closed', headerSent: true }, [...open, { do: 'close', error, why }]]
}

function header(
  policy: ReceivingPolicy,
  state: ReceivingState,
  { header: said, proves }: Extract<ReceivingInput, { kind: 'header' }>,
): ReceivingStep {
  // RFC 6120 §4.8.1, §4.8.2
  if (!said.isStream || !said.isServer) return closed(state, 'invalid-namespace', 'no stream of a server')
  if (said.to === undefined || said.to === '')
    return closed(state, 'improper-addressing', 'a stream to nobody')
  // RFC 6120 §4.9.3.6
  if (!policy.isOurs(said.to)) return closed(state, 'host-unknown', `a stream to ${said.to}`)
  const theirs = said.from ?? ''
  const named = { ...state, ours: said.to, theirs }
  // RFC 6120 §4.9.3.7
  if (said.from === '' || policy.isOurs(theirs))
    return closed(named, 'invalid-from', "a stream in no domain's name")
  // RFC 6120 §4.7.5
  if (!/^[1-9][0-9]*\.[0-9]+$/.test(said.version ?? ''))
    return closed(named, 'unsupported-version', 'a stream of no version')
  if (theirs !== '' && !policy.isAllowed(theirs))
    return closed(named, 'policy-violation', `${theirs} is not spoken with`)
  // RFC 6120 §4.3.3: a stream restarted after SASL is between the same two.
  if (state.isProven && (theirs !== state.theirs || said.to !== state.ours))
    return closed(state, 'invalid-from', 'a restarted stream in another name')
  const next: ReceivingState = { ...named, phase: 'features', headerSent: true }
  return [next, [{ do: 'send-header' }, { do: 'send-features', features: offered(policy, next, proves) }]]
}

function offered(policy: ReceivingPolicy, state: ReceivingState, proves: boolean): ServerFeatures {
  const { tls, dialback } = policy.proofOf(state.theirs)
  const mayProve = state.secure || tls === 'none'
  return {
    startTls: state.secure ? 'no' : tls === 'none' ? 'offered' : 'required',
    // XEP-0178 §3 step 10: only where it will succeed.
    external: state.secure && proves && !state.isProven,
    // XEP-0220 §2.6: more domains may come by the stream of one that is proven.
    dialback: mayProve && dialback,
    bidi: mayProve && !state.isProven,
    management: mayProve,
  }
}

function features(policy: ReceivingPolicy, state: ReceivingState, input: ReceivingInput): ReceivingStep {
  switch (input.kind) {
    case 'starttls':
      if (state.secure || state.authorized.length + state.verifying.length > 0)
        return closed(state, 'policy-violation', 'TLS out of its order')
      // RFC 6120 §5.4.3.3: nothing may follow <starttls/> in the clear; it could have been injected.
      if (input.unread > 0) return closed(state, 'policy-violation', 'words behind <starttls/>')
      return [{ ...state, phase: 'tls' }, [{ do: 'proceed' }]]
    case 'external':
      return external(policy, state, input)
    case 'other-mechanism':
      return failed(state, 'invalid-mechanism', 'another mechanism than EXTERNAL')
    case 'bidi':
      // XEP-0288 §2.2: before it has proven itself.
      if (state.authorized.length > 0) return closed(state, 'policy-violation', '<bidi/> out of its order')
      return [{ ...state, bidi: true }, []]
    case 'dialback':
      return dialback(policy, state, input)
    case 'not-authorized':
      return closed(state, 'not-authorized', 'stanzas before a proof')
    default:
      return closed(state, 'bad-format', 'out of its order')
  }
}

function external(
  policy: ReceivingPolicy,
  state: ReceivingState,
  { domain, proves }: Extract<ReceivingInput, { kind: 'external' }>,
): ReceivingStep {
  if (state.isProven) return closed(state, 'policy-violation', 'a second proof')
  const theirs = domain === '' ? state.theirs : domain
  // XEP-0178 §3 step 13: the same as `from`, where that was given.
  if (theirs === '' || (state.theirs !== '' && theirs !== state.theirs))
    return failed(state, 'invalid-authzid', 'a proof for another name')
  if (!state.secure || !proves || !policy.isAllowed(theirs))
    return failed({ ...state, theirs }, 'not-authorized', 'the certificate does not prove the domain')
  // RFC 6120 §6.4.6: a new stream begins.
  const next = { ...state, phase: 'header', theirs, isProven: true, headerSent: false } as const
  return [
    { ...next, authorized: [pairOf(state.ours, theirs)] },
    [{ do: 'send-success' }, { do: 'authorize', ours: state.ours, theirs, by: 'certificate' }],
  ]
}

function failed(
  state: ReceivingState,
  condition: Extract<ReceivingEffect, { do: 'send-failure' }>['condition'],
  why: string,
): ReceivingStep {
  const failures = state.failures + 1
  const effects: ReceivingEffect[] = [
    { do: 'send-failure', condition },
    { do: 'refused', theirs: state.theirs, why },
  ]
  // LIMIT: three proofs (RFC 6120 §6.4.5).
  if (failures < 3) return [{ ...state, failures }, effects]
  return [
    { ...state, failures, phase: 'closed' },
    [...effects, { do: 'close', error: 'not-authorized', why }],
  ]
}

function dialback(
  policy: ReceivingPolicy,
  state: ReceivingState,
  request: Extract<ReceivingInput, { kind: 'dialback' }>,
): ReceivingStep {
  const { from, to, type } = request.dialback
  if (from === '' || to === '') return closed(state, 'improper-addressing', 'a dialback between nobody')
  // What only a receiving server answers.
  return type === 'request' ? requested(policy, state, request) : [state, []]
}

function judged(state: ReceivingState, verdict: Verdict): ReceivingStep {
  const [next, effects] = verified(state, verdict)
  // XEP-0220 §2.2.1: an invalid key ends the stream, unless others are served by it.
  if (verdict.answer !== 'invalid' || effects.length === 0 || next.authorized.length > 0)
    return [next, effects]
  return [{ ...next, phase: 'closed' }, [...effects, { do: 'close', error: undefined, why: wrongKey }]]
}
