// UMPP with the draft's own words: Montague and Capulet, one of them ours, the other sipp with the messages as they are printed (UMPP §4), slips
// included, and Prosody, on which a real client hears and answers the messages of the session.
import assert from 'node:assert/strict'
import { after, before, describe } from 'node:test'
import { peer } from './peers.ts'
import { phoneByHand, published } from './phone-by-hand.ts'
import { type Scene, scene } from './scene.ts'
import { DraftTown, type DraftTownParts } from './umpp-peer.ts'
import { XmppClient } from './xmpp-client.ts'

const slixmpp = peer('slixmpp')
const prosody = peer('prosody')
const sipp = peer('sipp')
const skip = slixmpp.skip || prosody.skip || sipp.skip || peer('openssl').skip
const montague = 'montague.example.net'
const capulet = 'thecappulets.example.com'
const thread = '283461923759234'
/** Long enough for what is said in a session, short enough to wait for its end. */
const idleSeconds = 12

const asCapulet: DraftTownParts = {
  ours: capulet,
  users: ['juliet', 'nurse'],
  host: 'impish.thecapulets.example.com',
  theirs: montague,
  theirUsers: ['romeo'],
  theirHost: 'xmpp.montague.example.net',
  prosody: prosody.path,
  sipp: sipp.path,
  idleSeconds,
}
const asMontague: DraftTownParts = {
  ours: montague,
  users: ['romeo'],
  host: 'xmpp.montague.example.net',
  theirs: capulet,
  theirUsers: ['juliet'],
  theirHost: 'impish.thecapulets.example.com',
  prosody: prosody.path,
  sipp: sipp.path,
  idleSeconds,
}

/** Juliet's phone says it of her balcony. */
const balcony = (basic: string): string =>
  `<tuple id="balcony"><status><basic>${basic}</basic></status><timestamp>2026-02-14T01:00:00Z</timestamp></tuple>`

/** A town for some tests, and how they are written. */
function inTown(title: string, parts: DraftTownParts, tests: (act: Act, town: () => DraftTown) => void) {
  describe(title, { skip }, () => {
    let town: DraftTown
    before(async () => {
      town = await DraftTown.open(parts)
    })
    after(() => town?.close())
    const act: Act = (name, run) =>
      scene(
        name,
        false,
        () => town.server,
        async (stage) => {
          try {
            await run(stage)
          } catch (error) {
            throw new Error(`${(error as Error).message}\n${town.report()}`, { cause: error })
          }
        },
      )
    tests(act, () => town)
  })
}
type Act = (name: string, run: (stage: Scene) => Promise<void>) => void

const here = (stage: Scene, jid: string): Promise<XmppClient> => XmppClient.online(stage, slixmpp.path, jid)
const there = (stage: Scene, { prosody: { port }, network }: DraftTown, jid: string): Promise<XmppClient> =>
  XmppClient.online(stage, slixmpp.path, jid, { port, authority: network.authority })

/** What is said each way, as both clients hear it: whom it is from with the device, the session's thread, in order (U23, U30, U75 to U78). */
async function talk(
  [one, oneJid]: readonly [XmppClient, string],
  [other, otherJid]: readonly [XmppClient, string],
  inThread: string,
): Promise<void> {
  for (const k of [1, 2, 3]) {
    one.do('message', { to: otherJid, body: `Rose 🌹 ${k}`, id: `r${k}`, thread: inThread })
    const heard = await other.next('message', { id: `r${k}` })
    assert.deepEqual(
      [heard['sender'], heard['type'], heard['body'], heard['thread']],
      [oneJid, 'chat', `Rose 🌹 ${k}`, inThread],
    )
    other.do('message', { to: oneJid, body: `Name ${k}`, id: `n${k}`, thread: inThread })
    const answered = await one.next('message', { id: `n${k}` })
    assert.deepEqual(
      [answered['sender'], answered['type'], answered['body'], answered['thread']],
      [otherJid, 'chat', `Name ${k}`, inThread],
    )
  }
}

inTown('Montague is sipp and Prosody', asCapulet, (act, town) => {
  act(
    'its INVITE as printed makes a session; messages go both ways; our BYE ends it (U28 to U84, G1, G5)',
    async (stage) => {
      const [juliet, romeo] = await Promise.all([
        here(stage, `juliet@${capulet}/balcony`),
        there(stage, town(), `romeo@${montague}/orchard`),
      ])
      const caller = town().scenario(stage, 'umpp-invite', '2349098234@orchard.montague.example.net')
      await caller.sees(/ACK sip:[^ ]+ SIP\/2\.0/)
      // U70: who is here with one device is named by it.
      assert.match(town().front.heard, new RegExp(`a=jid:juliet@${capulet}/balcony\r\n`))
      // Stanza 1 is Juliet's (G3).
      await talk([juliet, `juliet@${capulet}/balcony`], [romeo, `romeo@${montague}/orchard`], thread)
      await caller.succeeds()
      await juliet.leave()
      assert.doesNotMatch(await town().server.command('peers', 'show', montague).succeeds(), /session juliet/)
    },
  )

  act(
    'its SUBSCRIBE as printed is answered; NOTIFY says open, then closed, of her balcony (U85 to U111, G8, G10)',
    async (stage) => {
      await town().server.command('contact', `juliet@${capulet}`, 'approve', `romeo@${montague}`).succeeds()
      const juliet = phoneByHand(`juliet@${capulet}`, town().server.port('sipUdp'))
      try {
        await juliet.act('sends', published(`juliet@${capulet}`, balcony('open')))
        await juliet.act('receives', 'SIP/2.0 200 *\nSIP-ETag: {etag}')
        const watcher = town().scenario(stage, 'umpp-subscribe', '98394813@orchard.montague.example.net')
        await watcher.sees(/<basic>open<\/basic>/)
        await juliet.act('sends', published(`juliet@${capulet}`, balcony('closed'), 'SIP-If-Match: {etag}\n'))
        await watcher.succeeds()
      } finally {
        juliet.abandon()
      }
    },
  )
})

