// A domain that speaks UMPP, of programs that we did not write: sipp with the words of the draft behind TLS, and Prosody as the XMPP host that its session
// descriptions name; and a server of ours as the draft's other domain, which finds it by `_im._umpp` and `_pres._umpp` alone.
import { Network } from './network.ts'
import type { Program } from './program.ts'
import type { Scene } from './scene.ts'
import { VeronaServer } from './server.ts'
import { type SippOptions, sipp } from './sipp.ts'
import { TlsFront } from './tls-front.ts'
import { Prosody, type XmppServerOptions } from './xmpp-server.ts'

export interface DraftTownParts {
  readonly ours: string
  /** Our people, and the host that our descriptions name. */
  readonly users: readonly string[]
  readonly host: string
  readonly theirs: string
  readonly theirUsers: readonly string[]
  /** The host that theirs name. */
  readonly theirHost: string
  readonly prosody: string
  readonly sipp: string
  readonly idleSeconds: number
  readonly xmpp?: XmppServerOptions
  /** False: their Prosody does not know the authority of our certificate. */
  readonly believed?: boolean
}

export class DraftTown {
  readonly network: Network
  readonly prosody: Prosody
  readonly front: TlsFront
  readonly server: VeronaServer
  readonly #parts: DraftTownParts

  private constructor(
    parts: DraftTownParts,
    network: Network,
    prosody: Prosody,
    front: TlsFront,
    server: VeronaServer,
  ) {
    this.#parts = parts
    this.network = network
    this.prosody = prosody
    this.front = front
    this.server = server
  }

  static async open(parts: DraftTownParts): Promise<DraftTown> {
    const { ours, theirs, host, theirHost, users, theirUsers, idleSeconds } = parts
    const network = await Network.open([ours, theirs])
    const { services, addresses } = network.names
    // Prosody finds us by DNS, since it reads no session description; we find it by those alone.
    services.delete(`_xmpp-server._tcp.${theirs}`)
    addresses.set(theirHost, ['127.0.0.1'])
    const prosody = new Prosody(parts.prosody, network, theirs, theirUsers)
    const ready = prosody.start(parts.xmpp)
    const server = await VeronaServer.start(
      {
        domain: ours,
        users,
        settings: {
          sip: { host: '127.0.0.1', other_domains: true },
          xmpp: { server: `127.0.0.1:${network.portOf(ours)}`, server_connect_seconds: 10 },
          umpp: { on: true, host, idle_seconds: idleSeconds, private_peers: [theirs] },
          peers: { trust: network.authority, retry_first_seconds: 1, retry_max_seconds: 2 },
          dns: { servers: [network.dns] },
        },
      },
      (directory) => parts.believed !== false && network.giveAuthority(`${directory}/data/tls`),
    )
    const front = await TlsFront.open({
      certificate: await network.certificateFor(theirs, 'good'),
      authority: server.authority,
      farDomain: ours,
      farPort: () => server.port('sipTls'),
    })
    for (const label of ['_im._umpp', '_pres._umpp'])
      services.set(`${label}.${theirs}`, [{ host: 'localhost', port: front.port }])
    await ready
    return new DraftTown(parts, network, prosody, front, server)
  }

  /** One scenario of theirs: they call, or wait to be called. */
  scenario(stage: Scene, name: string, callId?: string): Program {
    this.front.forget()
    const keys = { xmpp_port: String(this.network.portOf(this.#parts.theirs)) }
    const options: SippOptions = {
      transport: 't1',
      keys,
      ...(callId === undefined
        ? { port: this.front.programPort, to: '127.0.0.1:9' }
        : { to: this.front.way, callId }),
    }
    return sipp(stage, this.#parts.sipp, name, 'nobody', options)
  }

  get prosodySaid(): string {
    return this.prosody.programs.map((program) => program.said).join('\n---\n')
  }

  /** What all that are not ours said, for the report of a failure. */
  report(): string {
    const { heard, sent } = this.front
    return `--- heard by sipp\n${heard}\n--- sent by sipp\n${sent}\n--- Prosody\n${this.prosodySaid.slice(-8000)}`
  }

  async close(): Promise<void> {
    this.front.close()
    await Promise.all([this.server.remove(), this.prosody.remove()])
    await this.network.close()
  }
}
