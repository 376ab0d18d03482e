// Programs upon the library, over a network in memory that can be broken.

import assert from 'node:assert/strict'
import {
  ConnectionLost,
  type ConnectOptions,
  connectBy,
  type Dial,
  type ImppClient,
  type Incoming,
  type Sighting,
} from '#protocols/impp/client'
import { type Fixture, settled } from './fixture.ts'
import { PairTransport } from './pair-transport.ts'

/** A network of one server that can be broken: what it carries now, and whether it carries anything. */
export class Net {
  readonly transports: PairTransport[] = []
  isDown = false
  /** True while a login is under way: it computes, which takes no time of the clock. */
  isBusy = false
  readonly #f: Fixture

  constructor(f: Fixture) {
    this.#f = f
  }

  readonly dial: Dial = async () => {
    this.isBusy = true
    if (this.isDown) throw new ConnectionLost('no way')
    const transport = new PairTransport(this.#f)
    this.transports.push(transport)
    return transport
  }

  break(): void {
    for (const transport of this.transports) transport.break()
  }
}

export function as(
  f: Fixture,
  name: string,
  options: Partial<ConnectOptions> = {},
  net = new Net(f),
): Promise<ImppClient> {
  return connectBy(net.dial, {
    address: `${name}@example.com`,
    password: 'secret',
    clock: f.clock,
    ...options,
    onState: (state) => {
      net.isBusy = false
      options.onState?.(state)
    },
  })
}

/** Lets `seconds` pass, and all that follows. */
export async function pass(f: Fixture, seconds: number, net?: Net): Promise<void> {
  for (let i = 0; i < seconds; i++) {
    f.clock.advance(1000)
    do await settled()
    while (net?.isBusy)
  }
}

export const taken = async <T>(from: AsyncIterator<T>): Promise<T> => {
  const { value, done } = await from.next()
  assert.equal(done, false)
  return value
}

export async function allOf<T>(from: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const one of from) all.push(one)
  return all
}

export const textOf = ({ message }: Incoming): string | undefined => message.body[0]?.text

export const basicOf = ({ presence }: Sighting) => presence.tuples[0]?.basic
