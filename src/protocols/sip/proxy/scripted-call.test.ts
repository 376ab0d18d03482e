// Calls about which scripts decide: RFC 3880 §6 with SIP.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ResponseParts } from '../codec/encode.ts'
import { header } from '../codec/header-names.ts'
import { headerValue, headerValuesNamed, requestUri } from '../codec/message.ts'
import { fieldOf } from '../testing/phone.ts'
import { answer, answers, call, script, ticks, to, town } from '../testing/scripted-town.ts'

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
