// Domains that mean ill, or are broken: refused, bounded, and nobody else notices (IMPP §12, D44; docs/specs/impp-1.0.md §12.5).
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { utf8 } from '#base'
import { type Connection, connectionPair } from '#net'
import { openMetricsText } from '#observe'
import { requestBytes, responseBytes, UnitFramer } from '../codec/index.ts'
import { at, settled } from '../testing/fixture.ts'
import { dropHands } from '../testing/hand.ts'
import { clientOf, everything, type TwoDomains, twoDomains } from '../testing/two-domains.ts'

afterEach(dropHands)

const romeo = 'impp://montague.example/romeo'
const juliet = 'impp://capulet.example/juliet'

interface Villain {
  readonly connection: Connection
  /** First line and reason of each response. */
  readonly responses: string[]
  /** First lines of requests; they are answered only where `answers`. */
  readonly requests: string[]
  answers: boolean
  closed: boolean
  send(method: string, id: string, fields?: Record<string, string>, body?: string): void
}

/** A server of `as` that has proven itself to montague.example, and does what a test makes it do. */
async function villain({ here, clock }: TwoDomains, as = 'mantua.example'): Promise<Villain> {
  const certificate = {
    checkHost: (name: string) => (name === as ? name : undefined),
    validTo: 'Jan  1 00:00:00 2030 GMT',
  }
  const tls = { authorized: true, peerCertificate: () => certificate as never }
  const [accepted, connection] = connectionPair({
    clock,
    tls,
    secure: true,
    limits: { queueBytesMax: 50_000 },
  })
  here.domains.accept(accepted)
  const framer = new UnitFramer()
  const made: Villain = {
    connection,
    responses: [],
    requests: [],
    answers: false,
    closed: false,
    send: (method, id, fields = {}, body) => {
      const all = { From: `impp://${as}/x`, 'Connection-ID': '0', Target: romeo, ...fields }
      const content = body === undefined ? undefined : { type: 'text/plain', bytes: utf8(body) }
      connection.write(requestBytes(method, id, Object.entries(all), content))
    },
  }
  connection.start({
    onData: (octets) => {
      framer.push(octets)
      for (let unit = framer.next(); unit !== undefined; unit = framer.next()) {
        assert.ok(unit.kind !== 'fault')
        if (unit.kind === 'response')
          made.responses.push(
            `${unit.ok ? 'OK' : 'ERROR'} ${unit.id} ${unit.headers.get('reason') ?? ''}`.trim(),
          )
        else {
          made.requests.push(`${unit.method} ${unit.id}`)
          const parties = [
            ['To', unit.headers.get('from')],
            ['Connection-ID', unit.headers.get('connection-id')],
          ] as const
          if (made.answers) connection.write(responseBytes(true, unit.method, unit.id, parties))
        }
      }
    },
    onClose: () => {
      made.closed = true
    },
  })
  const own = [
    ['Domain', 'montague.example'],
    ['Originating-Domain', as],
    ['Max-Pending', '100'],
  ] as const
  connection.write(requestBytes('HELLO', '1', own))
  connection.write(requestBytes('AUTH', '2', [['Mechanism', 'EXTERNAL']]))
  await everything()
  assert.deepEqual(made.responses.splice(0), ['OK 1', 'OK 2'])
  return made
}

/** That others go on as before: a message to and from capulet.example. */
async function othersGoOn({ here, there }: TwoDomains): Promise<void> {
  const one = await clientOf(here, 'romeo')
  const other = await clientOf(there, 'juliet')
  assert.match((await one.ask('SEND', { Target: juliet }, 'to')).first, /^OK/)
  assert.match((await other.ask('SEND', { Target: romeo }, 'fro')).first, /^OK/)
}

test('names of other domains are refused, each as what it is, and told to the operator in a metric', async () => {
  const world = await twoDomains()
  const bad = await villain(world)
  const rows: readonly (readonly [Record<string, string>, string])[] = [
    [{ From: juliet }, 'domain-authentication-required'],
    [{ From: romeo }, 'domain-authentication-required'],
    [{ From: 'impp://sub.mantua.example/x' }, 'domain-authentication-required'],
    [{ From: 'impp:nonsense' }, 'address-malformed'],
    [{ Target: juliet }, 'target-unknown'],
    [{ Target: 'impp://mantua.example/x' }, 'target-unknown'],
    [{ Report: 'failed', About: 'x', Origin: 'impp://mantua.example/y' }, 'permission-denied'],
    [{ From: 'impp://mantua.example/', Report: 'failed', About: 'x', Origin: juliet }, 'malformed'],
    [{ 'Message-Kind': 'groupchat' }, 'operation-not-supported'],
  ]
  for (const [row, [fields, expected]] of rows.entries()) {
    bad.send('SEND', `s${row}`, fields, 'x')
    await everything()
    assert.deepEqual(bad.responses.splice(0), [`ERROR s${row} ${expected}`])
  }
  assert.match(openMetricsText(world.here.service.metrics), /^verona_impp_domain_requests_forged_total 3$/m)
  await othersGoOn(world)
})

