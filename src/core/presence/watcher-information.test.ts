import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Address } from '#model'
import { Watcher } from '../testing/devices.ts'
import { at } from '../testing/envelopes.ts'
import { juliet, nurse, romeo, type Stage, stage } from '../testing/presence-stage.ts'
import { outcomeOf, resident, settled } from '../testing/world.ts'
import type { WatcherInfo, WatcherInfoAgent } from './watcher-information.ts'

function line({ id, watcher, status, event, sees, politelyBlocked }: WatcherInfo): string {
  const more = `${sees === 'full' ? '' : ` sees ${sees}`}${politelyBlocked ? ' politely' : ''}`
  return `${id.startsWith('contact:') ? 'contact' : id} ${watcher.user} ${status} ${event}${more}`
}

class Info implements WatcherInfoAgent {
  readonly log: string[] = []
  /** What one who only follows the changes has in its list. */
  readonly list = new Map<string, string>()
  readonly owner: string

  constructor(owner: string) {
    this.owner = owner
  }

  watchersChanged(owner: Address, changes: readonly WatcherInfo[]): void {
    assert.equal(owner.key, this.owner)
    for (const change of changes) {
      this.log.push(line(change))
      if (change.status === 'terminated') this.list.delete(change.id)
      else this.list.set(change.id, change.status)
    }
  }

  take(): string[] {
    return this.log.splice(0)
  }
}

type Step = (stage: Stage, watcher: Watcher) => Promise<unknown>
type Row = [name: string, prepare: Step[], step: Step, told: string[], list: string[]]

const ask: Step = ({ service }) =>
  outcomeOf((told) => service.contacts.ask(at(romeo), at(juliet), undefined, told))
const giveUp: Step = ({ service }) =>
  outcomeOf((told) => service.contacts.giveUp(at(romeo), at(juliet), undefined, told))
const approve: Step = ({ service }) =>
  outcomeOf((told) => service.contacts.approve(at(juliet), at(romeo), undefined, told))
const refuse: Step = ({ service }) =>
  outcomeOf((told) => service.contacts.refuse(at(juliet), at(romeo), undefined, told))
const subscribe: Step = ({ subscribe }, watcher) => subscribe(watcher, juliet, 's1')
const unsubscribe: Step = ({ service }) =>
  outcomeOf((told) => service.presence.unsubscribe(at(juliet), 's1', at(romeo), told))
const passes: Step = ({ clock }) => Promise.resolve(clock.advance(60_000))
const blocks: Step = ({ rule }) => rule(juliet, romeo, 'block')
const polite: Step = ({ rule }) => rule(juliet, romeo, 'polite-block')
const allows: Step = ({ rule }) => rule(juliet, romeo, 'allow')
const showsBasic: Step = ({ rule }) => rule(juliet, romeo, 'allow', 'basic')
const forgets: Step = ({ service }) =>
  outcomeOf((told) => service.contacts.removeRule(at(juliet), romeo, told))
const takesOff: Step = ({ service }) =>
  outcomeOf((told) => service.contacts.remove(at(juliet), at(romeo), told))
const removed: Step = ({ service }) => service.accounts.remove(at(juliet))

