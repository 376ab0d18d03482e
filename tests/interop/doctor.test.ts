// What `verona doctor DOMAIN` tells of domains that dnsmasq publishes, each with records of another shape, and with nobody or somebody there.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { peer } from './peers.ts'
import { freePort } from './ports.ts'
import { Program } from './program.ts'
import { VeronaServer } from './server.ts'

const root = join(import.meta.dirname, '..', '..')
const missing = peer('dnsmasq').skip

let server: VeronaServer | undefined
let names: Program | undefined

before(async () => {
  if (missing) return
  const port = await freePort()
  const nobody = await freePort()
  const srv = (name: string, target: string, at = nobody, priority = 0, weight = 1): string =>
    `--srv-host=${name},${target},${at},${priority},${weight}`
  names = new Program('dnsmasq', peer('dnsmasq').path, [
    ...[
      '--keep-in-foreground',
      '--conf-file=/dev/null',
      '--no-resolv',
      '--no-hosts',
      '--log-facility=-',
      '--user=root',
    ],
    ...[
      '--listen-address=127.0.0.1',
      '--bind-interfaces',
      `--port=${port}`,
      '--local=/example/',
      '--pid-file=',
    ],
    '--host-record=here.example,127.0.0.1',
    '--host-record=both.example,127.0.0.1,::1',
    // Two servers, the second first by its priority; nobody is there.
    srv('_xmpp-server._tcp.two.example', 'here.example', nobody, 20),
    srv('_xmpp-server._tcp.two.example', 'both.example', nobody, 10),
    // "decidedly not available" (RFC 2782), but by another protocol.
    '--srv-host=_xmpp-server._tcp.no.example',
    srv('_im._sip.no.example', 'here.example'),
    // A record that leads nowhere.
    srv('_impp-server._tcp.nowhere.example', 'gone.example'),
    // Nothing but an address (RFC 6120 §3.2.2).
    '--host-record=bare.example,127.0.0.1',
    // An alias (RFC 1034 §3.6.2).
    '--cname=alias.example,here.example',
    srv('_xmpps-server._tcp.aliased.example', 'alias.example'),
  ])
  await names.until(/started/)
  server = await VeronaServer.start({
    domain: 'verona.example',
    settings: {
      xmpp: { server: '127.0.0.1:0' },
      impp: { server: '127.0.0.1:0' },
      sip: { other_domains: true },
      dns: { servers: [`127.0.0.1:${port}`] },
    },
  })
})

after(async () => {
  await server?.remove()
  await names?.kill()
})

async function doctor(domain: string): Promise<string> {
  const options = ['--conditions=verona-source', '--disable-warning=ExperimentalWarning']
  const program = new Program('doctor', process.execPath, [
    ...options,
    join(root, 'src', 'cli', 'main.ts'),
    ...['doctor', domain, '--config', server?.configFile ?? ''],
  ])
  program.closeInput()
  await program.ended
  return program.said
}

/** [domain, what a person reads, in this order] */
const rows: [string, RegExp[]][] = [
  [
    'two.example',
    [
      /ok +xmpp: messages and presence, by SRV _xmpp-server\._tcp\.two\.example\n/,
      /WRONG +both\.example:\d+ \((?:::1|127\.0\.0\.1)\): .*refused/,
      /WRONG +here\.example:\d+ \(127\.0\.0\.1\): .*refused/,
      /what to do: nobody listens there/,
      /WRONG +two\.example: messages: by xmpp, and none of its servers can be used now/,
    ],
  ],
  [
    'no.example',
    [
      /xmpp: not offered: SRV _xmpp-server\._tcp\.no\.example says that it is not offered/,
      /ok +sip: messages, by SRV _im\._sip\.no\.example/,
      /no presence: it offers no protocol/,
    ],
  ],
  [
    'nowhere.example',
    [
      /ok +impp: messages and presence, by SRV _impp-server\._tcp\.nowhere\.example/,
      /WRONG +gone\.example:\d+: .*no address/,
      /what to do: a record that leads nowhere/,
    ],
  ],
  [
    'bare.example',
    [/xmpp: messages and presence, by the addresses of bare\.example, since no record names it/],
  ],
  [
    'aliased.example',
    [
      /by SRV _xmpps-server\._tcp\.aliased\.example\n/,
      /alias\.example:\d+, TLS at once \(127\.0\.0\.1\): .*refused/,
    ],
  ],
  [
    'unknown.example',
    [
      /no messages: it offers no protocol that we speak/,
      /what to do: ask its operator which records it publishes/,
    ],
  ],
]

for (const [domain, told] of rows)
  test(`what doctor tells of ${domain}`, { skip: missing }, async () => {
    const said = await doctor(domain)
    for (const each of told) assert.match(said, each)
  })
