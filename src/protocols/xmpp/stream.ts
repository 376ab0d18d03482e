// The negotiation of a client's stream (RFC 6120 §4.3, §5, §6, §7), pure: (state, input) -> new state and effects.
// Once it is `open`, stanzas go past it.
import type { Bytes } from '#base'
import type { Address } from '#model'
import type { SaslCondition, SaslInput } from './codec/sasl.ts'
import type { StreamLimits } from './codec/stream-limits.ts'
import type { Features, StreamCondition } from './codec/stream-text.ts'

export interface StreamPolicy {
  /** Our own domains, prepared; the first is served to those who name none. */
  readonly domains: readonly string[]
  /** Whether we have a certificate to offer STARTTLS with. */
  readonly hasTls: boolean
  /** Whether login and stanzas may go without TLS. */
  readonly mayStayClear: boolean
  /** LIMIT: failed logins on one stream (RFC 6120 §6.4.5 asks for 2 to 5). */
  readonly failuresMax: number
  /** Whether all clients are sent elsewhere (RFC 6120 §4.9.3.19). */
  readonly isElsewhere: boolean
  /** What is told of the limits (XEP-0478): before login, and of a session. */
  readonly limits: Readonly<Record<'login' | 'open', StreamLimits>>
}

export type StreamPhase = 'header' | 'features' | 'tls' | 'sasl' | 'proving' | 'binding' | 'open' | 'closed'

export interface StreamState {
  readonly phase: StreamPhase
  readonly secure: boolean
  readonly domain: string
  /** Who logged in. */
  readonly user: Address | undefined
  readonly failures: number
  /** Whether our header went out, so that an error has a stream to stand in (RFC 6120 §4.9.1.2). */
  readonly headerSent: boolean
}

export type StreamInput =
  | {
      readonly kind: 'header'
      readonly isStream: boolean
      readonly isClient: boolean
      /** Prepared; undefined when absent, '' when it is no domain. */
      readonly to: string | undefined
      readonly version: string | undefined
      /** What the client may use on this channel now. */
      readonly mechanisms: readonly string[]
      readonly channelBindings: readonly string[]
    }
  | { readonly kind: 'starttls'; readonly unread: number }
  | { readonly kind: 'secured' }
  | { readonly kind: 'sasl'; readonly sasl: SaslInput }
  | { readonly kind: 'challenge'; readonly data: Bytes }
  | { readonly kind: 'proven'; readonly user: Address; readonly data: Bytes | undefined }
  | { readonly kind: 'failed'; readonly condition: SaslCondition; readonly isGuess?: boolean }
  | { readonly kind: 'bind'; readonly id: string; readonly resource: string | undefined }
  | { readonly kind: 'bound' }
  | { readonly kind: 'not-bound' }
  | { readonly kind: 'other' }
  | { readonly kind: 'end' }
  | { readonly kind: 'enable' }
  | { readonly kind: 'resume'; readonly previous: string; readonly h: number }
  | { readonly kind: 'error'; readonly condition: StreamCondition; readonly more?: string | undefined }

export type StreamEffect =
  | { readonly do: 'send-header' }
  | { readonly do: 'send-features'; readonly features: Features }
  | { readonly do: 'proceed' }
  | { readonly do: 'begin-sasl'; readonly mechanism: string; readonly data: Bytes | undefined }
  | { readonly do: 'continue-sasl'; readonly data: Bytes }
  | { readonly do: 'send-challenge'; readonly data: Bytes }
  | { readonly do: 'send-success'; readonly data: Bytes | undefined }
  | { readonly do: 'send-failure'; readonly condition: SaslCondition }
  | { readonly do: 'bind'; readonly id: string; readonly resource: string | undefined }
  | { readonly do: 'resume'; readonly previous: string; readonly h: number }
  /** Stream management out of its order (XEP-0198 §3). */
  | { readonly do: 'send-failed' }
  | { readonly do: 'close'; readonly error: StreamCondition | undefined; readonly more?: string | undefined }

