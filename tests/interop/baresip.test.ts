// baresip: a phone that registers, writes, is written to, and has a buddy list.
import { after, before } from 'node:test'
import { Baresip } from './baresip.ts'
import { peer } from './peers.ts'
import { type Scene, scene } from './scene.ts'
import { VeronaServer } from './server.ts'

const baresip = peer('baresip')

let server: VeronaServer
before(async () => {
  server = await VeronaServer.start({
    users: ['romeo', 'juliet', 'nurse', 'tybalt'],
    settings: { presence: { confirm_same_domain: false } },
  })
})
after(() => server?.remove())

const check = (name: string, act: (stage: Scene) => Promise<void>): void =>
  scene(name, baresip.skip, () => server, act)

for (const transport of ['udp', 'tcp', 'tls'] as const) {
  check(
    `baresip registers over ${transport} by Digest, and two of them write to each other (RFC 3428)`,
    async (stage) => {
      const options = { transport, contacts: ['juliet', 'romeo', 'nobody'] }
      const [romeo, juliet] = await Promise.all([
        Baresip.online(stage, baresip.path, 'romeo', options),
        Baresip.online(stage, baresip.path, 'juliet', options),
      ])
      romeo.say('juliet', 'Grüße 🌹\nzweite Zeile')
      await juliet.program.sees(/sip:romeo@localhost[^\n]*: "Grüße 🌹\r?\nzweite Zeile"/)
      juliet.say('romeo', 'Gute Nacht')
      await romeo.program.sees(/sip:juliet@localhost[^\n]*: "Gute Nacht"/)
      romeo.say('nobody', 'wer?')
      await romeo.program.sees(/404 Not Found/)
    },
  )
}

check('baresip watches: open, busy, gone, and publishes its own (RFC 3856, RFC 3903)', async (stage) => {
  const nurse = await Baresip.online(stage, baresip.path, 'nurse', { contacts: ['tybalt'], watches: true })
  await nurse.program.sees(/NOTIFY sip:nurse/)
  const watching = stage.server.as('nurse', 'watch', 'tybalt@localhost', '--json')
  await watching.sees(/"event":"presence"/)
  const tybalt = await Baresip.online(stage, baresip.path, 'tybalt')
  await nurse.program.sees(/tybalt@localhost> changed status from (Unknown|Offline) to Online/)
  tybalt.command('presence_offline')
  await nurse.program.sees(/tybalt@localhost> changed status from Online to Offline/)
  await watching.sees(/"basic":"closed"/)
})
