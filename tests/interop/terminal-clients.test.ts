// Clients with a full-screen terminal: profanity and finch (libpurple), each in a terminal made by script(1).
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { peer } from './peers.ts'
import type { Program } from './program.ts'
import { type Scene, scene } from './scene.ts'
import { password, VeronaServer } from './server.ts'

const profanity = peer('profanity')
const finch = peer('finch')

let server: VeronaServer
before(async () => {
  server = await VeronaServer.start({ users: ['romeo', 'juliet', 'nurse', 'paris', 'rosaline'] })
})
after(() => server?.remove())

/** The program in a terminal of 50 lines of 150 columns. */
function inTerminal(stage: Scene, name: string, path: string, home: string): Program {
  const environment = {
    HOME: home,
    XDG_CONFIG_HOME: join(home, '.config'),
    XDG_DATA_HOME: join(home, '.local', 'share'),
    TERM: 'xterm',
    // Those made with OpenSSL trust what it names.
    SSL_CERT_FILE: stage.server.authority,
  }
  const line = `stty rows 50 cols 150; exec '${path}'`
  return stage.start(name, 'script', ['-qec', line, '/dev/null'], { environment, directory: home })
}

scene(
  'profanity logs in over TLS with our authority, writes and is written to',
  profanity.skip,
  () => server,
  async (stage) => {
    const client = inTerminal(stage, 'profanity', profanity.path, stage.directory())
    await client.sees(/Type '\/help'/)
    client.write(`/connect romeo@localhost server 127.0.0.1 port ${stage.server.port('xmpp')} tls force\n`)
    await client.sees(/Enter password/)
    client.write(`${password}\n`)
    await client.sees(/logged in successfully/)
    const reading = stage.server.as('juliet', 'watch', '--messages', '--json')
    client.write('/msg juliet@localhost Grüße aus dem Terminal\n')
    await reading.sees(/Grüße aus dem Terminal/)
    await stage.server.as('juliet', 'send', 'romeo@localhost', 'Gute Nacht').succeeds()
    await client.sees(/Gute Nacht/)
    client.write('/quit\n')
    await client.ends()
  },
)

/** Logged in as the user. */
async function profane(stage: Scene, user: string): Promise<Program> {
  const client = inTerminal(stage, `profanity ${user}`, profanity.path, stage.directory())
  await client.sees(/Type '\/help'/)
  client.write(`/connect ${user}@localhost server 127.0.0.1 port ${stage.server.port('xmpp')} tls force\n`)
  await client.sees(/Enter password/)
  client.write(`${password}\n`)
  await client.sees(/logged in successfully/)
  return client
}

scene(
  'two profanities find each other: roster, requests, presence, discovery, ping, blocking, and the end of it (RFC 6121 §2, §3, §4)',
  profanity.skip,
  () => server,
  async (stage) => {
    const romeo = await profane(stage, 'romeo')
    const juliet = await profane(stage, 'juliet')
    romeo.write('/roster add juliet@localhost Julia\n')
    await romeo.sees(/Roster item added: juliet@localhost \(Julia\)/)
    romeo.write('/sub request juliet@localhost\n')
    await juliet.sees(/Received authorization request from romeo@localhost/)
    juliet.write('/sub allow romeo@localhost\n')
    await romeo.sees(/Subscription received from juliet@localhost/)
    await romeo.sees(/Julia \(profanity\.\w+\) is online/)
    juliet.write('/sub request romeo@localhost\n')
    await romeo.sees(/Received authorization request from juliet@localhost/)
    romeo.write('/sub allow juliet@localhost\n')
    await juliet.sees(/romeo@localhost \(profanity\.\w+\) is online/)
    romeo.write('/disco info\n')
    await romeo.sees(/Verona im server/)
    romeo.write('/disco info juliet@localhost\n')
    await romeo.sees(/registered account/)
    romeo.write('/disco items juliet@localhost\n')
    const [, full = ''] = await romeo.sees(/ {2}(juliet@localhost\/profanity\.\w+)/)
    romeo.write(`/software ${full}\n`)
    await romeo.sees(/Name {4}: Profanity/)
    romeo.write('/ping\n')
    await romeo.sees(/Ping response from romeo@localhost/)
    romeo.write('/blocked add tybalt@localhost\n')
    await romeo.sees(/User tybalt@localhost successfully blocked/)
    juliet.write('/sub deny romeo@localhost\n')
    await romeo.sees(/Julia \(profanity\.\w+\) is offline/)
    await romeo.sees(/juliet@localhost deleted subscription/)
    romeo.write('/roster remove juliet@localhost\n')
    await romeo.sees(/Roster item removed: juliet@localhost/)
    await juliet.sees(/romeo@localhost deleted subscription/)
    for (const client of [romeo, juliet]) {
      client.write('/quit\n')
      await client.ends()
    }
  },
)

