// A phone that publishes and one that looks, for tests of PUBLISH.

import assert from 'node:assert/strict'
import type { SipResponse } from '../codec/message.ts'
import { fieldOf, type Phone, textOf } from './phone.ts'
import { type DomainOptions, SipDomain } from './sip-domain.ts'

export const pidf = (note: string, more = ''): string =>
  `<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:alice@example.com"><tuple id="t1"><status><basic>open</basic></status><note>${note}</note></tuple>${more}</presence>`

interface Sent {
  readonly uri?: string
  readonly body?: string
  readonly type?: string
  readonly headers?: readonly string[]
  readonly callId?: string
}

export function publish(
  phone: Phone,
  { uri, body = '', type = 'application/pidf+xml', headers, callId }: Sent,
) {
  const fields = [
    ...(body === '' ? [] : [`Content-Type: ${type}`]),
    ...(headers?.some((line) => line.startsWith('Event')) ? [] : ['Event: presence']),
    ...(headers ?? []),
  ].filter((line) => line !== 'Event')
  const target = uri ?? 'sip:alice@example.com'
  return phone.request('PUBLISH', { uri: target, body, headers: fields, ...(callId && { callId }) })
}

export const tagIn = (response: SipResponse): string =>
  fieldOf(response, 'SIP-ETag') ?? assert.fail('no SIP-ETag')
export const ifMatch = (tag: string): string => `SIP-If-Match: ${tag}`

export interface World {
  readonly domain: SipDomain
  readonly alice: Phone
  readonly desk: Phone
  readonly bob: Phone
  /** The tag of what alice published first: open, for an hour. */
  readonly tag: string
}

export async function world(options: DomainOptions = {}): Promise<World> {
  const domain = await SipDomain.make(options)
  const alice = domain.phone('alice', '192.0.2.3')
  const tag = tagIn(await publish(alice, { body: pidf('first'), callId: 'first' }))
  return {
    domain,
    alice,
    desk: domain.phone('alice', '192.0.2.4'),
    bob: domain.phone('bob', '192.0.2.1'),
    tag,
  }
}

/** What somebody who asks now is told. */
export async function seen({ bob }: World): Promise<string> {
  const headers = ['Event: presence', `Contact: <${bob.contact}>`, 'Expires: 0']
  await bob.request('SUBSCRIBE', { uri: 'sip:alice@example.com', headers })
  const notes = [...textOf(await bob.next('NOTIFY')).matchAll(/<note>(.*?)<\/note>/g)]
  return notes.map(([, note]) => note).join(' ')
}
