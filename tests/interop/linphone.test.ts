// linphonec, the softphone's library on a command line: it registers, publishes, watches, writes and is written to.
import { after, before } from 'node:test'
import { Baresip } from './baresip.ts'
import { linphone } from './linphone.ts'
import { peer } from './peers.ts'
import { scene } from './scene.ts'
import { VeronaServer } from './server.ts'
import { XmppClient } from './xmpp-client.ts'

const linphonec = peer('linphone')
const slixmpp = peer('slixmpp')
const baresip = peer('baresip')

let server: VeronaServer
before(async () => {
  server = await VeronaServer.start({ users: ['romeo', 'juliet', 'nurse', 'tybalt', 'paris'] })
})
after(() => server?.remove())

scene(
  'linphone registers over TCP, writes and is written to (RFC 3428)',
  linphonec.skip,
  () => server,
  async (stage) => {
    const romeo = await linphone(stage, linphonec.path, 'romeo')
    const juliet = stage.server.as('juliet', 'watch', '--messages', '--json')
    romeo.write('chat sip:juliet@localhost Grüße von linphone 🌹\n')
    await juliet.until(/Grüße von linphone 🌹/)
    await stage.server.as('juliet', 'send', 'romeo@localhost', 'Gute Nacht 🌙').succeeds()
    await romeo.sees(/Gute Nacht 🌙/)
  },
)

scene(
  'linphone shows the presence of a person at an XMPP client, who sees linphone come and go (RFC 3856, RFC 3903)',
  linphonec.skip || slixmpp.skip,
  () => server,
  async (stage) => {
    await stage.server.approve('nurse', 'tybalt')
    await stage.server.approve('tybalt', 'nurse')
    const nurse = await XmppClient.online(stage, slixmpp.path, 'nurse@localhost/desk')
    nurse.do('presence', { to: 'tybalt@localhost', type: 'subscribe' })
    const tybalt = await linphone(stage, linphonec.path, 'tybalt', ['nurse'])
    await shown(nurse, 'tybalt@localhost', 'available')
    await tybalt.sees(/Friend [^\n]*nurse@localhost[^\n]* is [^\n]*/)
    nurse.do('presence', { show: 'dnd', status: 'im Garten' })
    await tybalt.sees(/im Garten/)
    tybalt.write('quit\n')
    await shown(nurse, 'tybalt@localhost', 'unavailable')
  },
)

scene(
  'linphone and baresip write to each other (RFC 3428)',
  linphonec.skip || baresip.skip,
  () => server,
  async (stage) => {
    const paris = await Baresip.online(stage, baresip.path, 'paris', { contacts: ['romeo'] })
    const romeo = await linphone(stage, linphonec.path, 'romeo')
    romeo.write('chat sip:paris@localhost Grüße von linphone 🌹\n')
    await paris.program.sees(/sip:romeo@localhost[^\n]*: "Grüße von linphone 🌹"/)
    paris.say('romeo', 'Grüße von baresip')
    await romeo.sees(/Grüße von baresip/)
  },
)

/** Waits until the watcher is shown a device of that person so. */
async function shown(watcher: XmppClient, whom: string, type: 'available' | 'unavailable'): Promise<void> {
  for (;;) {
    const { sender } = await watcher.next('presence', { type })
    if (String(sender).startsWith(`${whom}/`)) return
  }
}
