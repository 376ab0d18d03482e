// The tuning profiles between two sessions of ours, over sockets and TLS (RFC 3080 §3, §4).

import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { externalClient, type PersonCertificates, plainClient, type SaslClient, ScramClient } from '#auth'
import { SystemClock, text, utf8 } from '#base'
import { type Address, parseAddress } from '#model'
import { clientTlsContext, connectTcp, ensureCertificates, listenTcp, TlsContexts } from '#net'
import { silentLog } from '#observe'
import type { BeepError } from '../codec/index.ts'
import type { BeepProfile, Session, SessionReason } from '../profile.ts'
import { beginSession } from '../session.ts'
import type { SessionOptions } from '../session-options.ts'
import { loginProfiles, until } from '../testing/logins.ts'
import { echoHandler, echoProfile, echoUri, pair } from '../testing/pair.ts'
import { authenticate, type LoginOutcome, offeredMechanisms } from './sasl-client.ts'
import { startTls, tlsProfileOf } from './tls.ts'

const directory = mkdtempSync(join(tmpdir(), 'verona-beep-'))
after(() => rmSync(directory, { recursive: true }))
const clock = new SystemClock()
const own = await ensureCertificates(directory, ['example.com', 'example.net'], clock)
const files = { certificate: own.certificateFile, key: own.keyFile }
const context = new TlsContexts({ certificates: [files] })
const trusting = clientTlsContext([own.authorityFile])

interface Two {
  readonly initiator: Session
  readonly listener: () => Session
  readonly reasons: SessionReason[]
}

/** A listener with those profiles, and an initiator that the peer has greeted. */
async function sockets(
  t: TestContext,
  profiles: readonly BeepProfile[],
  options: Partial<SessionOptions> = {},
): Promise<Two> {
  const reasons: SessionReason[] = []
  const served: Session[] = []
  const shared = { clock, log: silentLog }
  const listening = await listenTcp({
    name: 'beep',
    host: '127.0.0.1',
    port: 0,
    onConnection: (connection) => {
      const onClosed = (_: Session, reason: SessionReason): void => void reasons.push(reason)
      served.push(beginSession(connection, { ...shared, role: 'listener', profiles, onClosed, ...options }))
    },
  })
  const connection = await connectTcp({ host: '127.0.0.1', port: listening.port })
  t.after(async () => {
    connection.destroy()
    await listening.close()
  })
  const initiator = await new Promise<Session>((resolve) =>
    beginSession(connection, { ...shared, role: 'initiator', profiles: [echoProfile], onGreeting: resolve }),
  )
  return { initiator, listener: () => served[0] as Session, reasons }
}

const secured = (session: Session, serverName = 'example.com'): Promise<BeepError | undefined> =>
  new Promise((resolve) => startTls(session, { context: trusting, serverName }, resolve))

const loggedIn = (session: Session, client: SaslClient): Promise<LoginOutcome> =>
  new Promise((resolve) => authenticate(session, client, resolve))

const greeted = async (session: Session): Promise<readonly string[]> => {
  await until(
    () => session.peer !== undefined,
    () => {},
  )
  return session.peer?.profiles ?? []
}

const echoed = (session: Session): Promise<string> =>
  new Promise((resolve, reject) =>
    session.start({ profiles: [{ uri: echoUri }], handler: echoHandler }, (outcome) => {
      if (outcome.kind !== 'started') return reject(new Error(outcome.kind))
      outcome.channel.send({ body: utf8('hello') }, (reply) =>
        resolve('entity' in reply ? text(reply.entity.body) : reply.kind),
      )
    }),
  )

test('TLS, then SCRAM bound to it, then data: each greeting says what there is now (§3, §4)', async (t) => {
  const needsLogin: BeepProfile = {
    ...echoProfile,
    isOffered: ({ identity }) => identity !== undefined,
    refusal: () => ({ code: 530 }),
  }
  const profiles = [tlsProfileOf({ context }), ...loginProfiles(), needsLogin]
  const { initiator, listener } = await sockets(t, profiles, { serves: (name) => name === 'example.com' })
  assert.ok(initiator.peer?.profiles.includes('http://iana.org/beep/TLS'))
  assert.ok(!offeredMechanisms(initiator).includes('PLAIN'))
  assert.equal(await secured(initiator), undefined)
  const profilesNow = await greeted(initiator)
  assert.ok(!profilesNow.includes('http://iana.org/beep/TLS'))
  assert.ok(offeredMechanisms(initiator).includes('PLAIN'))
  assert.equal(initiator.connection.tls?.authorized, true)
  await assert.rejects(echoed(initiator), /refused/)
  const data = initiator.connection.tls?.tlsExporter() as Uint8Array
  const binding = { type: 'tls-exporter', data }
  const client = new ScramClient({ hash: 'SHA-256', user: 'alice', password: 'secret', binding })
  assert.deepEqual(await loggedIn(initiator, client), { kind: 'done' })
  assert.equal(listener().identity?.owner.key, 'alice@example.com')
  assert.equal(listener().serverName, 'example.com')
  assert.equal(await echoed(initiator), 'hello')
})

