import assert from 'node:assert/strict'
import { test } from 'node:test'
import { domainFindings } from './domain.ts'
import { sharesText } from './shares.ts'

const units = (perSecondMax: number) => ({ perSecondMax, octetsPerSecondMax: undefined })

test('what a domain may send and be sent is told in words', () => {
  assert.equal(sharesText({ from: units(20) }), 'from it at most 20 stanzas or requests a second')
  assert.equal(
    sharesText({
      from: { perSecondMax: 20, octetsPerSecondMax: 9000 },
      to: { perSecondMax: undefined, octetsPerSecondMax: 500 },
    }),
    'from it at most 20 stanzas or requests and 9000 octets a second; to it at most 500 octets a second',
  )
})

test('a look at a domain tells its share', () => {
  const policy = {
    allowed: true,
    protocol: undefined,
    trusted: true,
    messages: true,
    presence: true,
    calls: true,
  }
  const goes = { messages: 'domain-unknown', presence: 'domain-unknown' } as const
  const look = { domain: 'capulet.example', protocols: [], goes }
  const told = (shares: object): string[] =>
    domainFindings({ ...look, policy: { ...policy, ...shares } }).map((finding) => JSON.stringify(finding))
  assert.ok(
    told({ shares: { to: units(3) } }).some((line) =>
      line.includes('to it at most 3 stanzas or requests a second'),
    ),
  )
  assert.ok(!told({}).some((line) => line.includes('a second')))
})
