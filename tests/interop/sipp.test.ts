// sipp: the wire of SIP as its texts have it, message by message.
import { after, before } from 'node:test'
import { peer } from './peers.ts'
import { freePort } from './ports.ts'
import { type Scene, scene } from './scene.ts'
import { VeronaServer } from './server.ts'
import { sipp } from './sipp.ts'

const peerSipp = peer('sipp')
const { path } = peerSipp

let server: VeronaServer
before(async () => {
  server = await VeronaServer.start({
    users: ['romeo', 'juliet', 'nurse', 'tybalt', 'mercutio', 'benvolio', 'paris', 'rosaline'],
  })
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

for (const transport of ['u1', 't1'] as const) {
  check(`sipp sends a MESSAGE over ${transport} to a sipp that answers (RFC 3428)`, async (stage) => {
    const port = await freePort()
    const phone = sipp(stage, path, 'receive', 'juliet', { port, keys: { text: 'Grüße 🌹' } })
    const keys = { phone_port: String(port) }
    await sipp(stage, path, 'register-elsewhere', 'juliet', { keys }).succeeds()
    const words = { to: 'juliet', text: 'Grüße 🌹' }
    const sender = sipp(stage, path, 'message', 'romeo', { transport, keys: words })
    await sender.succeeds()
    await sender.sees(/SIP\/2\.0 200 /)
    await phone.succeeds()
  })
}

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

for (const [transport, publisher] of [
  ['u1', 'mercutio'],
  ['t1', 'benvolio'],
] as const) {
  check(
    `sipp publishes over ${transport}, changes and takes back its presence; an old entity tag is 412 (RFC 3903 §4)`,
    async (stage) => {
      await stage.server.approve(publisher, 'romeo')
      const watching = stage.server.as('romeo', 'watch', `${publisher}@localhost`, '--json')
      await watching.until(/"event":"presence"/)
      await sipp(stage, path, 'publish', publisher, { transport }).succeeds()
      await watching.until(/am Telefon/)
      await watching.until(/im Garten/)
      await watching.until(/"event":"presence"/)
    },
  )
}

for (const [transport, presentity] of [
  ['u1', 'paris'],
  ['t1', 'rosaline'],
] as const) {
  check(
    `sipp subscribes over ${transport}: pending, then active once approved, then changes (RFC 3856, RFC 6665 §4.4)`,
    async (stage) => {
      const watcher = sipp(stage, path, 'subscribe', 'romeo', { transport, keys: { to: presentity } })
      await watcher.sees(/Subscription-State: pending/)
      await stage.server.approve(presentity, 'romeo')
      await watcher.sees(/Subscription-State: active/)
      for (const note of ['eins', 'zwei', 'drei']) {
        await stage.server.as(presentity, 'presence', 'away', '--note', note, '--seconds', '300').succeeds()
        await watcher.sees(new RegExp(`>${note}<`))
      }
      await watcher.succeeds()
    },
  )
}
