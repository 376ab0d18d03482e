// A login to the running server as a PRIM client (docs/specs/prim.md).
import {
  ConnectionLost,
  connect,
  type Incoming,
  type PrimClient,
  placeNamed,
  Refused,
} from '#protocols/prim/client'
import { loadConfiguration, ownAuthority } from '#server'
import { tellingOf } from './client-failures.ts'
import type {
  Correspondent,
  IncomingMessage,
  LoginOptions,
  OutgoingMessage,
  Presence,
  PresenceTuple,
  Watching,
} from './person.ts'
import { serverChoice, type Way } from './server-choice.ts'
import type { Terminal } from './terminal.ts'

/** The tuple of this device: it keeps its presence from one command to the next. */
const tupleId = 'verona'

const services = { messages: ['im'], presence: ['pres'], both: ['pres', 'im'] } as const

/** Logs in; fails with a sentence for the person. */
export async function logInByPrim(terminal: Terminal, options: LoginOptions): Promise<Correspondent> {
  const configuration = await loadConfiguration({
    file: options.config,
    environment: terminal.environment,
    directory: terminal.directory,
  })
  const { onMessage, service = 'both' } = options
  const client = await told(() =>
    connect({
      address: options.address,
      password: options.password,
      services: services[service],
      ...serverChoice(options, configuration, wayTo(options.service)),
      trust: [...ownAuthority(configuration), ...options.trust],
      ...(onMessage && { onMessage: (incoming: Incoming) => onMessage(incomingMessage(incoming)) }),
    }),
  )
  return new PrimPerson(client)
}

class PrimPerson implements Correspondent {
  readonly #client: PrimClient

  constructor(client: PrimClient) {
    this.#client = client
  }

  get address(): string {
    return this.#client.address.key
  }

  get lost(): Promise<string> {
    return this.#client.closed
  }

  async send(message: OutgoingMessage): Promise<{ result: 'delivered' | 'relayed'; id: string }> {
    const { result, id } = await told(() => this.#client.send(message), message.to)
    // docs/specs/prim.md §6.1: 101 says that it is kept, or that nobody will say more. The server has it.
    return { result: result === 'delivered' ? result : 'relayed', id }
  }

  fetch(target: string): Promise<Presence> {
    return told(() => this.#client.fetch(target), target)
  }

  async watch(target: string, watching: Watching): Promise<void> {
    const handlers = {
      presence: (presence: Presence) => watching.presence(presence),
      ended: (reason: string) => watching.ended(reason),
    }
    await told(() => this.#client.watch(target, handlers), target)
  }

  publish(presence: Omit<PresenceTuple, 'id'>, lease: number | 'permanent'): Promise<number | 'permanent'> {
    const tuple = { id: tupleId, statusExtensions: [], extensions: [], ...presence }
    return told(() => this.#client.publish(tuple, lease))
  }

  async leave(): Promise<void> {
    this.#client.close()
  }
}

function incomingMessage({ message, at }: Incoming): IncomingMessage {
  return {
    from: message.from.key,
    stored: at === undefined || Date.now() - at < onTheWay ? undefined : new Date(at).toISOString(),
    thread: message.thread === '' ? undefined : message.thread,
    subject: message.subject[0]?.text,
    text: message.body[0]?.text,
    contentType: message.content?.type ?? 'text/plain',
  }
}

/** Milliseconds. PRIM dates every message and does not say which ones were kept: one that is this old was. */
const onTheWay = 60_000

const told = tellingOf({ Refused, ConnectionLost })

/** Either place takes both services. */
function wayTo(service: LoginOptions['service']): Way {
  return {
    protocol: 'prim',
    name: 'PRIM',
    settings: service === 'messages' ? ['im', 'presence'] : ['presence', 'im'],
    portExample: 7740,
    check: (server) => placeNamed(server, 'pres'),
  }
}
