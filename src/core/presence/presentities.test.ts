import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { text, VirtualClock } from '#base'
import type { PresenceDocument, PresenceEnvelope, PresenceTuple } from '#model'
import { Leases } from '../leases.ts'
import { presence } from '../testing/envelopes.ts'
import {
  basicOnly,
  composed,
  Presentity,
  permanentTuple,
  presenceTuplesMax,
  type TupleChange,
} from './presentities.ts'

const runs = process.env.VERONA_SOAK ? 10_000 : 200
const says = (note: string): PresenceEnvelope => presence('juliet@verona.example', note).keep()

/** A source whose view is the given document. */
function showing(document: Partial<PresenceDocument>): PresenceEnvelope {
  const source = says('')
  const view = (): PresenceDocument => ({ entity: '', tuples: [], notes: [], extensions: [], ...document })
  return { head: source.head, raw: source.raw, content: () => undefined, view, keep: () => showing(document) }
}

const tuple = (id: string, more: Partial<PresenceTuple> = {}): PresenceTuple => ({
  id,
  notes: [],
  statusExtensions: [],
  extensions: [],
  ...more,
})

type Step =
  | { readonly do: 'put'; readonly id: string; readonly note: string }
  | { readonly do: 'remove'; readonly id: string }
  | { readonly do: 'permanent'; readonly note: string | undefined }

const id = fc.constantFrom('a', 'b', 'c')
const note = fc.constantFrom('here', 'away')
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('put' as const), id, note }),
  fc.record({ do: fc.constant('remove' as const), id }),
  fc.record({ do: fc.constant('permanent' as const), note: fc.option(note, { nil: undefined }) }),
)

test('whoever follows the deltas always holds what is served (IMPP §18.5, D79, D80)', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const presentity = new Presentity()
      const follower = new Map<string, string>()
      const follow = (changes: readonly TupleChange[] | undefined | 'full'): void => {
        assert.notEqual(changes, 'full')
        for (const { kind, tuple, source } of (changes ?? []) as readonly TupleChange[]) {
          assert.equal(follower.has(tuple), kind !== 'added', `${kind} ${tuple}`)
          const said = text(source?.raw ?? new Uint8Array())
          if (kind === 'removed') follower.delete(tuple)
          else {
            assert.notEqual(follower.get(tuple), said, 'what did not change is not told')
            follower.set(tuple, said)
          }
        }
      }
      for (const next of steps) {
        if (next.do === 'put') follow(presentity.put(next.id, says(next.note), undefined))
        else if (next.do === 'remove') follow(presentity.remove(next.id, undefined))
        else follow(presentity.setPermanent(next.note === undefined ? undefined : says(next.note)))
        const served = presentity.sources().map(({ tuple, source }) => [tuple, text(source.raw)])
        assert.deepEqual([...follower].sort(), served.sort())
      }
    }),
    { numRuns: runs, verbose: 1 },
  )
})

test('a goodbye travels with the removal', () => {
  const presentity = new Presentity()
  presentity.put('a', says('here'), undefined)
  const goodbye = says('bye')
  assert.deepEqual(presentity.remove('a', goodbye), [{ kind: 'removed', tuple: 'a', source: goodbye }])
  assert.equal(presentity.remove('a', goodbye), undefined)
})

test('a tuple past the limit is refused and the others change as before', () => {
  const presentity = new Presentity()
  for (let i = 0; i < presenceTuplesMax; i++) presentity.put(`${i}`, says('here'), undefined)
  assert.equal(presentity.put('more', says('here'), undefined), 'full')
  assert.equal((presentity.put('0', says('away'), undefined) as TupleChange[])[0]?.kind, 'changed')
})

test('a lease is cancelled by what takes its tuple’s place, and not by itself', () => {
  const leases = new Leases(new VirtualClock())
  const presentity = new Presentity()
  const lease = leases.grant(60, () => {})
  presentity.put('a', says('here'), lease)
  presentity.put('a', says('away'), lease)
  assert.equal(lease.active, true)
  presentity.put('a', says('away'), undefined)
  assert.equal(lease.active, false)
})

