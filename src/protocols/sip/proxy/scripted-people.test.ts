// Whose script is asked about a request, and about which: RFC 3880 §2.1 with SIP.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { header } from '../codec/header-names.ts'
import { headerValue } from '../codec/message.ts'
import { answer, answers, call, script, ticks, to, town } from '../testing/scripted-town.ts'
import { at } from '../testing/sip-domain.ts'

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

test('the time of one script is over for the other that it led to, too', async () => {
  const { domain, alice, phone } = await town('bob', 'carol', 'dave')
  await script(
    domain,
    'bob',
    to('carol', '<proxy timeout="5"><noanswer><reject status="493"/></noanswer></proxy>'),
  )
  await script(domain, 'carol', to('dave'))
  const sent = call(alice)
  const invite = await phone('dave').next('INVITE')
  answer(phone('dave'), invite, { status: 180 })
  await ticks()
  domain.clock.advance(5000)
  assert.equal((await sent.final()).status, 493)
  answer(phone('dave'), await phone('dave').next('CANCEL'), { status: 200 })
  answer(phone('dave'), invite, { status: 487 })
})

test('a script of somebody who may not be reached is not asked, were it to tell them (decision 0150)', async () => {
  const { domain, alice } = await town('bob', 'carol')
  await new Promise((resolve) =>
    domain.service.contacts.setRule(
      at('carol@example.com'),
      { subject: 'alice@example.com', action: 'block', visibility: 'full' },
      resolve,
    ),
  )
  await script(domain, 'carol', '<mail url="mailto:carol@example.com"/>')
  await script(domain, 'bob', to('carol'))
  assert.equal((await call(alice).final()).status, 403)
  await ticks()
  assert.equal((await domain.store.undelivered(at('carol@example.com'), 0, 10)).length, 0)
})
