// The non-INVITE client transaction, RFC 3261 §17.1.2.

import {
  arm,
  disarm,
  type Effect,
  type Step,
  sendRequest,
  stay,
  type Timing,
  tellResponse,
  tellTimeout,
  tellTransportError,
} from './step.ts'

export interface NonInviteClient {
  readonly name: 'trying' | 'proceeding' | 'completed' | 'terminated'
  readonly reliable: boolean
  /** Milliseconds of Timer E. */
  readonly interval: number
}

export type NonInviteClientInput =
  | { readonly type: 'response'; readonly status: number }
  | { readonly type: 'timer'; readonly timer: 'E' | 'F' | 'K' }
  | { readonly type: 'transport-error' }

const [stopE, stopF] = [disarm('E'), disarm('F')]

const terminated = (state: NonInviteClient, effects: readonly Effect[]): Step<NonInviteClient> => ({
  state: { ...state, name: 'terminated' },
  effects,
})

/** Hot: the steps that nearly every transaction takes, which are data and the same for all of one timing. */
interface UsualSteps {
  readonly timing: Timing
  readonly start: { readonly reliable: Step<NonInviteClient>; readonly unreliable: Step<NonInviteClient> }
  readonly answered: { readonly reliable: Step<NonInviteClient>; readonly unreliable: Step<NonInviteClient> }
}

let usual: UsualSteps | undefined

function usualSteps(timing: Timing): UsualSteps {
  if (usual?.timing !== timing) usual = usualStepsOf(timing)
  return usual
}

function usualStepsOf(timing: Timing): UsualSteps {
  const { t1, t4 } = timing
  const trying = (reliable: boolean): NonInviteClient => ({ name: 'trying', reliable, interval: t1 })
  // "Timer F [is] 64*T1. The request MUST be passed to the transport layer [...] If an unreliable transport, timer E [is] T1".
  const first = [arm('F', 64 * t1), sendRequest]
  return {
    timing,
    start: {
      reliable: { state: trying(true), effects: first },
      unreliable: { state: trying(false), effects: [...first, arm('E', t1)] },
    },
    // "Timer K [is] T4 seconds for unreliable transports, and zero seconds for reliable transports."
    answered: {
      reliable: terminated(trying(true), [stopF, tellResponse]),
      unreliable: {
        state: { name: 'completed', reliable: false, interval: t1 },
        effects: [stopE, stopF, tellResponse, arm('K', t4)],
      },
    },
  }
}

export function startNonInviteClient(reliable: boolean, timing: Timing): Step<NonInviteClient> {
  const { start } = usualSteps(timing)
  return reliable ? start.reliable : start.unreliable
}

export function nonInviteClient(
  state: NonInviteClient,
  input: NonInviteClientInput,
  timing: Timing,
): Step<NonInviteClient> {
  const { t2 } = timing
  switch (state.name) {
    case 'trying':
    case 'proceeding':
      switch (input.type) {
        case 'transport-error':
          return terminated(state, [stopE, stopF, tellTransportError])
        case 'response':
          if (input.status < 200) return { state: { ...state, name: 'proceeding' }, effects: [tellResponse] }
          return state.reliable
            ? usualSteps(timing).answered.reliable
            : usualSteps(timing).answered.unreliable
        case 'timer': {
          if (input.timer === 'F') return terminated(state, [stopE, tellTimeout])
          if (input.timer !== 'E') return stay(state)
          // "If Timer E fires while in Trying, [...] MIN(2*T1, T2)"; in Proceeding it "MUST be reset with a value of T2".
          const interval = state.name === 'proceeding' ? t2 : Math.min(state.interval * 2, t2)
          return { state: { ...state, interval }, effects: [sendRequest, arm('E', interval)] }
        }
      }
      break
    case 'completed':
      // "any response retransmissions received [in Completed] MUST be discarded"; so is a failing transport.
      return input.type === 'timer' && input.timer === 'K' ? terminated(state, []) : stay(state)
    case 'terminated':
      return stay(state)
  }
}
