// The examples of RFC 3880 §12, played: what a request is like, what became of what was tried, and what is decided.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { utf8 } from '#base'
import { type Decision, ScriptRun } from '#core'
import { type ProxyResult, type RequestFacts, type ScriptAction, type ScriptLocation, TimeZone } from '#model'
import { readCpl } from '#wire/cpl'

const utc = TimeZone.named('UTC') as TimeZone

interface Request {
  readonly from?: string
  readonly to?: string
  readonly display?: string
  readonly agent?: string
  readonly priority?: string
  readonly languages?: readonly string[]
  /** UTC. */
  readonly at?: string
  readonly registered?: readonly string[]
  readonly outgoing?: true
}

type Row = readonly [
  example: string,
  request: Request,
  /** What is decided first; then results, each with what is decided then. */
  ...decisions: string[],
]

const rows: readonly Row[] = [
  [
    'figure-2-voicemail',
    { from: 'sip:boss@sales.example.com' },
    'proxy sip:jones@example.com 10s',
    'busy',
    'redirect sip:jones@voicemail.example.com',
  ],
  [
    'figure-2-voicemail',
    { from: 'sip:boss@example.com' },
    'proxy sip:jones@example.com 10s',
    'failure',
    'redirect sip:jones@voicemail.example.com',
  ],
  [
    'figure-2-voicemail',
    { from: 'sip:boss@example.com' },
    'proxy sip:jones@example.com 10s',
    'redirection',
    'best',
  ],
  ['figure-2-voicemail', { from: 'sip:boss@badexample.com' }, 'redirect sip:jones@voicemail.example.com'],
  ['12.1-redirect-unconditional', {}, 'redirect sip:smith@phone.example.com'],
  ['12.1-redirect-unconditional', { outgoing: true }, 'default'],
  [
    '12.2-forward-busy-no-answer',
    {},
    'proxy sip:jones@jonespc.example.com 8s',
    'noanswer',
    'proxy sip:jones@voicemail.example.com',
    'failure',
    'best',
  ],
  ['12.2-forward-busy-no-answer', {}, 'proxy sip:jones@jonespc.example.com 8s', 'failure', 'best'],
  [
    '12.3-redirect-and-default',
    {},
    'proxy sip:jones@jonespc.example.com 20s',
    'redirection',
    'redirect sip:new@example.net',
  ],
  [
    '12.3-redirect-and-default',
    {},
    'proxy sip:jones@jonespc.example.com 20s',
    'busy',
    'proxy sip:jones@voicemail.example.com',
  ],
  ['12.4-screening', { from: 'sip:anonymous@anonymous.invalid' }, 'reject reject I reject anonymous calls'],
  ['12.4-screening', { from: 'sip:Anonymous@anonymous.invalid' }, 'default'],
  ['12.5-priority-and-language', { priority: 'Emergency' }, 'default'],
  [
    '12.5-priority-and-language',
    { priority: 'urgent', languages: ['es'] },
    'proxy sip:spanish@operator.example.com',
  ],
  ['12.5-priority-and-language', { languages: ['es-MX'] }, 'proxy sip:english@operator.example.com'],
  ['12.5-priority-and-language', { languages: ['*', 'ES'] }, 'proxy sip:spanish@operator.example.com'],
  ['12.5-priority-and-language', { priority: 'whatever' }, 'proxy sip:english@operator.example.com'],
  [
    '12.6-outgoing-screening',
    { outgoing: true, to: 'sip:+1-900-555-1212@gw.example.com;user=phone' },
    'reject reject Not allowed to make 1-900 calls.',
  ],
  [
    '12.6-outgoing-screening',
    { outgoing: true, to: 'tel:+1-900-5551212' },
    'reject reject Not allowed to make 1-900 calls.',
  ],
  ['12.6-outgoing-screening', { outgoing: true, to: 'sip:1212@gw.example.com' }, 'default'],
  ['12.6-outgoing-screening', { outgoing: true, to: 'sip:juliet@example.com' }, 'default'],
  [
    '12.7-time-of-day',
    { at: '2026-01-15T15:00', registered: ['sip:jones@10.0.0.1'] },
    'proxy sip:jones@10.0.0.1',
  ],
  ['12.7-time-of-day', { at: '2026-01-15T15:00' }, 'default'],
  ['12.7-time-of-day', { at: '2026-01-15T23:00' }, 'proxy sip:jones@voicemail.example.com'],
  [
    '12.7-time-of-day',
    { at: '2026-07-15T13:30', registered: ['sip:jones@10.0.0.1'] },
    'proxy sip:jones@10.0.0.1',
  ],
  ['12.7-time-of-day', { at: '2026-01-15T13:30' }, 'proxy sip:jones@voicemail.example.com'],
  [
    '12.8-location-filtering',
    {
      agent: 'inadequate software sip user agent/0.9BETA2',
      registered: ['sip:me@mobile.provider.net', 'sip:me@10.0.0.1'],
    },
    'proxy sip:me@10.0.0.1',
  ],
  ['12.8-location-filtering', { agent: 'Adequate/1.0' }, 'default'],
  [
    '12.8-location-filtering',
    { agent: 'Inadequate Software SIP User Agent/0.9beta2', registered: ['sip:me@mobile.provider.net'] },
    'best',
  ],
  [
    '12.11-complex',
    { from: 'sip:boss@example.com' },
    'proxy sip:jones@phone.example.com 8s',
    'noanswer',
    'best',
  ],
  [
    '12.11-complex',
    { from: 'xmpp:boss@example.com/desk' },
    'proxy sip:jones@phone.example.com 8s',
    'noanswer',
    'best',
  ],
  [
    '12.11-complex',
    { from: 'sip:other@example.com' },
    'proxy sip:jones@phone.example.com 8s',
    'noanswer',
    'redirect sip:jones@voicemail.example.com',
  ],
  ['12.11-complex', {}, 'proxy sip:jones@phone.example.com 8s', 'failure', 'best'],
]

