// A busy conversation over connections that break at random places: nothing is lost, doubled or out of order (XEP-0198 §5).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { flushConnections } from '#net'
import { Talker } from './testing/talker.ts'
import { testDomain } from './testing/test-domain.ts'

const cuts = process.env['VERONA_SOAK'] === undefined ? 150 : 2000
const seed = Number(process.env['VERONA_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

/** mulberry32 */
function randomOf(start: number): (below: number) => number {
  let state = start
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

for (const history of [true, false]) {
  test(`${cuts} cuts, history ${history}: each hears all that the other said, once, in order (VERONA_SEED=${seed})`, async () => {
    const random = randomOf(seed)
    const domain = await testDomain({
      policy: { history, undeliveredMax: 100_000 },
      settings: { idleSeconds: 86_400, acknowledgeStanzas: 1 + random(20) },
    })
    const talkers = [
      await Talker.begin(domain, 'romeo', 'juliet@localhost'),
      await Talker.begin(domain, 'juliet', 'romeo@localhost'),
    ] as const
    const turn = async (): Promise<void> => {
      flushConnections()
      await new Promise((resolve) => setImmediate(resolve))
      for (const talker of talkers) talker.read()
    }
    for (let cut = 0; cut < cuts; cut++) {
      for (let words = random(12); words > 0; words--) {
        const talker = talkers[random(2) as 0 | 1]
        talker.say()
        if (random(5) === 0) talker.ask()
        for (let turns = random(3); turns > 0; turns--) await turn()
        if (random(10) === 0) domain.clock.advance(random(8) * 1000)
      }
      const victim = talkers[random(2) as 0 | 1]
      victim.lose((['cut', 'torn', 'forgotten'] as const)[random(3) as 0 | 1 | 2])
      if (random(3) === 0) {
        const other = talkers[talkers[0] === victim ? 1 : 0]
        for (let words = random(5); words > 0; words--) other.say()
        await turn()
        domain.clock.advance(random(100) * 1000)
      }
      await victim.comeBack()
    }
    for (let k = 0; k < 50; k++) await turn()
    domain.clock.advance(5000)
    for (let k = 0; k < 50; k++) await turn()
    const [romeo, juliet] = talkers
    assert.deepEqual(juliet.heard, romeo.said)
    assert.deepEqual(romeo.heard, juliet.said)
    assert.deepEqual([romeo.failures, juliet.failures], [0, 0])
    for (const user of ['romeo', 'juliet'])
      assert.equal((await domain.store.undelivered(domain.address(user), 0, 10)).length, 0, user)
  })
}