export type StreamStep = readonly [state: StreamState, effects: readonly StreamEffect[]]

export function streamStart(policy: StreamPolicy, secure: boolean): StreamState {
  return {
    phase: 'header',
    secure,
    domain: policy.domains[0] ?? '',
    user: undefined,
    failures: 0,
    headerSent: false,
  }
}

export function streamStep(policy: StreamPolicy, state: StreamState, input: StreamInput): StreamStep {
  if (state.phase === 'closed') return [state, []]
  if (input.kind === 'error') return closed(state, input.condition, input.more)
  if (input.kind === 'end') return closed(state, undefined)
  switch (state.phase) {
    case 'header':
      return input.kind === 'header' ? header(policy, state, input) : closed(state, 'bad-format')
    case 'features':
      return features(policy, state, input)
    case 'tls':
      // RFC 6120 §5.4.3.3: after <proceed/> the next thing is the handshake, then a new stream.
      if (input.kind !== 'secured') return closed(state, 'policy-violation')
      return [{ ...state, phase: 'header', secure: true, headerSent: false }, []]
    case 'sasl':
      return sasl(policy, state, input)
    case 'proving':
      return proving(policy, state, input)
    case 'binding':
      if (input.kind === 'bound') return [{ ...state, phase: 'open' }, []]
      if (input.kind === 'not-bound') return [{ ...state, phase: 'features' }, []]
      return closed(state, 'policy-violation')
    case 'open':
      return closed(state, 'bad-format')
  }
}

function closed(state: StreamState, error: StreamCondition | undefined, more?: string): StreamStep {
  // RFC 6120 §4.9.1.2: an error during set-up still gets a header before it.
  const open: readonly StreamEffect[] = state.headerSent ? [] : [{ do: 'send-header' }]
  return [{ ...state, phase: 'closed', headerSent: true }, [...open, { do: 'close', error, more }]]
}

function header(
  policy: StreamPolicy,
  state: StreamState,
  input: Extract<StreamInput, { kind: 'header' }>,
): StreamStep {
  // RFC 6120 §4.8.1, §4.8.2
  if (!input.isStream || !input.isClient) return closed(state, 'invalid-namespace')
  const domain = input.to ?? policy.domains[0] ?? ''
  if (!policy.domains.includes(domain))
    return closed(state, domain === '' ? 'improper-addressing' : 'host-unknown')
  const named = { ...state, domain }
  // RFC 6120 §4.7.5: a lower major version lacks everything that follows.
  if (!/^[1-9][0-9]*\.[0-9]+$/.test(input.version ?? '')) return closed(named, 'unsupported-version')
  // RFC 6120 §4.3.3: a stream restarted after login is for the same domain.
  if (state.user !== undefined && domain !== state.domain) return closed(state, 'host-unknown')
  // RFC 6120 §4.9.3.19: whoever is to go elsewhere hears it first of all.
  if (policy.isElsewhere) return closed(named, 'see-other-host')
  const next: StreamState = { ...named, phase: 'features', headerSent: true }
  return [next, [{ do: 'send-header' }, { do: 'send-features', features: offered(policy, next, input) }]]
}

function offered(
  policy: StreamPolicy,
  state: StreamState,
  { mechanisms, channelBindings }: Extract<StreamInput, { kind: 'header' }>,
): Features {
  if (state.user !== undefined)
    return { startTls: 'no', mechanisms: [], channelBindings: [], bind: true, limits: policy.limits.open }
  const mayLogIn = state.secure || policy.mayStayClear
  const startTls = state.secure || !policy.hasTls ? 'no' : policy.mayStayClear ? 'offered' : 'required'
  // RFC 6120 §5.3.1: where TLS is required, it is all that is offered.
  return {
    startTls,
    mechanisms: mayLogIn ? mechanisms : [],
    channelBindings: mayLogIn ? channelBindings : [],
    bind: false,
    limits: policy.limits.login,
  }
}

