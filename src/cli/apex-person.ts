// A login to the running server as an application of APEX (RFC 3340 to 3343).
import {
  type ApexClient,
  apexPort,
  ConnectionLost,
  connect,
  Refused,
  serverPlace,
} from '#protocols/apex/client'
import { loadConfiguration, ownAuthority } from '#server'
import { tellingOf } from './client-failures.ts'
import { CommandFailure, exitCodes } from './exit-codes.ts'
import type {
  Correspondent,
  LoginOptions,
  OutgoingMessage,
  Presence,
  PresenceTuple,
  Watching,
} from './person.ts'
import { serverChoice, type Way } from './server-choice.ts'
import type { Terminal } from './terminal.ts'

/** Logs in; fails with a sentence for the person. */
export async function logInByApex(terminal: Terminal, options: LoginOptions): Promise<Correspondent> {
  const configuration = await loadConfiguration({
    file: options.config,
    environment: terminal.environment,
    directory: terminal.directory,
  })
  const { onMessage, service } = options
  const client = await told(() =>
    connect({
      address: options.address,
      password: options.password,
      talks: service !== 'presence' || onMessage !== undefined,
      ...serverChoice(options, configuration, way),
      trust: [...ownAuthority(configuration), ...options.trust],
      ...(onMessage && {
        onMessage: ({ from, subject, body, content }) =>
          onMessage({
            from: from.key,
            // Data says neither when it was sent nor of which conversation it is.
            stored: undefined,
            thread: undefined,
            subject: subject[0]?.text,
            text: body[0]?.text,
            contentType: content?.type ?? 'text/plain',
          }),
      }),
    }),
  )
  return new ApexPerson(client)
}

class ApexPerson implements Correspondent {
  readonly #client: ApexClient

  constructor(client: ApexClient) {
    this.#client = client
  }

  get address(): string {
    return this.#client.address.key
  }

  get lost(): Promise<string> {
    return this.#client.closed
  }

  send(message: OutgoingMessage): Promise<{ result: 'delivered' | 'stored' | 'relayed'; id: string }> {
    if (message.thread !== undefined)
      throw new CommandFailure('--thread: APEX has no word for a conversation', exitCodes.usage)
    return told(() => this.#client.send(message), message.to)
  }

  fetch(target: string): Promise<Presence> {
    return told(() => this.#client.fetch(target), target)
  }

  async watch(target: string, watching: Watching): Promise<void> {
    const handlers = {
      presence: (presence: Presence) => watching.presence(presence),
      pending: () => watching.pending(),
      ended: (reason: string) => watching.ended(reason),
    }
    await told(() => this.#client.watch(target, handlers), target)
  }

  /** An entry is available until a moment, or no more: what is not lasts until it is published again. */
  async publish(
    { basic, show, notes }: Omit<PresenceTuple, 'id'>,
    lease: number | 'permanent',
  ): Promise<number | 'permanent'> {
    const isOpen = basic === 'open' && lease !== 0
    const until = !isOpen ? Date.now() : lease === 'permanent' ? forEver : Date.now() + lease * 1000
    // docs/mappings/apex.md: a note before the word for being away.
    const words = lease === 0 ? '' : (notes[0]?.text ?? show ?? '')
    await told(() => this.#client.publish({ until, words }))
    return isOpen || lease === 0 ? lease : 'permanent'
  }

  leave(): Promise<void> {
    return this.#client.close()
  }
}

/** The last moment that RFC 3339 can write. */
const forEver = Date.UTC(9999, 11, 31, 23, 59, 59)

const told = tellingOf({ Refused, ConnectionLost })

const way: Way = {
  protocol: 'apex',
  name: 'APEX',
  settings: ['edge'],
  portExample: apexPort,
  check: (server) => serverPlace(server, apexPort),
}