for (const [example, request, ...decisions] of rows)
  test(`RFC 3880 ${example}: ${JSON.stringify(request)}: ${decisions.join(' -> ')}`, () =>
    assert.deepEqual(played(example, request, decisions), decisions))

function played(example: string, request: Request, decisions: readonly string[]): string[] {
  const path = new URL(`../../src/wire/cpl/testdata/${example}.cpl`, import.meta.url)
  const script = readCpl(utf8(readFileSync(path, 'utf8')), utc)
  assert.ok(!('reason' in script))
  const action = request.outgoing === true ? script.outgoing : script.incoming
  if (action === undefined) return ['default']
  return follow(action, request, decisions)
}

function follow(action: ScriptAction, request: Request, decisions: readonly string[]): string[] {
  const { at = '2026-01-01T00:00', registered = [], to = 'sip:jones@example.com' } = request
  const run = new ScriptRun({
    facts: factsOf(request),
    now: Date.parse(`${at}Z`),
    locations: request.outgoing === true ? [{ uri: to, priority: 1 }] : [],
    registrations: () =>
      registered.map((uri): ScriptLocation => ({ uri, priority: 1, device: { protocol: 'sip', id: uri } })),
    canProxy: (uri) => uri.startsWith('sip:'),
    note: () => {},
  })
  const said = [wordOf(run.begin(action))]
  for (let i = 1; i < decisions.length; i += 2) {
    const result = decisions[i] as ProxyResult
    const added = result === 'redirection' ? [{ uri: 'sip:new@example.net', priority: 1 }] : []
    said.push(result, wordOf(run.proxied(result, added)))
  }
  return said
}

function factsOf({
  from = 'sip:joe@example.org',
  to = 'sip:jones@example.com',
  ...request
}: Request): RequestFacts {
  const { display, agent, languages, priority } = request
  return {
    address: (field) =>
      field === 'origin' ? { uri: from, ...(display === undefined ? {} : { display }) } : { uri: to },
    text: (field) => (field === 'user-agent' ? agent : undefined),
    languages: () => languages,
    priority: () => priority,
  }
}

function wordOf(decision: Decision): string {
  switch (decision.kind) {
    case 'proxy': {
      const { locations, timeout } = decision.proxy
      return `proxy ${locations.map(({ uri }) => uri).join(' ')}${timeout === undefined ? '' : ` ${timeout}s`}`
    }
    case 'redirect':
      return `redirect ${decision.locations.map(({ uri }) => uri).join(' ')}`
    case 'reject':
      return `reject ${decision.status} ${decision.reason}`
    default:
      return decision.kind
  }
}
