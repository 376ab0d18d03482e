// Where UMPP is found by the records of a real name server, dnsmasq: `_im._umpp` and `_pres._umpp` (RFC 3861 §3, §4), each for itself, in the order of their
// priorities; and where nothing names it, it is not guessed.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { peer } from './peers.ts'
import { freePort } from './ports.ts'
import { Program } from './program.ts'
import { VeronaServer } from './server.ts'

const dnsmasq = peer('dnsmasq')

/** A port where nobody listens: what is asked is where one would go. */
const srv = (label: string, domain: string, host: string, port: number, priority = 0): string =>
  `--srv-host=${label}.${domain},${host},${port},${priority},0`

interface Row {
  readonly what: string
  readonly domain: string
  readonly records: readonly string[]
  /** By which protocol each service goes; else why it does not. */
  readonly messages: string
  readonly presence: string
  /** What is said of UMPP. */
  readonly umpp: RegExp
  /** Where it would be tried, in this order. */
  readonly tries?: readonly string[]
}

const nowhere = 'domain-unknown'
const rows: readonly Row[] = [
  {
    what: 'both services are named: both go by it, the better priority first',
    domain: 'both.example',
    records: [
      srv('_im._umpp', 'both.example', 'second.both.example', 5063, 20),
      srv('_im._umpp', 'both.example', 'first.both.example', 5062, 10),
      srv('_pres._umpp', 'both.example', 'first.both.example', 5062),
      '--host-record=first.both.example,127.0.0.1',
      '--host-record=second.both.example,127.0.0.2',
    ],
    messages: 'umpp',
    presence: 'umpp',
    umpp: /^messages and presence, by SRV _im\._umpp\.both\.example/,
    tries: ['127.0.0.1:5062', '127.0.0.2:5063'],
  },
  {
    what: 'messages alone are named: presence does not go',
    domain: 'messages.example',
    records: [
      srv('_im._umpp', 'messages.example', 'host.messages.example', 5062),
      '--host-record=host.messages.example,127.0.0.1',
    ],
    messages: 'umpp',
    presence: nowhere,
    umpp: /^messages, by SRV/,
  },
  {
    what: 'presence alone is named: messages go by what else is',
    domain: 'presence.example',
    records: [
      srv('_pres._umpp', 'presence.example', 'host.presence.example', 5062),
      srv('_xmpp-server._tcp', 'presence.example', 'host.presence.example', 5269),
      '--host-record=host.presence.example,127.0.0.1',
    ],
    messages: 'xmpp',
    presence: 'xmpp',
    umpp: /^presence, by SRV/,
  },
  {
    what: 'the service is decidedly not available, "." (RFC 2782)',
    domain: 'closed.example',
    records: [
      '--srv-host=_im._umpp.closed.example',
      '--srv-host=_pres._umpp.closed.example',
      '--host-record=closed.example,127.0.0.1',
    ],
    // By the mere address, as who names no protocol.
    messages: 'xmpp',
    presence: 'xmpp',
    umpp: /^not offered: SRV _im/,
  },
  {
    what: 'SIP and XMPP are named, as UMPP needs them, and UMPP is not: it is not guessed from that (decision 0105)',
    domain: 'parts.example',
    records: [
      srv('_sips._tcp', 'parts.example', 'host.parts.example', 5061),
      srv('_xmpp-server._tcp', 'parts.example', 'host.parts.example', 5269),
      '--host-record=host.parts.example,127.0.0.1',
      '--host-record=parts.example,127.0.0.1',
    ],
    messages: 'xmpp',
    presence: 'xmpp',
    umpp: /^not offered: no record names it/,
  },
  {
    what: 'other protocols are named by the same services',
    domain: 'others.example',
    records: [
      srv('_im._prim', 'others.example', 'host.others.example', 5062),
      srv('_pres._prim', 'others.example', 'host.others.example', 5062),
      '--host-record=host.others.example,127.0.0.1',
    ],
    messages: nowhere,
    presence: nowhere,
    umpp: /^not offered: no record names it/,
  },
]

describe('dnsmasq says where UMPP is', { skip: dnsmasq.skip }, () => {
  let server: VeronaServer
  let names: Program

  before(async () => {
    const port = await freePort()
    names = new Program('dnsmasq', dnsmasq.path, [
      ...[
        '--no-daemon',
        '--conf-file=/dev/null',
        '--no-resolv',
        '--no-hosts',
        '--log-queries',
        '--log-facility=-',
      ],
      ...[
        '--listen-address=127.0.0.1',
        '--bind-interfaces',
        `--port=${port}`,
        '--local=/example/',
        '--pid-file=',
      ],
      ...rows.flatMap(({ records }) => records),
    ])
    await names.sees(/started, version/)
    server = await VeronaServer.start({
      domain: 'verona.example',
      settings: {
        sip: { host: '127.0.0.1', other_domains: true },
        xmpp: { server: `127.0.0.1:${await freePort()}` },
        umpp: { on: true, private_peers: rows.map(({ domain }) => domain) },
        dns: { servers: [`127.0.0.1:${port}`] },
      },
    })
  })
  after(async () => {
    await Promise.all([server?.remove(), names?.kill()])
  })

  for (const { what, domain, messages, presence, umpp, tries } of rows)
    test(what, async () => {
      const asked = server.command('doctor', domain)
      // It says that nothing can be exchanged: nobody listens there.
      assert.notEqual(await asked.ends(), 0)
      const { said } = asked
      assert.match(/^ok +umpp: (.*)$/m.exec(said)?.[1] ?? '', umpp, said)
      for (const [service, by] of [
        ['messages', messages],
        ['presence', presence],
      ] as const) {
        const expected = by === nowhere ? `no ${service}: it offers no protocol` : `${service}: by ${by}`
        assert.ok(said.includes(`${domain}: ${expected}`), `${expected}\n${said}`)
      }
      const tried = [
        ...said.matchAll(/^WRONG +\S+:(\d+) \(([\d.]+)\): connection refused \(ECONNREFUSED\)$/gm),
      ]
      if (tries !== undefined)
        assert.deepEqual(
          tried.map(([, port, address]) => `${address}:${port}`),
          tries,
        )
    })
})
