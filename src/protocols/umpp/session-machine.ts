// The life of one session (UMPP §4.1, RFC 3264, RFC 3261 §13 to §15) as a machine without sockets and clocks: a state and an input give the next
// state and what is to be done.

/**
 * `offering`: our INVITE has no final answer; `placing`: theirs waits until the place that it names was looked up; `accepting`: our 2xx has no ACK
 * yet; `up`; `over`.
 */
export type SessionState = 'offering' | 'placing' | 'accepting' | 'up' | 'over'

export type SessionInput =
  /** Somebody here has a message for it. */
  | { readonly kind: 'message'; readonly isFull: boolean }
  /** Their 2xx has an answer that can be used, or has none. */
  | { readonly kind: 'answered'; readonly isOpener: boolean }
  | { readonly kind: 'answered-amiss' }
  /** Their INVITE can be taken, or can't. */
  | { readonly kind: 'placed' }
  | { readonly kind: 'misplaced' }
  | { readonly kind: 'acknowledged'; readonly isOpener: boolean }
  | { readonly kind: 'refused' }
  /** Nobody answered in time. */
  | { readonly kind: 'late' }
  | { readonly kind: 'offered-again' }
  | { readonly kind: 'withdrawn' }
  | { readonly kind: 'bye' }
  /** The stream could not carry what it was given. */
  | { readonly kind: 'cut' }
  | { readonly kind: 'idle' }
  /** Another one needs its place. */
  | { readonly kind: 'crowded' }
  | { readonly kind: 'stop' }

export type SessionEffect =
  /** The message waits, goes, or is refused: too many wait, or the session is over and another has to be offered. */
  | 'queue'
  | 'carry'
  | 'refuse-full'
  | 'refuse-over'
  /** All that waits goes, in its order; or is refused, or given back. */
  | 'carry-waiting'
  | 'refuse-waiting'
  | 'give-back-waiting'
  | 'open-stream'
  | 'accept'
  | 'refuse'
  | 'answer-again'
  | 'answer-none'
  /** CANCEL, or BYE, whichever it is time for. */
  | 'end-call'

export interface SessionStep {
  readonly state: SessionState
  readonly effects: readonly SessionEffect[]
}

export function sessionStep(state: SessionState, input: SessionInput): SessionStep {
  switch (state) {
    case 'offering':
      return offering(input)
    case 'placing':
      return placing(input)
    case 'accepting':
    case 'up':
      return talking(state, input)
    case 'over':
      return { state, effects: input.kind === 'message' ? ['refuse-over'] : [] }
  }
}

function offering(input: SessionInput): SessionStep {
  switch (input.kind) {
    case 'message':
      return { state: 'offering', effects: [input.isFull ? 'refuse-full' : 'queue'] }
    case 'answered':
      return { state: 'up', effects: [...(input.isOpener ? openStream : nothing), 'carry-waiting'] }
    case 'answered-amiss':
      return { state: 'over', effects: ['refuse-waiting', 'end-call'] }
    case 'refused':
    case 'bye':
      return { state: 'over', effects: ['refuse-waiting'] }
    case 'late':
      return { state: 'over', effects: ['end-call', 'refuse-waiting'] }
    case 'stop':
      return { state: 'over', effects: ['end-call', 'give-back-waiting'] }
    default:
      return { state: 'offering', effects: nothing }
  }
}

function placing(input: SessionInput): SessionStep {
  switch (input.kind) {
    case 'message':
      return { state: 'placing', effects: [input.isFull ? 'refuse-full' : 'queue'] }
    case 'placed':
      return { state: 'accepting', effects: ['accept'] }
    case 'misplaced':
    case 'stop':
      return { state: 'over', effects: ['refuse', 'give-back-waiting'] }
    // They took it back before it was answered.
    case 'refused':
    case 'bye':
      return { state: 'over', effects: ['give-back-waiting'] }
    default:
      return { state: 'placing', effects: nothing }
  }
}

function talking(state: 'accepting' | 'up', input: SessionInput): SessionStep {
  switch (input.kind) {
    case 'message':
      // Before the ACK it is not known that they know our JID.
      if (state === 'up') return { state, effects: ['carry'] }
      return { state, effects: [input.isFull ? 'refuse-full' : 'queue'] }
    case 'acknowledged':
      if (state === 'up') return { state, effects: nothing }
      return { state: 'up', effects: [...(input.isOpener ? openStream : nothing), 'carry-waiting'] }
    case 'offered-again':
      return { state, effects: ['answer-again'] }
    case 'withdrawn':
      return { state: 'over', effects: ['answer-none', 'end-call', 'give-back-waiting'] }
    case 'idle':
    case 'crowded':
    case 'cut':
    case 'stop':
      return { state: 'over', effects: ['end-call', 'give-back-waiting'] }
    case 'bye':
    case 'refused':
      return { state: 'over', effects: ['give-back-waiting'] }
    default:
      return { state, effects: nothing }
  }
}

const nothing: readonly SessionEffect[] = []
const openStream: readonly SessionEffect[] = ['open-stream']
