// Reports of other relays (RFC 3340 §6.2): whoever asked for one hears it, also when he was not attached as it came, or his relay died.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Domains, domainsOf, everything } from '../testing/domains.ts'
import { type Hand, talk } from '../testing/hand.ts'

const fred = 'fred@example.com'
const wilma = 'wilma@example.net'
const asks = "<option internal='statusRequest' targetHop='all' transID='7' />"

/** fred's data has `ok`, and its report is yet to come: wilma's application is silent. */
async function underWay(): Promise<{ all: Domains; author: Hand; reader: Hand }> {
  const all = await domainsOf(['example.com', 'example.net'])
  const [author, reader] = [await all.application(fred), await all.application(wilma)]
  reader.answers = undefined
  author.timePasses = () => all.clock.advance(100)
  assert.equal(await author.sayPayload(talk(fred, wilma, 'm1', asks)), '<ok />')
  await everything()
  assert.deepEqual(reportsIn(await author.hear()), [])
  return { all, author, reader }
}

function reportsIn(came: readonly string[]): string[] {
  return came.flatMap((each) => /apex=report@example.net.*transID='7'.*code='(\d+)'/s.exec(each)?.[1] ?? [])
}

async function heardLater(all: Domains): Promise<string[]> {
  const hand = await all.application(fred)
  await everything()
  return reportsIn(await hand.hear())
}

test('a report that comes while nobody is attached waits', async () => {
  const { all, author, reader } = await underWay()
  author.drop()
  await everything()
  reader.answerAll('<ok />')
  await everything()
  assert.deepEqual(await heardLater(all), ['250'])
  assert.deepEqual(await heardLater(all), [], 'it is told once')
})

test('one that its application has not taken when its relay is killed comes again', async () => {
  const { all, author, reader } = await underWay()
  author.answers = undefined
  reader.answerAll('<ok />')
  await everything()
  assert.deepEqual(reportsIn(await author.hear()), ['250'])
  all.kill('example.com')
  await all.begin('example.com')
  for (let second = 0; second < 120; second++) {
    all.clock.advance(1000)
    await everything()
  }
  // Its connection ended, and the other relay had no answer: it may come by both.
  assert.deepEqual([...new Set(await heardLater(all))], ['250'])
})

test('an application that takes long does not hold up what comes behind it, and hears it once more', async () => {
  const { all, author, reader } = await underWay()
  author.answers = undefined
  reader.answerAll('<ok />')
  for (let second = 0; second < 10; second++) {
    all.clock.advance(1000)
    await everything()
  }
  assert.deepEqual(reportsIn(await author.hear()), ['250'])
  author.drop()
  await everything()
  assert.deepEqual(await heardLater(all), ['250'])
})
