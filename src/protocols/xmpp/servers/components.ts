// External components (XEP-0114): domains beside ours that other programs serve over a connection to us. To the core each is another
// domain; to other servers it is one of ours.

import { prepareDomain } from '#model'
import type { Connection } from '#net'
import type { Channel, ChannelOwner } from './channel.ts'
import { ComponentStream } from './component-stream.ts'
import type { ServersEnvironment } from './environment.ts'

/** LIMIT: components' connections that have not shown their secret. */
const strangersMax = 50

export class Components {
  readonly #environment: ServersEnvironment
  readonly #owner: ChannelOwner
  /** By domain. */
  readonly #secrets: ReadonlyMap<string, string>
  readonly #channels = new Map<string, Channel>()
  readonly #streams = new Set<ComponentStream>()
  readonly #onConnected: (domain: string, channel: Channel) => void

  constructor(
    environment: ServersEnvironment,
    owner: ChannelOwner,
    onConnected: (domain: string, channel: Channel) => void,
  ) {
    this.#environment = environment
    this.#owner = owner
    this.#onConnected = onConnected
    this.#secrets = new Map((environment.settings.components ?? []).map(componentOf))
  }

  has(domain: string): boolean {
    return this.#secrets.has(domain)
  }

  /** Undefined where it is not connected. */
  channelOf(domain: string): Channel | undefined {
    return this.#channels.get(domain)
  }

  isOf(channel: Channel): boolean {
    for (const each of this.#channels.values()) if (each === channel) return true
    return false
  }

  accept(connection: Connection): void {
    if (this.#streams.size - this.#channels.size >= strangersMax)
      return connection.destroy({ why: 'limit', detail: 'too many components that have shown no secret' })
    const stream = new ComponentStream({
      connection,
      environment: this.#environment,
      owner: this.#owner,
      secretOf: (domain) => this.#secrets.get(domain),
      isConnected: (domain) => this.#channels.has(domain),
      onConnected: (domain, channel) => {
        this.#channels.set(domain, channel)
        this.#onConnected(domain, channel)
      },
      onOver: (over) => this.#streams.delete(over),
    })
    this.#streams.add(stream)
    stream.start()
  }

  left(channel: Channel): void {
    for (const [domain, each] of this.#channels) if (each === channel) this.#channels.delete(domain)
  }

  stop(): void {
    for (const stream of [...this.#streams]) stream.close('system-shutdown', 'the server stops')
  }
}

/** `DOMAIN SECRET` of the settings. */
export function componentOf(written: string): readonly [domain: string, secret: string] {
  const [name = '', secret = ''] = written.trim().split(/\s+/, 2)
  return [prepareDomain(name) ?? '', secret]
}
