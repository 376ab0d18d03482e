// The history and the place of a person (docs/specs/impp-1.0.md §11.5, §11.6).
import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { text, utf8 } from '#base'
import { UnitFramer } from './codec/index.ts'
import { type Fixture, fixture } from './testing/fixture.ts'
import { dropHands, Hand, type Seen } from './testing/hand.ts'

afterEach(dropHands)

const juliet = 'impp://example.com/juliet'
const romeo = 'impp://example.com/romeo'
const own = { Target: juliet }

const wordOf = ({ first, fields }: Seen): string => fields.reason ?? (first.split(' ')[0] as string)

describe('GET-HISTORY', () => {
  interface Shown {
    readonly id: string
    readonly copy: string | undefined
    readonly omitted: string | undefined
    readonly target: string | undefined
    readonly body: string
  }

  function shown({ body }: Seen): Shown[] {
    const framer = new UnitFramer()
    framer.push(utf8(body))
    const found: Shown[] = []
    for (let unit = framer.next(); unit !== undefined; unit = framer.next()) {
      assert.ok(unit.kind === 'request' && unit.envelope !== undefined && unit.method === 'SEND')
      assert.match(unit.envelope.get('stored') ?? '', /^\d{4}-/)
      found.push({
        id: unit.envelope.get('history-id') ?? '',
        copy: unit.envelope.get('copy'),
        omitted: unit.envelope.get('omitted'),
        target: unit.headers.get('target'),
        body: text(unit.body),
      })
    }
    assert.equal(framer.pendingOctets, 0)
    return found
  }

  async function written(f: Fixture, count: number): Promise<Hand> {
    const desk = await new Hand(f).login('juliet')
    const other = await new Hand(f).login('romeo')
    for (let n = 1; n <= count; n++) {
      const [from, to] = n % 2 === 1 ? [desk, romeo] : [other, juliet]
      assert.equal(wordOf(await from.ask('SEND', { Target: to, 'Message-ID': `m${n}` }, `${n}\r\n ü`)), 'OK')
      f.clock.advance(1000)
    }
    return desk
  }

  test('messages of both directions come oldest first, content octet for octet, in pages both ways', async () => {
    const f = await fixture()
    const desk = await written(f, 7)
    const all = shown(await desk.ask('GET-HISTORY', own))
    assert.deepEqual(
      all.map(({ body }) => body),
      [1, 2, 3, 4, 5, 6, 7].map((n) => `${n}\r\n ü`),
    )
    assert.deepEqual(
      [all[0]?.copy, all[0]?.target, all[1]?.copy, all[1]?.target],
      ['sent', romeo, undefined, juliet],
    )
    const pages: string[] = []
    for (let after: string | undefined = ''; after !== undefined; ) {
      const page: Seen = await desk.ask('GET-HISTORY', {
        ...own,
        Limit: '3',
        ...(after !== '' && { After: after }),
      })
      pages.push(
        shown(page)
          .map(({ body }) => body[0])
          .join(''),
      )
      after = page.fields.next
    }
    assert.deepEqual(pages, ['123', '456', '7'])
    const back: string[] = []
    for (let before: string | undefined = '-'; before !== undefined; ) {
      const page: Seen = await desk.ask('GET-HISTORY', { ...own, Limit: '3', Before: before })
      back.push(
        shown(page)
          .map(({ body }) => body[0])
          .join(''),
      )
      before = page.fields.next
    }
    assert.deepEqual(back, ['567', '234', '1'])
    const [second, sixth] = [all[1]?.id as string, all[5]?.id as string]
    const between = await desk.ask('GET-HISTORY', { ...own, After: second, Before: sixth })
    assert.deepEqual(
      shown(between).map(({ body }) => body[0]),
      ['3', '4', '5'],
    )
  })

  test('With, Start and End choose', async () => {
    const f = await fixture()
    const desk = await written(f, 4)
    await desk.ask('SEND', { Target: juliet }, 'to myself')
    assert.equal(shown(await desk.ask('GET-HISTORY', { ...own, With: romeo })).length, 4)
    assert.equal(shown(await desk.ask('GET-HISTORY', { ...own, With: juliet })).length, 1)
    const moment = (seconds: number): string => new Date(f.clock.now() - seconds * 1000).toISOString()
    const chosen = await desk.ask('GET-HISTORY', {
      ...own,
      With: 'im:romeo@example.com',
      Start: moment(3),
      End: moment(2),
    })
    assert.deepEqual(
      shown(chosen).map(({ body }) => body[0]),
      ['2', '3'],
    )
  })

  test('a page is no larger than its reader takes; a message that alone is larger is named, and what is behind it comes', async () => {
    const f = await fixture()
    const desk = await written(f, 2)
    await desk.ask('SEND', { Target: romeo }, 'x'.repeat(8000))
    await desk.ask('SEND', { Target: romeo }, 'last')
    const small = await new Hand(f).login('juliet', {}, { 'Max-Message-Size': '4096' })
    const found: Shown[] = []
    for (let after: string | undefined = ''; after !== undefined; ) {
      const page: Seen = await small.ask('GET-HISTORY', { ...own, ...(after !== '' && { After: after }) })
      assert.ok(page.body.length < 4096)
      found.push(...shown(page))
      after = page.fields.next
    }
    assert.deepEqual(
      found.map(({ omitted }) => omitted),
      [undefined, undefined, 'message-too-large', undefined],
    )
    assert.deepEqual([found[2]?.body, found[3]?.body], ['', 'last'])
  })

  /** [fields, answer] */
  const wrong: [Record<string, string>, string][] = [
    [{}, 'malformed'],
    [{ Target: romeo }, 'permission-denied'],
    [{ ...own, Limit: '0' }, 'malformed'],
    [{ ...own, Limit: 'many' }, 'malformed'],
    [{ ...own, Start: 'yesterday' }, 'malformed'],
    [{ ...own, End: '2026' }, 'malformed'],
    [{ ...own, With: 'nobody' }, 'address-malformed'],
    [{ ...own, With: 'impp://example.com/' }, 'address-malformed'],
    [{ ...own, After: 'unknown' }, 'not-found'],
    [{ ...own, Before: 'unknown' }, 'not-found'],
    [{ ...own, After: 'unknown', Before: '-' }, 'malformed'],
  ]
  for (const [fields, answer] of wrong) {
    test(`GET-HISTORY ${JSON.stringify(fields)}: ${answer}`, async () => {
      const f = await fixture()
      const desk = await new Hand(f).login('juliet')
      assert.equal(wordOf(await desk.ask('GET-HISTORY', fields)), answer)
    })
  }

  test('one page at a time is read for a connection', async () => {
    const f = await fixture()
    const desk = await written(f, 1)
    for (const id of ['h1', 'h2']) desk.request('GET-HISTORY', id, own)
    const answers = [await desk.next(desk.responses), await desk.next(desk.responses)]
    assert.deepEqual(answers.map(wordOf).sort(), ['OK', 'too-many-pending'])
    assert.equal(wordOf(await desk.ask('GET-HISTORY', own)), 'OK')
  })
})