inTown('Capulet is sipp and Prosody', asMontague, (act, town) => {
  act(
    'our INVITE is the printed one, corrected; its answer as printed makes a session; its BYE ends it (U28 to U84, G1, G4)',
    async (stage) => {
      const called = town().scenario(stage, 'umpp-answer')
      const [romeo, juliet] = await Promise.all([
        here(stage, `romeo@${montague}/orchard`),
        there(stage, town(), `juliet@${capulet}/balcony`),
      ])
      romeo.do('message', { to: `juliet@${capulet}`, body: 'Call me but love', id: 'm1', thread })
      const heard = await juliet.next('message', { id: 'm1' })
      // U23: from and to are full JIDs, though Romeo knew only a bare one.
      assert.deepEqual(
        [heard['sender'], heard['to'], heard['thread']],
        [`romeo@${montague}/orchard`, `juliet@${capulet}/balcony`, thread],
      )
      await talk([romeo, `romeo@${montague}/orchard`], [juliet, `juliet@${capulet}/balcony`], thread)
      // U114 to U116: STARTTLS, and each has proven itself by its certificate; we showed ours by SIP too, or the front had hung up.
      assert.match(town().prosodySaid, /Accepting SASL EXTERNAL identity from montague\.example\.net/)
      town().front.goOn()
      await called.succeeds()
      assert.doesNotMatch(await town().server.command('peers', 'show', capulet).succeeds(), /session romeo/)
    },
  )

  act(
    'we SUBSCRIBE as printed, read its NOTIFY as printed, and take leave (U85 to U111, G4, G6, G7, G9, G11)',
    async (stage) => {
      const notifier = town().scenario(stage, 'umpp-notify')
      const romeo = await here(stage, `romeo@${montague}/orchard`)
      const juliet = `juliet@${capulet}`
      romeo.do('presence', { to: juliet, type: 'subscribe' })
      await romeo.next('presence', { sender: `${juliet}/balcony`, type: 'available' })
      await romeo.ever('roster', { jid: juliet, subscription: 'to' })
      await town().front.hears(/SIP\/2\.0 200 [\s\S]*CSeq: 66734 NOTIFY/)
      town().front.goOn()
      await romeo.next('presence', { sender: `${juliet}/balcony`, type: 'unavailable' })
      romeo.do('presence', { to: juliet, type: 'unsubscribe' })
      await notifier.succeeds()
    },
  )
})

// What proves the XMPP host (U114 to U117): the session names where it is, its stream has to prove that it is the domain of a=jid.

inTown(
  'Capulet is sipp and a Prosody with a certificate for another name',
  { ...asMontague, xmpp: { certificate: 'other name' } },
  (act, town) => {
    act(
      'its Contact is a sips URI; what waits does not go there, the session ends by BYE, and it is said why (U113 to U116)',
      async (stage) => {
        const called = town().scenario(stage, 'umpp-refused-stream')
        const romeo = await here(stage, `romeo@${montague}/orchard`)
        romeo.do('message', { to: `juliet@${capulet}`, body: 'Call me but love', id: 'm1' })
        await called.succeeds()
        const told = await town().server.command('peers', 'show', capulet).succeeds()
        assert.match(told, /certificate is for DNS:other\.example[^\n]*not for thecappulets\.example\.com/)
        assert.match(told, /1 message waits/)
      },
    )
  },
)

inTown(
  'Capulet is sipp and a Prosody that takes dialback for want of a certificate that it believes',
  { ...asMontague, believed: false, xmpp: { onlyCertificates: false } },
  (act, town) => {
    act(
      'the stream to the named host is proven by dialback, and messages go both ways (XEP-0220, U117)',
      async (stage) => {
        const called = town().scenario(stage, 'umpp-answer')
        const [romeo, juliet] = await Promise.all([
          here(stage, `romeo@${montague}/orchard`),
          there(stage, town(), `juliet@${capulet}/balcony`),
        ])
        await talk([romeo, `romeo@${montague}/orchard`], [juliet, `juliet@${capulet}/balcony`], thread)
        town().front.goOn()
        await called.succeeds()
        assert.match(town().prosodySaid, /Received\[s2sout\]: <verify [^>]*xmlns='jabber:server:dialback'/)
      },
    )
  },
)
