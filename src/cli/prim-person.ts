// A login to the running server as a PRIM client (docs/specs/prim.md).
import type { Section } from '#config'
import {
  ConnectionLost,
  type ConnectOptions,
  connect,
  type Incoming,
  type PrimClient,
  placeNamed,
  Refused,
} from '#protocols/prim/client'
import { type Configuration, loadConfiguration, ownAuthority } from '#server'
import { CommandFailure, exitCodes } from './exit-codes.ts'
import type {
  Correspondent,
  IncomingMessage,
  LoginOptions,
  OutgoingMessage,
  Presence,
  PresenceTuple,
  Watching,
} from './person.ts'
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
      ...whereTo(options, configuration),
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

/** What the client's failures say, as failures of the command. */
async function told<T>(call: () => Promise<T>, about?: string): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (error instanceof Refused) {
      if (error.isLogin)
        throw new CommandFailure('the name or the password is wrong', exitCodes.failed, error.condition)
      const said = about === undefined ? error.message : `${about}: ${error.message}`
      throw new CommandFailure(said, exitCodes.failed, error.condition)
    }
    if (error instanceof ConnectionLost) throw new CommandFailure(error.message, exitCodes.unreachable)
    throw error
  }
}

/** Where it is said, else our own server for our own people, else where DNS has the server of the person's domain. */
function whereTo(
  { server, address, service }: LoginOptions,
  configuration: Configuration,
): Pick<ConnectOptions, 'server' | 'tls'> {
  if (server !== undefined) return { server: checked(server), tls: 'preferred' }
  const domain = address.slice(address.lastIndexOf('@') + 1).toLowerCase()
  const isElsewhere = address.includes('@') && !configuration.domains.includes(domain)
  if (isElsewhere) return { tls: 'required' }
  return {
    server: configuredServer(configuration, service === 'messages' ? 'im' : 'presence'),
    tls: 'preferred',
  }
}

/** What `--server` says, if a server can be there. */
function checked(server: string): string {
  try {
    placeNamed(server, 'pres')
    return server
  } catch {
    throw new CommandFailure('--server expects host:port, as in im.example.com:7740', exitCodes.usage)
  }
}

/** Where the configuration has PRIM clients connect: either place takes both services. */
function configuredServer({ config, protocols }: Configuration, first: 'im' | 'presence'): string {
  const prim = protocols.find((protocol) => protocol.name === 'prim')
  const values =
    prim === undefined ? {} : (config.of(prim.settings as Section) as Readonly<Record<string, unknown>>)
  const places = [first, first === 'im' ? 'presence' : 'im'].map(
    (name) => values[name] as { host: string | undefined; port: number } | undefined,
  )
  const place = places.find((each) => each !== undefined && each.port !== 0)
  if (place === undefined) {
    throw new CommandFailure(
      'the configuration names no place for PRIM clients ([prim] presence, im); name one, or --server',
    )
  }
  const { host = '127.0.0.1', port } = place
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
