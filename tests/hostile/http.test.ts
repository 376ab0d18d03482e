// The HTTP API and the monitoring listener against bad requests: a status of 4xx with the place, never 500, never silence.
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { changes, damaged, runs, seed } from '../../fuzz/damage.ts'
import { Raw } from './raw.ts'
import { Stand } from './stand.ts'

interface Answer {
  readonly status: number
  readonly body: string
}

function ask(stand: Stand, method: string, path: string, body: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socketPath = join(stand.directory, 'control.sock')
    const headers = { 'Content-Type': 'application/json', 'Content-Length': body.length }
    const asked = request({ socketPath, method, path, headers }, (response) => {
      let text = ''
      response.on('data', (octets: Buffer) => {
        text += octets
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }))
    })
    asked.on('error', reject)
    asked.end(body)
  })
}

const samples: readonly (readonly [method: string, path: string, body: string])[] = [
  ['POST', '/accounts', '{"address":"romeo@localhost","password":"x y","aliases":["r@localhost"]}'],
  [
    'POST',
    '/accounts/batch',
    '{"accounts":[{"address":"a@localhost","password":"x"},{"address":"b@localhost","password":"y"}]}',
  ],
  ['PUT', '/accounts/alice@localhost/password', '{"password":"new one"}'],
  ['PUT', '/accounts/alice@localhost/contacts/bob@localhost', '{"action":"allow","visibility":"full"}'],
  ['GET', '/accounts?limit=10&after=a%40localhost', ''],
  ['DELETE', '/accounts/nobody@localhost', ''],
]

function assertTold({ status, body }: Answer, what: string): void {
  assert.ok(status >= 200 && status < 500, `${what}: ${status} ${body}`)
  if (status >= 400) assert.equal(typeof JSON.parse(body), 'object', body)
  assert.doesNotMatch(body, /\n\s+at /)
}

test(`management requests that are damaged are refused with a word (seed ${seed})`, async (context) => {
  const stand = await Stand.open(context, { accounts: ['alice', 'bob'] })
  await fc.assert(
    fc.asyncProperty(fc.nat(samples.length - 1), changes, async (which, list) => {
      const [method, path, body] = samples[which] as (typeof samples)[number]
      const octets = damaged(Buffer.from(body), list)
      assertTold(await ask(stand, method, path, octets), `${method} ${path} ${octets.subarray(0, 300)}`)
    }),
    { ...runs, numRuns: Math.ceil(runs.numRuns / 4) },
  )
  for (const [method, path] of samples) {
    for (const body of [
      '[',
      '['.repeat(100_000),
      `{"address":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
      '{"__proto__":{"x":1}}',
      'null',
      '1e999',
      '"\\ud800"',
      '{"password":"\\u0000"}',
    ])
      assertTold(await ask(stand, method, path, Buffer.from(body)), `${method} ${path} ${body.slice(0, 50)}`)
  }
  assert.equal((await ask(stand, 'POST', '/accounts', Buffer.alloc(5_000_000, ' '))).status, 413)
  for (const path of [
    '/accounts/%',
    '/accounts/%00/password',
    '/accounts/a%0d%0ab@localhost',
    '/..%2f..%2fetc/passwd',
    '/accounts?limit=-1',
    `/${'a'.repeat(10_000)}`,
    '/__proto__',
    '/accounts//password',
  ])
    assertTold(await ask(stand, 'GET', path, Buffer.alloc(0)), path)
  assert.deepEqual(stand.faults, [])
})

test('the monitoring listener refuses what is no HTTP, is too long, or asks for what is not there', async (context) => {
  const stand = await Stand.open(context, { accounts: ['alice'] })
  const wrong: readonly (readonly [octets: string, answer: RegExp])[] = [
    ['nonsense\r\n\r\n', /^HTTP\/1\.1 400/],
    [`GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, /^HTTP\/1\.1 (414|431)/],
    [`GET /metrics HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`, /^HTTP\/1\.1 431/],
    [
      'POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      /^HTTP\/1\.1 400/,
    ],
    ['GET /etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n', /^HTTP\/1\.1 404/],
    ['GET /accounts HTTP/1.1\r\nHost: x\r\n\r\n', /^HTTP\/1\.1 404/],
    ['PUT /health HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n', /^HTTP\/1\.1 405/],
  ]
  for (const [octets, answer] of wrong) {
    const raw = new Raw(stand, 'http.listen')
    raw.send(octets)
    await raw.expect(answer)
    raw.destroy()
  }
  assert.ok((await stand.metric('verona_connections_accepted_total')) >= 0)
  assert.deepEqual(stand.faults, [])
})
