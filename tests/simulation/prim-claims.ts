// What must hold of a town of PRIM whatever was killed when (docs/specs/prim.md §8.3, §8.4).
import assert from 'node:assert/strict'
import type { PrimPerson } from './prim-person.ts'
import type { PrimTown } from './prim-town.ts'

/** Accepted: its sender was told that it was taken or is kept. */
function isAccepted(status: number | undefined): boolean {
  return status === 200 || status === 101
}

/** Nothing that was accepted is lost without a report. */
export function isNothingLost({ people }: PrimTown): boolean {
  return people.every((person) => lostOf(person).length === 0)
}

function lostOf(person: PrimPerson): readonly string[] {
  return [...person.sent.values()]
    .filter(({ id, to, status }) => {
      const arrived = to.got.some((got) => got.id === id)
      return isAccepted(status) && !arrived && !person.reported.has(id)
    })
    .map(({ id }) => id)
}

/** Everybody sees what everybody else says. */
export function isPresenceRight(town: PrimTown): boolean {
  return wrongViews(town).length === 0
}

function wrongViews({ people }: PrimTown): readonly string[] {
  return people.flatMap((person) =>
    people
      .filter((other) => other !== person && !person.seen.get(other.pres)?.includes(`<note>${other.says}<`))
      .map(
        (other) => `${person.name} sees of ${other.name}: ${person.seen.get(other.pres)}, not ${other.says}`,
      ),
  )
}

/** Twice only where one of the two servers was killed since it was sent: what that one had done, or heard, was not known any more. */
function doubled({ people }: PrimTown): readonly string[] {
  const sent = new Map(people.flatMap((person) => [...person.sent]))
  return people.flatMap(({ name, got }) => {
    const seen = new Set<string>()
    return got.flatMap(({ id, kills }) => {
      const isAgain = seen.has(id)
      seen.add(id)
      return isAgain && kills === sent.get(id)?.kills ? [`${id} came to ${name} twice`] : []
    })
  })
}

export function assertAllHolds(town: PrimTown): void {
  assert.deepEqual(
    town.people.flatMap((person) => lostOf(person)),
    [],
    'what was accepted arrived, or was reported',
  )
  assert.deepEqual(doubled(town), [], 'nothing came twice')
  assert.deepEqual(wrongViews(town), [], 'presence is right within the lease')
}
