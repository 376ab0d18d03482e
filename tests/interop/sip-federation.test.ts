// Another domain by SIP: Kamailio, with TLS and certificates both ways (RFC 3263, RFC 5922), its presence server (RFC 3856) and its
// registrar. People of both are phones by hand, in the words of the transcripts.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { SipParty } from '../transcripts/sip-party.ts'
import { Kamailio } from './kamailio.ts'
import { Network } from './network.ts'
import { peer } from './peers.ts'
import { phoneByHand } from './phone-by-hand.ts'
import { VeronaServer } from './server.ts'

const kamailio = peer('kamailio')
const skip =
  kamailio.skip || peer('kamailio-tls').skip || peer('kamailio-presence').skip || peer('openssl').skip
const ours = 'verona.example'
const theirs = 'mantua.example'

const pidf = (person: string, basic: string, note: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:${person}"><tuple id="phone"><status><basic>${basic}</basic></status><note>${note}</note></tuple></presence>`

describe('Kamailio as another domain by SIP', { skip }, () => {
  let network: Network
  let server: VeronaServer
  let other: Kamailio
  const parties: SipParty[] = []
  const variables = new Map<string, string>()

  before(async () => {
    network = await Network.open([ours, theirs])
    for (const domain of [ours, theirs])
      network.names.services.set(`_sips._tcp.${domain}`, [
        { host: 'localhost', port: network.portOf(domain) },
      ])
    network.names.services.delete(`_xmpp-server._tcp.${theirs}`)
    other = new Kamailio(kamailio.path, network, theirs, ours)
    await other.start()
    server = await VeronaServer.start(
      {
        domain: ours,
        users: ['romeo', 'juliet', 'tybalt', 'nurse'],
        settings: {
          sip: {
            tls: `127.0.0.1:${network.portOf(ours)}`,
            // Kamailio asks the system where names are, and the system knows none of ours.
            host: '127.0.0.1',
            other_domains: true,
            notify_seconds_min: 0,
          },
          peers: { trust: network.authority, retry_first_seconds: 1, retry_max_seconds: 2 },
          dns: { servers: [network.dns] },
        },
      },
      (directory) => network.giveAuthority(`${directory}/data/tls`),
    )
  })
  after(async () => {
    for (const party of parties) party.abandon()
    await Promise.all([server?.remove(), other?.remove()])
    await network?.close()
  })

  /** A phone that has registered. */
  async function phone(address: string): Promise<SipParty> {
    const [, domain] = address.split('@')
    const port = domain === ours ? server.port('sipUdp') : other.port
    const party = phoneByHand(address, port, variables)
    parties.push(party)
    await party.act('registers', '')
    return party
  }

  /** What was answered last has come back. */
  async function drained(): Promise<void> {
    for (let tries = 0; tries < 10; tries++)
      if (/nothing waits/.test(await server.command('peers', 'show', theirs).succeeds())) return
    assert.fail('a message still waits')
  }

  const act = (title: string, run: () => Promise<void>): void => {
    test(`Kamailio: ${title}`, async () => {
      try {
        await run()
      } catch (error) {
        const said = [...other.programs.slice(-1), ...server.programs.slice(-3)].map(
          (program) => `--- ${program.name}\n${program.said.slice(-6000)}`,
        )
        throw new Error(`${(error as Error).message}\n${said.join('\n')}`, { cause: error })
      }
    })
  }

  act('messages go both ways; the far end’s answer is the sender’s (RFC 3428 §7)', async () => {
    const [romeo, mercutio] = [await phone(`romeo@${ours}`), await phone(`mercutio@${theirs}`)]
    for (let k = 0; k < 5; k++) {
      await romeo.act(
        'sends',
        `MESSAGE sip:mercutio@${theirs} SIP/2.0\nContent-Type: text/plain\n\nRose 🌹 ${k}`,
      )
      await mercutio.act(
        'receives',
        `MESSAGE sip:mercutio@127.0.0.1:* SIP/2.0\nFrom: <sip:romeo@${ours}>;tag=*\n\nRose 🌹 ${k}`,
      )
      await mercutio.act('answers 200 Heard', '')
      await romeo.act('receives', 'SIP/2.0 200 Heard')
    }
    for (let k = 0; k < 5; k++) {
      await mercutio.act('sends', `MESSAGE sip:romeo@${ours} SIP/2.0\nContent-Type: text/plain\n\nMab ${k}`)
      await romeo.act(
        'receives',
        `MESSAGE sip:romeo@127.0.0.1:* SIP/2.0\nFrom: <sip:mercutio@${theirs}>;tag=*\n\nMab ${k}`,
      )
      await romeo.act('answers 200', '')
      await mercutio.act('receives', 'SIP/2.0 200 *')
    }
    await romeo.act('sends', `MESSAGE sip:nobody@${theirs} SIP/2.0\nContent-Type: text/plain\n\nwer?`)
    await romeo.act('receives', 'SIP/2.0 404 *')
    await mercutio.act('sends', `MESSAGE sip:nobody@${ours} SIP/2.0\nContent-Type: text/plain\n\nwer?`)
    await mercutio.act('receives', 'SIP/2.0 404 *')
  })

  act('somebody there is watched: its presence server is subscribed to (RFC 3856 §6)', async () => {
    const [juliet, benvolio] = [await phone(`juliet@${ours}`), await phone(`benvolio@${theirs}`)]
    await benvolio.act(
      'sends',
      `PUBLISH sip:benvolio@${theirs} SIP/2.0\nEvent: presence\nExpires: 600\nContent-Type: application/pidf+xml\n\n${pidf(`benvolio@${theirs}`, 'open', 'on the street')}`,
    )
    await benvolio.act('receives', 'SIP/2.0 200 *\nSIP-ETag: {etag}')
    await juliet.act(
      'sends',
      `SUBSCRIBE sip:benvolio@${theirs} SIP/2.0\nCall-ID: watch-there\nEvent: presence\nExpires: 600`,
    )
    await juliet.act('receives', 'SIP/2.0 200 *')
    // What the other domain grants at once may be told as pending first.
    await notified(juliet, /on the street/)
    await benvolio.act(
      'sends',
      `PUBLISH sip:benvolio@${theirs} SIP/2.0\nEvent: presence\nExpires: 600\nSIP-If-Match: {etag}\nContent-Type: application/pidf+xml\n\n${pidf(`benvolio@${theirs}`, 'closed', 'gone')}`,
    )
    await benvolio.act('receives', 'SIP/2.0 200 *')
    await notified(juliet, /gone/)
  })

  act('somebody here is watched from there, once allowed (RFC 3856 §6.6)', async () => {
    const [nurse, rosaline] = [await phone(`nurse@${ours}`), await phone(`rosaline@${theirs}`)]
    await rosaline.act(
      'sends',
      `SUBSCRIBE sip:nurse@${ours} SIP/2.0\nCall-ID: watch-here\nEvent: presence\nAccept: application/pidf+xml\nExpires: 600`,
    )
    await rosaline.act('receives', 'SIP/2.0 200 *')
    await rosaline.act('receives', 'NOTIFY sip:rosaline@* SIP/2.0\nSubscription-State: pending;*')
    await rosaline.act('answers 200', '')
    await server.command('contact', `nurse@${ours}`, 'approve', `rosaline@${theirs}`).succeeds()
    await notified(rosaline, /<basic>open<\/basic>/)
    await nurse.act(
      'sends',
      `PUBLISH sip:nurse@${ours} SIP/2.0\nEvent: presence\nExpires: 600\nContent-Type: application/pidf+xml\n\n${pidf(`nurse@${ours}`, 'open', 'in the house')}`,
    )
    await nurse.act('receives', 'SIP/2.0 200 *')
    await notified(rosaline, /in the house/)
  })

  act('a call rings there, and its answer comes back (RFC 3261 §16)', async () => {
    const [tybalt, paris] = [await phone(`tybalt@${ours}`), await phone(`paris@${theirs}`)]
    await tybalt.act(
      'sends',
      `INVITE sip:paris@${theirs} SIP/2.0\nFrom: <sip:tybalt@${ours}>;tag=t\nCall-ID: call-1\nContact: {contact}`,
    )
    await paris.act('receives', `INVITE sip:paris@127.0.0.1:* SIP/2.0\nFrom: <sip:tybalt@${ours}>;tag=t`)
    await paris.act('answers 486 Busy Here', '')
    await tybalt.act('receives', 'SIP/2.0 486 *')
  })

  act('a call is answered there, and ended by the one who made it (RFC 3261 §12, §16)', async () => {
    const [tybalt, paris] = [await phone(`tybalt@${ours}`), await phone(`paris@${theirs}`)]
    await tybalt.act(
      'sends',
      `INVITE sip:paris@${theirs} SIP/2.0\nFrom: <sip:tybalt@${ours}>;tag=t\nCall-ID: call-2\nContact: {contact}`,
    )
    await paris.act('receives', `INVITE sip:paris@127.0.0.1:* SIP/2.0\nFrom: <sip:tybalt@${ours}>;tag=t`)
    const fields = paris.lastReceived.split('\n')
    const target = /^INVITE (\S+)/.exec(fields[0] ?? '')?.[1] ?? ''
    const routes = fields.filter((line) => /^record-route:/i.test(line))
    assert.ok(routes.length >= 2, paris.lastReceived)
    await paris.act('answers 200', [...routes, `Contact: <${target}>`].join('\n'))
    await tybalt.act('receives', 'SIP/2.0 200 *\nCall-ID: call-2\nTo: <sip:{to}>;tag={paris}')
    const way = [...routes].reverse().map((line) => line.replace(/^record-route/i, 'Route'))
    const inDialog = (method: string): string =>
      [
        `${method} ${target} SIP/2.0`,
        ...way,
        `From: <sip:tybalt@${ours}>;tag=t`,
        'To: <sip:{to}>;tag={paris}',
        'Call-ID: call-2',
      ].join('\n')
    await tybalt.act('sends', inDialog('ACK'))
    await paris.act('receives', 'ACK sip:paris@127.0.0.1:* SIP/2.0\nCall-ID: call-2')
    await tybalt.act('sends', inDialog('BYE'))
    await paris.act('receives', 'BYE sip:paris@127.0.0.1:* SIP/2.0\nCall-ID: call-2')
    await paris.act('answers 200', '')
    await tybalt.act('receives', 'SIP/2.0 200 *\nCall-ID: call-2')
  })

  for (const [kind, why] of [
    ['expired', /has expired/],
    ['other name', /certificate is for DNS:other\.example[^\n]*not for mantua\.example/],
    ['self-signed', /signed by itself/],
  ] as const)
    act(`a certificate that is ${kind} is refused, both ways, and it is said why (RFC 5922 §7)`, async () => {
      await other.stop()
      await other.start(kind)
      const [romeo, mercutio] = [await phone(`romeo@${ours}`), await phone(`mercutio@${theirs}`)]
      await romeo.act('sends', `MESSAGE sip:mercutio@${theirs} SIP/2.0\nContent-Type: text/plain\n\n${kind}?`)
      await romeo.act('receives', 'SIP/2.0 202 *')
      const told = await server.command('peers', 'show', theirs).succeeds()
      assert.match(told, why)
      await mercutio.act('sends', `MESSAGE sip:romeo@${ours} SIP/2.0\nContent-Type: text/plain\n\n${kind}!`)
      await mercutio.act('receives', 'SIP/2.0 403 *')
      await romeo.act('receives nothing', '')
      assert.match(await server.command('peers', 'show', theirs).succeeds(), why)
      await other.stop()
      await other.start()
      await mercutio.act('registers', '')
      // What waited comes once it is mended.
      await mercutio.act('receives', `MESSAGE sip:mercutio@127.0.0.1:* SIP/2.0\n\n${kind}?`)
      await mercutio.act('answers 200', '')
      await drained()
    })
})

/** The NOTIFY that says it; those before it are answered. */
async function notified(party: SipParty, says: RegExp): Promise<void> {
  for (let tries = 0; tries < 10; tries++) {
    const said = await party.act('receives', 'NOTIFY * SIP/2.0').then(() => party.lastReceived)
    await party.act('answers 200', '')
    if (says.test(said)) return
  }
  assert.fail(`no NOTIFY says ${says}`)
}
