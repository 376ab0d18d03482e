// PUBLISH, RFC 3903 §4 and §6, a row a sentence.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SipResponse } from './codec/message.ts'
import { fieldOf } from './testing/phone.ts'
import { ifMatch, pidf, publish, seen, tagIn, type World, world } from './testing/publishing.ts'

interface Row {
  readonly says: string
  readonly sends: (world: World) => Promise<SipResponse>
  readonly answer: number
  readonly fields?: Readonly<Record<string, string | RegExp>>
  /** What is published after it; `first` where nothing changed. */
  readonly leaves?: string
}

const rows: readonly Row[] = [
  {
    says: '§6 step 1: a resource that is not here is 404',
    sends: ({ alice }) => publish(alice, { uri: 'sip:example.com', body: pidf('x') }),
    answer: 404,
  },
  {
    says: '§6 step 1: a user that nobody knows is 404',
    sends: ({ alice }) => publish(alice, { uri: 'sip:nobody@example.com', body: pidf('x') }),
    answer: 404,
  },
  {
    says: '§6 step 1 goes before step 2',
    sends: ({ alice }) => publish(alice, { uri: 'sip:example.com', body: pidf('x'), headers: ['Event'] }),
    answer: 404,
  },
  {
    says: '§6 step 2: without Event, 489',
    sends: ({ alice }) => publish(alice, { body: pidf('x'), headers: ['Event'] }),
    answer: 489,
    fields: { 'Allow-Events': 'presence' },
  },
  {
    says: '§6 step 2: another package is 489',
    sends: ({ alice }) => publish(alice, { body: pidf('x'), headers: ['Event: dialog'] }),
    answer: 489,
    fields: { 'Allow-Events': 'presence' },
  },
  {
    says: '§6 step 3: an initial publication has a tag and the lifetime',
    sends: ({ desk }) => publish(desk, { body: pidf('desk'), headers: ['Expires: 600'] }),
    answer: 200,
    fields: { 'SIP-ETag': /^\S{12,}$/, Expires: '600' },
    leaves: 'first desk',
  },
  {
    says: '§6 step 3: two tags are 400',
    sends: ({ alice, tag }) => publish(alice, { body: pidf('x'), headers: [ifMatch(`${tag}, other`)] }),
    answer: 400,
  },
  {
    says: '§6 step 3: two fields of tags are 400',
    sends: ({ alice, tag }) => publish(alice, { body: pidf('x'), headers: [ifMatch(tag), ifMatch(tag)] }),
    answer: 400,
  },
  {
    says: '§6 step 3: a field without a tag is 400',
    sends: ({ alice }) => publish(alice, { body: pidf('x'), headers: [ifMatch('')] }),
    answer: 400,
  },
  {
    says: '§6 step 3: a tag that is none is 412',
    sends: ({ alice }) => publish(alice, { body: pidf('x'), headers: [ifMatch('other')] }),
    answer: 412,
  },
  {
    says: '§6 step 3: the tag of another resource is 412',
    sends: ({ bob, tag }) =>
      publish(bob, { uri: 'sip:bob@example.com', body: pidf('x'), headers: [ifMatch(tag)] }),
    answer: 412,
  },
  {
    says: '§6 step 3: another person with the right tag is 412',
    sends: ({ bob, tag }) => publish(bob, { body: pidf('x'), headers: [ifMatch(tag)] }),
    answer: 412,
  },
  {
    says: '§6 step 3 goes before step 4',
    sends: ({ alice }) => publish(alice, { body: pidf('x'), headers: [ifMatch('other'), 'Expires: 5'] }),
    answer: 412,
  },
  {
    says: '§6 step 4: without Expires the lifetime is ours',
    sends: ({ alice, tag }) => publish(alice, { headers: [ifMatch(tag)] }),
    answer: 200,
    fields: { Expires: '3600' },
  },
  {
    says: '§6 step 4: what is too long is cut',
    sends: ({ alice, tag }) => publish(alice, { headers: [ifMatch(tag), 'Expires: 999999'] }),
    answer: 200,
    fields: { Expires: '7200' },
  },
  {
    says: '§6 step 4: what is too brief is 423 with Min-Expires',
    sends: ({ alice, tag }) => publish(alice, { headers: [ifMatch(tag), 'Expires: 59'] }),
    answer: 423,
    fields: { 'Min-Expires': '60' },
  },
  {
    says: '§6 step 4 goes before step 5',
    sends: ({ alice }) => publish(alice, { body: 'x', type: 'text/plain', headers: ['Expires: 59'] }),
    answer: 423,
  },
  {
    says: '§6 step 5: another type of content is 415, with what is taken',
    sends: ({ alice, tag }) => publish(alice, { body: 'x', type: 'text/plain', headers: [ifMatch(tag)] }),
    answer: 415,
    fields: { Accept: 'application/pidf+xml, application/cpim-pidf+xml' },
  },
  {
    says: '§6 step 5: a partial document (RFC 5264) is 415',
    sends: ({ alice, tag }) =>
      publish(alice, { body: '<p/>', type: 'application/pidf-diff+xml', headers: [ifMatch(tag)] }),
    answer: 415,
  },
  {
    says: '§6 step 5: content that is packed is 415, with what is taken',
    sends: ({ alice, tag }) =>
      publish(alice, { body: pidf('x'), headers: [ifMatch(tag), 'Content-Encoding: gzip'] }),
    answer: 415,
    fields: { 'Accept-Encoding': 'identity' },
  },
  {
    says: '§6 step 5: what is no PIDF document is 400',
    sends: ({ alice, tag }) => publish(alice, { body: '<presence/>', headers: [ifMatch(tag)] }),
    answer: 400,
  },
  {
    says: '§6 step 5: neither body nor tag is 400',
    sends: ({ alice }) => publish(alice, {}),
    answer: 400,
  },
  {
    says: '§4.3: no body refreshes and leaves the state',
    sends: ({ alice, tag }) => publish(alice, { headers: [ifMatch(tag), 'Expires: 700'] }),
    answer: 200,
    fields: { Expires: '700', 'SIP-ETag': /^\S{12,}$/ },
  },
  {
    says: '§4.4: a body modifies',
    sends: ({ alice, tag }) => publish(alice, { body: pidf('second'), headers: [ifMatch(tag)] }),
    answer: 200,
    fields: { 'SIP-ETag': /^\S{12,}$/ },
    leaves: 'second',
  },
  {
    says: '§4.4: a device elsewhere with the tag modifies the same publication',
    sends: ({ desk, tag }) => publish(desk, { body: pidf('moved'), headers: [ifMatch(tag)] }),
    answer: 200,
    leaves: 'moved',
  },
  {
    says: '§4.5: Expires 0 removes',
    sends: ({ alice, tag }) => publish(alice, { headers: [ifMatch(tag), 'Expires: 0'] }),
    answer: 200,
    fields: { Expires: '0', 'SIP-ETag': /^\S{12,}$/ },
    leaves: '',
  },
  {
    says: '§6 step 5: Expires 0 with a body stores nothing of it',
    sends: ({ alice, tag }) => publish(alice, { body: pidf('x'), headers: [ifMatch(tag), 'Expires: 0'] }),
    answer: 200,
    leaves: '',
  },
  {
    says: '§6 step 5: an initial publication with Expires 0 stores nothing',
    sends: ({ desk }) => publish(desk, { body: pidf('x'), headers: ['Expires: 0'] }),
    answer: 200,
    fields: { Expires: '0', 'SIP-ETag': /^\S{12,}$/ },
  },
  {
    says: 'nobody publishes for another, were it for no time (RFC 2779 2.3.4)',
    sends: ({ bob }) => publish(bob, { body: pidf('x'), headers: ['Expires: 0'] }),
    answer: 403,
  },
  {
    says: '§4.2: the state of another device is unaffected',
    sends: ({ desk }) => publish(desk, { body: pidf('desk') }),
    answer: 200,
    leaves: 'first desk',
  },
  {
    says: '§6: Record-Route and Contact are ignored, and no Record-Route is in the answer',
    sends: async ({ alice, tag }) => {
      const headers = [
        ifMatch(tag),
        'Record-Route: <sip:192.0.2.9;lr>',
        'Contact: <sip:elsewhere@192.0.2.77>',
      ]
      const response = await publish(alice, { body: pidf('second'), headers })
      assert.equal(fieldOf(response, 'Record-Route'), undefined)
      return response
    },
    answer: 200,
    leaves: 'second',
  },
]

