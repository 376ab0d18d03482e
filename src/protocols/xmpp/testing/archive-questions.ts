// Questions to the archive in tests: asked as a client asks, read to the last result.
import assert from 'node:assert/strict'
import { type Element, serialize } from '#wire/xml'
import { clientStream } from '../codec/namespaces.ts'
import type { TestClient } from './test-client.ts'
import { type TestDomain, testDomain } from './test-domain.ts'

export const mam = 'urn:xmpp:mam:2'

export const archived = (users?: readonly string[]): Promise<TestDomain> =>
  testDomain({
    policy: { history: true },
    settings: { idleSeconds: 86_400 },
    ...(users === undefined ? {} : { users }),
  })

export const form = (fields: string): string =>
  `<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>${mam}</value></field>${fields}</x>`

export const field = (name: string, ...values: string[]): string =>
  `<field var='${name}'>${values.map((value) => `<value>${value}</value>`).join('')}</field>`

export const set = (inner: string): string => `<set xmlns='http://jabber.org/protocol/rsm'>${inner}</set>`

export interface Answer {
  /** The <result/> elements, in order. */
  readonly results: readonly Element[]
  readonly bodies: readonly (string | undefined)[]
  readonly ids: readonly string[]
  /** The <fin/>, or the error's condition. */
  readonly fin: Element | undefined
  readonly error: string | undefined
}

let asked = 0

export async function query(client: TestClient, inner = '', attributes = ''): Promise<Answer> {
  await client.settled()
  client.takeAll()
  const iq = await client.ask(
    `<iq type='set' id='q${++asked}'><query xmlns='${mam}'${attributes}>${inner}</query></iq>`,
  )
  const messages = client.received.splice(0)
  const results = messages.flatMap((message) => message.child('result', mam) ?? [])
  assert.equal(results.length, messages.length, 'results and nothing else, all before the answer')
  const forwarded = results.map((result) => result.elements()[0]?.child('message', 'jabber:client'))
  return {
    results,
    bodies: forwarded.map((message) => message?.childText('body')),
    ids: results.map((result) => result.attribute('id') as string),
    fin: iq.child('fin', mam),
    error: iq.child('error')?.elements()[0]?.name,
  }
}

export const textOf = (element: Element | undefined): string =>
  element === undefined ? '' : serialize(element, { outer: clientStream })

export const setOf = ({ fin }: Answer): (string | undefined)[] => {
  const rsm = fin?.child('set', 'http://jabber.org/protocol/rsm')
  const [first, last, count] = ['first', 'last', 'count'].map((name) =>
    rsm?.child(name, 'http://jabber.org/protocol/rsm'),
  )
  return [first?.text(), first?.attribute('index'), last?.text(), count?.text()]
}

/** Romeo and the nurse write to Juliet in turn, a minute apart: bodies 0, 1, 2... */
export async function conversation(count: number): Promise<{ domain: TestDomain; juliet: TestClient }> {
  const domain = await archived()
  const juliet = await domain.available('juliet', 'balcony')
  const romeo = await domain.available('romeo', 'orchard')
  const nurse = await domain.available('nurse', 'kitchen')
  for (let i = 0; i < count; i++) {
    const from = i % 2 === 0 ? romeo : nurse
    from.send(`<message to='juliet@localhost' type='chat' id='m${i}'><body>${i}</body></message>`)
    await domain.settle()
    domain.clock.advance(60_000)
  }
  return { domain, juliet }
}
