// Other domains by XMPP: Prosody and ejabberd, found by DNS and believed by certificates, as any domain meets them (RFC 6120, RFC 6121).
import assert from 'node:assert/strict'
import { after, before, describe } from 'node:test'
import { Baresip } from './baresip.ts'
import { Network } from './network.ts'
import { peer } from './peers.ts'
import { patienceMs } from './program.ts'
import { type Scene, scene } from './scene.ts'
import { VeronaServer } from './server.ts'
import { XmppClient } from './xmpp-client.ts'
import { Ejabberd, Prosody, type XmppServer } from './xmpp-server.ts'

const slixmpp = peer('slixmpp')
const openssl = peer('openssl')
const baresip = peer('baresip')
const ours = 'verona.example'
const theirs = 'mantua.example'

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
const users = ['mercutio', 'benvolio', 'rosaline', 'paris']

/** What is said of why not, whatever else is said. */
const refusals = [
  ['expired', /has expired/],
  ['other name', /certificate is for DNS:other\.example[^\n]*not for mantua\.example/],
  ['self-signed', /signed by itself/],
] as const

for (const { name, its, make } of kinds) {
  const skip = its.skip || slixmpp.skip || openssl.skip
  describe(`${name} as another domain`, { skip }, () => {
    let network: Network
    let server: VeronaServer
    let other: XmppServer

    before(async () => {
      network = await Network.open([ours, theirs])
      other = make(its.path, network)
      await Promise.all([
        other.start().catch((error: Error) => {
          throw new Error(`${name} does not start: ${other.programs.at(-1)?.said}`, { cause: error })
        }),
        startOurs(network).then((started) => {
          server = started
        }),
      ])
    })
    after(async () => {
      await Promise.all([server?.remove(), other?.remove()])
      await network?.close()
    })

    const act = (title: string, run: (stage: Scene) => Promise<void>): void =>
      scene(
        `${name}: ${title}`,
        false,
        () => server,
        async (stage) => {
          try {
            await run(stage)
          } catch (error) {
            const said = other.programs.map((program) => program.said.slice(-6000)).join('\n---\n')
            throw new Error(`${(error as Error).message}\n--- ${name}\n${said}`, { cause: error })
          }
        },
      )
    const here = (stage: Scene, user: string): Promise<XmppClient> =>
      XmppClient.online(stage, slixmpp.path, `${user}@${ours}/orchard`)
    const there = (stage: Scene, user: string): Promise<XmppClient> =>
      XmppClient.online(stage, slixmpp.path, `${user}@${theirs}/street`, {
        port: other.port,
        // Where the server shows a wrong certificate on purpose, its own users put up with it.
        authority: (other.options.certificate ?? 'good') === 'good' ? network.authority : '',
      })

    act('messages go both ways, in order, and the unknown are told of (RFC 6121 §8.5.1)', async (stage) => {
      const [romeo, mercutio] = await Promise.all([here(stage, 'romeo'), there(stage, 'mercutio')])
      for (let k = 0; k < 20; k++)
        romeo.do('message', { to: `mercutio@${theirs}`, body: `Rose 🌹 ${k}`, id: `m${k}` })
      for (let k = 0; k < 20; k++) {
        const heard = await mercutio.next('message')
        assert.deepEqual(
          [heard['id'], heard['body'], heard['sender']],
          [`m${k}`, `Rose 🌹 ${k}`, `romeo@${ours}/orchard`],
        )
      }
      for (let k = 0; k < 20; k++)
        mercutio.do('message', { to: `romeo@${ours}`, body: `Mab ${k}`, id: `q${k}` })
      for (let k = 0; k < 20; k++) assert.equal((await romeo.next('message'))['id'], `q${k}`)
      romeo.do('message', { to: `nobody@${theirs}`, body: 'wer?', id: 'n1' })
      assert.equal((await romeo.next('message', { id: 'n1' }))['error'], 'service-unavailable')
      mercutio.do('message', { to: `nobody@${ours}`, body: 'wer?', id: 'n2' })
      assert.equal((await mercutio.next('message', { id: 'n2' }))['error'], 'service-unavailable')
    })

    act('requests are answered both ways: ping, discovery, versions (XEP-0199, XEP-0030)', async (stage) => {
      const [romeo, mercutio] = await Promise.all([here(stage, 'romeo'), there(stage, 'mercutio')])
      romeo.do('ping', { to: theirs })
      await romeo.next('pong', { sender: theirs })
      mercutio.do('ping', { to: ours })
      await mercutio.next('pong', { sender: ours })
      romeo.do('ping', { to: `mercutio@${theirs}/street` })
      await romeo.next('pong')
      romeo.do('disco', { to: theirs })
      assert.ok(
        ((await romeo.next('disco'))['features'] as string[]).includes(
          'http://jabber.org/protocol/disco#info',
        ),
      )
      mercutio.do('disco', { to: ours })
      assert.ok(((await mercutio.next('disco'))['features'] as string[]).includes('urn:xmpp:ping'))
      romeo.do('disco', { to: `nobody@${theirs}` })
      // ejabberd tells strangers that they would have to subscribe.
      assert.match(
        String((await romeo.next('refused'))['condition']),
        /service-unavailable|subscription-required/,
      )
      mercutio.do('disco', { to: `nobody@${ours}` })
      assert.equal((await mercutio.next('refused'))['condition'], 'service-unavailable')
    })

    act('who asks is approved, sees presence, and is told of its end (RFC 6121 §3, §4)', async (stage) => {
      const [juliet, benvolio] = await Promise.all([here(stage, 'juliet'), there(stage, 'benvolio')])
      await befriend(juliet, `juliet@${ours}`, benvolio, `benvolio@${theirs}`)
      await befriend(benvolio, `benvolio@${theirs}`, juliet, `juliet@${ours}`)
      for (const [one, two, from] of [
        [juliet, benvolio, `juliet@${ours}/orchard`],
        [benvolio, juliet, `benvolio@${theirs}/street`],
      ] as const) {
        one.do('presence', { show: 'away', status: `ein Balkon in ${from}` })
        const seen = await two.next('presence', { sender: from, show: 'away' })
        assert.equal(seen['status'], `ein Balkon in ${from}`)
      }
      // Who comes later asks: both servers answer a probe (RFC 6121 §4.3).
      await benvolio.leave()
      await juliet.next('presence', { sender: `benvolio@${theirs}/street`, type: 'unavailable' })
      const again = await there(stage, 'benvolio')
      await again.ever('presence', { sender: `juliet@${ours}/orchard`, show: 'away' })
      await juliet.next('presence', { sender: `benvolio@${theirs}/street`, type: 'available' })
      await juliet.leave()
      await again.ever('presence', { sender: `juliet@${ours}/orchard`, type: 'unavailable' })
      const back = await here(stage, 'juliet')
      await back.ever('presence', { sender: `benvolio@${theirs}/street`, type: 'available' })
      // Withdrawn by the one who was seen, and by the one who looked.
      back.do('presence', { to: `benvolio@${theirs}`, type: 'unsubscribed' })
      await again.next('roster', { jid: `juliet@${ours}`, subscription: 'from' })
      back.do('presence', { to: `benvolio@${theirs}`, type: 'unsubscribe' })
      await again.next('roster', { jid: `juliet@${ours}`, subscription: 'none' })
      await back.ever('roster', { jid: `benvolio@${theirs}`, subscription: 'none' })
      again.do('presence', { show: 'dnd' })
      again.do('ping', { to: ours })
      await again.next('pong')
      await back.settled()
      assert.ok(
        !back.seen('presence').some(({ show }) => show === 'dnd'),
        'no presence after it was withdrawn',
      )
    })

    act('an IMPP user of ours reaches its users and is reached', async (stage) => {
      const rosaline = await there(stage, 'rosaline')
      const watching = server.as('nurse', 'watch', `rosaline@${theirs}`, '--messages', '--json')
      await rosaline.next('presence', { sender: `nurse@${ours}`, type: 'subscribe' })
      rosaline.do('presence', { to: `nurse@${ours}`, type: 'subscribed' })
      await watching.sees(/"event":"presence","from":"rosaline@mantua\.example"[^\n]*"basic":"open"/)
      rosaline.do('presence', { show: 'away', status: 'unter der Linde' })
      await watching.sees(/"event":"presence"[^\n]*unter der Linde/)
      await server.as('nurse', 'send', `rosaline@${theirs}`, 'Geh, Mädchen').succeeds()
      assert.equal(
        String((await rosaline.next('message', { body: 'Geh, Mädchen' }))['sender']).split('/')[0],
        `nurse@${ours}`,
      )
      rosaline.do('message', { to: `nurse@${ours}`, body: 'Sie kommt 🌹' })
      await watching.sees(/"event":"message","from":"rosaline@mantua\.example[^\n]*"text":"Sie kommt 🌹"/)
      await watching.kill()
    })

    if (baresip.skip === false)
      act('a SIP phone of ours reaches its users, sees them, and is reached', async (stage) => {
        const rosaline = await there(stage, 'rosaline')
        const phone = await Baresip.online(stage, baresip.path, 'peter', {
          contacts: [`rosaline@${theirs}`],
          watches: true,
          leaseSeconds: 60,
        })
        await rosaline.next('presence', { sender: `peter@${ours}`, type: 'subscribe' })
        rosaline.do('presence', { to: `peter@${ours}`, type: 'subscribed' })
        await phone.program.until(/rosaline@mantua\.example"(?:(?!<\/presence>)[\s\S])*<basic>open/)
        phone.say(`rosaline@${theirs}`, 'zieh')
        const heard = await rosaline.next('message', { body: 'zieh' })
        assert.equal(String(heard['sender']).split('/')[0], `peter@${ours}`)
        rosaline.do('message', { to: `peter@${ours}`, body: 'nein' })
        await phone.program.until(/sip:rosaline@mantua\.example[^\n]*: "nein"/)
      })

    act('what is said while it is away is kept, and is there when it is back', async (stage) => {
      const romeo = await here(stage, 'romeo')
      await other.stop()
      for (let k = 0; k < 5; k++)
        romeo.do('message', { to: `paris@${theirs}`, body: `Grab ${k}`, id: `g${k}` })
      await romeo.settled()
      const list = await waitFor(() => server.command('peers', 'show', theirs).succeeds(), /5 messages wait/)
      assert.match(list, /127\.0\.0\.1:[0-9]+: /)
      await other.start()
      const paris = await there(stage, 'paris')
      for (let k = 0; k < 5; k++) await paris.ever('message', { id: `g${k}`, body: `Grab ${k}` })
      const heard = paris.seen('message').map(({ id }) => id)
      assert.deepEqual(heard, ['g0', 'g1', 'g2', 'g3', 'g4'])
      paris.do('message', { to: `romeo@${ours}`, body: 'danke' })
      await romeo.next('message', { body: 'danke' })
      assert.deepEqual(
        romeo.seen('message').filter(({ type }) => type === 'error'),
        [],
      )
    })

    for (const [certificate, why] of refusals) {
      act(
        `a certificate that is ${certificate} is refused, and why is told (RFC 6120 §13.7.2)`,
        async (stage) => {
          const tybalt = await here(stage, 'tybalt')
          await other.stop()
          await other.start({ certificate })
          tybalt.do('message', { to: `paris@${theirs}`, body: `nicht ${certificate}`, id: certificate })
          await waitFor(() => server.command('peers', 'show', theirs).succeeds(), why)
          const paris = await there(stage, 'paris')
          paris.do('message', { to: `tybalt@${ours}`, body: 'nein', id: 'refused' })
          await paris.ever('message', { id: 'refused', type: 'error' })
          assert.deepEqual(
            paris.seen('message').filter(({ id }) => id === certificate),
            [],
          )
          assert.deepEqual(tybalt.seen('message'), [])
          await other.stop()
          await other.start({ certificate: 'good' })
          const good = await there(stage, 'paris')
          await good.ever('message', { id: certificate })
        },
      )
    }
  })
}

/** `asker` asks `asked`, who agrees. */
async function befriend(asker: XmppClient, from: string, asked: XmppClient, to: string): Promise<void> {
  asker.do('presence', { to, type: 'subscribe' })
  await asked.next('presence', { sender: from, type: 'subscribe' })
  asked.do('presence', { to: from, type: 'subscribed' })
  await asker.next('presence', { sender: to, type: 'subscribed' })
  await asker.ever('presence', {
    type: 'available',
    sender: `${to}/${to.endsWith(ours) ? 'orchard' : 'street'}`,
  })
}

/** Asks until the answer has it. */
async function waitFor(ask: () => Promise<string>, pattern: RegExp): Promise<string> {
  const end = Date.now() + patienceMs
  for (;;) {
    const said = await ask()
    if (pattern.test(said)) return said
    if (Date.now() > end) throw new Error(`${pattern} was not said, but ${said}`)
  }
}

function startOurs(network: Network): Promise<VeronaServer> {
  return VeronaServer.start(
    {
      domain: ours,
      users: ['romeo', 'juliet', 'tybalt', 'nurse', 'peter'],
      settings: {
        xmpp: { server: `127.0.0.1:${network.portOf(ours)}`, server_connect_seconds: 10 },
        peers: { trust: network.authority, retry_first_seconds: 1, retry_max_seconds: 2 },
        dns: { servers: [network.dns] },
      },
    },
    (directory) => network.giveAuthority(`${directory}/data/tls`),
  )
}
