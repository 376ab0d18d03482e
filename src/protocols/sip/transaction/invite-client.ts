// The INVITE client transaction, RFC 3261 §17.1.1 with the Accepted state of RFC 6026 §7.2.

import {
  arm,
  disarm,
  type Effect,
  type Step,
  sendAck,
  sendRequest,
  stay,
  type Timing,
  tellResponse,
  tellTimeout,
  tellTransportError,
} from './step.ts'

export interface InviteClient {
  readonly name: 'calling' | 'proceeding' | 'completed' | 'accepted' | 'terminated'
  readonly reliable: boolean
  /** Milliseconds of Timer A. */
  readonly interval: number
}

export type InviteClientInput =
  | { readonly type: 'response'; readonly status: number }
  | { readonly type: 'timer'; readonly timer: 'A' | 'B' | 'D' | 'M' }
  | { readonly type: 'transport-error' }

/** "at least 32 seconds for unreliable transports", RFC 3261 §17.1.1.2. */
const timerDMin = 32_000

const to = (
  state: InviteClient,
  name: InviteClient['name'],
  effects: readonly Effect[],
): Step<InviteClient> => ({
  state: { ...state, name },
  effects,
})

/** "If an unreliable transport is being used, [it] MUST start timer A with a value of T1. [...] timer B [is] 64*T1". */
export function startInviteClient(reliable: boolean, { t1 }: Timing): Step<InviteClient> {
  const effects = [arm('B', 64 * t1), sendRequest]
  if (!reliable) effects.push(arm('A', t1))
  return { state: { name: 'calling', reliable, interval: t1 }, effects }
}

export function inviteClient(
  state: InviteClient,
  input: InviteClientInput,
  { t1 }: Timing,
): Step<InviteClient> {
  switch (state.name) {
    case 'calling':
      if (input.type === 'timer') {
        if (input.timer === 'B') return to(state, 'terminated', [disarm('A'), tellTimeout])
        if (input.timer !== 'A') return stay(state)
        // "When timer A fires, the client transaction MUST retransmit the request [...] and reset the timer with 2*T1."
        const interval = state.interval * 2
        return { state: { ...state, interval }, effects: [sendRequest, arm('A', interval)] }
      }
      if (input.type === 'transport-error')
        return to(state, 'terminated', [disarm('A'), disarm('B'), tellTransportError])
      return response(state, input.status, t1)
    case 'proceeding':
      // "[it] SHOULD NOT retransmit the request any longer". RFC 3261 Figure 5: no timer is left here.
      if (input.type === 'response') return response(state, input.status, t1)
      // The connection on which the answer would come is over (RFC 3261 §17.1.4).
      return input.type === 'transport-error' ? to(state, 'terminated', [tellTransportError]) : stay(state)
    case 'completed':
      // "Any retransmissions of the final response [...] MUST cause the ACK to be re-passed to the transport layer".
      if (input.type === 'response') return input.status >= 300 ? { state, effects: [sendAck] } : stay(state)
      if (input.type === 'transport-error') return to(state, 'terminated', [disarm('D'), tellTransportError])
      return input.timer === 'D' ? to(state, 'terminated', []) : stay(state)
    case 'accepted':
      // RFC 6026 §7.2: "2xx responses [...] MUST be passed to the TU"; the transaction itself sends no ACK for them.
      if (input.type === 'response')
        return input.status >= 200 && input.status < 300 ? { state, effects: [tellResponse] } : stay(state)
      return input.type === 'timer' && input.timer === 'M' ? to(state, 'terminated', []) : stay(state)
    case 'terminated':
      return stay(state)
  }
}

function response(state: InviteClient, status: number, t1: number): Step<InviteClient> {
  const stop = state.name === 'calling' ? [disarm('A'), disarm('B')] : []
  if (status < 200) return to(state, 'proceeding', [...stop, tellResponse])
  // RFC 6026 §8.4: Timer M is 64*T1.
  if (status < 300) return to(state, 'accepted', [...stop, tellResponse, arm('M', 64 * t1)])
  // "The client transaction MUST [...] generate an ACK"; Timer D is zero for reliable transports.
  return state.reliable
    ? to(state, 'terminated', [...stop, tellResponse, sendAck])
    : to(state, 'completed', [...stop, tellResponse, sendAck, arm('D', Math.max(timerDMin, 64 * t1))])
}
