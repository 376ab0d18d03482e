// The server's side of a SCRAM exchange as a state machine (RFC 5802 §5, §6): no socket, no store, no clock.
// Its one wish, the verifier of a name, is an effect, and the answer an input.
import { type Bytes, utf8 } from '#base'
import type { ScramHash, ScramVerifier } from '#core'
import { isProofRight, serverSignature } from './scram-keys.ts'
import { type ClientFirst, readClientFinal, readClientFirst, serverFirst } from './scram-messages.ts'

export interface ScramParameters {
  readonly hash: ScramHash
  /** True for the -PLUS variant of the mechanism. */
  readonly plus: boolean
  /** Channel binding data by type (RFC 9266 `tls-exporter`); empty when the channel has none, and no -PLUS is offered. */
  readonly bindings: ReadonlyMap<string, Bytes>
  /** What we append to the client's nonce. */
  readonly serverNonce: string
}

export type ScramState =
  | { readonly kind: 'start' }
  | { readonly kind: 'naming'; readonly first: ClientFirst }
  | {
      readonly kind: 'proving'
      readonly first: ClientFirst
      readonly verifier: ScramVerifier
      readonly serverFirst: string
    }
  | { readonly kind: 'ended' }

export type ScramInput =
  | { readonly kind: 'message'; readonly bytes: Bytes }
  | { readonly kind: 'verifier'; readonly verifier: ScramVerifier }

export type ScramEffect =
  | { readonly kind: 'look-up'; readonly name: string }
  | { readonly kind: 'challenge'; readonly data: Bytes }
  | { readonly kind: 'proven'; readonly data: Bytes; readonly authorization: string | undefined }
  | { readonly kind: 'refused'; readonly because: 'malformed' | 'channel-binding' | 'proof' }

export const scramStart: ScramState = { kind: 'start' }

const ended: ScramState = { kind: 'ended' }

export function scramStep(
  parameters: ScramParameters,
  state: ScramState,
  input: ScramInput,
): [ScramState, ScramEffect] {
  switch (state.kind) {
    case 'start':
      return input.kind === 'message' ? onClientFirst(parameters, input.bytes) : refuse('malformed')
    case 'naming':
      return input.kind === 'verifier'
        ? challenge(parameters, state.first, input.verifier)
        : refuse('malformed')
    case 'proving':
      return input.kind === 'message' ? onClientFinal(parameters, state, input.bytes) : refuse('malformed')
    case 'ended':
      return refuse('malformed')
  }
}

function onClientFirst(parameters: ScramParameters, bytes: Bytes): [ScramState, ScramEffect] {
  const first = readClientFirst(bytes)
  if (first === undefined) return refuse('malformed')
  if (!isBindingAcceptable(parameters, first)) return refuse('channel-binding')
  return [
    { kind: 'naming', first },
    { kind: 'look-up', name: first.name },
  ]
}

/** RFC 5802 §6. */
function isBindingAcceptable(parameters: ScramParameters, first: ClientFirst): boolean {
  switch (first.flag.kind) {
    case 'p':
      // The type must be one that this channel has; the flag belongs to the -PLUS variant alone.
      return parameters.plus && parameters.bindings.has(first.flag.type)
    case 'y':
      // The client believes that we offer no channel binding; if we did, somebody cut our list: fail.
      return !parameters.plus && parameters.bindings.size === 0
    case 'n':
      return !parameters.plus
  }
}

function challenge(
  parameters: ScramParameters,
  first: ClientFirst,
  verifier: ScramVerifier,
): [ScramState, ScramEffect] {
  const message = serverFirst(first.nonce + parameters.serverNonce, verifier.salt, verifier.iterations)
  return [
    { kind: 'proving', first, verifier, serverFirst: message },
    { kind: 'challenge', data: utf8(message) },
  ]
}

function onClientFinal(
  parameters: ScramParameters,
  state: ScramState & { kind: 'proving' },
  bytes: Bytes,
): [ScramState, ScramEffect] {
  const final = readClientFinal(bytes)
  if (final === undefined) return refuse('malformed')
  const { first, verifier } = state
  // "The server MUST verify that the nonce sent by the client in the second message is the same" (RFC 5802 §5.1).
  if (final.nonce !== first.nonce + parameters.serverNonce) return refuse('malformed')
  // "The server MUST always validate the client's c= field" (RFC 5802 §6).
  if (final.channelBinding !== expectedBinding(parameters, first)) return refuse('channel-binding')
  const authMessage = `${first.bare},${state.serverFirst},${final.withoutProof}`
  if (!isProofRight(parameters.hash, verifier, authMessage, final.proof)) return refuse('proof')
  const data = utf8(`v=${serverSignature(parameters.hash, verifier, authMessage)}`)
  return [ended, { kind: 'proven', data, authorization: first.authorization }]
}

function expectedBinding(parameters: ScramParameters, first: ClientFirst): string {
  const header = Buffer.from(first.gs2Header, 'utf8')
  const data = first.flag.kind === 'p' ? parameters.bindings.get(first.flag.type) : undefined
  return (data === undefined ? header : Buffer.concat([header, data])).toString('base64')
}

function refuse(because: 'malformed' | 'channel-binding' | 'proof'): [ScramState, ScramEffect] {
  return [ended, { kind: 'refused', because }]
}
