// sipp: the wire of SIP as its texts have it, message by message.
import { after, before } from 'node:test'
import { freePort } from './baresip.ts'
import { peer } from './peers.ts'
import { type Scene, scene } from './scene.ts'
import { VeronaServer } from './server.ts'
import { sipp } from './sipp.ts'

const peerSipp = peer('sipp')
const { path } = peerSipp

let server: VeronaServer
before(async () => {
  server = await VeronaServer.start({ users: ['romeo', 'juliet', 'nurse', 'tybalt', 'mercutio', 'paris'] })
})
after(() => server?.remove())

const check = (name: string, act: (stage: Scene) => Promise<void>): void =>
  scene(name, peerSipp.skip, () => server, act)

for (const transport of ['u1', 't1'] as const) {
  check(
    `sipp registers with Digest, asks, and unregisters over ${transport} (RFC 3261 §10.2)`,
    async (stage) => {
      await sipp(stage, path, 'register', 'romeo', { transport }).succeeds()
    },
  )
}

check('sipp asks for capabilities (RFC 3261 §11)', async (stage) => {
  await sipp(stage, path, 'options', 'romeo').succeeds()
})

check('sipp sends a MESSAGE to a sipp that answers (RFC 3428)', async (stage) => {
  const port = await freePort()
  const phone = sipp(stage, path, 'receive', 'juliet', { port, keys: { text: 'Grüße 🌹' } })
  const keys = { phone_port: String(port) }
  await sipp(stage, path, 'register-elsewhere', 'juliet', { keys }).succeeds()
  const sender = sipp(stage, path, 'message', 'romeo', { keys: { to: 'juliet', text: 'Grüße 🌹' } })
  await sender.succeeds()
  await sender.sees(/SIP\/2\.0 200 /)
  await phone.succeeds()
})

check('a MESSAGE to an absent person is 202, to nobody 404 (RFC 3428 §7)', async (stage) => {
  for (const [to, status] of [
    ['tybalt', 202],
    ['nobody', 404],
  ] as const) {
    const sender = sipp(stage, path, 'message', 'romeo', { keys: { to, text: 'hallo' } })
    await sender.succeeds()
    await sender.sees(new RegExp(`SIP/2\\.0 ${status} `))
  }
})

check(
  'a MESSAGE that is retransmitted is answered again and arrives once (RFC 3261 §17.2.2)',
  async (stage) => {
    const keys = { to: 'nurse', text: 'nur einmal' }
    await sipp(stage, path, 'message-lost-answer', 'romeo', { keys, once: true }).succeeds()
    const reading = stage.server.as('nurse', 'watch', '--messages', '--json')
    await reading.until(/nur einmal/)
    await sipp(stage, path, 'message', 'romeo', { keys: { ...keys, text: 'danach' } }).succeeds()
    const between = await reading.until(/[\s\S]*danach/)
    if (between[0].includes('nur einmal')) throw new Error('it came twice')
  },
)

check(
  'sipp publishes, changes and takes back its presence; an old entity tag is 412 (RFC 3903 §4)',
  async (stage) => {
    await stage.server.approve('mercutio', 'romeo')
    const watching = stage.server.as('romeo', 'watch', 'mercutio@localhost', '--json')
    await watching.until(/"event":"presence"/)
    await sipp(stage, path, 'publish', 'mercutio').succeeds()
    await watching.until(/am Telefon/)
    await watching.until(/im Garten/)
    await watching.until(/"event":"presence"/)
  },
)

check(
  'sipp subscribes: pending, then active once approved, then changes (RFC 3856, RFC 6665 §4.4)',
  async (stage) => {
    const watcher = sipp(stage, path, 'subscribe', 'romeo', { keys: { to: 'paris' } })
    await watcher.sees(/Subscription-State: pending/)
    await stage.server.approve('paris', 'romeo')
    await watcher.sees(/Subscription-State: active/)
    for (const note of ['eins', 'zwei', 'drei']) {
      await stage.server.as('paris', 'presence', 'away', '--note', note, '--seconds', '300').succeeds()
      await watcher.sees(new RegExp(`>${note}<`))
    }
    await watcher.succeeds()
  },
)