test('one document of several devices: each tuple under its device, what they share said once (RFC 3863 §4.1)', () => {
  const busy = { language: 'en', text: 'busy' }
  const document = composed('pres:juliet@verona.example', [
    {
      tuple: 'phone',
      source: showing({
        tuples: [tuple('x'), tuple('y')],
        notes: [busy],
        extensions: ['<a xmlns="urn:a"/>'],
      }),
    },
    {
      tuple: 'laptop',
      source: showing({
        tuples: [tuple('x')],
        notes: [busy],
        extensions: ['<a xmlns="urn:a"/>', '<b xmlns="urn:b"/>'],
      }),
    },
    { tuple: 'mute', source: showing({}) },
  ])
  assert.deepEqual(
    document.tuples.map(({ id }) => id),
    ['phone', 'phone.y', 'laptop'],
  )
  assert.deepEqual(document.notes, [busy])
  assert.deepEqual(document.extensions, ['<a xmlns="urn:a"/>', '<b xmlns="urn:b"/>'])
})

test('tuple ids stay unique whatever the devices call theirs (RFC 3863 §4.1.2)', () => {
  const { tuples } = composed('pres:juliet@verona.example', [
    { tuple: 'a', source: showing({ tuples: [tuple('x'), tuple('b'), tuple('b')] }) },
    { tuple: 'a.b', source: showing({ tuples: [tuple('x')] }) },
  ])
  assert.deepEqual(
    tuples.map(({ id }) => id),
    ['a', 'a.b.2', 'a.b.3', 'a.b'],
  )
})

test('the basic document holds open and closed and nothing else (RFC 2779 2.3.3)', () => {
  const secret = [{ language: '', text: 'secret' }]
  const full: PresenceDocument = {
    entity: 'pres:juliet@verona.example',
    notes: secret,
    extensions: ['<secret/>'],
    tuples: [
      tuple('a', {
        basic: 'open',
        show: 'away',
        notes: secret,
        priority: 7,
        timestamp: 'secret',
        contact: { uri: 'sip:secret@verona.example' },
        statusExtensions: ['<secret/>'],
        extensions: ['<secret/>'],
      }),
      tuple('b'),
    ],
  }
  assert.deepEqual(basicOnly(full), {
    entity: full.entity,
    notes: [],
    extensions: [],
    tuples: [tuple('a', { basic: 'open' }), tuple('b')],
  })
})

test('the permanent value has a tuple of its own', () => {
  const presentity = new Presentity()
  presentity.setPermanent(says('call me'))
  assert.deepEqual(
    presentity.sources().map(({ tuple }) => tuple),
    [permanentTuple],
  )
})

test("a free name is nobody's address: a device with the same name keeps it, and takes nothing away", () => {
  const presentity = new Presentity()
  const told = (changes: readonly TupleChange[] | undefined | 'full'): string[] =>
    ((changes ?? []) as readonly TupleChange[]).map(({ kind, tuple }) => `${kind} ${tuple}`)
  assert.deepEqual(told(presentity.putFree('im', says('free'), undefined)), ['added im'])
  assert.equal(presentity.remove('im', undefined), undefined, 'no device has it')
  assert.deepEqual(told(presentity.put('im', says('device'), undefined)), ['changed im', 'added im.2'])
  assert.deepEqual(told(presentity.putFree('im.2', says('another'), undefined)), ['added im.2.2'])
  assert.deepEqual(told(presentity.keep('im', says('kept'))), ['changed im.2'])
  const shown = (): string[] =>
    presentity.sources().map(({ tuple, source }) => `${tuple} ${source.view().notes[0]?.text}`)
  assert.deepEqual(told(presentity.remove('im', undefined)), ['removed im'])
  assert.deepEqual(told(presentity.putFree('im', says('again'), undefined)), ['changed im.2'], 'its id stays')
  assert.deepEqual(told(presentity.removeFree('im')), ['changed im.2'], 'what is kept shows')
  assert.deepEqual(told(presentity.keep('im', undefined)), ['removed im.2'])
  assert.deepEqual(shown().length, 1)
  const first = new Presentity()
  first.put('im', says('device'), undefined)
  assert.deepEqual(told(first.putFree('im', says('free'), undefined)), ['added im.2'])
  assert.equal(first.find('im', false)?.id, 'im')
  assert.equal(first.find('im', true)?.id, 'im.2')
})
