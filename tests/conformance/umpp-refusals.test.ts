// Sessions of UMPP that are refused, changed, cut or given up, by either side (UMPP §4.1, RFC 3264 §6, §8).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { text } from '#base'
import type { PeerLink } from '#core'
import { type Outcome, relayed } from '#model'
import { bodyOf } from '../../src/protocols/sip/codec/message.ts'
import { fieldOf } from '../../src/protocols/sip/testing/phone.ts'
import {
  acknowledge,
  answer,
  byLink,
  capulet,
  invited,
  inviting,
  montague,
  offer,
  romeoInvites,
  say,
  settings,
  via,
} from './umpp-house.ts'

/** Romeo offers anew in the dialog. */
async function offeredAnew(change: (body: string) => string) {
  const { here, romeo } = await invited()
  const tag = acknowledge(romeo)
  await here.town.settled()
  romeo.send(
    [
      'INVITE sip:juliet@balcony.thecappulets.example.com SIP/2.0',
      ...via('orchard.montague.example.net'),
      `To: Juliet <im:juliet@thecappulets.example.com>;tag=${tag}`,
      'From: Romeo <im:romeo@montague.example.net>;tag=29923923',
      'Call-ID: 2349098234@orchard.montague.example.net',
      'CSeq: 13993 INVITE',
      'Contact: <sip:romeo@orchard.montague.example.net>',
      'Content-Type: application/sdp',
    ],
    change(offer),
  )
  await here.town.settled()
  return { here, romeo }
}

test('a re-INVITE that names another JID and place is answered, and the messages go there (RFC 3264 §8)', async () => {
  const { here, romeo } = await offeredAnew((body) => body.replace('/orchard', '/garden'))
  assert.equal(fieldOf(romeo.answer(200), 'CSeq'), '13993 INVITE')
  assert.match(text(bodyOf(romeo.answer(200))), /m=message 5269 xmpp\/tcp chat/)
  const written = `<message xmlns='jabber:client' to='romeo@${montague}'><body>x</body></message>`
  say(here, written, `juliet@${capulet}/balcony`)
  await here.town.settled()
  assert.match(here.carried[0] ?? '', /to='romeo@montague\.example\.net\/garden'/)
})

test('a re-INVITE that takes the messages out is answered so, and the session ends by BYE (RFC 3264 §8.2)', async () => {
  const { here, romeo } = await offeredAnew((body) => body.replace('m=message 5222', 'm=message 0'))
  assert.match(text(bodyOf(romeo.answer(200))), /m=message 0 xmpp\/tcp chat/)
  assert.equal(romeo.last('BYE').method, 'BYE')
  assert.deepEqual(here.domains.sessions.linesOf(montague), [])
})

test('one that cannot be had is refused, and the session stays as it was (RFC 3261 §14.1)', async () => {
  const { here, romeo } = await offeredAnew((body) => body.replace('xmpp.montague.example.net', '10.0.0.1'))
  assert.equal(fieldOf(romeo.answer(488), 'CSeq'), '13993 INVITE')
  assert.equal(here.domains.sessions.linesOf(montague).length, 1)
})

const declined: [string, (body: string) => string, number, RegExp][] = [
  ['no messages among its media', (body) => body.slice(0, body.indexOf('c=IN IP4 xmpp')), 488, /no messages/],
  ['messages with port 0', (body) => body.replace('m=message 5222', 'm=message 0'), 488, /no messages/],
  ['groupchat alone (G12)', (body) => body.replace('xmpp/tcp chat', 'xmpp/tcp groupchat'), 488, /only chat/],
  ['a bare JID', (body) => body.replace('/orchard\r\n', '\r\n'), 488, /no full JID/],
  [
    'a JID of another domain',
    (body) => body.replace('a=jid:romeo@montague.example.net', 'a=jid:romeo@elsewhere.example'),
    403,
    /a JID of elsewhere\.example, which is another domain/,
  ],
  [
    'a host in our own networks',
    (body) => body.replace('xmpp.montague.example.net', 'inside.example.net'),
    488,
    /inside\.example\.net leads into a private network/,
  ],
  [
    'the address of this machine',
    (body) => body.replace('xmpp.montague.example.net', '127.0.0.1'),
    488,
    /127\.0\.0\.1 leads into a private network/,
  ],
  [
    'a host that is not there',
    (body) => body.replace('xmpp.montague.example.net', 'gone.example.net'),
    488,
    /gone\.example\.net has no address/,
  ],
  ['no description that could be read', () => 'v=1\r\n', 488, /the description: /],
]
for (const [what, change, status, why] of declined)
  test(`an INVITE with ${what} is refused with ${status}, and told why (RFC 3261 §20.43)`, async () => {
    const { here, romeo } = await invited(change(offer))
    const warning = fieldOf(romeo.answer(status), 'Warning') ?? ''
    assert.match(warning, /^3(05|99) thecappulets\.example\.com "[^"]+"$/)
    assert.match(warning, why)
    assert.deepEqual(here.domains.sessions.linesOf(montague), [])
  })

test('one without SDP is 415 and told what is read; one for nobody is 404', async () => {
  const head = romeoInvites()
  const other = await invited('x', [...head.slice(0, -1), 'Content-Type: text/plain'])
  assert.equal(fieldOf(other.romeo.answer(415), 'Accept'), 'application/sdp')
  const nobody = await invited(
    offer,
    romeoInvites().map((line) => line.replaceAll('juliet@', 'nobody@')),
  )
  assert.equal(nobody.romeo.answer(404).status, 404)
})

