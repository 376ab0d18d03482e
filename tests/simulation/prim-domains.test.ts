// Random lives of two or three domains that speak PRIM: servers are killed at any moment, connections cut, devices silent. The seed is printed; VERONA_SEED=n
// lives that one life again.
import { afterEach, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { dropHands } from '../../src/protocols/prim/testing/hand.ts'
import { assertAllHolds, isNothingLost, isPresenceRight } from './prim-claims.ts'
import { PrimTown, type TownNature } from './prim-town.ts'
import { Chance } from './random.ts'

const lives = process.env.VERONA_SOAK ? 400 : 12
const steps = 60
const given = Number(process.env.VERONA_SEED ?? Number.NaN)
const first = Number.isNaN(given) ? Math.floor(Math.random() * 1_000_000_000) : given

afterEach(dropHands)

/** One thing that happens; what follows may still be under way afterwards. */
async function step(town: PrimTown, chance: Chance, number: number): Promise<void> {
  const person = chance.one(town.people)
  const other = chance.one(town.people.filter((each) => each !== person))
  const place = chance.one(town.places)
  const drawn = chance.below(100)
  if (drawn < 40) person.send(other)
  else if (drawn < 55) person.publish(`note ${number}`)
  else if (drawn < 63) town.kill(place)
  else if (drawn < 75) await town.start(place)
  else if (drawn < 79) town.wires.cutOf(place.domain.name)
  else if (drawn < 85) person.open(chance.percent(60))
  else if (drawn < 92) await person.signIn()
  else await town.pass(chance.one([1, 5, 40]))
  for (let turns = chance.below(6); turns > 0; turns--) await turn()
}

async function live(seed: number): Promise<void> {
  const chance = new Chance(seed)
  const nature: TownNature = {
    domains: chance.percent(50) ? 2 : 3,
    proof: chance.percent(70) ? 'certificate' : 'address',
  }
  const town = await PrimTown.create(nature, chance)
  try {
    for (const person of town.people) await person.signIn()
    for (let number = 0; number < steps; number++) await step(town, chance, number)
    for (const place of town.places) await town.start(place)
    for (const person of town.people) await person.signIn()
    for (const person of town.people) {
      person.open(true)
      person.publish('at last')
    }
    await town.rest(() => isNothingLost(town) && isPresenceRight(town))
    // Whatever else is under way may come twice, or not.
    await town.pass(400)
    assertAllHolds(town)
  } catch (cause) {
    throw new Error(`VERONA_SEED=${seed} (${JSON.stringify(nature)})\n${town.log.join('\n')}`, { cause })
  } finally {
    dropHands()
  }
}

const count = Number.isNaN(given) ? lives : 1
test(`servers of PRIM domains that are killed at any moment lose and double nothing (${count} lives from seed ${first})`, async () => {
  for (let seed = first; seed < first + count; seed++) await live(seed)
})
