// Where a client goes, whom it believes, and how it keeps a subscription (RFC 3340 §3.1, §4.4; RFC 3343 §4.2).
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { utf8, VirtualClock } from '#base'
import type { PresenceDocument } from '#model'
import { fixedResolver, listenTcp, type TcpListener } from '#net'
import { silentLog } from '#observe'
import { ConnectionLost, type ConnectOptions, connect, placesOfDomain, Refused } from '#protocols/apex/client'
import { type BeepProfile, beginSession } from '#protocols/beep'
import { at as addressAt, type Fixture, fixture, settled } from './testing/fixture.ts'
import { data, Hand } from './testing/hand.ts'

const listeners: TcpListener[] = []
after(async () => {
  for (const listener of listeners) await listener.close()
})

test('a domain’s relay is where the SRV records say, else at the registered port (§3.1)', async () => {
  const record = { priority: 1, weight: 0, target: 'a.example', port: 99 }
  const resolver = fixedResolver({ srv: { '_apex-edge._tcp.example.com': [record] } })
  assert.deepEqual(await placesOfDomain('example.com', resolver), [{ host: 'a.example', port: 99 }])
  const none = { priority: 0, weight: 0, target: '.', port: 0 }
  const closed = fixedResolver({ srv: { '_apex-edge._tcp.example.com': [none] } })
  await assert.rejects(placesOfDomain('example.com', closed), /offers no APEX/)
  assert.deepEqual(await placesOfDomain('localhost'), [{ host: 'localhost', port: 913 }])
})

async function at(serve: Parameters<typeof listenTcp>[0]['onConnection']): Promise<string> {
  const listener = await listenTcp({ name: 'test', host: '127.0.0.1', port: 0, onConnection: serve })
  listeners.push(listener)
  return `127.0.0.1:${listener.port}`
}

/** A server of BEEP with these profiles. */
function serving(profiles: readonly BeepProfile[], more: object = {}): Promise<string> {
  const clock = new VirtualClock()
  return at((connection) => {
    beginSession(connection, { role: 'listener', clock, log: silentLog, profiles, ...more })
  })
}

const person = { address: 'fred@example.com', password: 'secret', talks: true, tls: 'preferred' } as const

async function house(): Promise<{ world: Fixture; options: ConnectOptions }> {
  const world = await fixture()
  const server = await at((connection) => world.edge.serve(connection))
  return { world, options: { ...person, server, clock: world.clock } }
}

test('without TLS the login is SCRAM, which shows nobody the password; where TLS is required there is none', async () => {
  const { options } = await house()
  const client = await connect(options)
  await client.close()
  await assert.rejects(connect({ ...options, tls: 'required' }), /cannot be secured by TLS/)
})

const elsewhere: readonly (readonly [string, () => Promise<string>, RegExp])[] = [
  ['a server without a way to log in', () => serving([]), /offers no way to log in .*\(none\)/],
  [
    'a server that takes nobody',
    () => serving([], { unavailable: () => ({ code: 421, text: 'full' }) }),
    /takes nobody now/,
  ],
  ['a server of something else', () => at((c) => c.write(utf8('HTTP/1.1 400 Bad\r\n\r\n'))), /does not keep/],
]
for (const [what, server, said] of elsewhere) {
  test(`${what} is told from others`, async () => {
    const failure = await connect({ ...person, server: await server() }).catch((error: unknown) => error)
    assert.ok(failure instanceof ConnectionLost)
    assert.match(failure.message, said)
  })
}

test('attached as the person, else as the person’s application for talk; a third is told (§4.4.1 step 5)', async () => {
  const { world, options } = await house()
  const clients = [await connect(options), await connect(options)]
  assert.deepEqual(
    world.relay.endpoints
      .all()
      .map(({ endpoint }) => endpoint.written)
      .sort(),
    ['fred/appl=im@example.com', 'fred@example.com'],
  )
  const third = await connect(options).catch((error: unknown) => error)
  assert.ok(third instanceof Refused)
  assert.match(third.message, /other applications are attached as fred@example.com already \(554\)/)
  const quiet = await connect({ ...options, talks: false })
  for (const client of [...clients, quiet]) await client.close()
  await settled()
  assert.equal(world.relay.endpoints.all().length, 0)
})

test('who is overridden hears why it is over (RFC 3342 §1)', async () => {
  const { world, options } = await house()
  const client = await connect(options)
  const hand = new Hand(world)
  const override = "<option internal='attachOverride' transID='3' />"
  await hand.signIn('fred', `<attach endpoint='fred@example.com' transID='2'>${override}</attach>`)
  assert.match(await client.closed, /another application has attached in our place/)
  await client.close()
})

test('a subscription is renewed, what is not new is not told again, and the service hears its end (RFC 3343 §4.2)', async () => {
  const { world, options } = await house()
  const client = await connect(options)
  const told: PresenceDocument[] = []
  const handlers = {
    presence: (document: PresenceDocument) => told.push(document),
    pending: assert.fail,
    ended: assert.fail,
  }
  await client.watch('barney@example.com', handlers)
  for (let hour = 0; hour < 5; hour++) {
    world.clock.advance(2_700_000)
    await settled()
  }
  assert.equal(told.length, 1)
  const barney = new Hand(world)
  await barney.signIn('barney', "<attach endpoint='barney@example.com' transID='1' />")
  await barney.say(data('barney@example.com', 'apex=presence@example.com', poll))
  const stamp = /lastUpdate='([^']*)'/.exec((await barney.hear()).join())?.[1] ?? ''
  await barney.say(data('barney@example.com', 'apex=presence@example.com', publish(stamp)))
  while (told.length < 2) await settled()
  assert.equal(told[1]?.tuples[0]?.basic, 'open')
  const owner = world.service.directory.resident(addressAt('barney@example.com'))
  assert.equal(owner && world.service.presence.watchers(owner).length, 1)
  await client.close()
  await settled()
  assert.equal(owner && world.service.presence.watchers(owner).length, 0)
})

test('who has not agreed yet is told from who is not there (decision 0135)', async () => {
  const { world, options } = await house()
  const { contacts } = world.service
  const rule = (action: 'confirm' | 'allow'): void =>
    contacts.setRule(
      addressAt('barney@example.com'),
      { subject: 'fred@example.com', action, visibility: 'full' },
      () => {},
    )
  rule('confirm')
  await settled()
  const client = await connect(options)
  const told: string[] = []
  await client.watch('barney@example.com', {
    presence: ({ tuples }) => told.push(tuples[0]?.basic ?? 'nobody'),
    pending: () => told.push('pending'),
    ended: assert.fail,
  })
  assert.deepEqual(told, ['pending'])
  rule('allow')
  while (told.length < 2) await settled()
  assert.deepEqual(told, ['pending', 'closed'])
  await client.close()
})

const poll = "<subscribe publisher='barney@example.com' duration='0' transID='5' />"
function publish(stamp: string): string {
  const tuple = "<tuple destination='apex:barney@example.com' availableUntil='2040-01-01T00:00:00Z' />"
  return `<publish publisher='barney@example.com' transID='6' timeStamp='2026-01-01T00:00:00Z'><presence publisher='barney@example.com' lastUpdate='${stamp}'>${tuple}</presence></publish>`
}