function features(policy: StreamPolicy, state: StreamState, input: StreamInput): StreamStep {
  if (input.kind === 'starttls') {
    if (state.secure || !policy.hasTls || state.user !== undefined) return closed(state, 'policy-violation')
    // RFC 6120 §5.4.3.3: nothing may follow <starttls/> in the clear; it could have been injected.
    if (input.unread > 0) return closed(state, 'policy-violation')
    return [{ ...state, phase: 'tls' }, [{ do: 'proceed' }]]
  }
  if (input.kind === 'sasl') {
    if (state.user !== undefined) return closed(state, 'policy-violation')
    if (!state.secure && !policy.mayStayClear) {
      // RFC 6120 §6.5.4
      return [state, [{ do: 'send-failure', condition: 'encryption-required' }]]
    }
    return sasl(policy, { ...state, phase: 'sasl' }, input, true)
  }
  if (input.kind === 'bind' && state.user !== undefined) {
    return [{ ...state, phase: 'binding' }, [{ do: 'bind', id: input.id, resource: input.resource }]]
  }
  if (input.kind === 'resume' && state.user !== undefined) {
    return [{ ...state, phase: 'binding' }, [{ do: 'resume', previous: input.previous, h: input.h }]]
  }
  // XEP-0198 §3, §10: not before login, nor before a resource.
  if (input.kind === 'enable' || input.kind === 'resume') return [state, [{ do: 'send-failed' }]]
  // RFC 6120 §4.3.5, §7.1: no stanza before login and a resource.
  return closed(state, 'not-authorized')
}

function sasl(policy: StreamPolicy, state: StreamState, input: StreamInput, first = false): StreamStep {
  if (input.kind !== 'sasl') return closed(state, 'not-authorized')
  const heard = input.sasl
  switch (heard.kind) {
    case 'auth':
      if (!first) return failed(policy, state, 'malformed-request')
      return [
        { ...state, phase: 'proving' },
        [{ do: 'begin-sasl', mechanism: heard.mechanism, data: heard.data }],
      ]
    case 'response':
      if (first) return failed(policy, state, 'malformed-request')
      return [{ ...state, phase: 'proving' }, [{ do: 'continue-sasl', data: heard.data }]]
    case 'abort':
      return failed(policy, state, 'aborted')
    case 'incorrect-encoding':
    case 'malformed-request':
      return failed(policy, state, heard.kind)
  }
}

function proving(policy: StreamPolicy, state: StreamState, input: StreamInput): StreamStep {
  switch (input.kind) {
    case 'challenge':
      return [{ ...state, phase: 'sasl' }, [{ do: 'send-challenge', data: input.data }]]
    case 'proven':
      // RFC 6120 §6.4.6: the client begins a new stream.
      return [
        { ...state, phase: 'header', user: input.user, headerSent: false },
        [{ do: 'send-success', data: input.data }],
      ]
    case 'failed':
      // COMPAT: slixmpp 1.8.3 (Debian 12) tries each SCRAM with tls-unique, then each without, before PLAIN: six refusals under TLS 1.3,
      // none of them about a password. LIMIT: the time that a negotiation may take.
      if (input.isGuess === false) {
        return [{ ...state, phase: 'features' }, [{ do: 'send-failure', condition: input.condition }]]
      }
      return failed(policy, state, input.condition)
    default:
      // The client must wait for our answer.
      return closed(state, 'policy-violation')
  }
}

function failed(policy: StreamPolicy, state: StreamState, condition: SaslCondition): StreamStep {
  const failures = state.failures + 1
  const failure: StreamEffect = { do: 'send-failure', condition }
  // RFC 6120 §6.4.5: after that many the stream is closed.
  if (failures < policy.failuresMax) return [{ ...state, phase: 'features', failures }, [failure]]
  return [{ ...state, phase: 'closed', failures }, [failure, { do: 'close', error: 'policy-violation' }]]
}
