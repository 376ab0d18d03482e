import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { text, utf8 } from '#base'
import { type SentStanza, stamped, Unacknowledged } from './unacknowledged.ts'

const stanza = (name: string, more: Partial<SentStanza> = {}): SentStanza => ({
  bytes: utf8(name),
  at: 0,
  answer: undefined,
  onLost: undefined,
  isStampable: true,
  ...more,
})
const names = (all: readonly SentStanza[]): string => all.map(({ bytes }) => text(bytes)).join('')

describe('what is not acknowledged (XEP-0198 §4)', () => {
  it('forgets what is acknowledged, and nothing else', () => {
    const queue = new Unacknowledged()
    for (const name of 'abcde') queue.push(stanza(name))
    assert.equal(names(queue.acknowledge(2)), 'ab')
    assert.deepEqual([names(queue.all()), queue.length, queue.octets, queue.sent], ['cde', 3, 3, 5])
    assert.equal(names(queue.acknowledge(2)), '')
    assert.equal(names(queue.acknowledge(5)), 'cde')
    assert.equal(queue.octets, 0)
  })

  it('knows an impossible count: more than was sent, less than was acknowledged (§6)', () => {
    const queue = new Unacknowledged()
    for (const name of 'abc') queue.push(stanza(name))
    queue.acknowledge(1)
    assert.deepEqual(
      [0, 1, 2, 3, 4, 2 ** 32 - 1].map((h) => queue.isPossible(h)),
      [false, true, true, true, false, false],
    )
  })

  it('counts over 2^32', () => {
    const queue = new Unacknowledged(2 ** 32 - 2)
    for (const name of 'abcd') queue.push(stanza(name))
    assert.equal(queue.sent, 2)
    assert.equal(queue.isPossible(2 ** 32 - 1), true)
    assert.equal(names(queue.acknowledge(2 ** 32 - 1)), 'a')
    assert.equal(names(queue.acknowledge(0)), 'b')
    assert.equal(queue.isPossible(3), false)
    assert.equal(names(queue.acknowledge(2)), 'cd')
  })

  it('keeps its order and its size over thousands', () => {
    const queue = new Unacknowledged()
    for (let k = 1; k <= 5000; k++) {
      queue.push(stanza(`${k} `))
      if (k % 7 === 0) assert.equal(queue.acknowledge(k - 3).length, k === 7 ? 4 : 7)
    }
    assert.equal(queue.length, 5000 - (4998 - 3))
    assert.equal(names(queue.takeAll()), '4996 4997 4998 4999 5000 ')
    assert.equal(queue.length, 0)
  })

  const late: readonly (readonly [string, string, string])[] = [
    ['a message', '<message to="a"><body>x</body></message>', '<message to="a"><body>x</body>D</message>'],
    ['an empty one', "<message to='a'/>", "<message to='a'>D</message>"],
    ['space in its end tag', '<message>x</message >', '<message>xD</message >'],
    ['a name of its own', "<m:message xmlns:m='y'/>", "<m:message xmlns:m='y'>D</m:message>"],
  ]
  for (const [what, before, after] of late) {
    it(`says when it came in ${what} (XEP-0203 §4)`, () => {
      const delay = "<delay xmlns='urn:xmpp:delay' from='localhost' stamp='1970-01-01T00:00:07.000Z'/>"
      assert.equal(text(stamped(stanza(before, { at: 7000 }), 'localhost')), after.replace('D', delay))
    })
  }
})