const active = 's1 romeo active approved'
const rows: Row[] = [
  [
    'init -> pending: no policy',
    [],
    subscribe,
    ['s1 romeo pending subscribe'],
    ['s1 romeo pending subscribe'],
  ],
  [
    'init -> active: policy accepts',
    [allows],
    subscribe,
    ['s1 romeo active subscribe'],
    ['s1 romeo active subscribe'],
  ],
  ['init -> terminated: policy rejects', [blocks], subscribe, [], []],
  [
    'pending -> active: approved',
    [subscribe],
    approve,
    ['contact romeo active approved', active],
    [active, 'contact romeo active approved'],
  ],
  ['pending -> terminated: rejected', [subscribe], refuse, ['s1 romeo terminated rejected'], []],
  [
    'pending -> waiting: timeout',
    [subscribe],
    passes,
    ['s1 romeo terminated timeout', 'contact romeo waiting subscribe'],
    ['contact romeo waiting subscribe'],
  ],
  [
    'waiting -> gone: a new subscription stands for it',
    [subscribe, passes],
    subscribe,
    ['s1 romeo pending subscribe', 'contact romeo terminated giveup'],
    ['s1 romeo pending subscribe'],
  ],
  [
    'waiting -> active: approved',
    [subscribe, passes],
    approve,
    ['contact romeo active approved'],
    ['contact romeo active approved'],
  ],
  ['waiting -> terminated: rejected', [subscribe, passes], refuse, ['contact romeo terminated rejected'], []],
  [
    'active -> terminated: timeout',
    [subscribe, approve],
    passes,
    ['s1 romeo terminated timeout'],
    ['contact romeo active approved'],
  ],
  [
    'active -> terminated: its watcher leaves',
    [subscribe, approve],
    unsubscribe,
    ['s1 romeo terminated timeout'],
    ['contact romeo active approved'],
  ],
  [
    'active -> terminated: rejected',
    [subscribe, approve],
    refuse,
    ['contact romeo terminated rejected', 's1 romeo terminated rejected'],
    [],
  ],
  [
    'active -> terminated: the rule that allowed is gone',
    [allows, subscribe],
    forgets,
    ['s1 romeo terminated deactivated'],
    [],
  ],
  ['active -> terminated: noresource', [allows, subscribe], removed, ['s1 romeo terminated noresource'], []],
  [
    'active, and politely blocked: told to the owner alone',
    [allows, subscribe],
    polite,
    ['s1 romeo active subscribe sees nothing politely'],
    ['s1 romeo active subscribe sees nothing politely'],
  ],
  [
    'active, and sees less',
    [allows, subscribe],
    showsBasic,
    ['s1 romeo active subscribe sees basic'],
    ['s1 romeo active subscribe sees basic'],
  ],
  ['by words: asked', [], ask, ['contact romeo waiting subscribe'], ['contact romeo waiting subscribe']],
  [
    'by words: approved',
    [ask],
    approve,
    ['contact romeo active approved'],
    ['contact romeo active approved'],
  ],
  ['by words: refused', [ask], refuse, ['contact romeo terminated rejected'], []],
  ['by words: withdrawn', [ask, approve], refuse, ['contact romeo terminated rejected'], []],
  ['by words: given up', [ask, approve], giveUp, ['contact romeo terminated timeout'], []],
  [
    'by words: approved in advance',
    [approve],
    ask,
    ['contact romeo active subscribe'],
    ['contact romeo active approved'],
  ],
  ['by words: taken off the list', [ask, approve], takesOff, ['contact romeo terminated rejected'], []],
]

for (const [name, prepare, step, told, list] of rows) {
  test(`a watcher's steps, ${name} (RFC 3857 §4.7.1)`, async () => {
    const world = await stage()
    const watcher = new Watcher(romeo)
    const account = await resident(world, juliet)
    const info = new Info(juliet)
    world.service.presence.watchWatchers(account, info)
    for (const before of prepare) {
      await before(world, watcher)
      await settled()
    }
    info.take()
    await step(world, watcher)
    await settled()
    assert.deepEqual(info.take(), told)
    assert.deepEqual(world.service.presence.watchers(account).map(line), list)
    if (step === removed) return
    assert.deepEqual(
      [...info.list.keys()].toSorted(),
      world.service.presence
        .watchers(account)
        .map(({ id }) => id)
        .toSorted(),
      'who follows the changes has the same list',
    )
  })
}

test('a subscription is listed with its lease; another owner sees nothing of it', async () => {
  const world = await stage()
  const account = await resident(world, juliet)
  await world.subscribe(new Watcher(romeo), juliet, 's1', 60)
  const began = world.clock.now()
  world.clock.advance(20_000)
  const [leased] = world.service.presence.watchers(account)
  assert.deepEqual(leased?.lease, { protocol: 'test', secondsLeft: 40, since: began })
  assert.deepEqual(world.service.presence.watchers(await resident(world, nurse)), [])
})

test('who no longer follows is told nothing, and the account may be forgotten', async () => {
  const world = await stage()
  const account = await resident(world, juliet)
  const info = new Info(juliet)
  world.service.presence.watchWatchers(account, info)
  assert.equal(account.inUse, true)
  world.service.presence.unwatchWatchers(account, info)
  assert.equal(account.inUse, false)
  await ask(world, new Watcher(romeo))
  await settled()
  assert.deepEqual(info.take(), [])
})
