// Servers that meet by TLS from the first octet (XEP-0368): two of ours as processes, Prosody and ejabberd; and a certificate that is put in place while
// one of them runs.
import assert from 'node:assert/strict'
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe } from 'node:test'
import { connect } from 'node:tls'
import { Network } from './network.ts'
import { peer } from './peers.ts'
import { freePort } from './ports.ts'
import { patienceMs } from './program.ts'
import { scene } from './scene.ts'
import { VeronaServer } from './server.ts'
import { XmppClient } from './xmpp-client.ts'
import { Ejabberd, Prosody, type XmppServer } from './xmpp-server.ts'

const slixmpp = peer('slixmpp')
const ours = 'verona.example'
const theirs = 'mantua.example'

/** Real milliseconds: files are looked at each minute. */
const reloadMs = 90_000

describe('two servers of ours by TLS at once', { skip: slixmpp.skip }, () => {
  let network: Network
  let here: VeronaServer
  let there: VeronaServer

  before(async () => {
    network = await Network.open([ours, theirs])
    onlyDirect(network, new Map([ours, theirs].map((domain) => [domain, network.portOf(domain)])))
    here = await startOurs(network, ours, true)
    there = await startOurs(network, theirs, false)
  })
  after(async () => {
    await Promise.all([here?.remove(), there?.remove()])
    await network?.close()
  })

  scene(
    'a certificate that nobody trusts is replaced while the server runs, and what waited goes (XEP-0368, RFC 6120 §13.7.2)',
    false,
    () => here,
    async (stage) => {
      const [romeo, paris] = await Promise.all([
        XmppClient.online(stage, slixmpp.path, `romeo@${ours}/orchard`),
        XmppClient.online(stage, slixmpp.path, `romeo@${theirs}/street`, {
          port: there.port('xmpp'),
          authority: there.authority,
        }),
      ])
      const port = network.portOf(theirs)
      const before = await fingerprintAt(port)
      romeo.do('message', { to: `romeo@${theirs}`, body: 'wohin?', id: 'd1' })
      await waitFor(
        () => here.command('peers', 'show', theirs).succeeds(),
        /certificate of mantua\.example is not accepted/,
        patienceMs,
      )
      const files = await network.certificateFor(theirs, 'good')
      const live = join(there.directory, 'data', 'tls')
      copyFileSync(files.key, join(live, 'server.key'))
      copyFileSync(files.certificate, join(live, 'server.crt'))
      await waitFor(async () => String((await fingerprintAt(port)) !== before), /true/, reloadMs)
      await paris.ever('message', { id: 'd1', body: 'wohin?' })
      paris.do('message', { to: `romeo@${ours}`, body: 'hierher', id: 'd2' })
      await romeo.next('message', { id: 'd2', body: 'hierher' })
      const shown = await here.command('peers', 'show', theirs).succeeds()
      assert.match(shown, /to 127\.0\.0\.1:\d+ for verona\.example, TLSv1\.3/)
      assert.match(shown, /certificate of mantua\.example, until/)
    },
  )
})

const others = [
  {
    name: 'Prosody',
    its: peer('prosody'),
    make: (network: Network): XmppServer => new Prosody(peer('prosody').path, network, theirs, ['paris']),
  },
  {
    name: 'ejabberd',
    its: peer('ejabberd'),
    make: (network: Network): XmppServer => new Ejabberd(network, theirs, ['paris']),
  },
]

for (const { name, its, make } of others)
  describe(`${name} by TLS at once`, { skip: slixmpp.skip || its.skip }, () => {
    let network: Network
    let server: VeronaServer
    let other: XmppServer

    before(async () => {
      network = await Network.open([ours, theirs])
      other = make(network)
      other.directPort = await freePort()
      onlyDirect(
        network,
        new Map([
          [ours, network.portOf(ours)],
          [theirs, other.directPort],
        ]),
      )
      await other.start()
      server = await startOurs(network, ours, true)
    })
    after(async () => {
      await Promise.all([server?.remove(), other?.remove()])
      await network?.close()
    })

    scene(
      'messages go both ways where no name leads to STARTTLS',
      false,
      () => server,
      async (stage) => {
        const [romeo, paris] = await Promise.all([
          XmppClient.online(stage, slixmpp.path, `romeo@${ours}/orchard`),
          XmppClient.online(stage, slixmpp.path, `paris@${theirs}/street`, {
            port: other.port,
            authority: network.authority,
          }),
        ])
        paris.do('message', { to: `romeo@${ours}`, body: 'herein', id: 'in' })
        await romeo.next('message', { id: 'in', body: 'herein' })
        romeo.do('message', { to: `paris@${theirs}`, body: 'hinaus', id: 'out' })
        await paris.ever('message', { id: 'out', body: 'hinaus' })
        // What it opened, and what we open once that is gone.
        await other.stop()
        await other.start()
        const again = await XmppClient.online(stage, slixmpp.path, `paris@${theirs}/street`, {
          port: other.port,
          authority: network.authority,
        })
        romeo.do('message', { to: `paris@${theirs}`, body: 'wieder', id: 'again' })
        await again.ever('message', { id: 'again', body: 'wieder' })
        assert.match(
          await server.command('peers', 'show', theirs).succeeds(),
          new RegExp(`to 127\\.0\\.0\\.1:${other.directPort} for verona\\.example, TLSv1\\.3`),
        )
      },
    )
  })

/** No name of these domains leads to STARTTLS. */
function onlyDirect(network: Network, ports: ReadonlyMap<string, number>): void {
  for (const [domain, port] of ports) {
    network.names.services.delete(`_xmpp-server._tcp.${domain}`)
    network.names.services.set(`_xmpps-server._tcp.${domain}`, [{ host: 'localhost', port }])
  }
}

function startOurs(network: Network, domain: string, trusted: boolean): Promise<VeronaServer> {
  return VeronaServer.start(
    {
      domain,
      users: ['romeo'],
      settings: {
        xmpp: { server_tls: `127.0.0.1:${network.portOf(domain)}`, server_connect_seconds: 10 },
        peers: { trust: network.authority, retry_first_seconds: 1, retry_max_seconds: 2 },
        dns: { servers: [network.dns] },
      },
    },
    (directory) => {
      if (trusted) network.giveAuthority(`${directory}/data/tls`)
    },
  )
}

/** Of the certificate that is shown there. */
function fingerprintAt(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: '127.0.0.1',
      port,
      servername: theirs,
      ALPNProtocols: ['xmpp-server'],
      rejectUnauthorized: false,
    })
    socket.once('secureConnect', () => {
      const { fingerprint256 } = socket.getPeerCertificate()
      socket.destroy()
      resolve(fingerprint256)
    })
    socket.once('error', reject)
  })
}

/** Asks until the answer has it. */
async function waitFor(ask: () => Promise<string>, pattern: RegExp, ms: number): Promise<void> {
  const end = Date.now() + ms
  for (;;) {
    const said = await ask()
    if (pattern.test(said)) return
    if (Date.now() > end) throw new Error(`${pattern} was not said, but ${said}`)
  }
}
