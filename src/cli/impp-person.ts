// A login to the running server as an IMPP client.
import type { Section } from '#config'
import { ConnectionLost, type ImppClient, type Incoming, logIn, Refused } from '#protocols/impp/client'
import { type Configuration, connectClient, loadConfiguration, ownAuthority } from '#server'
import { CommandFailure, exitCodes } from './exit-codes.ts'
import type {
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
  const { host, port } =
    options.server === undefined ? configuredServer(configuration) : readServer(options.server)
  const { onMessage } = options
  const client = await told(async () => {
    const transport = await connectClient({
      host,
      port,
      trust: [...ownAuthority(configuration), ...options.trust],
    }).catch((error: Error) => {
      throw new ConnectionLost(unreachable(host, port, error))
    })
    return logIn(transport, {
      address: options.address,
      password: options.password,
      device,
      ...(onMessage === undefined ? {} : { onMessage: (incoming: Incoming) => passOn(incoming, onMessage) }),
    })
  })
  return new ImppPerson(client)
}

class ImppPerson implements Person {
  readonly #client: ImppClient

  constructor(client: ImppClient) {
    this.#client = client
  }

  get address(): string {
    return this.#client.address.key
  }

  get lost(): Promise<string> {
    return this.#client.closed
  }

  async send({
    to,
    text,
    subject,
    thread,
  }: OutgoingMessage): Promise<{ result: 'delivered' | 'stored'; id: string }> {
    const message = {
      to,
      body: [{ language: '', text }],
      ...(subject === undefined ? {} : { subject: [{ language: '', text: subject }] }),
      ...(thread === undefined ? {} : { thread }),
    }
    const { result, id } = await told(() => this.#client.send(message), to)
    return { result, id }
  }

  fetch(target: string): Promise<Presence> {
    return told(() => this.#client.fetch(target), target)
  }

  async watch(target: string, watching: Watching): Promise<void> {
    const handlers = {
      onPresence: (presence: Presence) => watching.presence(presence),
      onPending: () => watching.pending(),
      onEnded: (reason: string) => watching.ended(reason),
    }
    await told(() => this.#client.watch(target, handlers), target)
  }

  async publish(
    presence: Omit<PresenceTuple, 'id'>,
    lease: number | 'permanent',
  ): Promise<number | 'permanent'> {
    const seconds = lease === 'permanent' ? Number.POSITIVE_INFINITY : lease
    const tuple = { id: device, statusExtensions: [], extensions: [], ...presence }
    const granted = await told(() =>
      this.#client.publish(seconds === 0 ? undefined : { tuples: [tuple] }, seconds),
    )
    return granted === Number.POSITIVE_INFINITY || granted === 'connection' ? 'permanent' : granted
  }

  async leave(): Promise<void> {
    await this.#client.quit()
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

interface Endpoint {
  readonly host: string
  readonly port: number
}

/** Where the configuration has IMPP clients connect. */
function configuredServer({ config, protocols }: Configuration): Endpoint {
  const impp = protocols.find((protocol) => protocol.name === 'impp')
  const values =
    impp === undefined ? {} : (config.of(impp.settings as Section) as Readonly<Record<string, unknown>>)
  const client = values['client'] as { host: string | undefined; port: number } | undefined
  if (client === undefined || client.port === 0) {
    throw new CommandFailure(
      'the configuration names no place for IMPP clients ([impp] client); name one, or --server',
    )
  }
  return { host: client.host ?? '127.0.0.1', port: client.port }
}

function readServer(written: string): Endpoint {
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(written)
  const port = Number(match?.[3] ?? 7410)
  if (match === null || port < 1 || port > 65_535) {
    throw new CommandFailure('--server expects host:port, as in im.example.com:7410', exitCodes.usage)
  }
  return { host: (match[1] ?? match[2]) as string, port }
}

function unreachable(host: string, port: number, error: Error): string {
  const refused = (error as NodeJS.ErrnoException).code === 'ECONNREFUSED'
  const where = `${host.includes(':') ? `[${host}]` : host}:${port}`
  return refused
    ? `nobody answers at ${where}; is the server running?`
    : `${where} cannot be reached: ${error.message}`
}
