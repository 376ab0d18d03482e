// The negotiation of a stream that we open to another domain (RFC 6120 §4.3, §5, §6; XEP-0178 §3, XEP-0220 §2.1, XEP-0288, XEP-0198),
// pure: (state, input) -> new state and effects. Once it is `open`, stanzas go past it.
import type { Dialback, ServerFeatures, ServerHeader } from '../codec/server-stream.ts'
import type { ProofPolicy } from './environment.ts'
import type { Proof } from './identity.ts'

export interface InitiatingPolicy extends ProofPolicy {
  readonly ours: string
  readonly theirs: string
  /** `verify`: it only asks about a key, in the role of a receiving server (XEP-0220 §2.1.2). */
  readonly purpose: 'carry' | 'verify'
  /** A stream that broke, to be resumed (XEP-0198 §5). */
  readonly resumes: boolean
}

export type InitiatingPhase =
  | 'header'
  | 'features'
  | 'tls-asked'
  | 'tls'
  | 'proving'
  | 'dialing'
  | 'verifying'
  | 'resuming'
  | 'enabling'
  | 'open'
  | 'closed'

export interface InitiatingState {
  readonly phase: InitiatingPhase
  readonly secure: boolean
  /** Theirs: what a dialback key is for. */
  readonly streamId: string
  readonly isProven: boolean
  /** By what we proved ourselves, once we have. */
  readonly provenBy: 'certificate' | 'dialback'
  readonly hasDialback: boolean
  readonly features: ServerFeatures | undefined
  readonly bidi: boolean
}

export type InitiatingInput =
  | { readonly kind: 'header'; readonly header: ServerHeader }
  | { readonly kind: 'features'; readonly features: ServerFeatures }
  | { readonly kind: 'proceed' }
  | { readonly kind: 'tls-failure' }
  | { readonly kind: 'secured'; readonly proof: Proof }
  | { readonly kind: 'success' }
  | { readonly kind: 'failure'; readonly condition: string }
  | { readonly kind: 'dialback'; readonly dialback: Dialback }
  | { readonly kind: 'enabled' }
  | { readonly kind: 'resumed' }
  | { readonly kind: 'not-managed' }
  | { readonly kind: 'stream-error'; readonly condition: string }
  | { readonly kind: 'other' }
  | { readonly kind: 'end' }
  | { readonly kind: 'give-up'; readonly why: string }

export type InitiatingEffect =
  | { readonly do: 'send-header' }
  | { readonly do: 'send-starttls' }
  | { readonly do: 'start-tls' }
  | { readonly do: 'send-bidi' }
  | { readonly do: 'send-external' }
  | { readonly do: 'send-key'; readonly streamId: string }
  | { readonly do: 'send-verify' }
  | { readonly do: 'send-enable' }
  | { readonly do: 'send-resume' }
  /** A new stream begins with the next octet (RFC 6120 §6.4.6). */
  | { readonly do: 'restart' }
  | { readonly do: 'answered'; readonly answer: 'valid' | 'invalid' | Dialback['condition'] }
  | { readonly do: 'ready'; readonly managed: 'no' | 'enabled' | 'resumed' }
  /** `unsaid`: they broke it off without a word. */
  | { readonly do: 'close'; readonly why: string; readonly unsaid: boolean }

export type InitiatingStep = readonly [state: InitiatingState, effects: readonly InitiatingEffect[]]

export function initiatingStart(secure: boolean): InitiatingState {
  return {
    phase: 'header',
    secure,
    streamId: '',
    isProven: false,
    provenBy: 'certificate',
    hasDialback: false,
    features: undefined,
    bidi: false,
  }
}

export function initiatingStep(
  policy: InitiatingPolicy,
  state: InitiatingState,
  input: InitiatingInput,
): InitiatingStep {
  if (state.phase === 'closed') return [state, []]
  if (input.kind === 'give-up') return closed(state, input.why)
  if (input.kind === 'stream-error') return closed(state, `the other side said ${input.condition}`)
  if (input.kind === 'end') return closed(state, 'the other side closed it', state.phase === 'header')
  switch (state.phase) {
    case 'header':
      return input.kind === 'header' ? header(policy, state, input.header) : unexpected(state)
    case 'features':
      return input.kind === 'features' ? features(policy, state, input.features) : unexpected(state)
    case 'tls-asked':
      if (input.kind === 'proceed') return [{ ...state, phase: 'tls' }, [{ do: 'start-tls' }]]
      return input.kind === 'tls-failure' ? closed(state, 'STARTTLS was refused') : unexpected(state)
    case 'tls':
      return input.kind === 'secured' ? secured(policy, state, input.proof) : unexpected(state)
    case 'proving':
      if (input.kind === 'success')
        return [{ ...state, phase: 'header', isProven: true }, [{ do: 'restart' }, { do: 'send-header' }]]
      // RFC 6120 §6.4.5: another way may be tried on the same stream.
      return input.kind === 'failure'
        ? dial(policy, state, `our certificate was refused (${input.condition})`)
        : unexpected(state)
    case 'dialing':
      return input.kind === 'dialback' ? dialed(policy, state, input.dialback) : [state, []]
    case 'verifying':
      return input.kind === 'dialback' ? answered(policy, state, input.dialback) : [state, []]
    case 'resuming':
      if (input.kind === 'resumed')
        return [{ ...state, phase: 'open' }, [{ do: 'ready', managed: 'resumed' }]]
      // XEP-0198 §5: what was is over; the stream can still carry.
      return input.kind === 'not-managed'
        ? [{ ...state, phase: 'enabling' }, [{ do: 'send-enable' }]]
        : [state, []]
    case 'enabling':
      if (input.kind === 'enabled')
        return [{ ...state, phase: 'open' }, [{ do: 'ready', managed: 'enabled' }]]
      return input.kind === 'not-managed'
        ? [{ ...state, phase: 'open' }, [{ do: 'ready', managed: 'no' }]]
        : [state, []]
    case 'open':
      return [state, []]
  }
}

