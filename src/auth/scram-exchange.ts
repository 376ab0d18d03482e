// A SCRAM login: drives the state machine, looks the verifier up for it, and pretends one for an unknown name.
import { type Bytes, noBytes, randomId } from '#base'
import type { ScramHash, ScramVerifier } from '#core'
import type { Address } from '#model'
import { Exchange, type SaslChannel, type SaslOptions, type SaslStep } from './sasl-exchange.ts'
import {
  type ScramEffect,
  type ScramInput,
  type ScramParameters,
  type ScramState,
  scramStart,
  scramStep,
} from './scram-server.ts'
import { pretendedVerifier } from './unknown-name.ts'

export class ScramExchange extends Exchange {
  readonly #parameters: ScramParameters
  #state: ScramState = scramStart
  #owner: Address | undefined

  constructor(options: SaslOptions, channel: SaslChannel, mechanism: string, hash: ScramHash, plus: boolean) {
    super(options, channel, mechanism)
    this.#parameters = { hash, plus, bindings: channel.bindings, serverNonce: randomId(24) }
  }

  protected async answer(message: Bytes): Promise<SaslStep> {
    if (this.#state.kind === 'start' && message.length === 0) return { kind: 'challenge', data: noBytes }
    // The guess is the proof: it is counted when it comes.
    const wait = this.#state.kind === 'proving' ? this.countAttempt() : undefined
    if (wait !== undefined) return wait
    const effect = this.#advance({ kind: 'message', bytes: message })
    if (effect.kind !== 'look-up') return this.#answerTo(effect)
    if (!this.takeName(effect.name)) return this.fail('not-authorized', 'no name')
    const verifier = await this.#verifier()
    return this.#answerTo(this.#advance({ kind: 'verifier', verifier }))
  }

  #advance(input: ScramInput): ScramEffect {
    const [state, effect] = scramStep(this.#parameters, this.#state, input)
    this.#state = state
    return effect
  }

  #answerTo(effect: ScramEffect): SaslStep {
    switch (effect.kind) {
      case 'challenge':
        return { kind: 'challenge', data: effect.data }
      case 'proven':
        return this.#owner === undefined
          ? this.fail('not-authorized', 'unknown name')
          : this.succeed(this.#owner, effect.authorization, effect.data)
      case 'refused': {
        const failure = effect.because === 'malformed' ? 'malformed-request' : 'not-authorized'
        const step = this.fail(failure, effect.because)
        return this.name === undefined && effect.because === 'channel-binding'
          ? { kind: 'failure', failure, isGuess: false }
          : step
      }
      case 'look-up':
        return this.fail('malformed-request', 'out of turn')
    }
  }

  /** The account's verifier, or a pretended one that differs in nothing a client can see. */
  async #verifier(): Promise<ScramVerifier> {
    const name = this.name as Address
    const { hash } = this.#parameters
    const credentials = await this.options.authenticator.credentials(name)
    const pretended = pretendedVerifier(this.options.serverKey, hash, name.key, this.options.iterations)
    const verifier = credentials?.secrets.scram[hash]
    if (credentials === undefined || verifier === undefined) return pretended
    this.#owner = credentials.owner
    return verifier
  }
}
