// Where a person's relay is (RFC 3340 §3.1), and a login there.

import { type Clock, SystemClock } from '#base'
import { type InstantMessage, parseAddress } from '#model'
import { clientTlsContext, connectFirst, type Resolver, type ServerPlace, serverPlace, serversOf } from '#net'
import { ApexClient } from './apex-client.ts'
import { attach } from './attach.ts'
import { Conversation } from './conversation.ts'
import { ConnectionLost, NoAddress } from './failures.ts'
import { inboxOf } from './inbox.ts'
import { ClientSession, logIn, secure } from './log-in.ts'

/** apex-edge, in the registry of ports. */
export const apexPort = 913

export interface ConnectOptions {
  /** `user@domain`. */
  readonly address: string
  readonly password: string
  /** Whether messages are sent or taken, and not presence alone. */
  readonly talks: boolean
  /** `host` or `host:port`; found by the domain when left out. */
  readonly server?: string
  /** `preferred`: a server without a certificate will do, and PLAIN is not spoken with it. */
  readonly tls: 'required' | 'preferred'
  /** PEM files of authorities to trust beside those of the system. */
  readonly trust?: readonly string[]
  readonly resolver?: Resolver
  readonly clock?: Clock
  /** Called for each message that comes; absent: none are taken, and the relay keeps them. */
  readonly onMessage?: (message: InstantMessage) => void
}

/** Logs in and attaches. Rejects with Refused (`isLogin`: the name or the password is wrong) or ConnectionLost. */
export async function connect(options: ConnectOptions): Promise<ApexClient> {
  const { clock = new SystemClock(), password, server, onMessage } = options
  const address = parseAddress(options.address)
  if (address === undefined || address.user === '') throw new NoAddress(options.address)
  const places =
    server === undefined
      ? await placesOfDomain(address.domain, options.resolver)
      : [serverPlace(server, apexPort)]
  const connection = await connectFirst(places, clock).catch(lost)
  const session = new ClientSession(connection, clock)
  try {
    await session.greeting()
    await secure(session, clientTlsContext(options.trust ?? []), address.domain, options.tls)
    await logIn(session, { address, password })
    const conversation = new Conversation(clock, inboxOf(address, onMessage))
    await attach(session, address, options.talks, conversation)
    return new ApexClient(session, conversation, address, clock)
  } catch (error) {
    session.beep.terminate({ why: 'us' })
    throw error
  }
}

const edge = { srv: '_apex-edge._tcp', port: apexPort, protocol: 'APEX' } as const

/** In the order to be tried. Rejects with ConnectionLost where the domain says that it has no such service. */
export function placesOfDomain(domain: string, resolver?: Resolver): Promise<readonly ServerPlace[]> {
  return serversOf(domain, edge, resolver).catch(lost)
}

function lost(error: Error): never {
  throw new ConnectionLost(error.message)
}
