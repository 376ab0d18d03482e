// What an operator is shown of another domain's servers (`verona doctor DOMAIN`).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { capulet, montague, twoServers } from '../testing/two-servers.ts'

test('a server that takes us is ready, with its TLS and who it has proven to be, and the stream is closed', async () => {
  const world = await twoServers()
  const { protocols } = await world.here.domain.service.peers.examine(montague, capulet)
  const tries = protocols.find(({ protocol }) => protocol === 'xmpp')?.tries ?? []
  assert.deepEqual(tries, [
    {
      where: 'server.capulet.example:5269 (192.0.2.2)',
      isGood: true,
      outcome: 'ready, TLSv1.3, certificate of capulet.example, until 2030-01-01',
    },
  ])
  await world.here.domain.settle()
  assert.equal(world.there.servers.status()[0]?.state, 'idle')
})

test('one whose certificate is another’s is told with the reason', async () => {
  const world = await twoServers()
  world.there.certificate = { names: ['other.example'], trusted: true }
  const { protocols } = await world.here.domain.service.peers.examine(montague, capulet)
  const [found] = protocols[0]?.tries ?? []
  assert.equal(found?.isGood, false)
  assert.match(found?.outcome ?? '', /the certificate is for DNS:other.example, not for capulet.example/)
})