function closed(state: InitiatingState, why: string, unsaid = false): InitiatingStep {
  return [{ ...state, phase: 'closed' }, [{ do: 'close', why, unsaid }]]
}

function unexpected(state: InitiatingState): InitiatingStep {
  return closed(state, `the other side does not keep to the protocol (in ${state.phase})`)
}

function header(policy: InitiatingPolicy, state: InitiatingState, said: ServerHeader): InitiatingStep {
  if (!said.isStream || !said.isServer) return closed(state, 'no server of XMPP answers there')
  if (!/^[1-9]/.test(said.version ?? '')) return closed(state, 'the other side speaks no XMPP 1.0')
  // RFC 6120 §4.7.1: whoever answers must be who was asked for.
  if (said.from !== undefined && said.from !== policy.theirs)
    return closed(state, `${said.from === '' ? 'nobody' : said.from} answers there`)
  return [{ ...state, phase: 'features', streamId: said.id, hasDialback: said.hasDialback }, []]
}

function features(
  policy: InitiatingPolicy,
  before: InitiatingState,
  offered: ServerFeatures,
): InitiatingStep {
  const state = { ...before, features: offered, hasDialback: before.hasDialback || offered.dialback }
  if (state.isProven) return manage(policy, state)
  if (!state.secure && offered.startTls !== 'no')
    return [{ ...state, phase: 'tls-asked' }, [{ do: 'send-starttls' }]]
  if (!state.secure && policy.tls !== 'none') return closed(state, 'the other side offers no TLS')
  if (policy.purpose === 'verify') return [{ ...state, phase: 'verifying' }, [{ do: 'send-verify' }]]
  const bidi: readonly InitiatingEffect[] = offered.bidi ? [{ do: 'send-bidi' }] : []
  const next = { ...state, bidi: offered.bidi }
  if (state.secure && offered.external)
    return [{ ...next, phase: 'proving' }, [...bidi, { do: 'send-external' }]]
  const [dialing, effects] = dial(policy, next, 'the other side does not take our certificate')
  return [dialing, dialing.phase === 'closed' ? effects : [...bidi, ...effects]]
}

function secured(policy: InitiatingPolicy, state: InitiatingState, proof: Proof): InitiatingStep {
  if (policy.tls === 'verified' && !proof.proven) return closed(state, proof.why)
  return [
    { ...state, phase: 'header', secure: true, features: undefined },
    [{ do: 'restart' }, { do: 'send-header' }],
  ]
}

/** How we prove ourselves where certificates do not; whom we trust is decided by theirs (`tls`). */
function dial(policy: InitiatingPolicy, state: InitiatingState, why: string): InitiatingStep {
  if (!policy.dialback) return closed(state, `${why}, and dialback is switched off`)
  if (!state.hasDialback) return closed(state, `${why}, and it knows no dialback`)
  return [{ ...state, phase: 'dialing' }, [{ do: 'send-key', streamId: state.streamId }]]
}

function dialed(policy: InitiatingPolicy, state: InitiatingState, said: Dialback): InitiatingStep {
  if (said.kind !== 'result' || said.from !== policy.theirs || said.to !== policy.ours) return [state, []]
  if (said.type === 'request') return [state, []]
  if (said.type === 'valid') return manage(policy, { ...state, isProven: true, provenBy: 'dialback' })
  return closed(
    state,
    said.type === 'invalid' ? 'our dialback key was refused' : `dialback failed there: ${said.condition}`,
  )
}

function answered(policy: InitiatingPolicy, state: InitiatingState, said: Dialback): InitiatingStep {
  if (said.kind !== 'verify' || said.from !== policy.theirs || said.to !== policy.ours) return [state, []]
  if (said.type === 'request') return [state, []]
  const answer = said.type === 'error' ? said.condition : said.type
  return [
    { ...state, phase: 'closed' },
    [
      { do: 'answered', answer },
      { do: 'close', why: 'answered', unsaid: false },
    ],
  ]
}

function manage(policy: InitiatingPolicy, state: InitiatingState): InitiatingStep {
  if (state.features?.management !== true)
    return [{ ...state, phase: 'open' }, [{ do: 'ready', managed: 'no' }]]
  return policy.resumes
    ? [{ ...state, phase: 'resuming' }, [{ do: 'send-resume' }]]
    : [{ ...state, phase: 'enabling' }, [{ do: 'send-enable' }]]
}
