// The INVITE server transaction, RFC 3261 §17.2.1 with the Accepted state of RFC 6026 §7.1.

import {
  arm,
  disarm,
  type Effect,
  type Step,
  sendResponse,
  sendTrying,
  stay,
  type Timing,
  tellAck,
  tellTimeout,
  tellTransportError,
} from './step.ts'

export interface InviteServer {
  readonly name: 'proceeding' | 'completed' | 'confirmed' | 'accepted' | 'terminated'
  readonly reliable: boolean
  /** Milliseconds of Timer G. */
  readonly interval: number
  /** True once a provisional response was sent, which a retransmission gets again. */
  readonly provisional: boolean
}

export type InviteServerInput =
  | { readonly type: 'request' }
  | { readonly type: 'ack' }
  | { readonly type: 'respond'; readonly status: number }
  | { readonly type: 'timer'; readonly timer: 'G' | 'H' | 'I' | 'L' | 'trying' }
  | { readonly type: 'transport-error' }

const to = (
  state: InviteServer,
  name: InviteServer['name'],
  effects: readonly Effect[],
): Step<InviteServer> => ({
  state: { ...state, name },
  effects,
})

/** "The server transaction MUST generate a 100 (Trying) response unless it knows that the TU will [answer] within 200 ms". */
export function startInviteServer(reliable: boolean, { t1 }: Timing): Step<InviteServer> {
  return {
    state: { name: 'proceeding', reliable, interval: t1, provisional: false },
    effects: [arm('trying', 200)],
  }
}

export function inviteServer(
  state: InviteServer,
  input: InviteServerInput,
  timing: Timing,
): Step<InviteServer> {
  switch (state.name) {
    case 'proceeding':
      return inProceeding(state, input, timing)
    case 'completed':
      return inCompleted(state, input, timing)
    case 'confirmed':
      // "The purpose of the Confirmed state is to absorb any additional ACK messages".
      return input.type === 'timer' && input.timer === 'I' ? to(state, 'terminated', []) : stay(state)
    case 'accepted':
      return inAccepted(state, input)
    case 'terminated':
      return stay(state)
  }
}

function inProceeding(state: InviteServer, input: InviteServerInput, { t1 }: Timing): Step<InviteServer> {
  switch (input.type) {
    // "If a request retransmission is received while in the Proceeding state, the most recent provisional response
    // that was received from the TU MUST be passed to the transport layer."
    case 'request':
      return state.provisional ? { state, effects: [sendResponse] } : { state, effects: [sendTrying] }
    case 'ack':
      return stay(state)
    case 'timer':
      return input.timer === 'trying' && !state.provisional ? { state, effects: [sendTrying] } : stay(state)
    case 'transport-error':
      // RFC 6026 §7.1: "the server transaction remains in [Proceeding]"; the TU is told.
      return { state, effects: [tellTransportError] }
    case 'respond':
      if (input.status < 200)
        return { state: { ...state, provisional: true }, effects: [disarm('trying'), sendResponse] }
      // RFC 6026 §7.1: 2xx leads to Accepted, Timer L is 64*T1.
      if (input.status < 300)
        return to(state, 'accepted', [disarm('trying'), sendResponse, arm('L', 64 * t1)])
      // "For unreliable transports, timer G is set to fire in T1 seconds, and is not set to fire for reliable transports."
      return to(state, 'completed', [
        disarm('trying'),
        sendResponse,
        arm('H', 64 * t1),
        ...(state.reliable ? [] : [arm('G', t1)]),
      ])
  }
}

function inCompleted(state: InviteServer, input: InviteServerInput, { t2, t4 }: Timing): Step<InviteServer> {
  switch (input.type) {
    // "while in the Completed state, if a request retransmission is received, the server SHOULD pass the response".
    case 'request':
      return { state, effects: [sendResponse] }
    // "Timer I is set to fire in T4 seconds for unreliable transports, and zero seconds for reliable transports."
    case 'ack':
      return state.reliable
        ? to(state, 'terminated', [disarm('H')])
        : to(state, 'confirmed', [disarm('G'), disarm('H'), arm('I', t4)])
    case 'timer': {
      if (input.timer === 'G') {
        // "when timer G fires, [it] is reset with MIN(2*T1, T2)", and so on doubling.
        const interval = Math.min(state.interval * 2, t2)
        return { state: { ...state, interval }, effects: [sendResponse, arm('G', interval)] }
      }
      // "If timer H fires while in the Completed state, it implies that the ACK was never received."
      return input.timer === 'H' ? to(state, 'terminated', [disarm('G'), tellTimeout]) : stay(state)
    }
    case 'transport-error':
      return to(state, 'terminated', [disarm('G'), disarm('H'), tellTransportError])
    case 'respond':
      return stay(state)
  }
}

function inAccepted(state: InviteServer, input: InviteServerInput): Step<InviteServer> {
  switch (input.type) {
    // RFC 6026 §7.1: "any retransmissions of the INVITE received [...] are absorbed"; the TU retransmits its 2xx.
    case 'request':
      return stay(state)
    // RFC 6026 §7.1: "When an ACK is received [it] is passed to the TU".
    case 'ack':
      return { state, effects: [tellAck] }
    // RFC 6026 §7.1: further 2xx of the TU are sent; anything else would contradict what was said.
    case 'respond':
      return input.status >= 200 && input.status < 300 ? { state, effects: [sendResponse] } : stay(state)
    case 'timer':
      return input.timer === 'L' ? to(state, 'terminated', []) : stay(state)
    case 'transport-error':
      return { state, effects: [tellTransportError] }
  }
}
