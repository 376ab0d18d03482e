// Random calls, made of both stores: they answer alike. What the suite's cases name one by one, this one meets in company.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { type HistoryItem, noAuthorization, ServiceError, type Store } from '#core'
import {
  append,
  dequeue,
  enqueue,
  headOf,
  markDelivered,
  name,
  record,
  secretsOf,
} from './conformance/samples.ts'
import { createMemoryStore } from './memory/memory-store.ts'
import { openSqliteStore } from './sqlite/sqlite-store.ts'

const directory = mkdtempSync(join(tmpdir(), 'verona-equivalence-'))
after(() => rmSync(directory, { recursive: true }))

const names = ['a@one.example', 'b@one.example', 'ä@one.example', 'a@two.example', 'far@else.example'].map(
  name,
)
const someone = fc.constantFrom(...names)
const number = fc.nat({ max: 40 })
const id = number.map((n) => `id-${n}`)
const agent = fc.constantFrom('', 'phone', 'desk')
const orNot = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined })

const farDomain = fc.constantFrom('else.example', 'far.example')

type Act = (store: Store) => Promise<unknown>
const entry = fc.record({
  owner: someone,
  peer: someone,
  peerAgent: agent,
  direction: fc.constantFrom('received', 'sent'),
  undelivered: fc.boolean(),
  archived: fc.boolean(),
})

const act: fc.Arbitrary<[string, Act]> = fc.oneof(
  fc
    .tuple(someone, fc.array(someone, { maxLength: 2 }))
    .map(([owner, aliases]): [string, Act] => [
      `add ${owner.key} ${aliases.map(({ key }) => key)}`,
      (store) =>
        store.addAccounts([
          { record: record(owner.key, ...aliases.map(({ key }) => key)), secrets: secretsOf('x') },
        ]),
    ]),
  fc
    .tuple(someone, orNot(someone))
    .map(([owner, alias]): [string, Act] => [
      `replace ${owner.key} ${alias?.key}`,
      (store) =>
        store.replaceAccount(record(owner.key, ...(alias === undefined ? [] : [alias.key])), secretsOf('y')),
    ]),
  someone.map((owner): [string, Act] => [`remove ${owner.key}`, (store) => store.removeAccount(owner)]),
  fc.tuple(someone, someone).map(([owner, other]): [string, Act] => [
    `contact ${owner.key} ${other.key}`,
    (store) =>
      store.putContact(owner, {
        address: other,
        authorization: noAuthorization,
        listed: true,
        name: '',
        groups: [],
      }),
  ]),
  {
    weight: 6,
    arbitrary: fc
      .tuple(id, number, fc.array(entry, { minLength: 1, maxLength: 3 }))
      .map(([rowId, at, entries]): [string, Act] => [
        `append ${rowId} ${at} ${JSON.stringify(entries)}`,
        (store) => {
          const raw = new Uint8Array(at)
          const head = headOf(names[0] as (typeof names)[0], names[1] as (typeof names)[0], raw)
          return append(store, { id: rowId, at, head, raw, entries: entries as never })
        },
      ]),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(someone, fc.array(id, { maxLength: 10 }))
      .map(([owner, ids]): [string, Act] => [
        `mark ${owner.key} ${ids}`,
        (store) => markDelivered(store, owner, ids),
      ]),
  },
  fc.tuple(farDomain, id).map(([domain, unitId]): [string, Act] => [
    `enqueue ${domain} ${unitId}`,
    (store) => {
      const raw = new Uint8Array(1)
      const head = headOf(names[0] as (typeof names)[0], names[4] as (typeof names)[0], raw, { id: unitId })
      return enqueue(store, domain, { head, raw }, 1)
    },
  ]),
  fc.tuple(farDomain, fc.nat({ max: 4 })).map(([domain, count]): [string, Act] => [
    `dequeue ${domain} ${count}`,
    async (store) => {
      const units = await store.queued(domain, 0, count)
      await dequeue(
        store,
        domain,
        units.filter((_, n) => n % 2 === 0).map(({ sequence }) => sequence),
      )
    },
  ]),
  number.map((before): [string, Act] => [`expire ${before}`, (store) => store.expireHistory(before)]),
  fc
    .tuple(
      someone,
      fc.record({
        with: orNot(someone),
        withAgent: orNot(agent),
        ids: fc.option(fc.array(id, { maxLength: 3 }), { nil: undefined, freq: 4 }),
        start: orNot(number),
        end: orNot(number),
        afterId: orNot(id),
        beforeId: orNot(id),
        pageAfterId: fc.option(id, { nil: undefined, freq: 4 }),
        pageBeforeId: fc.option(id, { nil: undefined, freq: 4 }),
        backwards: fc.boolean(),
        limit: fc.integer({ min: 1, max: 10 }),
      }),
    )
    .map(([owner, query]): [string, Act] => [
      `history ${owner.key} ${JSON.stringify(query)}`,
      async (store) => [
        await store.countHistory(owner, query as never, query.limit).catch(conditionOf),
        withoutSequence(await store.history(owner, query as never)),
      ],
    ]),
  fc
    .tuple(someone, fc.constantFrom('archiving', 'vcard'), orNot(number))
    .map(([owner, what, octets]): [string, Act] => [
      `document ${owner.key} ${what} ${octets}`,
      async (store) => {
        const before = await store.document(owner, what)
        await store.putDocument(owner, what, octets === undefined ? undefined : new Uint8Array(octets))
        return before === undefined ? undefined : [...before]
      },
    ]),
)

