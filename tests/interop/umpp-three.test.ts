// Three domains of ours on one machine, each with its process, database and certificate, which find each other by one name server: the first speaks UMPP with the
// second and XMPP with the third, these two speak IMPP. One person of each, one by XMPP, one by SIP, one by IMPP.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { SipParty } from '../transcripts/sip-party.ts'
import { Network } from './network.ts'
import { peer } from './peers.ts'
import { phoneByHand, published } from './phone-by-hand.ts'
import { freePort } from './ports.ts'
import type { Program } from './program.ts'
import { Scene } from './scene.ts'
import { VeronaServer } from './server.ts'
import { XmppClient } from './xmpp-client.ts'

const slixmpp = peer('slixmpp')
const [montague, capulet, escalus] = ['montague.example', 'capulet.example', 'escalus.example'] as const
const domains = [montague, capulet, escalus] as const
const romeo = `romeo@${montague}`
const juliet = `juliet@${capulet}`
const prince = `prince@${escalus}`

const phoneSays = (note: string): string =>
  `<tuple id="phone"><status><basic>open</basic></status><note>${note}</note></tuple>`

describe('three domains, by UMPP, XMPP and IMPP', { skip: slixmpp.skip || peer('openssl').skip }, () => {
  let network: Network
  const servers = new Map<string, VeronaServer>()
  const serverOf = (domain: string): VeronaServer => servers.get(domain) as VeronaServer
  let stage: Scene
  let romeos: XmppClient
  let juliets: SipParty
  let princes: Program

  before(async () => {
    network = await Network.open(domains)
    const { services } = network.names
    services.delete(`_xmpp-server._tcp.${capulet}`)
    const at = async (labels: readonly string[], domain: string): Promise<string> => {
      const port = await freePort()
      for (const label of labels) services.set(`${label}.${domain}`, [{ host: 'localhost', port }])
      return `127.0.0.1:${port}`
    }
    const xmpp = (domain: string): string => `127.0.0.1:${network.portOf(domain)}`
    const umpp = { on: true, host: 'localhost', private_peers: [montague, capulet] }
    const start = async (domain: string, more: Parameters<typeof VeronaServer.start>[0]): Promise<void> => {
      const settings = {
        peers: { trust: network.authority, retry_first_seconds: 1, retry_max_seconds: 2 },
        dns: { servers: [network.dns] },
        ...more?.settings,
      }
      const server = await VeronaServer.start({ ...more, domain, settings }, (directory) =>
        network.giveAuthority(`${directory}/data/tls`),
      )
      servers.set(domain, server)
    }
    const speaking = async (domain: string): Promise<Record<string, string | number | boolean>> => ({
      host: '127.0.0.1',
      other_domains: true,
      domain_lease_seconds: 60,
      notify_seconds_min: 0,
      tls: await at(['_im._umpp', '_pres._umpp'], domain),
    })
    await Promise.all([
      start(montague, {
        users: ['romeo'],
        settings: { sip: await speaking(montague), xmpp: { server: xmpp(montague) }, umpp },
      }),
      start(capulet, {
        users: ['juliet'],
        settings: {
          sip: await speaking(capulet),
          xmpp: { server: xmpp(capulet) },
          impp: { server: await at(['_impp-server._tcp'], capulet) },
          umpp,
        },
        // It could speak XMPP with both as well.
        peers: [
          { domain: montague, protocol: 'umpp' },
          { domain: escalus, protocol: 'impp' },
        ],
      }),
      start(escalus, {
        users: ['prince'],
        settings: {
          xmpp: { server: xmpp(escalus) },
          impp: { server: await at(['_impp-server._tcp'], escalus) },
        },
      }),
    ])
    stage = new Scene(serverOf(montague))
    romeos = await XmppClient.online(stage, slixmpp.path, `${romeo}/orchard`)
    juliets = await phone()
    princes = serverOf(escalus).as('prince', 'watch', romeo, juliet, '--messages', '--json')
    await princes.sees(/"event":"(?:presence|pending)"/)
  })
  after(async () => {
    juliets?.abandon()
    await stage?.end()
    await Promise.all([...servers.values()].map((server) => server.remove()))
    await network?.close()
  })

  async function phone(): Promise<SipParty> {
    const party = phoneByHand(juliet, serverOf(capulet).port('sipUdp'))
    await party.act('registers', '')
    return party
  }

  const act = (name: string, run: () => Promise<void>): void =>
    void test(name, async () => {
      try {
        await run()
      } catch (error) {
        const said = [...servers].map(([name, { programs }]) => {
          const [last] = programs.filter((program) => program.name === 'verona serve').slice(-1)
          return `--- ${name}\n${last?.said.slice(-6000)}`
        })
        throw new Error(`${(error as Error).message}\n${said.join('\n')}\n--- prince\n${princes.said}`, {
          cause: error,
        })
      }
    })

  /** The next MESSAGE at the phone; a command of ours takes longer to start than a phone usually waits. */
  async function julietHears(from: string, text: string): Promise<void> {
    for (let tries = 1; ; tries++)
      try {
        await juliets.act('receives', `MESSAGE sip:juliet@* SIP/2.0\nFrom: <sip:${from}>*\n\n${text}`)
        break
      } catch (error) {
        if (tries === 5 || !(error as Error).message.startsWith('nothing came')) throw error
      }
    await juliets.act('answers 200', '')
  }

  async function julietSays(to: string, text: string): Promise<void> {
    await juliets.act('sends', `MESSAGE sip:${to} SIP/2.0\nContent-Type: text/plain\n\n${text}`)
    await juliets.act('receives', 'SIP/2.0 20* *')
  }

  const romeoHears = (from: string, text: string) =>
    romeos
      .next('message', { body: text })
      .then(({ sender }) => assert.equal(String(sender).split('/')[0], from))
  const princeHears = (from: string, text: string) =>
    princes.sees(new RegExp(`"event":"message","from":"${from}[^\\n]*"text":"${text}"`))

  /** Everybody writes to both others, in their own protocol. */
  async function allTalk(when: string): Promise<void> {
    for (const to of [juliet, prince]) romeos.do('message', { to, body: `Rose ${when}` })
    await julietHears(romeo, `Rose ${when}`)
    await princeHears(romeo, `Rose ${when}`)
    await julietSays(romeo, `Name ${when}`)
    await romeoHears(juliet, `Name ${when}`)
    await julietSays(prince, `Name ${when}`)
    await princeHears(juliet, `Name ${when}`)
    for (const to of [juliet, romeo]) {
      const sent = serverOf(escalus).as('prince', 'send', to, `Peace ${when}`)
      if (to === juliet) await julietHears(prince, `Peace ${when}`)
      await sent.succeeds()
    }
    await romeoHears(prince, `Peace ${when}`)
  }

  act('each writes to each, by the protocol that their domains speak (UMPP §3)', async () => {
    await allTalk('once')
    const shown = async (at: string, of: string): Promise<string> =>
      serverOf(at).command('peers', 'show', of).succeeds()
    assert.match(
      await shown(montague, capulet),
      new RegExp(`umpp: connected[^\\n]*\\s+session ${romeo}/orchard with ${juliet}/`),
    )
    const byXmpp = await shown(montague, escalus)
    assert.match(byXmpp, /xmpp: connected/)
    assert.doesNotMatch(byXmpp, /umpp: connected|impp: connected/)
    const byImpp = await shown(capulet, escalus)
    assert.match(byImpp, /impp: connected/)
    assert.doesNotMatch(byImpp, /xmpp: connected/)
  })

  act('each has both others on one list, and sees them (UMPP §4.2, RFC 6121 §3, IMPP §18)', async () => {
    for (const [owner, watchers] of [
      [romeo, [juliet, prince]],
      [juliet, [romeo, prince]],
      [prince, [romeo, juliet]],
    ] as const)
      for (const watcher of watchers) {
        const server = serverOf(owner.slice(owner.indexOf('@') + 1))
        await server.command('contact', owner, 'approve', watcher).succeeds()
      }
    for (const whom of [juliet, prince]) romeos.do('presence', { to: whom, type: 'subscribe' })
    await romeos.ever('roster', { jid: juliet, subscription: 'to' })
    // Who looks already has asked, and is let in both ways.
    await romeos.ever('roster', { jid: prince, subscription: 'both' })
    await serverOf(escalus)
      .as('prince', 'presence', 'away', '--note', 'at court', '--seconds', '600')
      .succeeds()
    await romeos.next('presence', { show: 'away', status: 'at court' })
    for (const whom of [romeo, prince]) {
      await juliets.act(
        'sends',
        `SUBSCRIBE sip:${whom} SIP/2.0\nFrom: <sip:${juliet}>;tag=${whom.slice(0, 3)}\nCall-ID: ${whom}\nEvent: presence\nAccept: application/pidf+xml\nExpires: 600`,
      )
      await juliets.act('receives', 'SIP/2.0 200 *')
      await notified(whom === romeo ? /<basic>open/ : /at court/)
    }
    await juliets.act('sends', published(juliet, phoneSays('at the ball')))
    await juliets.act('receives', 'SIP/2.0 200 *')
    await romeos.next('presence', { status: 'at the ball' })
    await princes.sees(new RegExp(`"event":"presence","from":"${juliet}"[^\\n]*"text":"at the ball"`))
    romeos.do('presence', { show: 'dnd', status: 'in exile' })
    await notified(/in exile/)
    await princes.sees(new RegExp(`"event":"presence","from":"${romeo}"[^\\n]*"text":"in exile"`))
  })

  act(
    'one of them dies and comes back: all talk and see as before, and what was written meanwhile comes once',
    async () => {
      juliets.abandon()
      await serverOf(capulet).killHard()
      for (const to of [juliet, prince]) romeos.do('message', { to, body: 'meanwhile' })
      // The third domain is not concerned.
      await princeHears(romeo, 'meanwhile')
      await serverOf(capulet).run()
      juliets = await phone()
      await julietHears(romeo, 'meanwhile')
      await allTalk('again')
      await juliets.act('sends', published(juliet, phoneSays('by the tomb')))
      await juliets.act('receives', 'SIP/2.0 200 *')
      await romeos.next('presence', { status: 'by the tomb' })
      await princes.sees(new RegExp(`"event":"presence","from":"${juliet}"[^\\n]*"text":"by the tomb"`))
      await juliets.act('receives nothing', '')
    },
  )

  /** The NOTIFY that says it; those before it are answered. */
  async function notified(says: RegExp): Promise<void> {
    const seen: string[] = []
    for (let tries = 0; tries < 10; tries++) {
      try {
        await juliets.act('receives', 'NOTIFY * SIP/2.0')
      } catch (error) {
        throw new Error(`no NOTIFY says ${says}; what came:\n${seen.join('\n')}`, { cause: error })
      }
      seen.push(juliets.lastReceived)
      await juliets.act('answers 200', '')
      if (says.test(juliets.lastReceived)) return
    }
    assert.fail(`no NOTIFY says ${says}; what came:\n${seen.join('\n')}`)
  }
})
