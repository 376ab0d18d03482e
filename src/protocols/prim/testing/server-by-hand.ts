// A server of another domain by hand, over a connection that it has opened to ours.
import { text, utf8 } from '#base'
import type { Connection } from '#net'
import type { PrimSettings } from '../settings.ts'
import { everything, type TwoDomains, twoDomains } from './two-domains.ts'

/** What it was told, and what it says. */
export class Server {
  readonly told: string[] = []
  closed = false
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
    connection.start({
      onData: (octets) => this.told.push(text(octets)),
      onSecure: () => {},
      onClose: () => {
        this.closed = true
      },
    })
  }

  /** Says it, and waits for nothing. */
  write(octets: string): void {
    this.#connection.write(utf8(octets.replaceAll('\n', '\r\n')))
  }

  async say(octets: string): Promise<string> {
    this.write(octets)
    for (let turn = 0; turn < 50 && this.told.length === 0 && !this.closed; turn++) await everything()
    return this.told.splice(0).join('').replaceAll('\r\n', '\n')
  }

  async secure(): Promise<void> {
    await this.say('STARTTLS PRIM/1.0 1 0\n\n')
    this.#connection.startTls({ secureContext: () => ({}) as never }, { server: false })
    await everything()
  }

  /** Agrees to STARTTLS and LOGIN of who has connected to it. */
  async agree(): Promise<void> {
    const idOf = (method: string): string =>
      new RegExp(`${method} PRIM/1\\.0 (\\S+) 0\\r\\n`).exec(this.told.splice(0).join(''))?.[1] ?? '?'
    this.write(`PRIM/1.0 ${idOf('STARTTLS')} 0 200 OK\n\n`)
    this.#connection.startTls({ secureContext: () => ({}) as never }, { server: true })
    await everything()
    for (const status of ['100 Authentication Continued', '200 OK']) {
      this.write(`PRIM/1.0 ${idOf('LOGIN')} 0 ${status}\nSASL-Mech: EXTERNAL\n\n`)
      await everything()
    }
  }

  async login(mechanism = 'EXTERNAL', domain = 'example.net'): Promise<string> {
    await this.say(`LOGIN PRIM/1.0 2 0\nDomain: ${domain}\nAuth-State: init\nSASL-Mech: ${mechanism}\n\n`)
    return this.say(
      `LOGIN PRIM/1.0 3 0\nDomain: ${domain}\nAuth-State: continue\nSASL-Mech: ${mechanism}\n\n`,
    )
  }
}

/** One that has its TLS, and nothing more. */
export async function servers(
  settings: Partial<PrimSettings> = {},
): Promise<{ two: TwoDomains; server: Server }> {
  const two = await twoDomains(settings)
  const server = new Server(two.strike())
  await server.secure()
  return { two, server }
}