for (const { says, sends, answer, fields, leaves = 'first' } of rows)
  test(`PUBLISH, RFC 3903 ${says}`, async () => {
    const there = await world()
    const response = await sends(there)
    assert.equal(response.status, answer)
    for (const [name, expected] of Object.entries(fields ?? {})) {
      const value = fieldOf(response, name) ?? ''
      if (typeof expected === 'string') assert.equal(value, expected, name)
      else assert.match(value, expected, name)
    }
    assert.equal(await seen(there), leaves)
  })

test('every success has a tag that never was before, and the one before it is over (RFC 3903 §6 step 6)', async () => {
  const { alice, tag } = await world()
  const tags = [tag]
  for (const sent of [{}, { body: pidf('second') }, { body: pidf('second') }, {}]) {
    const response = await publish(alice, { ...sent, headers: [ifMatch(tags.at(-1) ?? '')] })
    assert.equal(response.status, 200)
    tags.push(tagIn(response))
  }
  assert.equal(new Set(tags).size, tags.length)
  for (const old of tags.slice(0, -1))
    assert.equal((await publish(alice, { headers: [ifMatch(old)] })).status, 412)
  const removed = await publish(alice, { headers: [ifMatch(tags.at(-1) ?? ''), 'Expires: 0'] })
  assert.ok(!tags.includes(tagIn(removed)))
  assert.equal((await publish(alice, { headers: [ifMatch(tagIn(removed))] })).status, 412)
})

test('a publication ends by its lifetime, and no other with it (RFC 3903 §4.2)', async () => {
  const there = await world()
  const brief = await publish(there.desk, { body: pidf('desk'), headers: ['Expires: 60'] })
  there.domain.clock.advance(60_001)
  assert.equal(await seen(there), 'first')
  assert.equal((await publish(there.desk, { headers: [ifMatch(tagIn(brief))] })).status, 412)
})

test('a refresh moves the end of what it refreshes (RFC 3903 §4.3)', async () => {
  const there = await world()
  const { alice, domain, tag } = there
  const next = await publish(alice, { headers: [ifMatch(tag), 'Expires: 100'] })
  domain.clock.advance(99_000)
  await publish(alice, { headers: [ifMatch(tagIn(next)), 'Expires: 100'] })
  domain.clock.advance(99_000)
  assert.equal(await seen(there), 'first')
  domain.clock.advance(1001)
  assert.equal(await seen(there), '')
})
