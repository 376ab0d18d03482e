// Calls between phones of two domains, over IPv4 and IPv6: answered, and given up by the caller (RFC 3261 §9, §16.10).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeResponse, type ResponseParts } from '../codec/encode.ts'
import { headerValuesNamed, type SipRequest } from '../codec/message.ts'
import { topVia } from '../codec/via.ts'
import { fieldOf, type Phone } from '../testing/phone.ts'
import { TwoDomains } from '../testing/two-domains.ts'

const uri = 'sip:juliet@capulet.example'
const branch = 'z9hG4bKcall'

function answer(phone: Phone, request: SipRequest, parts: ResponseParts): void {
  const via = topVia(request)
  phone.raw(encodeResponse(request, via, { received: undefined, rport: undefined }, parts))
}

for (const [family, here, there] of [
  ['IPv4', '192.0.2.1', '192.0.2.2'],
  ['IPv6', '2001:db8::1', '2001:db8::2'],
] as const) {
  async function ringing(): Promise<{ town: TwoDomains; romeo: Phone; juliet: Phone; invite: SipRequest }> {
    const town = new TwoDomains()
    const sides = [
      await town.settle('montague.example', here, ['romeo']),
      await town.settle('capulet.example', there, ['juliet']),
    ] as const
    const romeo = town.phone(sides[0], 'romeo', '192.0.2.101')
    const juliet = town.phone(sides[1], 'juliet', '192.0.2.102')
    await romeo.register()
    await juliet.register()
    // The challenge of a proxy is known from then on.
    assert.equal((await romeo.message(uri, 'hark')).status, 200)
    juliet.answers = undefined
    juliet.requests.length = 0
    const headers = [`Contact: <${romeo.contact}>`, ...romeo.credentials('INVITE', uri)]
    romeo.raw(romeo.write('INVITE', { callId: 'call', cseq: 1, uri, branch, headers }))
    await town.settled()
    const invite = await juliet.next('INVITE')
    answer(juliet, invite, { status: 180, toTag: 'j' })
    await town.settled()
    assert.equal(romeo.responses.at(-1)?.status, 180)
    assert.deepEqual(town.dialled, [`${there}:5060`])
    return { town, romeo, juliet, invite }
  }

  test(`a call is answered across domains over ${family}, and its BYE finds the way`, async () => {
    const { town, romeo, juliet, invite } = await ringing()
    const routes = headerValuesNamed(invite, 'Record-Route')
    assert.equal(routes.length, 4, 'two of each server')
    const headers = [
      ...routes.map((route) => ['Record-Route', route] as const),
      ['Contact', `<${juliet.contact}>`] as const,
    ]
    answer(juliet, invite, { status: 200, toTag: 'j', headers })
    await town.settled()
    const ok = await romeo.final('call', 1)
    assert.equal(ok.status, 200)
    const back = [...routes].reverse().map((route) => `Route: ${route}`)
    const inDialog = { callId: 'call', uri: juliet.contact, to: fieldOf(ok, 'To') ?? '', headers: back }
    romeo.raw(romeo.write('ACK', { ...inDialog, cseq: 1, branch: 'z9hG4bKack' }))
    await town.settled()
    await juliet.next('ACK')
    romeo.raw(romeo.write('BYE', { ...inDialog, cseq: 2 }))
    await town.settled()
    answer(juliet, await juliet.next('BYE'), { status: 200, toTag: 'j' })
    await town.settled()
    assert.equal((await romeo.final('call', 2)).status, 200)
    assert.ok(
      town.dialled.every((place) => place.startsWith(there)),
      town.dialled.join(),
    )
  })

  test(`who gives a call up before it is answered is heard in the other domain over ${family}`, async () => {
    const { town, romeo, juliet, invite } = await ringing()
    romeo.raw(romeo.write('CANCEL', { callId: 'call', cseq: 1, uri, branch }))
    await town.settled()
    const cancel = await juliet.next('CANCEL')
    assert.equal(topVia(cancel)?.branch, topVia(invite)?.branch, 'the INVITE’s (§9.1)')
    answer(juliet, cancel, { status: 200, toTag: 'j' })
    answer(juliet, invite, { status: 487, toTag: 'j' })
    await town.settled()
    await juliet.next('ACK')
    assert.deepEqual(
      romeo.responses
        .splice(0)
        .flatMap(({ status }) => (status === 487 || status === 200 ? [status] : []))
        .sort(),
      [200, 487],
    )
  })
}

for (const [whose, forbidding] of [
  ['ours', 'here'],
  ['theirs', 'there'],
] as const)
  test(`where ${whose} allows no calls with the other domain an INVITE is 403 and rings nowhere, and a MESSAGE goes`, async () => {
    const { town, here, there } = await TwoDomains.make()
    const [caller, callee] = [
      town.phone(here, 'romeo', '192.0.2.101'),
      town.phone(there, 'juliet', '192.0.2.102'),
    ]
    await caller.register()
    await callee.register()
    const { peers } = { here, there }[forbidding].service
    const policyFor = peers.policyFor.bind(peers)
    peers.policyFor = (...asked) => ({ ...policyFor(...asked), calls: false })
    const answered = await caller.request('INVITE', { uri, headers: [`Contact: <${caller.contact}>`] })
    assert.equal(answered.status, 403)
    assert.deepEqual(
      callee.requests.filter(({ method }) => method === 'INVITE'),
      [],
    )
    assert.equal((await caller.message(uri, 'hark')).status, 200)
  })
