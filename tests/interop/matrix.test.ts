// Every ordered pair of XMPP, SIP and IMPP, with programs that we did not write for the first two.
import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { peer } from './peers.ts'
import { ImppPersona, leaseSeconds, type Persona, type Protocol, SipPersona, XmppPersona } from './persona.ts'
import { type Scene, scene } from './scene.ts'
import { VeronaServer } from './server.ts'

const slixmpp = peer('slixmpp')
const baresip = peer('baresip')

const protocols: readonly Protocol[] = ['xmpp', 'sip', 'impp']
const pairs = protocols.flatMap((from) => protocols.map((to) => [from, to] as const))
const text = 'Was ist ein Name?\n  Was uns Rose heißt 🌹,\nwie es auch hieße'

let server: VeronaServer
before(async () => {
  server = await VeronaServer.start({
    users: pairs.flatMap(([from, to]) => [`${from}-${to}-romeo`, `${from}-${to}-juliet`]),
    settings: {
      xmpp: { idle_seconds: 10 },
      // Presence here lasts less long than a phone usually waits for the next change of it.
      sip: { registration_seconds_min: 1, subscription_seconds_min: 1, notify_seconds_min: 0 },
      impp: { connection_seconds: leaseSeconds, subscription_seconds_min: 1 },
    },
  })
})
after(() => server?.remove())

function persona(stage: Scene, protocol: Protocol, user: string): Persona {
  if (protocol === 'xmpp') return new XmppPersona(stage, slixmpp.path, user)
  if (protocol === 'sip') return new SipPersona(stage, baresip.path, user)
  return new ImppPersona(stage, user)
}

function skipped(pair: readonly Protocol[]): string | false {
  if (pair.includes('xmpp') && slixmpp.skip !== false) return slixmpp.skip
  return pair.includes('sip') ? baresip.skip : false
}

for (const [from, to] of pairs) {
  const names = `${from} to ${to}`
  scene(
    `${names}: messages, the absent, the unknown, presence and its end`,
    skipped([from, to]),
    () => server,
    async (stage) => {
      const romeo = persona(stage, from, `${from}-${to}-romeo`)
      const juliet = persona(stage, to, `${from}-${to}-juliet`)
      await romeo.comeOnline(juliet.user)
      await romeo.say(juliet.user, 'bist du da?')
      await juliet.comeOnline()
      await juliet.hearsStored(romeo.user, 'bist du da?')
      await romeo.say(juliet.user, text)
      await juliet.hears(romeo.user, text)
      assert.equal(juliet.timesHeard('bist du da?'), 1)
      await romeo.isRefused()
      await juliet.approve(romeo.user)
      await juliet.changeThrice((change) => romeo.sees(juliet.user, change))
      await juliet.die()
      await romeo.sees(juliet.user, { open: false })
    },
  )
}

scene(
  'a client that hangs turns absent within its lease, though its connection stands (RFC 6120 §4.6.3)',
  slixmpp.skip,
  () => server,
  async (stage) => {
    const romeo = new ImppPersona(stage, 'impp-impp-romeo')
    const juliet = new XmppPersona(stage, slixmpp.path, 'impp-xmpp-juliet')
    await stage.server.approve(juliet.user, romeo.user)
    await romeo.comeOnline(juliet.user)
    await juliet.comeOnline()
    await romeo.sees(juliet.user, { open: true })
    juliet.hang()
    await romeo.sees(juliet.user, { open: false })
  },
)