test('a domain has no more than so many sessions, two people no more than eight: 486', async () => {
  const { here, romeo } = await invited()
  for (let n = 1; n <= settings.sessionsMax; n++)
    romeo.send(
      romeoInvites().map((line) => line.replace('2349098234@', `${n}@`)),
      offer,
    )
  await here.town.settled()
  assert.equal(romeo.responses.filter(({ status }) => status === 486).length, 1)
  assert.equal(here.domains.sessions.linesOf(montague).length, settings.sessionsMax)
})

const refusals: [string, number, string][] = [
  ['488', 488, 'not-acceptable'],
  ['603', 603, 'permission-denied'],
  ['606', 606, 'not-acceptable'],
  ['404', 404, 'target-unknown'],
  ['415', 415, 'content-not-understood'],
  ['486, busy', 486, 'temporarily-unavailable'],
  ['503 of all servers', 503, 'connection-failed'],
]
for (const [what, status, condition] of refusals)
  test(`an INVITE refused with ${what} refuses the messages that wait: ${condition}`, async () => {
    const { here } = await inviting('', status)
    const told = byLink(here)
    await here.town.settled()
    assert.deepEqual(told, [{ kind: 'refused', condition }])
    assert.deepEqual(here.domains.sessions.linesOf(capulet), [])
  })

test('where the operator says so, what is refused as a session goes by XMPP without one; what is refused as such does not', async () => {
  const went: string[] = []
  const link = {
    send: ({ head }: { head: { to: { domain: string } } }, onOutcome: (outcome: Outcome) => void) => {
      went.push(head.to.domain)
      onOutcome(relayed)
    },
  } as unknown as PeerLink
  const { said } = await inviting('', 488, { otherwise: 'xmpp' }, () => link)
  assert.equal(said.outcome?.kind, 'relayed')
  const declined = await inviting('', 603, { otherwise: 'xmpp' }, () => link)
  assert.deepEqual(declined.said.outcome, { kind: 'refused', condition: 'permission-denied' })
  assert.deepEqual(went, [capulet])
})

test('two that are offered at one moment, one by each side, both stand (decision 0121)', async () => {
  const { here, juliet } = await inviting(undefined)
  const invite = [
    'INVITE im:romeo@montague.example.net SIP/2.0',
    ...via('balcony.thecappulets.example.com'),
    'To: <im:romeo@montague.example.net>',
    'From: <im:juliet@thecappulets.example.com>;tag=glare',
    'Call-ID: glare@balcony.thecappulets.example.com',
    'CSeq: 1 INVITE',
    'Contact: <sip:juliet@balcony.thecappulets.example.com>',
    'Content-Type: application/sdp',
  ]
  juliet.send(invite, answer.replace('passive', 'both'))
  await here.town.settled()
  assert.equal(fieldOf(juliet.answer(200), 'Call-ID'), 'glare@balcony.thecappulets.example.com')
  assert.equal(here.domains.sessions.linesOf(capulet).length, 2)
})

test('an answer that refuses the messages (port 0) is acknowledged and ended with BYE, and the message refused (G12)', async () => {
  const { here, juliet, said } = await inviting(answer.replace('m=message 5222', 'm=message 0'))
  assert.deepEqual(said.outcome, { kind: 'refused', condition: 'not-acceptable' })
  assert.equal(juliet.last('ACK').method, 'ACK')
  assert.equal(juliet.last('BYE').method, 'BYE')
  assert.deepEqual(here.carried, [])
})

test('an answer that leads into our own networks is refused the same way', async () => {
  const { here, juliet, said } = await inviting(
    answer.replace('impish.thecapulets.example.com', '169.254.169.254'),
  )
  assert.deepEqual(said.outcome, { kind: 'refused', condition: 'not-acceptable' })
  assert.equal(juliet.last('BYE').method, 'BYE')
  assert.deepEqual([here.opened, here.carried], [[], []])
})

test('nobody answers: the INVITE is given up after its time, the messages that wait are bounded', async () => {
  const { here, again, said } = await inviting(undefined)
  const more = [again(), again(), again()]
  await here.town.settled()
  assert.deepEqual(here.carried, [])
  await here.town.pass(settings.answerSeconds + 2)
  assert.deepEqual(here.domains.sessions.linesOf(capulet), [])
  // They went to the queue of a domain that is away; none is lost, none was refused for good but the one for which there was no room.
  assert.ok([said, ...more].every(({ outcome }) => outcome?.kind !== 'relayed'))
})

test('a stream that is cut ends its session with BYE, and gives back what it did not take; the next message makes another', async () => {
  const { here, juliet } = await inviting(answer)
  here.fate = 'given-back'
  const told = byLink(here)
  await here.town.settled()
  assert.deepEqual(told, [{ kind: 'refused', condition: 'connection-failed' }])
  assert.equal(juliet.last('BYE').method, 'BYE')
  assert.deepEqual(here.domains.sessions.linesOf(capulet), [])
  here.fate = 'taken'
  const again = byLink(here)
  await here.town.settled()
  assert.equal(again[0]?.kind, 'relayed')
  assert.equal(juliet.requests.filter(({ method }) => method === 'INVITE').length, 2)
})
