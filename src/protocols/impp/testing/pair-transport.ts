// A client's transport to a server in memory.

import assert from 'node:assert/strict'
import { text } from '#base'
import { type Connection, connectionPair } from '#net'
import type { Transport } from '#protocols/impp/client'
import { serveClient } from '../protocol.ts'
import type { Fixture } from './fixture.ts'

export class PairTransport implements Transport {
  readonly secure: boolean
  readonly written: string[] = []
  readonly #connection: Connection
  #secured: () => void = () => {}

  /** `pair`: the two ends of a connection whose course a test decides. */
  constructor({ environment, clock }: Fixture, secure = false, pair = connectionPair({ clock, secure })) {
    const [ours, theirs] = pair
    serveClient(ours, environment)
    this.#connection = theirs
    this.secure = secure
  }

  start(handler: Parameters<Transport['start']>[0]): void {
    this.#connection.start({
      onData: (octets) => handler.onData(octets),
      onSecure: () => this.#secured(),
      onClose: ({ why }) => handler.onClose(why),
    })
  }

  write(octets: Uint8Array): void {
    this.written.push(text(octets))
    this.#connection.write(octets)
  }

  startTls(host: string): Promise<void> {
    assert.equal(host, 'example.com')
    this.#connection.startTls({ secureContext: () => assert.fail('not in memory') }, { server: false })
    return new Promise((resolve) => {
      this.#secured = resolve
    })
  }

  close(): void {
    this.#connection.close()
  }

  /** The network breaks. */
  break(): void {
    this.#connection.destroy()
  }
}
