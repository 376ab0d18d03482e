// linphonec, the softphone's library on a command line: it registers, publishes, writes and is written to.
import { after, before } from 'node:test'
import { linphone } from './linphone.ts'
import { peer } from './peers.ts'
import { scene } from './scene.ts'
import { VeronaServer } from './server.ts'

const linphonec = peer('linphone')

let server: VeronaServer
before(async () => {
  server = await VeronaServer.start({ users: ['romeo', 'juliet'] })
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
