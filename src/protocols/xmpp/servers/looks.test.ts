// What is remembered of other domains has a bound, and what people look at is not forgotten by it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Address, parseAddress } from '#model'
import { capulet, montague, twoServers } from '../testing/two-servers.ts'
import { Looks } from './looks.ts'

const address = (text: string): Address => parseAddress(text) as Address
const romeo = address(`romeo@${montague}`)
const juliet = address(`juliet@${capulet}`)

test('links to domains that were met once are forgotten, the longest known first; one that somebody looks by stays', async () => {
  const { here } = await twoServers()
  const { servers } = here
  const idle = servers.linkTo('padua.example')
  const looked = servers.linkTo(capulet)
  looked.watch(romeo, juliet)
  for (let k = 0; k < 10_100; k++) servers.linkTo(`d${k}.example`)
  assert.equal(servers.linkTo(capulet), looked)
  assert.notEqual(servers.linkTo('padua.example'), idle)
  looked.unwatch(romeo, juliet)
  for (let k = 0; k < 10_100; k++) servers.linkTo(`e${k}.example`)
  assert.notEqual(servers.linkTo(capulet), looked)
})

test('who holds a link that was forgotten looks and hears by it as ever', async () => {
  const world = await twoServers()
  const { servers, domain } = world.here
  const old = servers.linkTo(capulet)
  for (let k = 0; k < 10_100; k++) servers.linkTo(`d${k}.example`)
  old.watch(romeo, juliet)
  assert.equal(servers.linkTo(capulet), servers.linkTo(capulet))
  await domain.settle()
  assert.ok(servers.status().some(({ domain: name }) => name === capulet))
})

test('looks are counted by the domain that is looked from, and leave nothing', () => {
  const looks = new Looks()
  looks.begin(romeo, juliet)
  looks.begin(romeo, juliet)
  assert.equal(looks.of(romeo, juliet)?.heard, false)
  assert.deepEqual(
    [looks.isFrom(montague, capulet), looks.isFrom('padua.example', capulet), looks.isInto(montague)],
    [true, false, false],
  )
  looks.end(romeo, juliet)
  assert.deepEqual([looks.isInto(capulet), looks.of(romeo, juliet)], [false, undefined])
})
