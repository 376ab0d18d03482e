import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Metrics, openMetricsText, processMetrics } from './index.ts'

test('the exposition has TYPE, UNIT and HELP, the suffixes of each type, and ends in # EOF (OpenMetrics 1.0)', () => {
  const metrics = new Metrics()
  metrics.counter({ name: 'verona_messages', help: 'Messages accepted' }).add(3)
  const sent = metrics.counterFamily({ name: 'verona_sent', help: 'By protocol', labels: ['from', 'to'] })
  sent.with('xmpp', 'sip').add()
  sent.with('xmpp', 'impp').add(2)
  sent.with('xmpp', 'sip').add()
  metrics.gauge({ name: 'verona_queue_bytes', unit: 'bytes', help: 'Waiting' }).set(1.5)
  metrics.gauge({ name: 'verona_open', help: 'Open now' }, () => 7)
  metrics.info({ name: 'verona_build', help: 'Version' }, { version: '0.1.0' })
  const delay = metrics.histogram({
    name: 'verona_delay_seconds',
    unit: 'seconds',
    help: 'Delay',
    bounds: [0.001, 1, 10],
  })
  for (const value of [0.001, 0.5, 1, 2, 50]) delay.observe(value)
  assert.equal(
    openMetricsText(metrics),
    [
      '# TYPE verona_build info',
      '# HELP verona_build Version',
      'verona_build_info{version="0.1.0"} 1',
      '# TYPE verona_delay_seconds histogram',
      '# UNIT verona_delay_seconds seconds',
      '# HELP verona_delay_seconds Delay',
      'verona_delay_seconds_bucket{le="0.001"} 1',
      'verona_delay_seconds_bucket{le="1.0"} 3',
      'verona_delay_seconds_bucket{le="10.0"} 4',
      'verona_delay_seconds_bucket{le="+Inf"} 5',
      'verona_delay_seconds_count 5',
      'verona_delay_seconds_sum 53.501',
      '# TYPE verona_messages counter',
      '# HELP verona_messages Messages accepted',
      'verona_messages_total 3',
      '# TYPE verona_open gauge',
      '# HELP verona_open Open now',
      'verona_open 7',
      '# TYPE verona_queue_bytes gauge',
      '# UNIT verona_queue_bytes bytes',
      '# HELP verona_queue_bytes Waiting',
      'verona_queue_bytes 1.5',
      '# TYPE verona_sent counter',
      '# HELP verona_sent By protocol',
      'verona_sent_total{from="xmpp",to="sip"} 2',
      'verona_sent_total{from="xmpp",to="impp"} 2',
      '# EOF',
      '',
    ].join('\n'),
  )
})

test('backslash, quote and line feed are escaped in label values and in HELP (OpenMetrics 1.0, ABNF)', () => {
  const metrics = new Metrics()
  metrics.counterFamily({ name: 'a', help: 'x "y"\n\\z', labels: ['l'] }).with('q"b\\n\nend')
  const text = openMetricsText(metrics)
  assert.ok(text.includes('# HELP a x \\"y\\"\\n\\\\z\n'), text)
  assert.ok(text.includes('a_total{l="q\\"b\\\\n\\nend"} 0\n'), text)
})

test('the same metric registered twice is one; a different one of the same name is a fault', () => {
  const metrics = new Metrics()
  const one = metrics.counter({ name: 'a', help: 'A' })
  assert.equal(metrics.counter({ name: 'a', help: 'A' }), one)
  assert.throws(() => metrics.gauge({ name: 'a', help: 'A' }), /registered twice/)
  assert.throws(() => metrics.counterFamily({ name: 'a', help: 'A', labels: ['x'] }), /registered twice/)
})

test('names that the exposition could not carry are refused when they are registered', () => {
  const metrics = new Metrics()
  assert.throws(() => metrics.counter({ name: 'a_total', help: '' }), /adds _total itself/)
  assert.throws(() => metrics.counter({ name: 'a-b', help: '' }), /not a metric name/)
  assert.throws(() => metrics.gauge({ name: 'a', help: '', unit: 'bytes' }), /must end in _bytes/)
  assert.throws(() => metrics.counterFamily({ name: 'b', help: '', labels: ['le'] }), /cannot be a label/)
  assert.throws(() => metrics.histogram({ name: 'h', help: '', bounds: [2, 1] }), /must ascend/)
})

test('a family counts what is past its limit of combinations under `other`', () => {
  const metrics = new Metrics()
  const family = metrics.counterFamily({ name: 'a', help: 'A', labels: ['peer'], combinationsMax: 2 })
  for (const peer of ['p1', 'p2', 'p3', 'p4', 'p1']) family.with(peer).add()
  assert.match(openMetricsText(metrics), /peer="p1"} 2\na_total{peer="p2"} 1\na_total{peer="other"} 2\n#/)
})

test('the process tells of its CPU time and memory', () => {
  const metrics = new Metrics()
  processMetrics(metrics, '0.1.0')
  const text = openMetricsText(metrics)
  assert.match(text, /\nprocess_cpu_seconds_total 0\.\d+/)
  assert.match(text, /\nprocess_resident_memory_bytes \d{7,}\n/)
  assert.match(text, /verona_build_info{version="0\.1\.0",node="v\d+/)
})
