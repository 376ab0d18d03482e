// The flows of UMPP §4, Montague and Capulet: as the draft prints them, slips included, taken; and as we write them, line by line. Only what the draft
// leaves out on purpose is added: Via, Max-Forwards, Content-Length (UMPP §4). SIP is the real one over pairs of connections; the
// XMPP side is that of sessions with a stream that remembers what it carried.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { text } from '#base'
import { bodyOf } from '../../src/protocols/sip/codec/message.ts'
import { fieldOf } from '../../src/protocols/sip/testing/phone.ts'
import { parseJid } from '../../src/protocols/xmpp/codec/jid.ts'
import {
  acknowledge,
  answer,
  capulet,
  invited,
  inviting,
  montague,
  say,
  settings,
  startLine,
  via,
} from './umpp-house.ts'

test('the printed INVITE is answered 200: tags, Call-ID and CSeq copied, a SIP Contact, our JID, the audio refused (U32 to U71)', async () => {
  const { romeo } = await invited()
  const ok = romeo.answer(200)
  assert.match(fieldOf(ok, 'To') ?? '', /^Juliet <im:juliet@thecappulets\.example\.com>;tag=.+/)
  assert.equal(fieldOf(ok, 'From'), 'Romeo <im:romeo@montague.example.net>;tag=29923923')
  assert.equal(fieldOf(ok, 'Call-ID'), '2349098234@orchard.montague.example.net')
  assert.equal(fieldOf(ok, 'CSeq'), '13992 INVITE')
  assert.match(fieldOf(ok, 'Contact') ?? '', /^<sip:/)
  assert.equal(fieldOf(ok, 'Content-Type'), 'application/sdp')
  const body = text(bodyOf(ok))
  assert.equal(fieldOf(ok, 'Content-Length'), String(Buffer.byteLength(body)))
  const expected = [
    /^v=0$/,
    /^o=juliet \d+ \d+ IN IP4 impish\.thecapulets\.example\.com$/,
    /^s=-$/,
    /^c=IN IP4 impish\.thecapulets\.example\.com$/,
    /^t=0 0$/,
    /^m=audio 0 RTP\/AVP 0$/,
    /^a=rtpmap:0 PCMU\/8000$/,
    /^m=message 5269 xmpp\/tcp chat$/,
    /^c=IN IP4 impish\.thecapulets\.example\.com$/,
    /^a=direction:passive$/,
    /^a=jid:juliet@thecappulets\.example\.com\/.+$/,
  ]
  const written = body.trimEnd().split('\r\n')
  assert.equal(written.length, expected.length, body)
  for (const [at, line] of written.entries()) assert.match(line, expected[at] as RegExp)
})

test('after the ACK our messages go with both full JIDs, type chat and the offered thread; BYE goes to their Contact (U72 to U84)', async () => {
  const { here, romeo } = await invited()
  const said = say(
    here,
    `<message xmlns='jabber:client' to='romeo@${montague}'><body>What man art thou?</body></message>`,
    `juliet@${capulet}/balcony`,
  )
  await here.town.settled()
  assert.deepEqual(here.carried, [], 'before the ACK it waits')
  const tag = acknowledge(romeo)
  await here.town.settled()
  assert.equal(said.outcome?.kind, 'relayed')
  const jid = /a=jid:(\S+)/.exec(text(bodyOf(romeo.answer(200))))?.[1]
  const [stanza = ''] = here.carried
  assert.ok(stanza.includes(` from='${jid}' to='romeo@${montague}/orchard' type='chat'`), stanza)
  assert.ok(stanza.includes('<body>What man art thou?</body><thread>283461923759234</thread>'), stanza)
  // Romeo's side opens: we are passive.
  assert.deepEqual(here.opened, [])
  here.town.clock.advance(settings.idleSeconds * 1000 + 1)
  await here.town.settled()
  const bye = romeo.last('BYE')
  assert.equal(startLine(bye), 'BYE sip:romeo@orchard.montague.example.net SIP/2.0')
  assert.equal(fieldOf(bye, 'From'), `Juliet <im:juliet@thecappulets.example.com>;tag=${tag}`)
  assert.equal(fieldOf(bye, 'To'), 'Romeo <im:romeo@montague.example.net>;tag=29923923')
  assert.equal(fieldOf(bye, 'Call-ID'), '2349098234@orchard.montague.example.net')
  assert.match(fieldOf(bye, 'CSeq') ?? '', /^\d+ BYE$/)
  assert.deepEqual(here.domains.sessions.linesOf(montague), [])
})

