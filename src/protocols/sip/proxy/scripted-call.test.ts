// Calls and other requests about which scripts decide: RFC 3880 §6 with SIP.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '#base'
import { flushConnections } from '#net'
import { encodeResponse, type ResponseParts } from '../codec/encode.ts'
import { header } from '../codec/header-names.ts'
import { headerValue, headerValuesNamed, requestUri, type SipRequest } from '../codec/message.ts'
import { topVia } from '../codec/via.ts'
import { fieldOf, type Phone } from '../testing/phone.ts'
import { at, SipDomain } from '../testing/sip-domain.ts'

const noStamp = { received: undefined, rport: undefined }
const ticks = async (): Promise<void> => {
  for (let i = 0; i < 30; i++) {
    flushConnections()
    await new Promise(setImmediate)
  }
}

/** The phones of a domain by their users, registered; they answer requests by hand. */
async function town(...users: string[]) {
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

async function script(domain: SipDomain, user: string, inside: string, side = 'incoming'): Promise<void> {
  const document = utf8(`<cpl><${side}>${inside}</${side}></cpl>`)
  const owner = at(`${user}@example.com`)
  assert.deepEqual(await new Promise((resolve) => domain.service.scripts.put(owner, document, resolve)), {
    kind: 'stored',
  })
}

let calls = 0

/** Sends a request with credentials; gives what its final answer is waited for by. */
function call(from: Phone, method = 'INVITE', headers: string[] = [], to = 'sip:bob@example.com') {
  const options = { uri: to, callId: `scripted-${++calls}`, cseq: 7, branch: `z9hG4bKs${calls}` }
  const lines = [`Contact: <${from.contact}>`, ...headers, ...from.credentials(method, to)]
  from.raw(from.write(method, { ...options, headers: lines }))
  return { ...options, final: () => from.final(options.callId, options.cseq) }
}

const answer = (phone: Phone, request: SipRequest, parts: ResponseParts): void =>
  phone.raw(encodeResponse(request, topVia(request), noStamp, { toTag: 'x', ...parts }))

/** Answers the next INVITE. */
async function answers(
  phone: Phone,
  status: number,
  headers: ResponseParts['headers'] = [],
): Promise<SipRequest> {
  const request = await phone.next('INVITE')
  answer(phone, request, { status, headers })
  return request
}

const to = (user: string, inside = '<proxy/>'): string =>
  `<location url="sip:${user}@example.com">${inside}</location>`

test('a call is rejected with the status and the phrase of the script (RFC 3880 §6.3.1)', async () => {
  const { domain, alice, phone } = await town('bob')
  for (const [status, answered] of [
    ['busy', 486],
    ['notfound', 404],
    ['reject', 603],
    ['error', 500],
    ['488', 488],
  ] as const) {
    await script(domain, 'bob', `<reject status="${status}" reason="Not &#10;today, ö"/>`)
    const response = await call(alice).final()
    assert.equal(response.status, answered)
    assert.match(response.head.split('\r\n')[0] ?? '', /Not {2}today, Ã¶$|Not today/)
  }
  assert.equal(phone('bob').requests.length, 0)
})

test('a call is redirected, for a while or for good, the preferred place first (§6.2.1)', async () => {
  const { domain, alice } = await town()
  await script(
    domain,
    'bob',
    '<location url="tel:+1212" priority="0.5"><location url="sip:bob@far.example"><redirect/></location></location>',
  )
  const moved = await call(alice).final()
  assert.equal(moved.status, 302)
  assert.deepEqual(headerValuesNamed(moved, 'Contact'), [
    '<sip:bob@far.example>;q=1.000',
    '<tel:+1212>;q=0.500',
  ])
  await script(domain, 'bob', to('carol', '<redirect permanent="yes"/>'))
  const gone = await call(alice).final()
  assert.deepEqual([gone.status, fieldOf(gone, 'Contact')], [301, '<sip:carol@example.com>'])
})

test('a script that decides nothing leaves the call as it is', async () => {
  const { domain, alice, phone } = await town('bob')
  await script(
    domain,
    'bob',
    '<address-switch field="origin"><address is="sip:carol@example.com"><reject status="busy"/></address></address-switch>',
  )
  const sent = call(alice)
  await answers(phone('bob'), 200)
  assert.equal((await sent.final()).status, 200)
})

test('what a script looks at is in the header fields (§4.1.1, §4.2.1, §4.3.1, §4.5.1)', async () => {
  const { domain, alice, phone } = await town('bob')
  phone('bob').answers = () => ({ status: 200, toTag: 'x' })
  const rows: readonly (readonly [string, string[], number])[] = [
    [
      '<string-switch field="subject"><string contains="BUY"><reject status="busy"/></string></string-switch>',
      ['Subject: Please buy'],
      486,
    ],
    [
      '<string-switch field="organization"><not-present><reject status="busy"/></not-present></string-switch>',
      [],
      486,
    ],
    [
      '<string-switch field="organization"><not-present><reject status="busy"/></not-present></string-switch>',
      ['Organization: Spam'],
      200,
    ],
    [
      '<string-switch field="user-agent"><string is="spammer/1"><reject status="busy"/></string></string-switch>',
      ['User-Agent: Spammer/1'],
      486,
    ],
    [
      '<language-switch><language matches="es"><reject status="busy"/></language></language-switch>',
      ['Accept-Language: da, es;q=0.5'],
      486,
    ],
    [
      '<language-switch><language matches="es"><reject status="busy"/></language></language-switch>',
      ['Accept-Language: es;q=0, en'],
      200,
    ],
    ['<language-switch><not-present><reject status="busy"/></not-present></language-switch>', [], 486],
    [
      '<priority-switch><priority less="urgent"><reject status="busy"/></priority></priority-switch>',
      [],
      486,
    ],
    [
      '<priority-switch><priority less="urgent"><reject status="busy"/></priority></priority-switch>',
      ['Priority: Emergency'],
      200,
    ],
    [
      '<address-switch field="destination" subfield="user"><address is="bob"><reject status="busy"/></address></address-switch>',
      [],
      486,
    ],
    [
      '<address-switch field="original-destination" subfield="host"><address subdomain-of="com"><reject status="busy"/></address></address-switch>',
      [],
      486,
    ],
    [
      '<address-switch field="origin" subfield="display"><not-present><reject status="busy"/></not-present></address-switch>',
      [],
      486,
    ],
  ]
  for (const [inside, headers, status] of rows) {
    await script(domain, 'bob', inside)
    assert.equal((await call(alice, 'INVITE', headers).final()).status, status, `${inside} ${headers}`)
  }
})

test('a call goes on to another person, with its own Request-URI and To, and rings there', async () => {
  const { domain, alice, phone } = await town('bob', 'carol')
  await script(domain, 'bob', to('carol'))
  const sent = call(alice)
  const invite = await answers(phone('carol'), 200)
  assert.equal(requestUri(invite), phone('carol').contact)
  assert.match(headerValue(invite, header.to) ?? '', /bob@example.com/)
  assert.equal((await sent.final()).status, 200)
  assert.equal(phone('bob').requests.length, 0)
})

test('busy, silence, redirection and failure lead to their outputs; what rang is cancelled (§6.1)', async () => {
  const { domain, alice, phone } = await town('bob', 'carol')
  const output = (name: string, status: number): string =>
    `<${name}><reject status="${status}" reason="${name}"/></${name}>`
  const outputs =
    output('busy', 491) + output('noanswer', 493) + output('redirection', 494) + output('failure', 495)
  await script(domain, 'bob', to('carol', `<proxy timeout="8">${outputs}</proxy>`))
  const carol = phone('carol')
  for (const [status, expected] of [
    [486, 491],
    [600, 491],
    [302, 494],
    [480, 495],
    [603, 495],
    [503, 495],
  ] as const) {
    const sent = call(alice)
    await answers(carol, status, status === 302 ? [['Contact', '<sip:dave@example.com>']] : [])
    assert.equal((await sent.final()).status, expected, String(status))
  }
  const sent = call(alice)
  const invite = await carol.next('INVITE')
  answer(carol, invite, { status: 180 })
  await ticks()
  domain.clock.advance(7999)
  await ticks()
  assert.equal(carol.requests.filter(({ method }) => method === 'CANCEL').length, 0)
  domain.clock.advance(1)
  assert.equal((await sent.final()).status, 493)
  answer(carol, await carol.next('CANCEL'), { status: 200 })
  answer(carol, invite, { status: 487 })
})

test('RFC 3880 §12.2: voicemail takes what is busy or silent; its answer is the caller’s', async () => {
  const { domain, alice, phone } = await town('bob', 'carol', 'dave')
  const voicemail = to('dave')
  await script(
    domain,
    'bob',
    to('carol', `<proxy timeout="8"><busy>${voicemail}</busy><noanswer>${voicemail}</noanswer></proxy>`),
  )
  const busy = call(alice)
  await answers(phone('carol'), 486)
  await answers(phone('dave'), 200)
  assert.equal((await busy.final()).status, 200)
  const silent = call(alice)
  const invite = await phone('carol').next('INVITE')
  answer(phone('carol'), invite, { status: 180 })
  await ticks()
  domain.clock.advance(8000)
  await answers(phone('dave'), 603)
  answer(phone('carol'), invite, { status: 487 })
  // §10: "the "best" response [...] of all accumulated responses".
  assert.equal((await silent.final()).status, 603)
})

test('without an output the best answer is the caller’s, as the proxy has it', async () => {
  const { domain, alice, phone } = await town('bob', 'carol', 'dave')
  await script(domain, 'bob', `<location url="sip:carol@example.com">${to('dave')}</location>`)
  const sent = call(alice)
  await answers(phone('carol'), 404)
  await answers(phone('dave'), 302, [['Contact', '<sip:nobody@example.com>']])
  assert.equal((await sent.final()).status, 404)
})

test('a redirection is followed unless the script wants it otherwise (§6.1, recurse)', async () => {
  const { domain, alice, phone } = await town('bob', 'carol', 'dave')
  const moved: ResponseParts['headers'] = [['Contact', '<sip:dave@example.com>']]
  await script(domain, 'bob', to('carol'))
  const followed = call(alice)
  await answers(phone('carol'), 302, moved)
  await answers(phone('dave'), 200)
  assert.equal((await followed.final()).status, 200)
  await script(domain, 'bob', to('carol', '<proxy recurse="no"/>'))
  const told = call(alice)
  await answers(phone('carol'), 302, moved)
  assert.equal((await told.final()).status, 302)
  // §12.3: the places that were told are what is redirected to.
  await script(
    domain,
    'bob',
    to('carol', '<proxy><redirection><redirect permanent="yes"/></redirection></proxy>'),
  )
  const again = call(alice)
  await answers(phone('carol'), 302, moved)
  const response = await again.final()
  assert.deepEqual([response.status, fieldOf(response, 'Contact')], [301, '<sip:dave@example.com>'])
})

test('places are tried in turn, or the first alone (§6.1, ordering)', async () => {
  const { domain, alice, phone } = await town('bob', 'carol', 'dave')
  const both = (ordering: string): string =>
    `<location url="sip:dave@example.com" priority="0.2"><location url="sip:carol@example.com" priority="0.4"><proxy ordering="${ordering}"/></location></location>`
  await script(domain, 'bob', both('sequential'))
  const sent = call(alice)
  await ticks()
  assert.equal(phone('dave').requests.length, 0)
  await answers(phone('carol'), 480)
  await answers(phone('dave'), 200)
  assert.equal((await sent.final()).status, 200)
  await script(domain, 'bob', both('first-only'))
  const first = call(alice)
  await answers(phone('carol'), 486)
  assert.equal((await first.final()).status, 486)
})

test('registrations are the phones, by their q, and one may be taken out (§5.2, §12.8)', async () => {
  const { domain, alice, phone } = await town('bob', 'bob2')
  const rest = phone('bob2').contact
  await script(
    domain,
    'bob',
    `<lookup source="registration"><success><remove-location location="${rest}"><proxy/></remove-location></success></lookup>`,
  )
  const sent = call(alice)
  await answers(phone('bob'), 200)
  assert.equal((await sent.final()).status, 200)
  assert.equal(phone('bob2').requests.length, 0)
  await script(
    domain,
    'carol',
    '<lookup source="registration"><success><proxy/></success><notfound><reject status="busy"/></notfound></lookup>',
  )
  assert.equal((await call(alice, 'INVITE', [], 'sip:carol@example.com').final()).status, 486)
})

test('the script of whom a call is sent on to is asked too; who has had the call before is rung', async () => {
  const { domain, alice, phone } = await town('bob', 'carol')
  await script(domain, 'bob', to('carol', '<proxy><busy><reject status="499"/></busy></proxy>'))
  await script(domain, 'carol', '<reject status="busy"/>')
  assert.equal((await call(alice).final()).status, 499)
  await script(domain, 'carol', to('bob'))
  const back = call(alice)
  await answers(phone('bob'), 200)
  assert.equal((await back.final()).status, 200)
  await script(domain, 'carol', to('dave', '<redirect/>'))
  await script(domain, 'bob', to('carol', '<proxy recurse="no"/>'))
  assert.equal((await call(alice).final()).status, 302)
})

test('who may not reach the other is told nothing of their script, nor is it asked', async () => {
  const { domain, alice, phone } = await town('bob', 'carol')
  await new Promise((resolve) =>
    domain.service.contacts.setRule(
      at('carol@example.com'),
      { subject: 'alice@example.com', action: 'block', visibility: 'full' },
      resolve,
    ),
  )
  await script(domain, 'carol', to('dave', '<redirect/>'))
  await script(domain, 'bob', to('carol'))
  assert.equal((await call(alice).final()).status, 403)
  assert.equal((await call(alice, 'INVITE', [], 'sip:carol@example.com').final()).status, 403)
  assert.equal(phone('carol').requests.length, 0)
})

test('a caller who hangs up ends the script, wherever it is', async () => {
  const { domain, alice, phone } = await town('bob', 'carol', 'dave')
  await script(domain, 'bob', to('carol', `<proxy timeout="8"><default>${to('dave')}</default></proxy>`))
  const sent = call(alice)
  const invite = await phone('carol').next('INVITE')
  answer(phone('carol'), invite, { status: 180 })
  await ticks()
  alice.raw(
    alice.write('CANCEL', { uri: sent.uri, callId: sent.callId, cseq: sent.cseq, branch: sent.branch }),
  )
  answer(phone('carol'), await phone('carol').next('CANCEL'), { status: 200 })
  answer(phone('carol'), invite, { status: 487 })
  await ticks()
  domain.clock.advance(60_000)
  await ticks()
  assert.equal(phone('dave').requests.length, 0)
  assert.ok(alice.responses.some(({ status }) => status === 487))
})

test('what a person calls their own script decides about, too (outgoing, §12.6)', async () => {
  const { domain, alice, phone } = await town('bob', 'carol')
  await script(
    domain,
    'alice',
    '<address-switch field="original-destination" subfield="tel"><address subdomain-of="1900"><reject status="reject" reason="Not allowed to make 1-900 calls."/></address></address-switch>',
    'outgoing',
  )
  const premium = await call(alice, 'INVITE', [], 'sip:+19005551212@example.com').final()
  assert.deepEqual(
    [premium.status, premium.head.split('\r\n')[0]],
    [603, 'SIP/2.0 603 Not allowed to make 1-900 calls.'],
  )
  const sent = call(alice)
  await answers(phone('bob'), 200)
  assert.equal((await sent.final()).status, 200)
  await script(domain, 'alice', `<proxy timeout="5"><noanswer>${to('carol')}</noanswer></proxy>`, 'outgoing')
  const silent = call(alice)
  answer(phone('bob'), await phone('bob').next('INVITE'), { status: 180 })
  await ticks()
  domain.clock.advance(5000)
  await answers(phone('carol'), 200)
  assert.equal((await silent.final()).status, 200)
})

test('methods other than INVITE are decided alike (RFC 3880 is of no method)', async () => {
  const { domain, alice, phone } = await town('bob', 'carol')
  await script(
    domain,
    'bob',
    '<address-switch field="origin" subfield="user"><address is="alice"><reject status="reject" reason="No"/></address></address-switch>',
  )
  for (const method of ['OPTIONS', 'FANCY'])
    assert.equal((await call(alice, method).final()).status, 603, method)
  const message = await alice.message('sip:bob@example.com', 'Hist!')
  assert.deepEqual([message.status, message.head.split('\r\n')[0]], [603, 'SIP/2.0 603 No'])
  await script(domain, 'bob', to('carol'))
  const options = call(alice, 'OPTIONS')
  answer(phone('carol'), await phone('carol').next('OPTIONS'), { status: 200 })
  assert.equal((await options.final()).status, 200)
  phone('carol').answers = ({ method }) => (method === 'MESSAGE' ? { status: 200, toTag: 'x' } : undefined)
  assert.equal((await alice.message('sip:bob@example.com', 'Hist!')).status, 200)
  const taken = await phone('carol').next('MESSAGE')
  assert.match(headerValue(taken, header.to) ?? '', /bob@example.com/)
})

test('nowhere to go is an answer, and other domains are none where they are not spoken with', async () => {
  const { domain, alice } = await town()
  const none: readonly (readonly [string, number])[] = [
    [to('carol'), 480],
    [to('nobody'), 404],
    ['<location url="sip:bob@far.example"><proxy/></location>', 480],
    ['<location url="tel:+1212"><proxy><failure><reject status="499"/></failure></proxy></location>', 499],
    ['<location url="http://x.example/"/>', 302],
    ['<location url="sip:bob@example.com"><remove-location><proxy/></remove-location></location>', 480],
  ]
  for (const [inside, status] of none) {
    await script(domain, 'bob', inside)
    assert.equal((await call(alice).final()).status, status, inside)
  }
})
