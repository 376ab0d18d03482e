import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '#base'
import {
  type CloseReason,
  type Connection,
  connectionPair,
  flushConnections,
  type TlsContext,
} from './index.ts'

function note(connection: Connection) {
  const seen = { text: '', loans: [] as Uint8Array[], secure: 0, drains: 0, reasons: [] as CloseReason[] }
  connection.start({
    onData: (bytes) => {
      seen.text += Buffer.from(bytes).toString()
      seen.loans.push(bytes)
    },
    onSecure: () => void seen.secure++,
    onDrain: () => void seen.drains++,
    onClose: (reason) => void seen.reasons.push(reason),
  })
  return seen
}

test('what one side writes in a tick the other receives as one piece, and its loan is poisoned after', () => {
  const [ours, theirs] = connectionPair()
  const seen = note(theirs)
  ours.writeAscii('one ')
  ours.writeUtf8('zwö')
  assert.equal(seen.text, '')
  flushConnections()
  assert.equal(seen.text, 'one zwö')
  assert.equal(seen.loans.length, 1)
  assert.ok(seen.loans[0]?.every((octet) => octet === 0xa5))
})

test('an answer to an answer arrives within the same flush', () => {
  const [ours, theirs] = connectionPair()
  const seen = note(theirs)
  ours.start({ onData: (bytes) => ours.write(bytes), onClose: () => {} })
  theirs.writeAscii('echo')
  flushConnections()
  assert.equal(seen.text, 'echo')
})

test('close lets what is queued arrive first, and ends both sides once', () => {
  const [ours, theirs] = connectionPair()
  const [mine, other] = [note(ours), note(theirs)]
  ours.writeAscii('bye')
  ours.close()
  ours.writeAscii('dropped')
  flushConnections()
  assert.equal(other.text, 'bye')
  assert.deepEqual([mine.reasons, other.reasons], [[{ why: 'us' }], [{ why: 'peer' }]])
})

test('destroy loses what is queued, and the far end sees a reset', () => {
  const [ours, theirs] = connectionPair()
  const [mine, other] = [note(ours), note(theirs)]
  ours.writeAscii('lost')
  ours.destroy()
  assert.equal(mine.reasons.length, 0)
  flushConnections()
  assert.equal(other.text, '')
  assert.deepEqual([mine.reasons, other.reasons], [[{ why: 'destroyed' }], [{ why: 'reset' }]])
})

test('a reader that pauses makes its writer wait, then drain, then lose the connection', () => {
  const [ours, theirs] = connectionPair({ limits: { queueBytesHigh: 10, queueBytesMax: 100 } })
  const mine = note(ours)
  const other = note(theirs)
  theirs.pause()
  assert.equal(ours.writeAscii('123456789'), true)
  assert.equal(ours.writeAscii('0'), false)
  flushConnections()
  assert.deepEqual([other.text, mine.drains, ours.queuedBytes], ['', 0, 10])
  theirs.resume()
  flushConnections()
  assert.deepEqual([other.text, mine.drains, ours.queuedBytes], ['1234567890', 1, 0])
  theirs.pause()
  ours.write(new Uint8Array(101))
  flushConnections()
  assert.equal(mine.reasons[0]?.why, 'slow-reader')
})

test('STARTTLS in memory: both sides must ask; what was written before leaves in the clear', () => {
  const context = {} as TlsContext
  const [ours, theirs] = connectionPair({ tls: { alpn: 'xmpp-client' } })
  const [mine, other] = [note(ours), note(theirs)]
  ours.writeAscii('proceed')
  ours.startTls(context, { server: true })
  ours.writeAscii(' features')
  flushConnections()
  assert.deepEqual([other.text, ours.tls], ['proceed', undefined])
  theirs.startTls(context, { server: false })
  flushConnections()
  assert.deepEqual([mine.secure, other.secure, other.text], [1, 1, 'proceed features'])
  assert.equal(ours.tls?.alpn, 'xmpp-client')
})

test('lastReceived follows the clock', () => {
  const clock = new VirtualClock()
  const [ours, theirs] = connectionPair({ clock })
  note(ours)
  const start = ours.lastReceived
  clock.advance(1000)
  theirs.writeAscii(' ')
  flushConnections()
  assert.equal(ours.lastReceived, start + 1000)
})