scene(
  'finch logs in over TLS, shows what comes and answers',
  finch.skip,
  () => server,
  async (stage) => {
    const reading = stage.server.as('juliet', 'watch', 'nurse@localhost', '--messages', '--json')
    await stage.server.approve('nurse', 'juliet')
    const client = startFinch(stage, 'nurse')
    await reading.sees(/"basic":"open"/)
    await stage.server.as('juliet', 'send', 'nurse@localhost', 'Amme!').succeeds()
    await client.sees(/Amme!/)
    // To the window of the conversation.
    client.write('\u001bn')
    client.write('Gleich, mein Lamm\r')
    await reading.sees(/Gleich, mein Lamm/)
  },
)

scene(
  'finch is asked, authorizes, adds its asker with a group, and both see each other (RFC 6121 §3.1, §2.3)',
  profanity.skip === false ? finch.skip : profanity.skip,
  () => server,
  async (stage) => {
    const rosaline = await profane(stage, 'rosaline')
    const paris = startFinch(stage, 'paris')
    await paris.sees(/Buddy List/)
    rosaline.write('/sub request paris@localhost\n')
    await paris.sees(/Authorize buddy\?/)
    // To the question's window, where the first button is `Authorize`.
    paris.write('\u001bn')
    paris.write('\r')
    await rosaline.sees(/Subscription received from paris@localhost/)
    await rosaline.sees(/paris@localhost \(finch\) is online/)
    await paris.sees(/Add Buddy/)
    // From the name over alias and invitation to the group, and over the account to `Add`.
    for (const key of ['\t', '\t', '\t', 'Haus', '\t', '\t', '\r']) paris.write(key)
    await rosaline.sees(/Received authorization request from paris@localhost/)
    rosaline.write('/sub allow paris@localhost\n')
    // Its list shows what it knows when it is asked: the answer to a ping comes behind the roster push.
    rosaline.write('/ping\n')
    await rosaline.sees(/Ping response from rosaline@localhost/)
    rosaline.write('/roster\n')
    await rosaline.sees(/paris@localhost - both/)
    await paris.sees(/Haus/)
    rosaline.write('/quit\n')
    await rosaline.ends()
  },
)

/** It logs in by itself. */
function startFinch(stage: Scene, user: string): Program {
  const home = stage.directory()
  const purple = join(home, '.purple')
  // COMPAT: libpurple asks about a certificate that was not made by an authority of the system; one that it has seen it takes.
  const seen = join(purple, 'certificates', 'x509', 'tls_peers')
  mkdirSync(seen, { recursive: true })
  copyFileSync(join(stage.server.directory, 'data', 'tls', 'server.crt'), join(seen, '127.0.0.1'))
  writeFileSync(join(purple, 'accounts.xml'), purpleAccount(user, stage.server.port('xmpp')))
  return inTerminal(stage, `finch ${user}`, finch.path, home)
}

function purpleAccount(user: string, port: number): string {
  return `<?xml version='1.0' encoding='UTF-8' ?>
<account version='1.0'>
 <account>
  <protocol>prpl-jabber</protocol>
  <name>${user}@localhost/finch</name>
  <password>${password}</password>
  <settings>
   <setting name='connection_security' type='string'>require_tls</setting>
   <setting name='connect_server' type='string'>127.0.0.1</setting>
   <setting name='port' type='int'>${port}</setting>
  </settings>
  <settings ui='gnt-purple'><setting name='auto-login' type='bool'>1</setting></settings>
 </account>
</account>
`
}
