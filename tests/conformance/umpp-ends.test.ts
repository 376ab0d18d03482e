// The end of sessions of UMPP (U31, decision 0126): what is under way then, what comes late, and who may begin one at all.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAddress } from '#model'
import { parseJid } from '../../src/protocols/xmpp/codec/jid.ts'
import {
  acknowledge,
  answer,
  byLink,
  capulet,
  type House,
  invited,
  inviting,
  montague,
  offer,
  settings,
  via,
} from './umpp-house.ts'

const count = ({ domains }: House, domain: string): number => domains.sessions.linesOf(domain).length

test('a session is not ended by silence while a message of it is under way, but afterwards', async () => {
  const { here, juliet } = await inviting(answer)
  here.fate = 'held'
  const told = byLink(here)
  await here.town.pass(2 * settings.idleSeconds + 10)
  assert.equal(count(here, capulet), 1)
  assert.equal(juliet.requests.filter(({ method }) => method === 'BYE').length, 0)
  here.held[0]?.('taken')
  assert.deepEqual(told, [{ kind: 'relayed' }])
  await here.town.pass(settings.idleSeconds - 10)
  assert.equal(count(here, capulet), 1)
  await here.town.pass(20)
  assert.equal(count(here, capulet), 0)
  assert.equal(juliet.last('BYE').method, 'BYE')
})

test('a BYE of theirs leaves what is under way to its stream: given back later, it goes by a new session', async () => {
  const { here, juliet } = await inviting(answer)
  here.fate = 'held'
  const told = byLink(here)
  const invite = juliet.last('INVITE')
  const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'mi').exec(invite.head)?.[1] ?? ''
  juliet.send([
    'BYE sip:romeo@orchard.montague.example.net SIP/2.0',
    ...via('balcony.thecappulets.example.com'),
    `From: ${field('To')};tag=939231235`,
    `To: ${field('From')}`,
    `Call-ID: ${field('Call-ID')}`,
    'CSeq: 33903 BYE',
  ])
  await here.town.settled()
  assert.equal(count(here, capulet), 0)
  assert.deepEqual(told, [])
  here.held[0]?.('given-back')
  assert.deepEqual(told, [{ kind: 'refused', condition: 'connection-failed' }])
  here.fate = 'taken'
  assert.deepEqual(byLink(here), [])
  await here.town.settled()
  assert.equal(juliet.requests.filter(({ method }) => method === 'INVITE').length, 2)
})

test('what comes behind the BYE, by the other connection, is still of its session; after half a minute it is not', async () => {
  const { here, romeo } = await invited()
  const tag = acknowledge(romeo)
  await here.town.settled()
  const jidOf = (written: string) => parseJid(written) ?? assert.fail(written)
  const ours = /a=jid:(\S+)/.exec(Buffer.from(romeo.answer(200).raw).toString())?.[1] ?? ''
  const asked = () =>
    here.domains.sessions.targetOf(jidOf('romeo@montague.example.net/orchard'), jidOf(ours)) !== undefined
  assert.ok(asked())
  romeo.send([
    'BYE sip:juliet@balcony.thecappulets.example.com SIP/2.0',
    ...via('orchard.montague.example.net'),
    `To: Juliet <im:juliet@thecappulets.example.com>;tag=${tag}`,
    'From: Romeo <im:romeo@montague.example.net>;tag=29923923',
    'Call-ID: 2349098234@orchard.montague.example.net',
    'CSeq: 13993 BYE',
  ])
  await here.town.settled()
  assert.equal(count(here, montague), 0)
  assert.ok(asked())
  await here.town.pass(40)
  assert.ok(!asked())
})

test('an INVITE of somebody whom its target blocks is refused with 403, as their messages would be (RFC 2779 5.4.10)', async () => {
  const { here, romeo } = await invited('')
  const { contacts } = here.side.service
  const juliet = parseAddress(`juliet@${capulet}`) ?? assert.fail()
  const rule = { subject: `romeo@${montague}`, action: 'block', visibility: 'full' } as const
  await new Promise((resolve) => contacts.setRule(juliet, rule, resolve))
  romeo.send(
    [
      `INVITE im:juliet@${capulet} SIP/2.0`,
      ...via('orchard.montague.example.net'),
      `To: Juliet <im:juliet@${capulet}>`,
      `From: Romeo <im:romeo@${montague}>;tag=29923923`,
      'Call-ID: blocked@orchard.montague.example.net',
      'CSeq: 13992 INVITE',
      'Contact: <sip:romeo@orchard.montague.example.net>',
      'Content-Type: application/sdp',
    ],
    offer,
  )
  await here.town.settled()
  assert.equal(romeo.answer(403).status, 403)
  assert.equal(count(here, montague), 0)
})
