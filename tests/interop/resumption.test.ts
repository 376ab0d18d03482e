// slixmpp's stream management (XEP-0198) over connections that are cut.
import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { peer } from './peers.ts'
import { scene } from './scene.ts'
import { VeronaServer } from './server.ts'
import { XmppClient } from './xmpp-client.ts'

const cuts = process.env['VERONA_SOAK'] === undefined ? 4 : 100
const slixmpp = peer('slixmpp')
let server: VeronaServer
before(async () => {
  server = await VeronaServer.start({ users: ['romeo', 'juliet'] })
})
after(() => server?.remove())

// COMPAT: slixmpp 1.8.3 forgets what it has not had acknowledged when it resumes, so that only what it receives is looked at here; gone
// when its plugin xep_0198 clears its queue on <enable/> alone.
scene(
  `slixmpp comes back ${cuts} times: what was said meanwhile comes once, in order, and its presence stays (XEP-0198 §5)`,
  slixmpp.skip,
  () => server,
  async (stage) => {
    const [romeo, juliet] = await Promise.all([
      XmppClient.online(stage, slixmpp.path, 'romeo@localhost/orchard'),
      XmppClient.online(stage, slixmpp.path, 'juliet@localhost/balcony', { resumes: true }),
    ])
    await juliet.ever('enabled')
    let said = 0
    const say = (count: number): void => {
      for (let k = 0; k < count; k++)
        romeo.do('message', { to: 'juliet@localhost', body: `text ${said}`, id: `m${said++}` })
    }
    for (let cut = 0; cut < cuts; cut++) {
      say(20)
      if (cut % 2 === 0) await juliet.ever('message', { id: `m${said - 5}` })
      juliet.do('cut')
      say(10)
      await romeo.settled()
      while (juliet.seen('resumed').length <= cut) await juliet.program.more()
      await juliet.ever('message', { id: `m${said - 1}` })
    }
    await juliet.settled()
    assert.deepEqual(
      juliet.seen('message').map((event) => event['id']),
      Array.from({ length: said }, (_, k) => `m${k}`),
    )
    assert.equal(juliet.seen('started').length, 1, 'no session but the first')
    assert.deepEqual(juliet.seen('sm-failed'), [])
    await Promise.all([romeo.leave(), juliet.leave()])
  },
)
