// A login to the running server as an IMPP client.
import type { Section } from '#config'
import {
  ConnectionLost,
  type ConnectOptions,
  connect,
  type ImppClient,
  type Incoming,
  nodeDial,
  Refused,
  type Remembered,
  type Sighting,
} from '#protocols/impp/client-node'
import { type Configuration, loadConfiguration, ownAuthority } from '#server'
import { CommandFailure, exitCodes } from './exit-codes.ts'
import type {
  Access,
  HistoryMessage,
  HistoryQuery,
  IncomingMessage,
  LoginOptions,
  OutgoingMessage,
  Person,
  Presence,
  PresenceTuple,
  Watching,
} from './person.ts'
import type { Terminal } from './terminal.ts'

/** The name of this device: it keeps its presence from one command to the next. */
const device = 'verona'

/** Logs in; fails with a sentence for the person. */
export async function logInByImpp(terminal: Terminal, options: LoginOptions): Promise<Person> {
  const configuration = await loadConfiguration({
    file: options.config,
    environment: terminal.environment,
    directory: terminal.directory,
  })
  const { onMessage, server } = options
  const client = await told(() =>
    connect({
      address: options.address,
      password: options.password,
      ...whereTo(server, options.address, configuration),
      trust: [...ownAuthority(configuration), ...options.trust],
      device,
      inbox: onMessage === undefined ? 'closed' : 'open',
      plain: true,
      reconnect: options.lasting === true,
      ...(onMessage && { onMessage: (incoming: Incoming) => passOn(incoming, onMessage) }),
      ...(options.onState && { onState: options.onState }),
    } satisfies ConnectOptions),
  )
  return new ImppPerson(client)
}

class ImppPerson implements Person {
  readonly #client: ImppClient

  constructor(client: ImppClient) {
    this.#client = client
  }

  get address(): string {
    return this.#client.address
  }

  get lost(): Promise<string> {
    return this.#client.closed
  }

  async send({
    to,
    text,
    subject,
    thread,
  }: OutgoingMessage): Promise<{ result: 'delivered' | 'stored' | 'relayed'; id: string }> {
    const message = {
      body: [{ language: '', text }],
      ...(subject === undefined ? {} : { subject: [{ language: '', text: subject }] }),
      ...(thread === undefined ? {} : { thread }),
    }
    const { result, id } = await told(() => this.#client.send(to, message), to)
    return { result, id }
  }

  fetch(target: string): Promise<Presence> {
    return told(() => this.#client.fetch(target), target)
  }

  async watch(target: string, watching: Watching): Promise<void> {
    const show = ({ state, presence }: Sighting): void => {
      if (state === 'pending') watching.pending()
      else watching.presence(presence)
    }
    const sightings = this.#client.watch(target)
    const first = await told(() => sightings.next(), target)
    if (first.done !== true) show(first.value)
    void follow(sightings, show, watching)
  }

  async publish(
    presence: Omit<PresenceTuple, 'id'>,
    lease: number | 'permanent',
  ): Promise<number | 'permanent'> {
    const tuple = { id: device, statusExtensions: [], extensions: [], ...presence }
    const said = lease === 0 ? undefined : { tuples: [tuple] }
    const granted = await told(() => this.#client.publish(said, { lease }))
    return granted === Number.POSITIVE_INFINITY || granted === 'connection' ? 'permanent' : granted
  }

  get access(): Access {
    const { access } = this.#client
    return {
      list: () => told(() => access.list()),
      put: (...rules) => told(() => access.put(...rules)),
      remove: (...subjects) => told(() => access.remove(...subjects)),
    }
  }

  async *history(query: Partial<HistoryQuery>): AsyncGenerator<HistoryMessage> {
    const given = Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined))
    const remembered = this.#client.history(given)
    for (;;) {
      const { value, done } = await told(() => remembered.next(), query.with)
      if (done === true) return
      yield historyMessage(value as Remembered)
    }
  }

  async leave(): Promise<void> {
    await this.#client.close()
  }
}

async function follow(
  sightings: AsyncIterable<Sighting>,
  show: (sighting: Sighting) => void,
  watching: Watching,
): Promise<void> {
  try {
    for await (const sighting of sightings) show(sighting)
  } catch (error) {
    // The end of the whole connection is told by `lost`.
    if (!(error instanceof ConnectionLost)) watching.ended((error as Error).message)
  }
}

function passOn({ message, stored, sent }: Incoming, onMessage: (message: IncomingMessage) => void): void {
  // What we sent from another device is no news here.
  if (sent) return
  onMessage({
    from: message.from.key,
    stored,
    thread: message.thread === '' ? undefined : message.thread,
    subject: message.subject[0]?.text,
    text: message.body[0]?.text,
    contentType: message.content?.type ?? 'text/plain',
  })
}

function historyMessage({ id, at, direction, message, omitted }: Remembered): HistoryMessage {
  const peer = direction === 'sent' ? message.to : message.from
  return {
    id,
    at: at.toISOString(),
    direction,
    peer: peer.key,
    messageId: message.id,
    thread: message.thread === '' ? undefined : message.thread,
    subject: message.subject[0]?.text,
    text: message.body[0]?.text,
    contentType: message.content?.type ?? 'text/plain',
    omitted,
  }
}

/** What the client's failures say, as failures of the command. */
async function told<T>(call: () => Promise<T>, about?: string): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (error instanceof Refused) {
      if (error.isLogin)
        throw new CommandFailure('the name or the password is wrong', exitCodes.failed, error.condition)
      throw new CommandFailure(
        about === undefined ? error.message : `${about}: ${error.message}`,
        exitCodes.failed,
        error.condition,
      )
    }
    if (error instanceof ConnectionLost) throw new CommandFailure(error.message, exitCodes.unreachable)
    throw error
  }
}

/** Where it is said, else our own server for our own people, else where DNS has the server of the person's domain. */
function whereTo(
  server: string | undefined,
  address: string,
  configuration: Configuration,
): Pick<ConnectOptions, 'server' | 'tls'> {
  if (server !== undefined) return { server: checked(server), tls: 'preferred' }
  const domain = address.slice(address.lastIndexOf('@') + 1).toLowerCase()
  const isElsewhere = address.includes('@') && !configuration.domains.includes(domain)
  return isElsewhere ? { tls: 'required' } : { server: configuredServer(configuration), tls: 'preferred' }
}

/** What `--server` says, if a server can be there. */
function checked(server: string): string {
  try {
    nodeDial({ server })
    return server
  } catch {
    throw new CommandFailure('--server expects host:port, as in im.example.com:7410', exitCodes.usage)
  }
}

/** Where the configuration has IMPP clients connect. */
function configuredServer({ config, protocols }: Configuration): string {
  const impp = protocols.find((protocol) => protocol.name === 'impp')
  const values =
    impp === undefined ? {} : (config.of(impp.settings as Section) as Readonly<Record<string, unknown>>)
  const client = values['client'] as { host: string | undefined; port: number } | undefined
  if (client === undefined || client.port === 0) {
    throw new CommandFailure(
      'the configuration names no place for IMPP clients ([impp] client); name one, or --server',
    )
  }
  const { host = '127.0.0.1', port } = client
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
