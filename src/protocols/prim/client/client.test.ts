// Where a client goes, whom it believes, and how it keeps a subscription (docs/specs/prim.md §2, §4.2, §4.3, §6.3).
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { type Bytes, noBytes, text, utf8, VirtualClock } from '#base'
import { type Connection, fixedResolver, listenTcp, type TcpListener } from '#net'
import { connect, placeNamed, placesOfDomain } from './connect.ts'
import { ConnectionLost, Refused } from './failures.ts'
import { Watch } from './watch.ts'

const listeners: TcpListener[] = []
after(async () => {
  for (const listener of listeners) await listener.close()
})

test('a domain’s server is where the SRV records of the service say, else at its own port (§2)', async () => {
  const record = { priority: 1, weight: 0, target: 'a.example', port: 99 }
  const resolver = fixedResolver({ srv: { '_im-clients._tcp.example.com': [record] } })
  assert.deepEqual(await placesOfDomain('example.com', 'im', resolver), [{ host: 'a.example', port: 99 }])
  assert.deepEqual(await placesOfDomain('example.com', 'pres', resolver), [
    { host: 'example.com', port: 7740 },
  ])
  assert.deepEqual(await placesOfDomain('localhost', 'im', resolver), [{ host: 'localhost', port: 7741 }])
})

test('a domain that says it has no such service is not tried', async () => {
  const none = { priority: 0, weight: 0, target: '.', port: 0 }
  const resolver = fixedResolver({ srv: { '_im-clients._tcp.example.com': [none] } })
  await assert.rejects(placesOfDomain('example.com', 'im', resolver), ConnectionLost)
})

for (const server of ['a b', 'host:0', 'host:99999', '', '[::1', '::1']) {
  test(`${JSON.stringify(server)} is no server`, () => {
    assert.throws(() => placeNamed(server, 'pres'), TypeError)
  })
}

/** A server that says what it is told to, a line of requests after another; answers its place. */
async function saying(answers: readonly (string | ((connection: Connection) => void))[]): Promise<string> {
  const listener = await listenTcp({
    name: 'test',
    host: '127.0.0.1',
    port: 0,
    onConnection: (connection) => {
      let at = 0
      const onData = (octets: Bytes): void => {
        const id = /^[A-Z]+ PRIM\S* (\S+)/.exec(text(octets))?.[1] ?? ''
        const answer = answers[at++]
        if (typeof answer === 'function') answer(connection)
        else if (answer !== undefined && id !== '-')
          connection.write(utf8(answer.replace('#', id).replaceAll('\n', '\r\n')))
      }
      connection.start({ onData, onClose: () => {} })
    },
  })
  listeners.push(listener)
  return `127.0.0.1:${listener.port}`
}

const person = { address: 'bob@example.com', password: 'x', services: ['im'], tls: 'preferred' } as const
const noTls = 'PRIM/1.0 # 0 501 Not Implemented\n\n'
const login = (rest: string) => `PRIM-IM/1.0 # ${rest}\n\n`

test('Redirect is followed to a server that answers for itself (§4.3)', async () => {
  const second = await saying([noTls, login('0 406 Authentication Failed\nSASL-Mech: SCRAM-SHA-256')])
  const [host, port] = second.split(':')
  const first = await saying([noTls, login(`0 300 Redirect\nRedirect: ${host} ${port}`)])
  await assert.rejects(connect({ ...person, server: first }), (error) => {
    return error instanceof Refused && error.isLogin
  })
})

test('servers that send us round and round are left', async () => {
  let there = ''
  const round = (connection: Connection): void => {
    const [host, port] = there.split(':')
    connection.write(
      utf8(login(`0 300 Redirect\nRedirect: ${host} ${port}`).replace('#', '2').replaceAll('\n', '\r\n')),
    )
  }
  there = await saying([noTls, round])
  await assert.rejects(connect({ ...person, server: there }), /sends us to/)
})

/** [what, answers, said] */
const distrusted: [string, string[], RegExp][] = [
  [
    'chooses what we did not offer',
    [noTls, login('0 100 Authentication Continued\nSASL-Mech: PLAIN')],
    /chose PLAIN/,
  ],
  [
    'knows nothing of ours',
    [noTls, login('0 406 Authentication Failed\nSASL-Mech: CRAM-MD5')],
    /no way to log in/,
  ],
  [
    'says yes without proof',
    [noTls, login('0 100 Authentication Continued\nSASL-Mech: SCRAM-SHA-256'), login('0 200 OK')],
    /could not prove/,
  ],
  ['sends us to nowhere', [noTls, login('0 300 Redirect\nRedirect: a:b c d')], /which is no place/],
  ['refuses TLS in another way', ['PRIM/1.0 # 0 400 Bad Request\n\n'], /cannot be secured/],
  ['speaks something else', ['HTTP/1.1 400 Bad Request\n\n'], /closed the connection/],
]
for (const [what, answers, said] of distrusted) {
  test(`a server that ${what} is told nothing more`, async () => {
    await assert.rejects(connect({ ...person, server: await saying(answers) }), (error) => {
      assert.ok(error instanceof ConnectionLost)
      assert.match(error.message, said)
      return true
    })
  })
}

test('where TLS is required, a server without it is left (§4.2)', async () => {
  const server = await saying([noTls])
  await assert.rejects(connect({ ...person, tls: 'required', server }), /cannot be secured/)
})

test('a subscription is renewed at three quarters, and what is told again is no news (§6.3)', async () => {
  const clock = new VirtualClock()
  const told: string[] = []
  let asked = 0
  const subscribe = async (): Promise<number> => {
    if (++asked === 3) throw new Refused(402)
    return 100
  }
  const document = { entity: 'pres:a@x', tuples: [], notes: [], extensions: [] }
  const handlers = { presence: () => told.push('presence'), ended: (why: string) => told.push(why) }
  const watch = new Watch(handlers, subscribe, clock)
  await watch.begin()
  watch.tell(document, utf8('1'))
  await clock.advance(75_000)
  watch.tell(document, utf8('1'))
  watch.tell(document, utf8('2'))
  assert.deepEqual([asked, told], [2, ['presence', 'presence']])
  await clock.advance(75_000)
  await new Promise((resolve) => setImmediate(resolve))
  watch.tell(document, noBytes)
  assert.deepEqual([asked, told], [3, ['presence', 'presence', '402 Forbidden']])
})
