// Dialback with Prosody and ejabberd (XEP-0220): it proves a domain where both sides let it, both ways, and nothing else does where one does not.
import assert from 'node:assert/strict'
import { after, before, describe } from 'node:test'
import { type CertificateKind, Network } from './network.ts'
import { peer } from './peers.ts'
import { patienceMs } from './program.ts'
import { type Scene, scene } from './scene.ts'
import { VeronaServer } from './server.ts'
import { XmppClient } from './xmpp-client.ts'
import { Ejabberd, Prosody, type XmppServer } from './xmpp-server.ts'

const slixmpp = peer('slixmpp')
const openssl = peer('openssl')
const ours = 'verona.example'
const theirs = 'mantua.example'
const users = ['paris']

const kinds = [
  {
    name: 'Prosody',
    its: peer('prosody'),
    make: (path: string, network: Network): XmppServer => new Prosody(path, network, theirs, users),
  },
  {
    name: 'ejabberd',
    its: peer('ejabberd'),
    make: (_path: string, network: Network): XmppServer => new Ejabberd(network, theirs, users),
  },
]

interface Row {
  readonly title: string
  /** Whether our certificate is of the authority that they trust; what our table says of them. */
  readonly trusted: boolean
  readonly table: Readonly<Record<string, string | boolean>>
  readonly certificate: CertificateKind
  readonly onlyCertificates: boolean
  /** Whether what is written there comes here, tried first; and the other way. */
  readonly comes: boolean
  readonly goes: boolean
  /** What `verona peers show` says then. */
  readonly shown: RegExp
}

const rows: readonly Row[] = [
  {
    title: 'it proves both where neither has a certificate that is believed, and both take it',
    trusted: false,
    table: { tls: 'encrypted' },
    certificate: 'self-signed',
    onlyCertificates: false,
    comes: true,
    goes: true,
    shown: /dialback of mantua\.example|to 127\.0\.0\.1/,
  },
  {
    title: 'it proves us to them, and their certificate them to us',
    trusted: false,
    table: { tls: 'verified' },
    certificate: 'good',
    onlyCertificates: false,
    comes: true,
    goes: true,
    shown: /certificate of mantua\.example/,
  },
  {
    title: 'where they take certificates alone, nothing crosses without one of ours, and why is shown',
    trusted: false,
    table: { tls: 'verified' },
    certificate: 'good',
    onlyCertificates: true,
    comes: false,
    goes: false,
    shown: /1 message waits/,
  },
  {
    title: 'where we take it from nobody there, nothing comes, though what we send goes by our certificate',
    trusted: true,
    table: { tls: 'encrypted', dialback: false },
    certificate: 'self-signed',
    onlyCertificates: false,
    comes: false,
    goes: true,
    shown: /not-authorized|to 127\.0\.0\.1/,
  },
]

for (const { name, its, make } of kinds)
  for (const row of rows)
    describe(`dialback with ${name}`, { skip: its.skip || slixmpp.skip || openssl.skip }, () => {
      let network: Network
      let server: VeronaServer
      let other: XmppServer

      before(async () => {
        network = await Network.open([ours, theirs])
        other = make(its.path, network)
        const { certificate, onlyCertificates } = row
        await Promise.all([
          other.start({ certificate, onlyCertificates }),
          startOurs(network, row).then((started) => {
            server = started
          }),
        ])
      })
      after(async () => {
        await Promise.all([server?.remove(), other?.remove()])
        await network?.close()
      })

      scene(
        `${name}: ${row.title}`,
        false,
        () => server,
        async (stage) => {
          try {
            await play(stage, network, other, server, row)
          } catch (error) {
            const said = other.programs.map((program) => program.said.slice(-8000)).join('\n---\n')
            throw new Error(`${(error as Error).message}\n--- ${name}\n${said}`, { cause: error })
          }
        },
      )
    })

async function play(
  stage: Scene,
  network: Network,
  other: XmppServer,
  server: VeronaServer,
  row: Row,
): Promise<void> {
  const [romeo, paris] = await Promise.all([
    XmppClient.online(stage, slixmpp.path, `romeo@${ours}/orchard`),
    XmppClient.online(stage, slixmpp.path, `paris@${theirs}/street`, {
      port: other.port,
      authority: row.certificate === 'good' ? network.authority : '',
    }),
  ])
  paris.do('message', { to: `romeo@${ours}`, body: 'herein', id: 'in' })
  if (row.comes) await romeo.next('message', { id: 'in', body: 'herein' })
  else await paris.ever('message', { id: 'in', type: 'error' })
  romeo.do('message', { to: `paris@${theirs}`, body: 'hinaus', id: 'out' })
  if (row.goes) await paris.ever('message', { id: 'out', body: 'hinaus' })
  else await waitFor(() => server.command('peers', 'show', theirs).succeeds(), /last error: [^\n]+/)
  await waitFor(() => server.command('peers', 'show', theirs).succeeds(), row.shown)
  if (!row.comes) assert.deepEqual(romeo.seen('message'), [])
  if (!row.goes)
    assert.deepEqual(
      paris.seen('message').filter(({ id }) => id === 'out'),
      [],
    )
}

async function waitFor(ask: () => Promise<string>, pattern: RegExp): Promise<void> {
  const end = Date.now() + patienceMs
  for (;;) {
    const said = await ask()
    if (pattern.test(said)) return
    if (Date.now() > end) throw new Error(`${pattern} was not said, but ${said}`)
  }
}

function startOurs(network: Network, { trusted, table }: Row): Promise<VeronaServer> {
  return VeronaServer.start(
    {
      domain: ours,
      users: ['romeo'],
      settings: {
        xmpp: { server: `127.0.0.1:${network.portOf(ours)}`, server_connect_seconds: 10 },
        peers: { trust: network.authority, retry_first_seconds: 1, retry_max_seconds: 2 },
        dns: { servers: [network.dns] },
      },
      peers: [{ domain: theirs, ...table }],
    },
    (directory) => {
      if (trusted) network.giveAuthority(`${directory}/data/tls`)
    },
  )
}
