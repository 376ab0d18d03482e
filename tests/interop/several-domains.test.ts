// Several domains of ours with one certificate, and Prosody and ejabberd: all by one stream, or by one each, as the other side takes it
// (XEP-0220 §2.6, decision 0086).
import assert from 'node:assert/strict'
import { after, before, describe } from 'node:test'
import { Network } from './network.ts'
import { peer } from './peers.ts'
import { scene } from './scene.ts'
import { VeronaServer } from './server.ts'
import { XmppClient } from './xmpp-client.ts'
import { Ejabberd, Prosody, type XmppServer } from './xmpp-server.ts'

const slixmpp = peer('slixmpp')
const ours = 'verona.example'
const also = 'padua.example'
const theirs = 'mantua.example'

const kinds = [
  {
    name: 'Prosody',
    its: peer('prosody'),
    make: (path: string, network: Network): XmppServer => new Prosody(path, network, theirs, ['paris']),
  },
  {
    name: 'ejabberd',
    its: peer('ejabberd'),
    make: (_path: string, network: Network): XmppServer => new Ejabberd(network, theirs, ['paris']),
  },
]

for (const { name, its, make } of kinds)
  for (const onlyCertificates of [true, false])
    describe(`two domains of ours and ${name}`, { skip: its.skip || slixmpp.skip }, () => {
      let network: Network
      let server: VeronaServer
      let other: XmppServer

      before(async () => {
        network = await Network.open([ours, also, theirs])
        const port = network.portOf(ours)
        network.names.services.set(`_xmpp-server._tcp.${also}`, [{ host: 'localhost', port }])
        other = make(its.path, network)
        await Promise.all([
          other.start({ onlyCertificates }),
          startOurs(network).then((started) => {
            server = started
          }),
        ])
      })
      after(async () => {
        await Promise.all([server?.remove(), other?.remove()])
        await network?.close()
      })

      scene(
        `${name}, which takes ${onlyCertificates ? 'certificates alone' : 'dialback too'}: people of both are reached and reach`,
        false,
        () => server,
        async (stage) => {
          const [romeo, benvolio, paris] = await Promise.all([
            XmppClient.online(stage, slixmpp.path, `romeo@${ours}/orchard`),
            XmppClient.online(stage, slixmpp.path, `benvolio@${also}/street`),
            XmppClient.online(stage, slixmpp.path, `paris@${theirs}/street`, {
              port: other.port,
              authority: network.authority,
            }),
          ])
          for (let round = 0; round < 3; round++)
            for (const [who, address] of [
              [romeo, `romeo@${ours}`],
              [benvolio, `benvolio@${also}`],
            ] as const) {
              const id = `${address}-${round}`
              who.do('message', { to: `paris@${theirs}`, body: id, id })
              await paris.ever('message', { id, body: id })
              paris.do('message', { to: address, body: 'back', id: `back-${id}` })
              await who.next('message', { id: `back-${id}` })
            }
          const heard = paris.seen('message').filter(({ type }) => type !== 'error')
          assert.equal(heard.length, 6)
        },
      )
    })

function startOurs(network: Network): Promise<VeronaServer> {
  return VeronaServer.start(
    {
      domain: ours,
      also: [also],
      users: ['romeo', `benvolio@${also}`],
      settings: {
        xmpp: { server: `127.0.0.1:${network.portOf(ours)}`, server_connect_seconds: 10 },
        peers: { trust: network.authority, retry_first_seconds: 1, retry_max_seconds: 2 },
        dns: { servers: [network.dns] },
      },
    },
    (directory) => network.giveAuthority(`${directory}/data/tls`),
  )
}
