// A domain whose people have scripts, and phones that answer calls by hand.

import assert from 'node:assert/strict'
import { utf8 } from '#base'
import { flushConnections } from '#net'
import { encodeResponse, type ResponseParts } from '../codec/encode.ts'
import type { SipRequest } from '../codec/message.ts'
import { topVia } from '../codec/via.ts'
import type { Phone } from './phone.ts'
import { at, SipDomain } from './sip-domain.ts'

const noStamp = { received: undefined, rport: undefined }
export const ticks = async (): Promise<void> => {
  for (let i = 0; i < 30; i++) {
    flushConnections()
    await new Promise(setImmediate)
  }
}

/** The phones of a domain by their users, registered; they answer requests by hand. */
export async function town(...users: string[]) {
  const domain = await SipDomain.make({ users: ['alice', 'bob', 'carol', 'dave'] })
  const phones = new Map<string, Phone>()
  let host = 1
  for (const user of ['alice', ...users]) {
    const phone = domain.phone(user.replace(/[0-9]$/, ''), `192.0.2.${host++}`)
    assert.equal((await phone.register()).status, 200)
    phone.answers = undefined
    phones.set(user, phone)
  }
  const phone = (user: string): Phone => phones.get(user) as Phone
  return { domain, phone, alice: phone('alice') }
}

export async function script(
  domain: SipDomain,
  user: string,
  inside: string,
  side = 'incoming',
): Promise<void> {
  const document = utf8(`<cpl><${side}>${inside}</${side}></cpl>`)
  const owner = at(`${user}@example.com`)
  assert.deepEqual(await new Promise((resolve) => domain.service.scripts.put(owner, document, resolve)), {
    kind: 'stored',
  })
}

let calls = 0

/** Sends a request with credentials; gives what its final answer is waited for by. */
export function call(from: Phone, method = 'INVITE', headers: string[] = [], to = 'sip:bob@example.com') {
  const options = { uri: to, callId: `scripted-${++calls}`, cseq: 7, branch: `z9hG4bKs${calls}` }
  const lines = [`Contact: <${from.contact}>`, ...headers, ...from.credentials(method, to)]
  from.raw(from.write(method, { ...options, headers: lines }))
  return { ...options, final: () => from.final(options.callId, options.cseq) }
}

export const answer = (phone: Phone, request: SipRequest, parts: ResponseParts): void =>
  phone.raw(encodeResponse(request, topVia(request), noStamp, { toTag: 'x', ...parts }))

/** Answers the next INVITE. */
export async function answers(
  phone: Phone,
  status: number,
  headers: ResponseParts['headers'] = [],
): Promise<SipRequest> {
  const request = await phone.next('INVITE')
  answer(phone, request, { status, headers })
  return request
}

/** A script that sends to another person here. */
export const to = (user: string, inside = '<proxy/>'): string =>
  `<location url="sip:${user}@example.com">${inside}</location>`
