// Connections that others opened and on which no domain has proven itself yet: of all, and of each source.
import { type Connection, sourceOf } from '#net'
import type { ServersEnvironment } from './environment.ts'

export class Strangers {
  readonly #environment: ServersEnvironment
  readonly #of = new Map<string, number>()
  #all = 0

  constructor(environment: ServersEnvironment) {
    this.#environment = environment
  }

  /** Counts it; what is answered is called when it has proven a domain, or is over. Undefined: it was refused. */
  admit(connection: Connection): (() => void) | undefined {
    const { settings, service } = this.#environment
    const source = sourceOf(connection.remote.address)
    const others = this.#of.get(source) ?? 0
    // LIMIT: who has not said who they are is one of few.
    if (this.#all >= settings.serverStrangersMax || others >= settings.serverStrangersPerAddressMax) {
      service.log.debug('an XMPP server was refused: too many have proven nothing', { source })
      connection.destroy({ why: 'limit', detail: 'too many connections that have proven nothing' })
      return undefined
    }
    this.#count(source, 1)
    let isStranger = true
    return () => {
      if (isStranger) this.#count(source, -1)
      isStranger = false
    }
  }

  #count(source: string, more: 1 | -1): void {
    this.#all += more
    const left = (this.#of.get(source) ?? 0) + more
    if (left === 0) this.#of.delete(source)
    else this.#of.set(source, left)
  }
}
