// slixmpp as a party of a test: what it is told to do, and the events it tells.
import { join } from 'node:path'
import type { Program } from './program.ts'
import type { Scene } from './scene.ts'
import { password } from './server.ts'

export interface XmppEvent {
  readonly event: string
  readonly [key: string]: unknown
}

export interface XmppClientOptions {
  readonly security?: 'starttls' | 'tls'
  readonly tls?: 'tls1.2' | 'tls1.3'
  readonly password?: string
  /** Of another server than ours, on loopback. */
  readonly port?: number
  readonly authority?: string
  /** Makes its account before it logs in (XEP-0077). */
  readonly registers?: boolean
  /** It comes back when its connection is cut (XEP-0198). */
  readonly resumes?: boolean
}

export class XmppClient {
  readonly program: Program
  readonly #domain: string
  /** What `next` has passed. */
  #read = 0
  readonly #events: XmppEvent[] = []
  #linesRead = 0

  /** `jid` has a resource: `romeo@localhost/orchard`. */
  constructor(scene: Scene, python: string, jid: string, options: XmppClientOptions = {}) {
    const { server } = scene
    this.#domain = jid.slice(jid.indexOf('@') + 1, jid.indexOf('/'))
    const security = options.security ?? 'starttls'
    this.program = scene.start(`slixmpp ${jid}`, python, [
      join(import.meta.dirname, 'fixtures', 'xmpp_client.py'),
      jid,
      options.password ?? password,
      '127.0.0.1',
      String(options.port ?? server.port(security === 'tls' ? 'xmppTls' : 'xmpp')),
      options.authority ?? server.authority,
      security,
      options.tls ?? 'tls1.2',
      options.registers === true ? 'yes' : 'no',
      options.resumes === true ? 'yes' : 'no',
    ])
  }

  /** Logged in and available. */
  static async online(
    scene: Scene,
    python: string,
    jid: string,
    options: XmppClientOptions = {},
  ): Promise<XmppClient> {
    const client = new XmppClient(scene, python, jid, options)
    await client.next('started')
    return client
  }

  do(what: string, order: Readonly<Record<string, unknown>> = {}): void {
    this.program.write(`${JSON.stringify({ do: what, ...order })}\n`)
  }

  /** The next event of that kind that has these values; others before it are passed over. */
  async next(event: string, values: Readonly<Record<string, unknown>> = {}): Promise<XmppEvent> {
    const found = await this.#find(event, values, this.#read)
    this.#read = this.events().indexOf(found) + 1
    return found
  }

  /** The first event of that kind and these values, passed over or not. */
  ever(event: string, values: Readonly<Record<string, unknown>> = {}): Promise<XmppEvent> {
    return this.#find(event, values, 0)
  }

  /** All events of a kind so far, read or not. */
  seen(event: string): readonly XmppEvent[] {
    return this.events().filter((one) => one.event === event)
  }

  /** What the server had to say before now has come: its answer to a ping has. */
  async settled(): Promise<void> {
    const before = this.seen('pong').length
    this.do('ping', { to: this.#domain })
    while (this.seen('pong').length === before) await this.#more('pong', {})
  }

  async leave(): Promise<void> {
    this.do('leave')
    await this.program.ends()
  }

  events(from = 0): readonly XmppEvent[] {
    const lines = this.program.said.split('\n')
    for (; this.#linesRead < lines.length - 1; this.#linesRead++) {
      const line = lines[this.#linesRead] as string
      if (line.startsWith('{"event": ')) this.#events.push(JSON.parse(line) as XmppEvent)
    }
    return this.#events.slice(from)
  }

  async #find(event: string, values: Readonly<Record<string, unknown>>, from: number): Promise<XmppEvent> {
    for (;;) {
      const found = this.events(from).find(
        (one) => one.event === event && Object.entries(values).every(([key, value]) => one[key] === value),
      )
      if (found !== undefined) return found
      await this.#more(event, values)
    }
  }

  async #more(event: string, values: Readonly<Record<string, unknown>>): Promise<void> {
    try {
      await this.program.more()
    } catch (error) {
      throw new Error(`${this.program.name} tells no ${event} ${JSON.stringify(values)}`, { cause: error })
    }
  }
}
