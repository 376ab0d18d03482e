// A login to the running server as an IMPP client.
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
import { loadConfiguration, ownAuthority } from '#server'
import { tellingOf } from './client-failures.ts'
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
import { serverChoice, type Way } from './server-choice.ts'
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
  const { onMessage } = options
  const client = await told(() =>
    connect({
      address: options.address,
      password: options.password,
      ...serverChoice(options, configuration, way),
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

const told = tellingOf({ Refused, ConnectionLost })

const way: Way = {
  protocol: 'impp',
  name: 'IMPP',
  settings: ['client'],
  portExample: 7410,
  check: (server) => nodeDial({ server }),
}
