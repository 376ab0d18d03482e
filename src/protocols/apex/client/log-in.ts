// From an open connection to a session of a person (RFC 3080 §3, §4): greetings, TLS where it can be had, SASL.

import { passwordClient, passwordMechanisms } from '#auth'
import type { Clock } from '#base'
import type { Address } from '#model'
import type { Connection, TlsContext } from '#net'
import { silentLog } from '#observe'
import {
  authenticate,
  type BeepError,
  beginSession,
  type LoginOutcome,
  offeredMechanisms,
  type Session,
  type SessionEnd,
  startTls,
  tlsProfile,
} from '#protocols/beep'
import { ConnectionLost, Refused } from './failures.ts'

/** A session, and its end. */
export class ClientSession {
  readonly beep: Session
  /** Why it is over, when it is. */
  readonly closed: Promise<string>
  readonly #greetings: (() => void)[] = []

  constructor(connection: Connection, clock: Clock) {
    let end: (why: string) => void = () => {}
    this.closed = new Promise((resolve) => {
      end = resolve
    })
    this.beep = beginSession(connection, {
      role: 'initiator',
      clock,
      log: silentLog,
      onGreeting: () => {
        for (const greeted of this.#greetings.splice(0)) greeted()
      },
      onClosed: (_session, { why, detail }) =>
        end(why === 'tls' ? `TLS failed: ${detail ?? 'no agreement'}` : endTexts[why]),
    })
  }

  /** The peer's next greeting is there. */
  greeting(): Promise<void> {
    return this.first(new Promise((resolve) => this.#greetings.push(resolve)))
  }

  /** What comes, or the end of the session, which rejects. */
  first<T>(coming: Promise<T>): Promise<T> {
    return Promise.race([
      coming,
      this.closed.then((why) => {
        throw new ConnectionLost(why)
      }),
    ])
  }
}

const endTexts: Readonly<Record<SessionEnd, string>> = {
  released: 'we left',
  us: 'we left',
  refused: 'the server takes nobody now, or speaks no BEEP',
  peer: 'the server closed the connection',
  malformed: 'the server does not keep to the protocol',
  limit: 'the server sends more than we take',
  silent: 'the server does not answer',
  'slow-reader': 'the server takes nothing any more',
  tls: 'TLS failed',
}

/** Begins TLS. Rejects with ConnectionLost where it is `required` and cannot be had. */
export async function secure(
  session: ClientSession,
  context: TlsContext,
  domain: string,
  tls: 'required' | 'preferred',
): Promise<void> {
  const { beep } = session
  if (beep.peer?.profiles.includes(tlsProfile) !== true) {
    // SCRAM shows nobody the password.
    if (tls === 'preferred') return
    throw new ConnectionLost('the connection cannot be secured by TLS')
  }
  const greeting = session.greeting()
  // Whichever is first says why; the other is heard, too.
  greeting.catch(() => {})
  const error = await session.first(
    new Promise<BeepError | undefined>((resolve) => startTls(beep, { context, serverName: domain }, resolve)),
  )
  if (error !== undefined) throw refusalOf(error, domain)
  await greeting
  const info = beep.connection.tls
  if (info?.authorized === true) return
  throw new ConnectionLost(
    `the server’s certificate is not trusted: ${info?.authorizationError ?? 'there is none'}`,
  )
}

export interface Credentials {
  readonly address: Address
  readonly password: string
}

/** By the best mechanism of both. Rejects with Refused or ConnectionLost. */
export async function logIn(session: ClientSession, { address, password }: Credentials): Promise<void> {
  const { beep } = session
  const { tls } = beep.connection
  const offered = offeredMechanisms(beep)
  const chosen = passwordMechanisms(tls).find((each) => offered.includes(each))
  if (chosen === undefined)
    throw new ConnectionLost(
      `the server offers no way to log in that is known here (${offered.join(' ') || 'none'})`,
    )
  const client = passwordClient(chosen, tls, address.key, password)
  const outcome = await session.first(
    new Promise<LoginOutcome>((resolve) => authenticate(beep, client, resolve, address.domain)),
  )
  if (outcome.kind === 'refused') throw refusalOf(outcome.error, address.domain)
  // Without its proof the server may be anybody.
  if (outcome.kind === 'broken')
    throw new ConnectionLost(`the server could not prove that it knows the password: ${outcome.why}`)
  if (outcome.kind === 'lost') throw new ConnectionLost(await session.closed)
}

/** §2.3.1.2: 550 and 553 to a start are about the name of the server that is wanted. */
function refusalOf({ code }: BeepError, domain: string): Refused {
  return code === 550 || code === 553
    ? new Refused(code, `the server does not serve ${domain}`, 'domain-unknown')
    : new Refused(code)
}
