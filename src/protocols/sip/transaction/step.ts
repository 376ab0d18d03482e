// What the four transaction machines have in common: RFC 3261 §17 as RFC 6026 and RFC 4320 correct it. A machine is a
// function (state, input) -> (state, effects); whoever runs it sends, waits and tells.

/** The timers of RFC 3261 Table 4, with L and M of RFC 6026; `answer` is a user's own, for how long it waits. `trying` waits to say 100 (RFC 3261 §17.2.1, RFC 4320 §4.1). */
export type TimerName = MachineTimer | 'answer'

type MachineTimer = 'A' | 'B' | 'D' | 'E' | 'F' | 'G' | 'H' | 'I' | 'J' | 'K' | 'L' | 'M' | 'trying'

/** Milliseconds: RFC 3261 §17.1.1.1 and §17.1.2.2. */
export interface Timing {
  /** An estimate of the round trip. */
  readonly t1: number
  /** The longest interval between retransmissions of what is not INVITE, and of responses to INVITE. */
  readonly t2: number
  /** How long a message may stay in the network. */
  readonly t4: number
}

export const timing: Timing = { t1: 500, t2: 4000, t4: 5000 }

export type Effect =
  /** Send the request, or the ACK for a final response other than 2xx, over the transaction's flow. */
  | { readonly do: 'send-request' }
  | { readonly do: 'send-ack' }
  /** Send the response that was given last. */
  | { readonly do: 'send-response' }
  | { readonly do: 'send-trying' }
  /** Tell the transaction user: of a response that came, a timeout, a flow that failed. */
  | { readonly do: 'tell-response' }
  | { readonly do: 'tell-timeout' }
  | { readonly do: 'tell-transport-error' }
  /** An ACK for a 2xx (RFC 6026 §7.1), or a server transaction that saw no ACK. */
  | { readonly do: 'tell-ack' }
  | { readonly do: 'arm'; readonly timer: TimerName; readonly after: number }
  | { readonly do: 'disarm'; readonly timer: TimerName }

export interface Step<State> {
  readonly state: State
  readonly effects: readonly Effect[]
}

const none: readonly Effect[] = []

export const stay = <State>(state: State): Step<State> => ({ state, effects: none })
export const arm = (timer: TimerName, after: number): Effect => ({ do: 'arm', timer, after })
export const disarm = (timer: TimerName): Effect => ({ do: 'disarm', timer })
export const sendRequest: Effect = { do: 'send-request' }
export const sendAck: Effect = { do: 'send-ack' }
export const sendResponse: Effect = { do: 'send-response' }
export const sendTrying: Effect = { do: 'send-trying' }
export const tellResponse: Effect = { do: 'tell-response' }
export const tellTimeout: Effect = { do: 'tell-timeout' }
export const tellTransportError: Effect = { do: 'tell-transport-error' }
export const tellAck: Effect = { do: 'tell-ack' }