test('their stanza for the JID of our answer is of the session; one of somebody else is not (U75)', async () => {
  const { here, romeo } = await invited()
  acknowledge(romeo)
  await here.town.settled()
  const ours = parseJid(/a=jid:(\S+)/.exec(text(bodyOf(romeo.answer(200))))?.[1] ?? '')
  const theirs = parseJid(`romeo@${montague}/orchard`)
  const other = parseJid(`mercutio@${montague}/orchard`)
  assert.ok(ours !== undefined && theirs !== undefined && other !== undefined)
  assert.deepEqual(here.streams.targetOf(theirs, ours, 'chat'), {
    device: '',
    places: [{ host: '192.0.2.10', port: 5222, direct: false }],
  })
  assert.equal(here.streams.targetOf(other, ours, 'chat'), undefined)
})

test('their BYE is answered 200 with the tags of the dialog, and is the end (U79 to U84, G5)', async () => {
  const { here, romeo } = await invited()
  const tag = acknowledge(romeo)
  await here.town.settled()
  romeo.send([
    'BYE sip:juliet@balcony.thecappulets.example.com SIP/2.0',
    ...via('orchard.montague.example.net'),
    'From: Romeo <im:romeo@montague.example.net>;tag=29923923',
    `To: Juliet <im:juliet@thecappulets.example.com>;tag=${tag}`,
    'Call-ID: 2349098234@orchard.montague.example.net',
    'CSeq: 33903 BYE',
  ])
  await here.town.settled()
  const ok = romeo.answer(200)
  assert.equal(fieldOf(ok, 'CSeq'), '33903 BYE')
  assert.equal(fieldOf(ok, 'From'), 'Romeo <im:romeo@montague.example.net>;tag=29923923')
  assert.equal(fieldOf(ok, 'To'), `Juliet <im:juliet@thecappulets.example.com>;tag=${tag}`)
  assert.deepEqual(here.domains.sessions.linesOf(montague), [])
})

test('our INVITE is the printed one, corrected; the printed answer is acknowledged at its Contact, and the messages go (U28 to U52, U72 to U78)', async () => {
  const { here, juliet, said } = await inviting(answer)
  const invite = juliet.last('INVITE')
  assert.equal(startLine(invite), 'INVITE im:juliet@thecappulets.example.com SIP/2.0')
  assert.equal(fieldOf(invite, 'To'), '<im:juliet@thecappulets.example.com>')
  assert.match(fieldOf(invite, 'From') ?? '', /^<im:romeo@montague\.example\.net>;tag=.+$/)
  assert.match(fieldOf(invite, 'CSeq') ?? '', /^\d+ INVITE$/)
  assert.match(fieldOf(invite, 'Contact') ?? '', /^<sip:.+>$/)
  assert.match(fieldOf(invite, 'Via') ?? '', /branch=z9hG4bK/)
  assert.equal(fieldOf(invite, 'Max-Forwards'), '70')
  assert.equal(fieldOf(invite, 'Content-Type'), 'application/sdp')
  const body = text(bodyOf(invite))
  assert.equal(fieldOf(invite, 'Content-Length'), String(Buffer.byteLength(body)))
  assert.match(
    body,
    /^v=0\r\no=romeo (\d+) \1 IN IP4 xmpp\.montague\.example\.net\r\ns=-\r\nc=IN IP4 xmpp\.montague\.example\.net\r\nt=0 0\r\nm=message 5269 xmpp\/tcp chat\r\nc=IN IP4 xmpp\.montague\.example\.net\r\na=direction:both\r\na=jid:romeo@montague\.example\.net\/orchard\r\na=thread:283461923759234\r\n$/,
  )
  const ack = juliet.last('ACK')
  assert.equal(startLine(ack), 'ACK sip:juliet@balcony.thecappulets.example.com SIP/2.0')
  assert.equal(fieldOf(ack, 'To'), '<im:juliet@thecappulets.example.com>;tag=939231235')
  assert.equal(fieldOf(ack, 'From'), fieldOf(invite, 'From'))
  assert.equal(fieldOf(ack, 'Call-ID'), fieldOf(invite, 'Call-ID'))
  assert.equal(fieldOf(ack, 'CSeq'), (fieldOf(invite, 'CSeq') ?? '').replace('INVITE', 'ACK'))
  // G2, G13: to where the answer says, by the offerer, since the answerer is passive.
  assert.deepEqual(here.opened, [`${montague} ${capulet} 192.0.2.20:5222`])
  assert.equal(said.outcome?.kind, 'relayed')
  assert.match(
    here.carried[0] ?? '',
    /^<message from='romeo@montague\.example\.net\/orchard' to='juliet@thecappulets\.example\.com\/balcony' type='chat'[^>]*><body>O<\/body><thread>283461923759234<\/thread><\/message>$/,
  )
})
