// Every request in every state of a connection between domains (docs/specs/prim.md §8.2, §8.3): one row a method, one column a state.
import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { methods } from '../methods/index.ts'
import { dropHands } from '../testing/hand.ts'
import { Server } from '../testing/server-by-hand.ts'
import { type TwoDomains, twoDomains } from '../testing/two-domains.ts'

afterEach(dropHands)

const from = 'pres:carol@example.net'
const parties = `From: ${from}\nTo: pres:bob@example.com\n`
const mail = 'From: im:carol@example.net\nTo: im:bob@example.com\nMessage-ID: m\nContent-Type: a/b\n'

/** The bare status; "none" where nothing is said and the connection stays, "end" where it ends without a word. */
type Answer = number | 'none' | 'end'

interface Row {
  readonly fields?: string
  readonly body?: string
  /** The request has the id "-". */
  readonly unanswered?: true
  /** Before TLS; under TLS; between the steps of LOGIN; afterwards. */
  readonly answers: readonly [fresh: Answer, secured: Answer, halfway: Answer, ready: Answer]
}

const rows: Readonly<Record<string, Row>> = {
  STARTTLS: { answers: [200, 400, 400, 501] },
  LOGIN: {
    fields: 'Domain: example.net\nAuth-State: init\nSASL-Mech: EXTERNAL\n',
    answers: [406, 100, 406, 409],
  },
  VERIFYSERVER: { fields: 'Server-Address: 192.0.2.1\n', answers: [200, 200, 200, 200] },
  PING: { unanswered: true, answers: ['none', 'none', 'none', 'none'] },
  LOGOUT: { unanswered: true, answers: ['end', 'end', 'end', 'end'] },
  SEND: { fields: mail, body: 'x', answers: [401, 401, 401, 101] },
  FETCH: { fields: parties, answers: [401, 401, 401, 402] },
  SUBSCRIBE: {
    fields: `${parties}Duration: 600\nSubscription-ID: k\n`,
    answers: [401, 401, 401, 200],
  },
  UNSUBSCRIBE: { fields: `${parties}Subscription-ID: another\n`, answers: [401, 401, 401, 404] },
  NOTIFY: { fields: `${parties}Subscription-ID: k\nDuration: 9\n`, answers: [401, 401, 401, 403] },
  CANCELSUBSCRIPTION: { fields: parties, answers: [401, 401, 401, 200] },
  SETVOLUME: { fields: parties, answers: [401, 401, 401, 501] },
}

const ofClients = [...methods.keys()].filter((method) => !(method in rows))

async function inState(two: TwoDomains, address: string, state: number): Promise<Server> {
  const server = new Server(two.strike(address))
  if (state > 0) await server.secure()
  if (state === 2)
    await server.say('LOGIN PRIM/1.0 1 0\nDomain: example.net\nAuth-State: init\nSASL-Mech: EXTERNAL\n\n')
  if (state === 3) await server.login()
  return server
}

async function answerTo(server: Server, method: string, { fields = '', body = '', unanswered }: Row) {
  const id = unanswered === true ? '-' : '9'
  const said = await server.say(`${method} PRIM/1.0 ${id} ${body.length}\n${fields}\n${body}`)
  if (said === '') return server.closed ? 'end' : 'none'
  return Number(/^PRIM\/1\.0 9 \d+ (\d{3}) /.exec(said)?.[1])
}

describe('requests between domains, in every state', () => {
  for (const [state, name] of ['before TLS', 'under TLS', 'in the middle of LOGIN', 'ready'].entries()) {
    test(name, async () => {
      const two = await twoDomains({ domainConnectionsMax: 100 })
      const found: Record<string, unknown> = {}
      const expected: Record<string, unknown> = {}
      let host = 0
      const ask = async (method: string, row: Row, answer: Answer | undefined): Promise<void> => {
        const server = await inState(two, `198.51.100.${++host}`, state)
        expected[method] = answer
        found[method] = await answerTo(server, method, row)
      }
      for (const [method, row] of Object.entries(rows)) await ask(method, row, row.answers[state])
      for (const method of ofClients)
        await ask(method, { fields: parties, answers: [0, 0, 0, 0] }, state === 3 ? 501 : 401)
      assert.deepEqual(found, expected)
    })
  }

  test('no method of clients is forgotten here', () => {
    assert.ok(ofClients.includes('PUBLISH') && ofClients.includes('SETACL') && ofClients.includes('LISTEN'))
  })
})
