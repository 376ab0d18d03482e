// The non-INVITE server transaction, RFC 3261 §17.2.2 with RFC 4320 §4.1.

import {
  arm,
  disarm,
  type Effect,
  type Step,
  sendResponse,
  sendTrying,
  stay,
  type Timing,
  tellTransportError,
} from './step.ts'

export interface NonInviteServer {
  readonly name: 'trying' | 'proceeding' | 'completed' | 'terminated'
  readonly reliable: boolean
}

export type NonInviteServerInput =
  | { readonly type: 'request' }
  | { readonly type: 'respond'; readonly status: number }
  | { readonly type: 'timer'; readonly timer: 'J' | 'trying' }
  | { readonly type: 'transport-error' }

const terminated = (state: NonInviteServer, effects: readonly Effect[]): Step<NonInviteServer> => ({
  state: { name: 'terminated', reliable: state.reliable },
  effects,
})

const stopTrying = disarm('trying')
const answerAgain = [sendResponse]

/** Hot: the steps that nearly every transaction takes, which are data and the same for all of one timing. */
interface UsualSteps {
  readonly timing: Timing
  readonly start: { readonly reliable: Step<NonInviteServer>; readonly unreliable: Step<NonInviteServer> }
  readonly answered: { readonly reliable: Step<NonInviteServer>; readonly unreliable: Step<NonInviteServer> }
}

let usual: UsualSteps | undefined

function usualSteps(timing: Timing): UsualSteps {
  if (usual?.timing !== timing) usual = usualStepsOf(timing)
  return usual
}

function usualStepsOf(timing: Timing): UsualSteps {
  const { t1, t2 } = timing
  // RFC 4320 §4.1: 100 only "after the amount of time it takes a client transaction's Timer E to be reset to T2".
  let wait = 0
  for (let interval = t1; interval < t2; interval *= 2) wait += interval
  const effects = [arm('trying', wait)]
  return {
    timing,
    start: {
      reliable: { state: { name: 'trying', reliable: true }, effects },
      unreliable: { state: { name: 'trying', reliable: false }, effects },
    },
    // "it MUST set Timer J to fire in 64*T1 seconds for unreliable transports, and zero seconds for reliable".
    answered: {
      reliable: { state: { name: 'terminated', reliable: true }, effects: [stopTrying, sendResponse] },
      unreliable: {
        state: { name: 'completed', reliable: false },
        effects: [stopTrying, sendResponse, arm('J', 64 * t1)],
      },
    },
  }
}

/** "The state machine is initialized in the Trying state and is passed a request other than INVITE or ACK." */
export function startNonInviteServer(reliable: boolean, timing: Timing): Step<NonInviteServer> {
  const { start } = usualSteps(timing)
  return reliable ? start.reliable : start.unreliable
}

export function nonInviteServer(
  state: NonInviteServer,
  input: NonInviteServerInput,
  timing: Timing,
): Step<NonInviteServer> {
  switch (state.name) {
    case 'trying':
      switch (input.type) {
        // "In the Trying state, any further request retransmissions are discarded."
        case 'request':
          return stay(state)
        case 'respond':
          return respond(state, input.status, timing)
        case 'timer':
          return input.timer === 'trying'
            ? { state: { ...state, name: 'proceeding' }, effects: [sendTrying] }
            : stay(state)
        case 'transport-error':
          return stay(state)
      }
      break
    case 'proceeding':
      switch (input.type) {
        // "If a retransmission of the request is received while in the Proceeding state, the most recently sent
        // provisional response MUST be passed to the transport layer for retransmission."
        case 'request':
          return { state, effects: [sendTrying] }
        case 'respond':
          return respond(state, input.status, timing)
        case 'timer':
          return stay(state)
        case 'transport-error':
          return terminated(state, [tellTransportError])
      }
      break
    case 'completed':
      switch (input.type) {
        // "[It] MUST pass the final response to the transport layer for retransmission whenever a retransmission of the
        // request is received." Of other final responses from the TU: "MUST be discarded".
        case 'request':
          return { state, effects: answerAgain }
        case 'respond':
          return stay(state)
        case 'timer':
          return input.timer === 'J' ? terminated(state, []) : stay(state)
        case 'transport-error':
          return terminated(state, [disarm('J'), tellTransportError])
      }
      break
    case 'terminated':
      return stay(state)
  }
}

function respond(state: NonInviteServer, status: number, timing: Timing): Step<NonInviteServer> {
  // RFC 4320 §4.1: "MUST NOT send any provisional response with a Status-Code other than 100".
  if (status < 200) return stay(state)
  const { answered } = usualSteps(timing)
  return state.reliable ? answered.reliable : answered.unreliable
}