describe('GET-FORWARD and SET-FORWARD (IMPP §18.8, E6, E7)', () => {
  test('who has moved says so, is asked for there, and comes back', async () => {
    const f = await fixture()
    const desk = await new Hand(f).login('juliet')
    const other = await new Hand(f).login('romeo')
    assert.equal((await desk.ask('GET-FORWARD', own)).fields.forward, 'none')
    const there = { ...own, Forward: 'permanent', Location: 'sip:juliet@mantua.example' }
    assert.equal(wordOf(await desk.ask('SET-FORWARD', there)), 'OK')
    const shown = await desk.ask('GET-FORWARD', own)
    assert.deepEqual([shown.fields.forward, shown.fields.location], ['permanent', there.Location])
    const refused = await other.ask('SEND', own, 'hello')
    assert.deepEqual(
      [refused.fields.reason, refused.fields.location],
      ['permanently-forwarded', 'impp://mantua.example/juliet'],
    )
    assert.equal(wordOf(await desk.ask('SET-FORWARD', { ...own, Forward: 'none' })), 'OK')
    assert.equal(wordOf(await other.ask('SEND', own, 'hello')), 'OK')
  })

  /** [fields, answer] */
  const wrong: [Record<string, string>, string][] = [
    [{ ...own }, 'malformed'],
    [{ ...own, Forward: 'temporary' }, 'malformed'],
    [{ ...own, Forward: 'none', Location: 'im:a@b.example' }, 'malformed'],
    [{ ...own, Forward: 'soon', Location: 'im:a@b.example' }, 'malformed'],
    [{ ...own, Forward: 'temporary', Location: 'nowhere' }, 'address-malformed'],
    [{ ...own, Forward: 'temporary', Location: juliet }, 'loop-detected'],
    [{ Target: romeo, Forward: 'none' }, 'permission-denied'],
  ]
  for (const [fields, answer] of wrong) {
    test(`SET-FORWARD ${JSON.stringify(fields)}: ${answer}`, async () => {
      const f = await fixture()
      const desk = await new Hand(f).login('juliet')
      assert.equal(wordOf(await desk.ask('SET-FORWARD', fields)), answer)
    })
  }
})
