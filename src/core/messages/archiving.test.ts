import assert from 'node:assert/strict'
import { test } from 'node:test'
import { text } from '#base'
import { type Contact, noAuthorization } from '../people/contact.ts'
import { Device } from '../testing/devices.ts'
import { at, message } from '../testing/envelopes.ts'
import { createWorld, outcomeOf, send, settled, signIn, type World, wordOf } from '../testing/world.ts'
import { type ArchivingPreferences, archives, archivingListMax } from './archiving.ts'

const romeo = 'romeo@verona.example'
const juliet = 'juliet@verona.example'
const accounts = [romeo, juliet]

const preferences = (
  others: ArchivingPreferences['default'],
  always: readonly string[] = [],
  never: readonly string[] = [],
): ArchivingPreferences => ({ default: others, always: new Set(always), never: new Set(never) })

const contact = (key: string, listed: boolean): Contact => ({
  address: at(key),
  authorization: noAuthorization,
  listed,
  name: '',
  groups: [],
})

const rows: [string, ArchivingPreferences | undefined, string, string, boolean][] = [
  ['who never said anything keeps all', undefined, romeo, 'orchard', true],
  ['the default always (XEP-0441 §2.1.1)', preferences('always'), romeo, 'orchard', true],
  ['the default never (§2.1.1)', preferences('never'), romeo, 'orchard', false],
  ['the default roster, of a listed contact (§2.1.1)', preferences('roster'), romeo, 'orchard', true],
  ['the default roster, of a stranger (§2.1.1)', preferences('roster'), 'x@mantua.example', '', false],
  ['the default roster, of who only asked', preferences('roster'), 'asker@mantua.example', '', false],
  ['always, against the default (§2.1.2)', preferences('never', [romeo]), romeo, 'orchard', true],
  ['never, against the default (§2.1.3)', preferences('always', [], [romeo]), romeo, '', false],
  ['a listed device is compared as it is (§2.3.1)', preferences('never', [`${romeo}/a`]), romeo, 'a', true],
  ['a listed device is no other (§2.3.1)', preferences('never', [`${romeo}/a`]), romeo, 'b', false],
  ['a listed device is not the bare address', preferences('always', [], [`${romeo}/a`]), romeo, '', true],
  ['a device counts before its address', preferences('always', [`${romeo}/a`], [romeo]), romeo, 'a', true],
  ['of both lists the one that keeps less', preferences('always', [romeo], [romeo]), romeo, '', false],
]

for (const [name, archiving, peer, agent, expected] of rows) {
  test(`archived or not: ${name}`, () => {
    const contacts = new Map([
      [romeo, contact(romeo, true)],
      ['asker@mantua.example', contact('asker@mantua.example', false)],
    ])
    assert.equal(archives({ archiving, contacts }, at(peer), agent), expected)
  })
}

const prefer = (world: World, owner: string, wish: ArchivingPreferences): Promise<string> =>
  outcomeOf((onOutcome) => world.service.archiving.prefer(at(owner), wish, onOutcome))

async function history(world: World, owner: string): Promise<string[]> {
  const items = await world.store.history(at(owner), { limit: 1000 })
  return items.map(({ direction, raw }) => `${direction} ${text(raw)}`)
}

const toJuliet = (id: string): ReturnType<typeof message> =>
  message({ from: romeo, fromAgent: 'orchard', to: juliet, id })

test("each owner's wish counts for the own archive alone, and the id told is that of the own archive", async () => {
  const world = await createWorld({ accounts })
  const [balcony, garden] = [new Device(juliet, 'balcony'), new Device(romeo, 'garden')]
  await signIn(world, balcony)
  await signIn(world, garden)
  assert.equal(await prefer(world, juliet, preferences('never')), 'stored')
  assert.equal(wordOf(await send(world, toJuliet('1'))), 'delivered')
  assert.equal(balcony.received[0]?.context.archiveId, '')
  assert.notEqual(garden.received[0]?.context.archiveId, '', 'the sent copy has the id of the own archive')
  assert.deepEqual([await history(world, juliet), await history(world, romeo)], [[], ['sent 1']])

  await prefer(world, juliet, preferences('always'))
  await prefer(world, romeo, preferences('always', [], [juliet]))
  await send(world, toJuliet('2'))
  assert.notEqual(balcony.received[1]?.context.archiveId, '')
  assert.equal(garden.received[1]?.context.archiveId, '')
  assert.deepEqual([await history(world, juliet), await history(world, romeo)], [['received 2'], ['sent 1']])

  await prefer(world, juliet, preferences('never'))
  assert.equal(wordOf(await send(world, toJuliet('3'))), 'delivered')
  assert.deepEqual([await history(world, juliet), await history(world, romeo)], [['received 2'], ['sent 1']])
})

test('a message that is not archived waits for who is away, and tells no id', async () => {
  const world = await createWorld({ accounts })
  await prefer(world, juliet, preferences('never'))
  assert.equal(wordOf(await send(world, toJuliet('1'))), 'stored')
  const balcony = new Device(juliet, 'balcony')
  await signIn(world, balcony)
  await settled()
  assert.deepEqual(balcony.texts, ['1'])
  assert.equal(balcony.received[0]?.context.archiveId, '')
  assert.deepEqual(await history(world, juliet), [])
  assert.deepEqual(await world.store.undelivered(at(juliet), 0, 10), [])
})

test('the wish is there again when its account was forgotten', async () => {
  const world = await createWorld({ accounts })
  await prefer(world, juliet, preferences('roster', ['x@mantua.example'], [`${romeo}/orchard`]))
  const account = world.service.directory.resident(at(juliet))
  assert(account !== undefined)
  world.service.directory.forget(account)
  const again = await signIn(world, new Device(juliet))
  assert.deepEqual(again.archiving, preferences('roster', ['x@mantua.example'], [`${romeo}/orchard`]))
})

test('a wish that the store could not keep is refused and holds no longer', async () => {
  const world = await createWorld({
    accounts,
    store: (store) =>
      new Proxy(store, {
        get: (target, name) =>
          name === 'putDocument'
            ? () => Promise.reject(new Error('the disk is full'))
            : Reflect.get(target, name).bind?.(target),
      }),
  })
  assert.equal(await prefer(world, juliet, preferences('never')), 'internal-fault')
  assert.equal(world.service.directory.resident(at(juliet))?.archiving, undefined)
  assert.equal(world.faults.length, 1)
})

test('a wish with too many addresses, and one of nobody, are refused', async () => {
  const world = await createWorld({ accounts })
  const many = Array.from({ length: archivingListMax + 1 }, (_, i) => `u${i}@mantua.example`)
  assert.equal(await prefer(world, juliet, preferences('always', many)), 'resource-limit')
  assert.equal(await prefer(world, 'nobody@verona.example', preferences('always')), 'target-unknown')
})
