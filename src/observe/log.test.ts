import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLog, type LogOptions, Trace, type TraceEvent } from './index.ts'

function logTo(options: LogOptions): { lines: string[]; log: ReturnType<typeof createLog> } {
  const lines: string[] = []
  return { lines, log: createLog({ ...options, write: (line) => void lines.push(line) }) }
}

test('a line of JSON has level, time, message and fields, and a child adds its own', () => {
  const { lines, log } = logTo({ format: 'json' })
  log.child({ listener: 'xmpp client' }).info('connected', { address: '192.0.2.1', port: 5222 })
  const { time, ...rest } = JSON.parse(lines[0] as string)
  assert.deepEqual(rest, {
    level: 'info',
    listener: 'xmpp client',
    address: '192.0.2.1',
    port: 5222,
    msg: 'connected',
  })
  assert.match(time, /^\d{4}-\d\d-\d\dT.*Z$/)
})

test('a line of text is one line, readable, and nothing in it steers the terminal', () => {
  const { lines, log } = logTo({ format: 'text' })
  log.warn('strange name', { name: 'a\n23:00:00 info all is well\u001b[2J', plain: 'x', list: [1, 2] })
  const line = (lines[0] as string).replace(/^\d\d:\d\d:\d\d\.\d{3}/, 'TIME')
  assert.equal(
    line,
    'TIME warn  strange name name="a\\n23:00:00 info all is well\\u001b[2J" plain=x list=[1,2]\n',
  )
})

test('an error shows its stack below its line', () => {
  const { lines, log } = logTo({ format: 'text' })
  log.error('broken', { error: new Error('a reason') })
  assert.match(lines[0] as string, /error broken\n {4}Error: a reason\n {4,}at /)
  assert.equal(lines.length, 1)
})

test('neither a secret nor a body reaches the log, at any depth', () => {
  for (const format of ['json', 'text'] as const) {
    const { lines, log } = logTo({ format })
    log.info('login', {
      password: 'TOPSECRET',
      request: { headers: { Authorization: 'TOPSECRET', 'stored-key': 'TOPSECRET' }, body: 'TOPSECRET' },
      list: [{ token: 'TOPSECRET', Private_Key: 'TOPSECRET' }],
      octets: new TextEncoder().encode('TOPSECRET'),
    })
    log.child({ secret: 'TOPSECRET' }).info('child')
    assert.ok(!lines.join('').includes('TOPSECRET'), lines.join(''))
    assert.match(lines[0] as string, /9 octets/)
  }
})

test('fields that are long, deep or cyclic cost little', () => {
  const { lines, log } = logTo({ format: 'json' })
  const cycle: Record<string, unknown> = { long: 'x'.repeat(100_000), big: 2n ** 70n }
  cycle['self'] = cycle
  log.info('odd', { cycle })
  assert.ok((lines[0] as string).length < 20_000)
})

test('the level decides what is written, and can change', () => {
  const { lines, log } = logTo({ format: 'json', level: 'warn' })
  log.info('no')
  assert.equal(log.debugging, false)
  log.setLevel('debug')
  log.debug('yes')
  assert.equal(lines.length, 1)
  log.setLevel('silent')
  log.error('no')
  assert.equal(lines.length, 1)
})

test('a trace tells its listeners, and only them', () => {
  const trace = new Trace()
  const events: TraceEvent[] = []
  trace.event('core.send', 'm1')
  const stop = trace.listen((event) => events.push(event))
  assert.equal(trace.on, true)
  trace.event('core.send', 'm2', { to: 'im:a@example.com' })
  stop()
  trace.event('core.send', 'm3')
  assert.deepEqual(
    events.map(({ point, id, fields }) => ({ point, id, fields })),
    [{ point: 'core.send', id: 'm2', fields: { to: 'im:a@example.com' } }],
  )
})
