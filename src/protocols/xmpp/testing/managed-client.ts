// What tests of stream management (XEP-0198) share: clients that enable it and come back.
import assert from 'node:assert/strict'
import type { TestClient } from './test-client.ts'
import type { TestDomain } from './test-domain.ts'

export const sm = "xmlns='urn:xmpp:sm:3'"
export const failed = (condition: string, h = ''): string =>
  `<failed xmlns='urn:xmpp:sm:3'${h}><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>`

/** Enables stream management; answers the session's id. */
export async function enable(client: TestClient, attributes = "resume='true'"): Promise<string> {
  client.send(`<enable ${sm} ${attributes}/>`)
  const enabled = await client.nextElement()
  assert.equal(enabled.name, 'enabled')
  return enabled.attribute('id') ?? ''
}

/** Logged in, nothing bound. */
export async function back(domain: TestDomain, user: string): Promise<TestClient> {
  const client = domain.connect()
  await client.logIn(user, 'localhost')
  return client
}

export async function resume(domain: TestDomain, user: string, id: string, h: number): Promise<TestClient> {
  const client = await back(domain, user)
  client.send(`<resume ${sm} previd='${id}' h='${h}'/>`)
  return client
}

export const message = (id: string, to = 'juliet@localhost'): string =>
  `<message to='${to}' type='chat' id='${id}'><body>${id}</body></message>`

/** Ids of messages that came, in order. */
export function idsOf(texts: readonly string[]): string[] {
  return texts
    .filter((text) => text.startsWith('<message'))
    .map((text) => / id='([^']*)'/.exec(text)?.[1] ?? '')
}

/** Romeo and Juliet, who has enabled it: her session's id. */
export async function pair(domain: TestDomain): Promise<[romeo: TestClient, juliet: TestClient, id: string]> {
  const romeo = await domain.available('romeo', 'orchard')
  const juliet = await domain.available('juliet', 'balcony')
  return [romeo, juliet, await enable(juliet)]
}

export async function waiting(domain: TestDomain, user: string): Promise<number> {
  return (await domain.store.undelivered(domain.address(user), 0, 1000)).length
}