test('more requests than it was told are refused, and a flood is read as slowly as was set', async () => {
  const world = await twoDomains({ domainPendingMax: 4, domainRequestsPerSecondMax: 50 })
  const victim = await clientOf(world.here, 'romeo')
  victim.answers = 'nothing'
  const bad = await villain(world)
  for (let id = 0; id < 200; id++) bad.send('SEND', `f${id}`, {}, 'x')
  await everything()
  const first = bad.responses.splice(0)
  assert.ok(first.length < 200, `${first.length} answers at once`)
  assert.ok(first.every((each) => each.endsWith('too-many-pending')))
  await othersGoOn(world)
  for (let second = 0; second < 10; second++) {
    world.clock.advance(1000)
    await settled()
  }
  assert.equal(first.length + bad.responses.length, 196)
})

test('who never answers is given up in time, and its connection with it', async () => {
  const world = await twoDomains()
  const bad = await villain(world, 'mantua.example')
  const link = world.here.domains.linkTo('mantua.example')
  const outcomes: string[] = []
  link.fetch(at('romeo@montague.example'), at('x@mantua.example'), (fetched) =>
    outcomes.push(fetched.kind === 'refused' ? fetched.condition : 'fetched'),
  )
  await everything()
  assert.match(bad.requests[0] ?? '', /^FETCH /)
  for (let second = 0; second < 70 && outcomes.length === 0; second++) {
    world.clock.advance(1000)
    await settled()
  }
  assert.deepEqual(outcomes, ['remote-timeout'])
  assert.equal(bad.closed, true)
  await othersGoOn(world)
})

test('who never reads loses its connection, and nobody’s memory fills', async () => {
  const world = await twoDomains({ domainPendingMax: 1000, domainRequestsPerSecondMax: 1_000_000 })
  const bad = await villain(world)
  bad.connection.pause()
  const target = `impp://montague.example/${'n'.repeat(500)}`
  for (let id = 0; id < 60_000 && !bad.closed; id += 100) {
    for (let each = 0; each < 100; each++) bad.send('SEND', `r${id + each}`, { Target: target }, 'x')
    await settled()
  }
  assert.equal(bad.closed, true)
  await othersGoOn(world)
})

test('subscriptions of one domain are so many', async () => {
  const world = await twoDomains()
  const bad = await villain(world)
  for (let id = 0; id < 8; id++) {
    bad.send('SUBSCRIBE', `w${id}`, { From: `impp://mantua.example/x${id}` })
    await everything()
  }
  assert.equal(bad.responses.filter((each) => each.startsWith('OK')).length, 5)
  assert.equal(bad.responses.filter((each) => each.endsWith('too-many-pending')).length, 3)
  assert.equal(world.here.domains.watchers.size, 5)
})

test('a unit that is none ends the connection, with why', async () => {
  const world = await twoDomains()
  const bad = await villain(world)
  bad.connection.write(utf8('GARBAGE\r\n\r\n'))
  await everything()
  assert.deepEqual(bad.responses, ['ERROR - malformed'])
  assert.equal(bad.closed, true)
  await othersGoOn(world)
})

test('a body past the stated size is refused and read past (IMPP §12)', async () => {
  const world = await twoDomains()
  const bad = await villain(world)
  bad.send('SEND', 'big', {}, 'x'.repeat(40_000))
  bad.send('SEND', 'next', { Target: 'impp://montague.example/nobody' }, 'x')
  await everything()
  assert.deepEqual(bad.responses, ['ERROR big message-too-large', 'ERROR next target-unknown'])
})

test('a domain may have so many connections', async () => {
  const world = await twoDomains({ domainStrangersPerAddressMax: 100, domainStrangersMax: 100 })
  for (let each = 0; each < 16; each++) await villain(world)
  await assert.rejects(villain(world), /resource|too-many|strictly deep-equal/)
  await othersGoOn(world)
})

test('one certificate with many names makes so many domains known, and those that have gone make room', async () => {
  const world = await twoDomains({ domainsMax: 3, domainAnswersSeconds: 60 })
  const first = await villain(world, 'a.mantua.example')
  await villain(world, 'b.mantua.example')
  await villain(world, 'c.mantua.example')
  await assert.rejects(villain(world, 'd.mantua.example'), /too-many-pending/)
  first.connection.destroy()
  await everything()
  await villain(world, 'd.mantua.example')
  await othersGoOn(world)
})
