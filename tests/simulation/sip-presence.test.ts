// Random lives of phones that register, publish and watch, over a network that loses, doubles and delays, under a server that is killed at any
// moment: whatever happened, once all is well every watcher sees what there is to see within a lease, and nothing of what is gone. The seed is printed;
// VERONA_SEED=n lives that one life again, VERONA_LIVES=n so many.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { at } from '../../src/core/testing/envelopes.ts'
import { Chance } from './random.ts'
import { leaseSeconds, type Phone } from './sip-phone.ts'
import { domain, type Nature, people, Town } from './sip-town.ts'

const lives = Number(process.env.VERONA_LIVES ?? (process.env.VERONA_SOAK ? 20_000 : 200))
/** Milliseconds after which no further life begins, where nobody asked for so many. */
const millisecondsMax =
  process.env.VERONA_SOAK || process.env.VERONA_LIVES ? Number.POSITIVE_INFINITY : 15_000
const steps = 25
const phonesMax = 6
const given = Number(process.env.VERONA_SEED ?? Number.NaN)
const first = Number.isNaN(given) ? Math.floor(Math.random() * 1_000_000_000) : given

function natureOf(seed: number): Nature {
  const lost = [0, 10, 30, 60][seed % 4] as number
  return {
    weather: { lost, doubled: seed % 3 === 0 ? 30 : 5, late: seed % 5 === 0 ? 0 : 15 },
    notifySecondsMin: seed % 2 === 0 ? 5 : 0,
  }
}

test(`random lives of presence by SIP from seed ${first}`, async (t) => {
  const began = performance.now()
  const last = first + (Number.isNaN(given) ? lives : 1) - 1
  for (let seed = first; seed <= last && performance.now() - began < millisecondsMax; seed++) {
    const chance = new Chance(seed)
    const town = await Town.create(natureOf(seed), chance)
    try {
      for (let round = 0; round < 2; round++) {
        town.network.weather = town.nature.weather
        for (let i = 0; i < steps; i++) await step(town)
        town.say('all is well')
        await town.rest()
        holds(town)
      }
      await allGo(town)
    } catch (cause) {
      t.diagnostic(`VERONA_SEED=${seed}`)
      if (!Number.isNaN(given)) for (const line of town.log) t.diagnostic(line)
      throw cause
    }
  }
})

const deeds: readonly ((town: Town) => void | Promise<void>)[] = [
  on,
  on,
  off,
  say,
  say,
  say,
  watch,
  watch,
  cut,
  mend,
  kill,
  serve,
  serve,
]

async function step(town: Town): Promise<void> {
  await town.chance.one(deeds)(town)
  if (town.chance.percent(70)) await town.pass(town.chance.one([1, 30, 400, 3000, 15_000, 40_000]))
}

function on(town: Town): void {
  if (town.phones.length >= phonesMax) return
  const phone = town.phone()
  if (town.chance.percent(60)) phone.note = `${phone.name} is here`
  town.say(`${phone.name} is switched on${phone.registers ? ', and registers' : ''}: ${phone.note}`)
  phone.start()
}

function off(town: Town): void {
  const phone = town.chance.one(town.phones)
  if (phone === undefined) return
  const silently = town.chance.percent(50)
  town.say(`${phone.name} is off${silently ? ', silently' : ''}`)
  goes(town, phone, silently)
}

function goes(town: Town, phone: Phone, silently: boolean): void {
  phone.agent.off()
  town.network.mend(phone.agent.place.address)
  town.network.off(phone.agent.place.address, silently)
  town.phones.splice(town.phones.indexOf(phone), 1)
}

let said = 0

function say(town: Town): void {
  const phone = town.chance.one(town.phones)
  if (phone === undefined) return
  const note = town.chance.percent(20) ? undefined : `${phone.name} says ${++said}`
  town.say(`${phone.name} says ${note}`)
  phone.say(note)
}

function watch(town: Town): void {
  const phone = town.chance.one(town.phones)
  if (phone === undefined) return
  const person = town.chance.one(people)
  town.say(`${phone.name} watches ${person}`)
  phone.watch(person)
}

function cut(town: Town): void {
  const phone = town.chance.one(town.phones)
  if (phone === undefined) return
  town.say(`${phone.name} is cut off`)
  town.network.cut(phone.agent.place.address)
}

function mend(town: Town): void {
  for (const { agent } of town.phones) town.network.mend(agent.place.address)
}

function kill(town: Town): void {
  town.say('the server is killed')
  town.kill()
}

async function serve(town: Town): Promise<void> {
  if (town.life !== undefined) return
  town.say('the server is back')
  await town.serve()
}

function holds(town: Town): void {
  assert.deepEqual(town.faults, [])
  const life = town.life ?? assert.fail('the server is up')
  for (const person of people) {
    const truth = town.truth(person)
    for (const phone of town.phones)
      if (phone.watched.includes(person))
        assert.deepEqual(phone.sees.get(person), truth, `${phone.name} of ${person}`)
    assert.deepEqual(life.xmpp.followed(person), truth, `XMPP of ${person}`)
    assert.deepEqual(life.impp.documents.get(person), truth, `IMPP of ${person}`)
  }
  for (const { faults, name } of town.phones) assert.deepEqual(faults, [], name)
  const { publications, subscriptions } = life.context
  assert.equal(publications.size, town.phones.filter(({ note }) => note !== undefined).length, 'publications')
  const watched = town.phones.flatMap(({ watched }) => watched)
  assert.equal(subscriptions.size, watched.length, 'dialogs of subscriptions')
}

/** Whoever is gone leaves nothing behind. */
async function allGo(town: Town): Promise<void> {
  town.say('all go')
  for (const phone of [...town.phones]) goes(town, phone, town.chance.percent(50))
  await town.pass((leaseSeconds + 64) * 1000)
  const { service, context, xmpp, impp, clock } = town.life ?? assert.fail()
  for (const person of people) {
    assert.deepEqual(xmpp.followed(person), [], `XMPP of ${person}, who is gone`)
    assert.deepEqual(impp.documents.get(person), [], `IMPP of ${person}, who is gone`)
    const account = service.directory.resident(at(`${person}@${domain}`)) ?? assert.fail()
    assert.equal(account.presentity.tuples.size, 0)
    assert.equal(account.inbox.agents.length, 0)
  }
  assert.equal(context.publications.size, 0, 'publications')
  assert.equal(context.subscriptions.size, 0, 'dialogs')
  assert.equal(service.leases.size.active, people.length, 'leases: those of the IMPP watcher')
  assert.ok(clock.timers.size < 10, `${clock.timers.size} timers are left`)
}
