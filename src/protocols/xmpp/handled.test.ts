import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Handled } from './handled.ts'

function stanza(handled: Handled): void {
  handled.begin()
  handled.end()
}

/** A stanza whose outcome comes later: what tells it. */
function later(handled: Handled): () => void {
  handled.begin()
  const known = handled.defer()
  handled.end()
  return known
}

describe('what is handled (XEP-0198 §4)', () => {
  it('counts what is done at once, and an outcome within the tick', () => {
    const handled = new Handled(() => assert.fail())
    stanza(handled)
    handled.begin()
    handled.defer()()
    handled.end()
    assert.deepEqual([handled.count, handled.received, handled.isSettled], [2, 2, true])
  })

  it('never counts beyond the first whose outcome is outstanding', () => {
    let grown = 0
    const handled = new Handled(() => grown++)
    stanza(handled)
    const first = later(handled)
    stanza(handled)
    const second = later(handled)
    stanza(handled)
    assert.deepEqual([handled.count, handled.received], [1, 5])
    second()
    second()
    assert.deepEqual([handled.count, grown], [1, 0])
    assert.equal(handled.hasReached(2), false)
    first()
    assert.deepEqual([handled.count, grown, handled.isSettled], [5, 1, true])
    assert.equal(handled.hasReached(2), true)
  })

  it('waits for all outcomes of one stanza', () => {
    const handled = new Handled(() => {})
    handled.begin()
    const [one, other] = [handled.defer(), handled.defer()]
    handled.end()
    one()
    assert.equal(handled.count, 0)
    other()
    assert.equal(handled.count, 1)
  })

  it('begins again at zero after 2^32 - 1', () => {
    const handled = new Handled(() => {}, 2 ** 32 - 2)
    stanza(handled)
    assert.equal(handled.count, 2 ** 32 - 1)
    const known = later(handled)
    const { received } = handled
    stanza(handled)
    assert.deepEqual([received, handled.received, handled.hasReached(received)], [0, 1, false])
    known()
    assert.deepEqual([handled.count, handled.hasReached(received)], [1, true])
  })
})
