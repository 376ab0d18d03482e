// A server of PRIM domains that is killed behind any octet of what crosses between them: STARTTLS, LOGIN, VERIFYSERVER, SUBSCRIBE, NOTIFY, SEND and every answer. All
// octets with VERONA_SOAK, else some; VERONA_SEED=n kills where that run did.
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { cutFailed, cutPoints } from '../../src/protocols/exchange/testing/index.ts'
import { dropHands } from '../../src/protocols/prim/testing/hand.ts'
import { assertAllHolds, isNothingLost, isPresenceRight } from './prim-claims.ts'
import { PrimTown, type TownNature } from './prim-town.ts'
import { Chance } from './random.ts'

afterEach(dropHands)

/** LIMIT: octets behind which each server of each town is killed, without VERONA_SOAK. */
const kills = 10

async function scene(nature: TownNature): Promise<PrimTown> {
  return PrimTown.create(nature, new Chance(1))
}

/** All that two servers say to each other, from the first octet on. */
async function act(town: PrimTown): Promise<void> {
  const { people } = town
  for (const person of people) await person.signIn()
  await town.quiet()
  for (const person of people) for (const other of people) if (other !== person) person.send(other)
  await town.quiet()
  for (const person of people) person.publish('one')
  await town.quiet()
  for (const person of people) person.send(people.find((other) => other !== person) ?? person)
  for (const person of people) person.publish('two')
  await town.quiet()
}

const natures: readonly TownNature[] = [
  { domains: 2, proof: 'certificate' },
  { domains: 2, proof: 'address' },
  { domains: 3, proof: 'certificate' },
]

for (const nature of natures) {
  test(`a server killed at any step: ${nature.domains} domains, proven by their ${nature.proof}`, async () => {
    const measure = await scene(nature)
    await act(measure)
    assertAllHolds(measure)
    const { crossed, said } = measure.wires
    const methods = new Set(said.map(({ octets }) => octets.split(' ')[0]))
    for (const method of ['LOGIN', 'SUBSCRIBE', 'NOTIFY', 'SEND']) assert.ok(methods.has(method), method)
    assert.ok(methods.has(nature.proof === 'address' ? 'VERIFYSERVER' : 'STARTTLS'))
    dropHands()
    for (const point of cutPoints(crossed, kills)) {
      for (const victim of measure.places.keys()) {
        const town = await scene(nature)
        town.wires.cutAfter = point
        town.wires.atCut = () => town.kill(town.places[victim] as (typeof town.places)[number])
        try {
          await act(town)
          await town.pass(5)
          for (const place of town.places) await town.start(place)
          for (const person of town.people) await person.signIn()
          await town.rest(() => isNothingLost(town) && isPresenceRight(town))
          await town.pass(400)
          assertAllHolds(town)
        } catch (error) {
          const cause = new Error(`${town.log.join('\n')}\n${(error as Error).message}`, { cause: error })
          throw cutFailed(point, crossed, cause)
        }
        dropHands()
      }
    }
  })
}
