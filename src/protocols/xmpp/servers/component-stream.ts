// A connection of an external component (XEP-0114): its stream, its handshake, then its stanzas.
import { createHash, timingSafeEqual } from 'node:crypto'
import { randomId } from '#base'
import { prepareDomain } from '#model'
import type { Connection } from '#net'
import { elementOf, escapeValue, type Frame } from '#wire/xml'
import { clientNamespace, componentNamespace, streamNamespace } from '../codec/namespaces.ts'
import { streamErrorIn } from '../codec/server-stream.ts'
import type { StreamCondition } from '../codec/stream-text.ts'
import { Channel, type ChannelOwner } from './channel.ts'
import type { ServersEnvironment } from './environment.ts'
import { type OctetsHandler, StreamOctets } from './octets.ts'

export interface ComponentParts {
  readonly connection: Connection
  readonly environment: ServersEnvironment
  readonly owner: ChannelOwner
  /** The secret of a component of that domain; undefined where there is none. */
  readonly secretOf: (domain: string) => string | undefined
  readonly isConnected: (domain: string) => boolean
  readonly onConnected: (domain: string, channel: Channel) => void
  readonly onOver: (stream: ComponentStream) => void
}

export class ComponentStream implements OctetsHandler {
  readonly octets: StreamOctets
  readonly #parts: ComponentParts
  readonly #id = randomId()
  #domain = ''
  #channel: Channel | undefined

  constructor(parts: ComponentParts) {
    this.#parts = parts
    this.octets = new StreamOctets(parts.connection, parts.environment, this)
  }

  start(): void {
    this.octets.start()
  }

  close(condition: StreamCondition | undefined, why: string): void {
    if (this.#channel === undefined) this.octets.close(condition, why)
    else this.#channel.close(why, condition)
  }

  onHeader(header: Frame): void {
    const to = prepareDomain(header.attribute('to') ?? '') ?? ''
    // XEP-0114 §3: in the name of the component.
    this.octets.writeUtf8(
      `<?xml version='1.0'?><stream:stream xmlns='${componentNamespace}' xmlns:stream='${streamNamespace}'` +
        ` from='${escapeValue(to)}' id='${this.#id}'>`,
    )
    if (header.name !== 'stream' || header.namespace !== streamNamespace)
      return this.close('invalid-namespace', 'no stream')
    if (header.inner().default !== componentNamespace)
      return this.close('invalid-namespace', 'no stream of a component')
    if (this.#parts.secretOf(to) === undefined) return this.close('host-unknown', `no component ${to}`)
    if (this.#parts.isConnected(to)) return this.close('conflict', `${to} is connected already`)
    this.#domain = to
  }

  onElement(frame: Frame): void {
    if (this.#channel !== undefined && streamErrorIn(frame) === undefined) return this.#channel.receive(frame)
    if (this.#channel !== undefined || frame.name !== 'handshake' || frame.namespace !== clientNamespace)
      return this.close('not-authorized', 'stanzas before a handshake')
    this.#handshake(elementOf(frame).text().trim())
  }

  #handshake(given: string): void {
    const { environment, owner, secretOf, isConnected, onConnected } = this.#parts
    const right = createHash('sha1')
      .update(`${this.#id}${secretOf(this.#domain) ?? ''}`)
      .digest('hex')
    const isRight = given.length === right.length && timingSafeEqual(Buffer.from(given), Buffer.from(right))
    if (!isRight) {
      const { address } = this.octets.connection.remote
      environment.service.log.warn('a component does not know its secret', { domain: this.#domain, address })
      return this.close('not-authorized', 'a wrong handshake')
    }
    if (isConnected(this.#domain)) return this.close('conflict', `${this.#domain} is connected already`)
    this.octets.ready()
    this.octets.writeUtf8('<handshake/>')
    this.#channel = new Channel('receiver', environment, this.octets, owner, true)
    this.#channel.admitted.add(this.#domain)
    this.#channel.identities.set(this.#domain, `secret of the component ${this.#domain}`)
    onConnected(this.#domain, this.#channel)
  }

  onSecure(): void {
    // Components are not offered TLS: they are on this machine, or behind a tunnel.
  }

  onDrain(): void {
    this.#channel?.drained(this.octets)
  }

  onEnd(): void {
    this.close(undefined, 'the component closed it')
  }

  onFault(condition: StreamCondition, why: string): void {
    this.close(condition, why)
  }

  onOver(why: string, broke: boolean): void {
    this.#channel?.lost(this.octets, why, broke)
    this.#parts.onOver(this)
  }
}