test('a listener may be the one that asks for TLS: who sends ready is the TLS client (§2.7, §3.1.3)', async (t) => {
  const { initiator, listener } = await sockets(t, [])
  const offering = pair({}, { profiles: [tlsProfileOf({ context })] })
  assert.deepEqual(offering.listener.session.peer?.profiles, ['http://iana.org/beep/TLS'])
  const outcomes: (BeepError | undefined)[] = []
  startTls(offering.listener.session, { context: trusting, serverName: 'example.com' }, (error) =>
    outcomes.push(error),
  )
  offering.flush()
  assert.deepEqual(outcomes, [undefined])
  assert.ok(offering.initiator.session.connection.tls !== undefined)
  // Who does not offer it is asked in vain.
  const refusal = await new Promise<BeepError | undefined>((resolve) =>
    startTls(initiator, { context: trusting, serverName: 'example.com' }, resolve),
  )
  assert.equal(refusal?.code, 550)
  assert.equal(listener().closing, false)
})

test('what is under way on other channels is finished before TLS begins, and all channels are gone then (§3.1.3)', async () => {
  const waiting: (() => void)[] = []
  const slow: BeepProfile = {
    uri: 'urn:slow',
    start: (start) =>
      void start.accept({
        onMessage: (_, replying) => waiting.push(() => replying.positive({ body: utf8('late') })),
      }),
  }
  const both = pair({ profiles: [tlsProfileOf({ context }), slow, echoProfile] })
  const events: string[] = []
  both.initiator.session.start(
    { profiles: [{ uri: 'urn:slow' }], handler: { ...echoHandler, onClosed: (why) => events.push(why) } },
    (outcome) => {
      assert.ok(outcome.kind === 'started')
      outcome.channel.send({ body: utf8('x') }, ({ kind }) => events.push(kind))
    },
  )
  both.flush()
  startTls(both.initiator.session, { context: trusting, serverName: 'example.com' }, () => events.push('TLS'))
  both.flush()
  assert.deepEqual(events, [])
  waiting[0]?.()
  both.flush()
  assert.deepEqual(events, ['RPY', 'reset', 'TLS'])
  assert.deepEqual(both.listener.session.channels, [])
  assert.deepEqual(both.initiator.session.peer?.profiles, ['urn:slow', echoUri])
})

test('SCRAM with each hash, and PLAIN where it may be, log in; a second login is not offered (§4)', async () => {
  for (const client of [
    new ScramClient({ hash: 'SHA-1', user: 'alice', password: 'secret' }),
    new ScramClient({ hash: 'SHA-256', user: 'alice', password: 'secret', binding: 'unasked' }),
    new ScramClient({ hash: 'SHA-512', user: 'alice@example.com', password: 'secret' }),
    plainClient('alice', 'secret'),
  ]) {
    const both = pair({ profiles: loginProfiles({ plainWithoutTls: true }) })
    const outcomes: LoginOutcome[] = []
    authenticate(both.initiator.session, client, (outcome) => outcomes.push(outcome))
    await until(() => outcomes.length > 0, both.flush)
    assert.deepEqual(outcomes, [{ kind: 'done' }], client.mechanism)
    assert.equal(both.listener.session.identity?.owner.key, 'alice@example.com')
    await until(() => both.listener.session.channels.length === 0, both.flush)
    authenticate(both.initiator.session, plainClient('alice', 'secret'), (outcome) => outcomes.push(outcome))
    await until(() => outcomes.length > 1, both.flush)
    const [, again] = outcomes
    assert.ok(again?.kind === 'refused' && again.error.code === 550, JSON.stringify(again))
  }
})

test('EXTERNAL is offered to a certificate that names somebody, and logs him in (§4.1.3)', async () => {
  const certificate = new X509Certificate(readFileSync(own.certificateFile))
  const alice = parseAddress('alice@example.com') as Address
  const persons = { personsOf: () => [alice] } as unknown as PersonCertificates
  const profiles = loginProfiles({}, { persons })
  const both = pair({ profiles }, {}, { secure: true, tls: { peerCertificate: () => certificate } })
  assert.ok(offeredMechanisms(both.initiator.session).includes('EXTERNAL'))
  const outcomes: LoginOutcome[] = []
  authenticate(both.initiator.session, externalClient(), (outcome) => outcomes.push(outcome))
  await until(() => outcomes.length > 0, both.flush)
  assert.deepEqual(outcomes, [{ kind: 'done' }])
  assert.equal(both.listener.session.identity?.name.key, 'alice@example.com')
})

test('a server that can not prove that it knows the password is not believed (RFC 5802 §3)', async () => {
  const liar: BeepProfile = {
    uri: 'http://iana.org/beep/SASL/SCRAM-SHA-256',
    start: (start) => void start.accept(echoHandler, utf8("<blob status='complete'>dj1saWU=</blob>")),
  }
  const both = pair({ profiles: [liar] })
  const outcomes: LoginOutcome[] = []
  const client = new ScramClient({ hash: 'SHA-256', user: 'alice', password: 'secret' })
  authenticate(both.initiator.session, client, (outcome) => outcomes.push(outcome))
  await until(() => outcomes.length > 0, both.flush)
  assert.deepEqual(outcomes, [{ kind: 'broken', why: 'the server did not prove itself' }])
})
