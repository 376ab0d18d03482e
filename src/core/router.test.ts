import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Condition } from '#model'
import { noPeers, type PeerLink } from './peers/peers.ts'
import { presenceFindersMax, Router } from './router.ts'
import { ScriptedLink } from './testing/peers.ts'

type Use = (link: PeerLink | Condition) => void

/** A router whose look-ups are answered when the test says so. */
function stage() {
  const asked: Use[] = []
  const link = new ScriptedLink('test', 'capulet.example')
  const router = new Router(['verona.example'], {
    ...noPeers,
    find: (_domain, _service, _protocol, use) => void asked.push(use),
  })
  const log: string[] = []
  const ask = (name: string): void =>
    router.findPresenceLink('verona.example', 'capulet.example', (found) =>
      log.push(`${name} ${typeof found === 'string' ? found : found.domain}`),
    )
  return { asked, link, router, log, ask }
}

test('all who look for the way of presence to a domain meanwhile wait for one look-up, and are served in order', () => {
  const { asked, link, log, ask } = stage()
  for (const name of ['a', 'b', 'c']) ask(name)
  assert.equal(asked.length, 1)
  assert.deepEqual(log, [])
  asked[0]?.(link)
  assert.deepEqual(log, ['a capulet.example', 'b capulet.example', 'c capulet.example'])
  ask('d')
  assert.equal(asked.length, 2, 'what is known is remembered by Peers')
})

test('one that fails does not take the way from the others', () => {
  const { asked, link, log, ask, router } = stage()
  router.findPresenceLink('verona.example', 'capulet.example', () => {
    throw new Error('a fault of ours')
  })
  ask('b')
  assert.throws(() => asked[0]?.(link), /a fault of ours/)
  assert.deepEqual(log, ['b capulet.example'])
})

test('no more wait for one domain than the limit', () => {
  const { asked, link, log, ask } = stage()
  for (let i = 0; i < presenceFindersMax; i++) ask('a')
  ask('one more')
  assert.deepEqual(log, ['one more resource-limit'])
  asked[0]?.(link)
  assert.equal(log.length, presenceFindersMax + 1)
})
