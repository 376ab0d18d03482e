// External components (XEP-0114): who may be one, and what goes to and from them.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { connectionPair } from '#net'
import { HandServer } from '../testing/hand-server.ts'
import { TestClient } from '../testing/test-client.ts'
import { capulet, montague, type TwoServers, twoServers } from '../testing/two-servers.ts'

const chat = `chat.${montague}`
const settings = { components: [`${chat} s3cret`, `echo.${montague} other`] }

function connected(
  { clock, here }: TwoServers,
  domain: string,
  namespace = 'jabber:component:accept',
): TestClient {
  const [ours, theirs] = connectionPair({ clock })
  here.servers.components.accept(ours)
  const component = new TestClient(theirs, false)
  component.send(
    `<?xml version='1.0'?><stream:stream xmlns='${namespace}' xmlns:stream='http://etherx.jabber.org/streams' to='${domain}'>`,
  )
  return component
}

/** Waits for the header, and shows the secret. */
async function shows(world: TwoServers, component: TestClient, secret: string): Promise<void> {
  await world.here.domain.settle()
  const id = component.headers.at(-1)?.attribute('id') ?? ''
  component.send(
    `<handshake>${createHash('sha1')
      .update(id + secret)
      .digest('hex')}</handshake>`,
  )
}

async function component(world: TwoServers, domain = chat, secret = 's3cret'): Promise<TestClient> {
  const made = connected(world, domain)
  await shows(world, made, secret)
  assert.match(await made.next(), /^<handshake/)
  return made
}

async function settle({ clock, here }: TwoServers, seconds = 2): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    await here.domain.settle()
    clock.advance(1000)
  }
  await here.domain.settle()
}

/** [what, domain, namespace, secret, error] */
const refusals: [string, string, string, string, RegExp][] = [
  ['a wrong secret', chat, 'jabber:component:accept', 'wrong', /not-authorized/],
  ['a domain that is no component', `pub.${montague}`, 'jabber:component:accept', 's3cret', /host-unknown/],
  ['another namespace', chat, 'jabber:client', 's3cret', /invalid-namespace/],
]
for (const [what, domain, namespace, secret, error] of refusals) {
  test(`${what} is refused (XEP-0114 §3)`, async () => {
    const world = await twoServers(settings, {})
    const made = connected(world, domain, namespace)
    await shows(world, made, secret)
    assert.match(await made.next(), error)
    await settle(world, 0)
    assert.equal(made.ended, true)
  })
}

test('a second one of the same domain is refused, and the first stays', async () => {
  const world = await twoServers(settings, {})
  const first = await component(world)
  const second = connected(world, chat)
  assert.match(await second.next(), /conflict/)
  await component(world, `echo.${montague}`, 'other')
  assert.equal(first.ended, false)
})

test('people here and a component: messages, requests, presence of whoever it likes', async () => {
  const world = await twoServers(settings, {})
  const rooms = await component(world)
  const romeo = await world.here.domain.available('romeo', 'orchard')
  romeo.send(`<message to='room@${chat}' id='m1' type='groupchat'><body>all</body></message>`)
  await settle(world)
  assert.match(await rooms.next(), new RegExp(`<message[^>]*from='romeo@${montague}/orchard'.*all`))
  rooms.send(
    `<message from='room@${chat}/nick' to='romeo@${montague}/orchard' type='groupchat'><body>said</body></message>`,
  )
  await settle(world)
  assert.match(await romeo.next(), new RegExp(`from='room@${chat}/nick'.*said`))
  romeo.send(`<presence to='room@${chat}/romeo'/>`)
  await settle(world)
  assert.match(await rooms.next(), /<presence[^>]*from='romeo@montague.example\/orchard'/)
  rooms.send(`<presence from='room@${chat}/romeo' to='romeo@${montague}/orchard'/>`)
  rooms.send(`<iq from='${chat}' to='${montague}' type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>`)
  await settle(world)
  assert.match(await romeo.next(), /<presence[^>]*from='room@chat.montague.example\/romeo'/)
  assert.match(await rooms.next(), /<iq[^>]*type='result'[^>]*id='p'/)
  romeo.send(`<iq to='${chat}' type='get' id='d'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`)
  await settle(world)
  assert.match(await rooms.next(), /disco#info/)
})

test('a stanza in another name than its own ends a component (XEP-0114 §3)', async () => {
  const world = await twoServers(settings, {})
  const rooms = await component(world)
  rooms.send(`<message from='juliet@${capulet}' to='romeo@${montague}'><body>x</body></message>`)
  assert.match(await rooms.next(), /invalid-from/)
})

test('other domains write to a component and hear from it, by a stream in its name', async () => {
  const world = await twoServers(settings, {})
  const rooms = await component(world)
  const juliet = await world.there.domain.available('juliet', 'balcony')
  world.here.certificate = { names: [montague, chat], trusted: true }
  rooms.send(`<message from='room@${chat}' to='juliet@${capulet}' type='chat'><body>come in</body></message>`)
  await settle(world)
  assert.match(await juliet.next(), new RegExp(`from='room@${chat}'.*come in`))
  const mantua = await HandServer.proven(world, world.here, {
    from: 'mantua.example',
    to: chat,
    certificate: { names: ['mantua.example'], trusted: true },
  })
  mantua.send(
    `<message from='a@mantua.example' to='room@${chat}' type='groupchat'><body>of Mantua</body></message>`,
  )
  await settle(world)
  assert.match(await rooms.next(), /of Mantua/)
})

test('what is for a component that is away waits, and comes when it is there again', async () => {
  const world = await twoServers(settings, {})
  const romeo = await world.here.domain.available('romeo', 'orchard')
  romeo.send(`<message to='room@${chat}' id='m1' type='chat'><body>later</body></message>`)
  romeo.send(`<iq to='room@${chat}' id='i1' type='get'><query xmlns='jabber:iq:version'/></iq>`)
  await settle(world)
  assert.match(await romeo.next(), /<iq[^>]*type='error'.*remote-server-timeout/)
  const rooms = await component(world)
  await settle(world, 30)
  assert.match(await rooms.next(), /later/)
})