function conditionOf(error: unknown): string {
  return error instanceof ServiceError ? error.condition : String(error)
}

/** Numbers may differ from store to store; their order may not. */
function withoutSequence(items: readonly HistoryItem[]): unknown[] {
  return items.map(({ sequence: _, raw, ...item }) => ({ ...item, raw: [...raw] }))
}

async function answer(act: Act, store: Store): Promise<unknown> {
  try {
    return { answer: await act(store) }
  } catch (error) {
    assert(error instanceof ServiceError, String(error))
    return { refused: error.condition }
  }
}

async function whole(store: Store): Promise<unknown> {
  const states = []
  for (const owner of names) {
    const state = await store.accountState(owner)
    const history = withoutSequence(await store.history(owner, { limit: 1000 }))
    const waiting = withoutSequence(await store.undelivered(owner, 0, 1000))
    const contacts = state?.contacts.map(({ address }) => address.key).sort()
    states.push([{ ...state, contacts }, await store.credentials(owner), history, waiting])
  }
  const queues = []
  for (const domain of ['else.example', 'far.example']) {
    const units = await store.queued(domain, 0, 1000)
    queues.push(units.map(({ head, at }) => [head, at]))
  }
  const waiting = (await store.queuedDomains()).sort((a, b) => (a.domain < b.domain ? -1 : 1))
  const listed = [await store.accounts('one.example', '', 10), await store.accounts('two.example', '', 10)]
  return [states, listed, await store.countAccounts(), queues, waiting]
}

const runs = process.env['VERONA_SOAK'] ? 2000 : 30

test('the SQLite store answers any calls as the memory store does', { timeout: runs * 5000 }, async () => {
  let opened = 0
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 80 }), async (acts) => {
      const memory = createMemoryStore()
      const sqlite = await openSqliteStore({ file: join(directory, `${++opened}.db`) })
      try {
        for (const store of [memory, sqlite]) {
          await store.addAccounts(
            [0, 1, 3].map((i) => ({ record: record(names[i]?.key ?? ''), secrets: secretsOf('x') })),
          )
        }
        const expected: unknown[] = []
        for (const [, each] of acts) expected.push(await answer(each, memory))
        // Asked at once, so that batches hold many; but these are several calls, and what is asked meanwhile comes between.
        const found: Promise<unknown>[] = []
        for (const [what, each] of acts) {
          found.push(answer(each, sqlite))
          if (/^(expire|dequeue|history|document)/.test(what)) await found.at(-1)
        }
        assert.deepEqual(
          (await Promise.all(found)).map((one, i) => [acts[i]?.[0], one]),
          expected.map((one, i) => [acts[i]?.[0], one]),
        )
        assert.deepEqual(await whole(sqlite), await whole(memory))
      } finally {
        await sqlite.close()
      }
    }),
    { numRuns: runs },
  )
})
