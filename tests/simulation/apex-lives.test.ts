// Random lives of two or three domains whose relays speak APEX: relays are killed at any moment, sessions cut, applications silent. What had `ok` arrives, and its author
// hears what became of it. The seed is printed; VERONA_SEED=n lives that one life again.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { ApexTown } from './apex-town.ts'
import { Chance } from './random.ts'

const lives = process.env.VERONA_SOAK ? 300 : 8
const steps = 50
const given = Number(process.env.VERONA_SEED ?? Number.NaN)
const first = Number.isNaN(given) ? Math.floor(Math.random() * 1_000_000_000) : given

/** One thing that happens; what follows may still be under way afterwards. */
async function step(town: ApexTown, chance: Chance): Promise<void> {
  const one = chance.one(town.people)
  const other = chance.one(town.people.filter((each) => each !== one))
  const { domain } = chance.one(town.people)
  const drawn = chance.below(100)
  if (drawn < 45) town.send(one, other)
  else if (drawn < 53) town.kill(domain)
  else if (drawn < 65) await town.start(domain)
  else if (drawn < 70) town.cut(domain)
  else if (drawn < 80) town.answer(one, chance.percent(60))
  else if (drawn < 88) await town.attach(one)
  else await town.pass(chance.one([1, 6, 40]))
  for (let turns = chance.below(6); turns > 0; turns--) await turn()
}

/** Answers how many had `ok`. */
async function live(seed: number): Promise<number> {
  const chance = new Chance(seed)
  const town = await ApexTown.create(chance.percent(50) ? 2 : 3, chance)
  try {
    for (let number = 0; number < steps; number++) await step(town, chance)
    await town.rest()
    assert.deepEqual(town.lost(), [], 'what had ok arrived')
    assert.deepEqual(town.untold(), [], 'and was reported')
    assert.deepEqual(town.doubled(), [], 'nothing came twice while both relays lived')
    return town.accepted
  } catch (cause) {
    throw new Error(`VERONA_SEED=${seed}\n${town.log.join('\n')}`, { cause })
  } finally {
    town.end()
  }
}

const count = Number.isNaN(given) ? lives : 1
test(`relays of APEX that are killed at any moment lose nothing that had ok (${count} lives from seed ${first})`, async () => {
  let accepted = 0
  for (let seed = first; seed < first + count; seed++) accepted += await live(seed)
  assert.ok(accepted > count)
  console.log(`${accepted} had ok`)
})
