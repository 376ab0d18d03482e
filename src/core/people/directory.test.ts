import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Envelope } from '#model'
import { ServiceError } from '../service-error.ts'
import type { AccountState, Store, StoredUnit } from '../store.ts'
import { ListView } from '../testing/devices.ts'
import { at, presence, reviveTest } from '../testing/envelopes.ts'
import { settled } from '../testing/world.ts'
import { Directory, type Found, idleAccountsMax } from './directory.ts'

interface Shelf {
  readonly directory: Directory
  readonly faults: unknown[]
  readonly loads: string[]
  /** Answers the oldest load. */
  answerLater(state: AccountState | undefined | Error): void
  /** The same, and all that follows from it. */
  answer(state: AccountState | undefined | Error): Promise<void>
}

function shelf(revive: (unit: StoredUnit) => Envelope = reviveKnown): Shelf {
  const faults: unknown[] = []
  const loads: string[] = []
  const waiting: { resolve(state: AccountState | undefined): void; reject(cause: Error): void }[] = []
  const store = {
    accountState: ({ key }: { key: string }) => {
      loads.push(key)
      return new Promise<AccountState | undefined>((resolve, reject) => waiting.push({ resolve, reject }))
    },
  } as unknown as Store
  const directory = new Directory(store, revive, (cause) => faults.push(cause))
  let answered = 0
  const answerLater = (state: AccountState | undefined | Error): void => {
    const next = waiting[answered++]
    assert.ok(next, 'a load is under way')
    if (state instanceof Error) next.reject(state)
    else next.resolve(state)
  }
  const answer = (state: AccountState | undefined | Error): Promise<void> => {
    answerLater(state)
    return settled()
  }
  return { directory, faults, loads, answerLater, answer }
}

function reviveKnown(unit: StoredUnit): Envelope {
  const envelope = reviveTest(unit)
  assert.ok(envelope)
  return envelope
}

function stateOf(name: string, aliases: readonly string[] = []): AccountState {
  return {
    record: { address: at(name), aliases: aliases.map(at), created: 0, disabled: false },
    contacts: [],
    rules: [],
    permanentPresence: undefined,
    forward: undefined,
    archiving: undefined,
    classPresence: undefined,
    script: undefined,
    undelivered: 3,
  }
}

const juliet = 'juliet@verona.example'

test('all who look for one account at once share one load, in their order', async () => {
  const { directory, loads, answer } = shelf()
  const found: [number, Found][] = []
  for (let i = 0; i < 5; i++) directory.find(at(juliet), (each) => found.push([i, each]))
  await answer(stateOf(juliet))
  assert.deepEqual(loads, [juliet])
  const account = directory.resident(at(juliet))
  assert.equal(account?.undelivered, 3)
  assert.deepEqual(
    found,
    [0, 1, 2, 3, 4].map((i) => [i, account]),
  )
  directory.find(at(juliet), (again) => assert.equal(again, account))
  assert.equal(loads.length, 1)
})

test('primary address and alias, looked for at once, are one account', async () => {
  const { directory, loads, answer } = shelf()
  const found: Found[] = []
  directory.find(at(juliet), (each) => found.push(each))
  directory.find(at('1001@verona.example'), (each) => found.push(each))
  await answer(stateOf(juliet, ['1001@verona.example']))
  await answer(stateOf(juliet, ['1001@verona.example']))
  assert.equal(loads.length, 2)
  assert.equal(found[0], found[1])
  assert.equal([...directory.residents()].length, 1)
})

test('a fault is told to all who wait, and not remembered; nor is a stranger', async () => {
  const { directory, faults, loads, answer } = shelf()
  const found: Found[] = []
  const look = (): void => directory.find(at(juliet), (each) => found.push(each))
  look()
  look()
  await answer(new Error('the disk is away'))
  look()
  await answer(undefined)
  look()
  await answer(stateOf(juliet))
  assert.deepEqual(found.slice(0, 3), ['fault', 'fault', 'unknown'])
  assert.equal(found[3], directory.resident(at(juliet)))
  assert.equal(faults.length, 1)
  assert.equal(loads.length, 3)
})

test('a domain itself is no account and costs no look-up', () => {
  const { directory, loads } = shelf()
  directory.find(at('verona.example'), (found) => assert.equal(found, 'unknown'))
  assert.deepEqual(loads, [])
})

test('a permanent value of a protocol that is not here leaves the rest of the account in use', async () => {
  const { directory, faults, answer } = shelf(() => {
    throw new ServiceError('internal-fault', 'no such protocol')
  })
  let found: Found = 'unknown'
  directory.find(at(juliet), (each) => {
    found = each
  })
  await answer({ ...stateOf(juliet), permanentPresence: presence(juliet, 'x').keep() })
  assert.equal(found, directory.resident(at(juliet)))
  assert.equal(directory.resident(at(juliet))?.presentity.permanent, undefined)
  assert.equal(faults.length, 1)
})

test('one that throws upon the account takes it from nobody else', async () => {
  const { directory, faults, answer } = shelf()
  let reached = false
  directory.find(at(juliet), () => {
    throw new Error('of the test')
  })
  directory.find(at(juliet), () => {
    reached = true
  })
  await answer(stateOf(juliet))
  assert.ok(reached)
  assert.equal(faults.length, 1)
})

test('a changed record keeps the account that is in use, under its new names', async () => {
  const { directory, answer } = shelf()
  directory.find(at(juliet), () => {})
  await answer(stateOf(juliet, ['1001@verona.example']))
  const account = directory.resident(at(juliet))
  directory.replaceRecord(stateOf(juliet, ['1002@verona.example']).record)
  assert.equal(directory.resident(at(juliet)), account)
  assert.equal(directory.resident(at('1002@verona.example')), account)
  assert.equal(directory.resident(at('1001@verona.example')), undefined)
})

test('past its limit the directory forgets who is not in use, and nobody else', async () => {
  const { directory, answerLater } = shelf()
  for (let i = 0; i <= idleAccountsMax; i++) {
    const name = `a${i}@verona.example`
    directory.find(at(name), (found) => {
      if (typeof found !== 'string' && i < 10) found.contactAgents.add(new ListView())
    })
    answerLater(stateOf(name))
  }
  await settled()
  const left = [...directory.residents()].length
  assert.ok(left <= idleAccountsMax && left > idleAccountsMax / 2, `${left} accounts`)
  for (let i = 0; i < 10; i++) assert.ok(directory.resident(at(`a${i}@verona.example`)), `a${i} is in use`)
  assert.equal(directory.resident(at('a10@verona.example')), undefined)
})
