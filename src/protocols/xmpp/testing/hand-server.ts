// A server of another domain by hand: writes text to a server of ours, reads elements.
import { flushConnections, type TlsInfo } from '#net'
import { TestClient } from './test-client.ts'
import { type Certificate, type Town, type TwoServers, tlsOf } from './two-servers.ts'

export interface HandOptions {
  readonly from?: string
  readonly to: string
  readonly certificate: Certificate
}

export class HandServer extends TestClient {
  readonly #options: HandOptions

  private constructor(connection: ConstructorParameters<typeof TestClient>[0], options: HandOptions) {
    super(connection, false)
    this.#options = options
  }

  /** Connects, and is under TLS. */
  static async secured({ wires, clock }: TwoServers, town: Town, options: HandOptions): Promise<HandServer> {
    const hand = HandServer.connected({ wires, clock } as TwoServers, town, options)
    hand.header()
    await hand.next()
    hand.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    await hand.next()
    const secured = hand.whenSecured()
    hand.connection.startTls({ secureContext: () => ({}) as never }, { server: false })
    flushConnections()
    await secured
    hand.header()
    return hand
  }

  static connected({ wires, clock }: TwoServers, town: Town, options: HandOptions): HandServer {
    const trusted: Partial<TlsInfo> = tlsOf(town.certificate)
    const [accepted, dialled] = wires.pair(clock, { accepted: tlsOf(options.certificate), dialled: trusted })
    town.servers.accept(accepted)
    return new HandServer(dialled, options)
  }

  /** The same, having proven itself by its certificate. */
  static async proven(world: TwoServers, town: Town, options: HandOptions): Promise<HandServer> {
    const hand = await HandServer.secured(world, town, options)
    await hand.next()
    hand.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>")
    await hand.next()
    hand.header()
    await hand.next()
    return hand
  }

  header(): void {
    const { from, to } = this.#options
    const fromText = from === undefined ? '' : ` from='${from}'`
    this.send(
      `<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback'${fromText} to='${to}' version='1.0'>`,
    )
  }

  /** The id of the last stream header that came. */
  get streamId(): string {
    return this.headers.at(-1)?.attribute('id') ?? ''
  }
}
