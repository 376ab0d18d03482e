// What an operator of UMPP sees and sets: metrics, sessions of a domain, bounds; and domains that no record names.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Outcome } from '#model'
import { openMetricsText } from '#observe'
import { fieldOf } from '../../src/protocols/sip/testing/phone.ts'
import {
  acknowledge,
  answer,
  byLink,
  capulet,
  type Hand,
  type House,
  invited,
  inviting,
  montague,
  offer,
  romeoInvites,
  say,
  via,
} from './umpp-house.ts'

/** The values of this protocol's metrics that are not zero. */
function counted({ side }: House): string[] {
  const text = openMetricsText(side.service.metrics)
  return text
    .split('\n')
    .filter((line) => line.startsWith('verona_umpp_') && !/ 0$/.test(line))
    .sort()
}

const written = (to: string): string =>
  `<message xmlns='jabber:client' to='${to}' id='m2'><body>x</body></message>`

/** Romeo's server hangs up. */
function hangsUp(romeo: Hand, tag: string): void {
  romeo.send([
    'BYE sip:juliet@balcony.thecappulets.example.com SIP/2.0',
    ...via('orchard.montague.example.net'),
    `To: Juliet <im:juliet@thecappulets.example.com>;tag=${tag}`,
    'From: Romeo <im:romeo@montague.example.net>;tag=29923923',
    'Call-ID: 2349098234@orchard.montague.example.net',
    'CSeq: 13993 BYE',
  ])
}

test('sessions, set-ups and messages are counted, and no longer as open when they are over', async () => {
  const { here, said } = await inviting(answer)
  assert.equal(said.outcome?.kind, 'relayed')
  assert.deepEqual(counted(here), [
    'verona_umpp_messages_sent_total 1',
    'verona_umpp_sessions 1',
    'verona_umpp_set_ups_total{offered_by="us"} 1',
  ])
  await here.town.pass(620)
  assert.deepEqual(counted(here), [
    'verona_umpp_messages_sent_total 1',
    'verona_umpp_sessions_ended_total{why="idle"} 1',
    'verona_umpp_set_ups_total{offered_by="us"} 1',
  ])
})

test('what waits for a session is counted, and a refusal with who refused and its status', async () => {
  const { here, juliet } = await inviting(undefined)
  assert.deepEqual(counted(here), ['verona_umpp_messages_waiting 1', 'verona_umpp_sessions 1'])
  juliet.respond(juliet.last('INVITE'), { status: 488, toTag: 'no' })
  await here.town.settled()
  assert.deepEqual(counted(here), ['verona_umpp_refusals_total{refused_by="them",status="488"} 1'])
  const declined = await invited(offer.replace('xmpp/tcp chat', 'xmpp/tcp groupchat'))
  assert.deepEqual(counted(declined.here), ['verona_umpp_refusals_total{refused_by="us",status="488"} 1'])
})

test('why another domain refused is shown in its words (RFC 3261 §20.43)', async () => {
  const { here, juliet } = await inviting(undefined)
  const headers = [
    ['Warning', '399 thecappulets.example.com "xmpp.montague.example.net has \\"no\\" address"'],
  ] as const
  juliet.respond(juliet.last('INVITE'), { status: 488, toTag: 'no', headers })
  await here.town.settled()
  const [shown] = here.domains.status()
  assert.match(shown?.lastError ?? '', /488 .*: xmpp\.montague\.example\.net has "no" address$/)
})

test('groupchat is known and refused by its name (U9, RFC 3261 §20.43)', async () => {
  const { romeo } = await invited(offer.replace('xmpp/tcp chat', 'xmpp/tcp groupchat'))
  assert.match(fieldOf(romeo.answer(488), 'Warning') ?? '', /^305 thecappulets\.example\.com "/)
})

test('a domain is shown with its sessions and what waits in them, and afterwards with why the last one failed', async () => {
  const { here, juliet } = await inviting(answer)
  here.fate = 'held'
  byLink(here)
  const shown = () => here.domains.status().find(({ domain }) => domain === capulet)
  assert.equal(shown()?.state, 'connected')
  assert.match(
    shown()?.connections.join() ?? '',
    /^session romeo@montague\.example\.net\/orchard with juliet@thecappulets\.example\.com\/balcony, up, \d+ s, 1 under way$/,
  )
  here.held[0]?.('given-back')
  await here.town.settled()
  juliet.answers = () => ({ status: 606, toTag: 'no' })
  byLink(here)
  await here.town.settled()
  assert.equal(shown()?.state, 'idle')
  assert.match(shown()?.lastError ?? '', /606 /)
})

test('past its number of sessions a person has the one ended that was silent longest, and never one with messages under way', async () => {
  const { here, juliet } = await inviting(answer, 200, { sessionsOfPersonMax: 1 })
  // A session of somebody else, who is there by another address.
  const first = fieldOf(juliet.last('INVITE'), 'Call-ID')
  const other = say(here, written(`nurse@${capulet}`), `romeo@${montague}/orchard`)
  await here.town.settled()
  assert.equal(other.outcome?.kind, 'relayed')
  assert.equal(fieldOf(juliet.last('BYE'), 'Call-ID'), first)
  assert.equal(here.domains.sessions.linesOf(capulet).length, 1)
  here.fate = 'held'
  say(here, written(`nurse@${capulet}`), `romeo@${montague}/orchard`)
  await here.town.settled()
  const refused: Outcome[] = byLink(here)
  assert.deepEqual(refused, [{ kind: 'refused', condition: 'resource-limit' }])
})

/** Juliet's server is ours, and no record names Romeo's domain. */
async function unnamed() {
  const { here, romeo } = await invited()
  for (const name of Object.keys(here.town.srv)) if (name.endsWith(montague)) delete here.town.srv[name]
  return { here, romeo }
}

test('a domain that no record names is answered by the session that it opened, whoever asks first', async () => {
  const { here, romeo } = await unnamed()
  const tag = acknowledge(romeo)
  await here.town.settled()
  const said = say(here, written(`romeo@${montague}`), `juliet@${capulet}/balcony`)
  await here.town.settled()
  assert.equal(said.outcome?.kind, 'relayed')
  assert.match(here.carried[0] ?? '', /to='romeo@montague\.example\.net\/orchard'/)
  // Nobody else there can be offered a session.
  const other = say(here, written(`mercutio@${montague}`), `juliet@${capulet}/balcony`)
  await here.town.settled()
  assert.notEqual(other.outcome?.kind, 'relayed')
  assert.equal(romeo.requests.filter(({ method }) => method === 'INVITE').length, 0)
  hangsUp(romeo, tag)
  await here.town.settled()
  const late = say(here, written(`benvolio@${montague}`), `juliet@${capulet}/balcony`)
  await here.town.settled()
  assert.notEqual(late.outcome?.kind, 'relayed')
})

test('it is so though somebody had written there before, and found no way', async () => {
  const { here, romeo } = await invited('')
  for (const name of Object.keys(here.town.srv)) if (name.endsWith(montague)) delete here.town.srv[name]
  const early = say(here, written(`romeo@${montague}`), `juliet@${capulet}/balcony`)
  await here.town.settled()
  assert.deepEqual(early.outcome, { kind: 'refused', condition: 'domain-unknown' })
  romeo.send(
    romeoInvites().map((line) => line.replace('2349098234@', 'later@')),
    offer,
  )
  await here.town.settled()
  const ok = romeo.responses.findLast(({ status }) => status === 200)
  assert.ok(ok !== undefined)
  const tag = /;tag=(.+)$/.exec(fieldOf(ok, 'To') ?? '')?.[1] ?? ''
  romeo.send([
    'ACK sip:juliet@balcony.thecappulets.example.com SIP/2.0',
    ...via('orchard.montague.example.net'),
    `To: Juliet <im:juliet@thecappulets.example.com>;tag=${tag}`,
    'From: Romeo <im:romeo@montague.example.net>;tag=29923923',
    'Call-ID: later@orchard.montague.example.net',
    'CSeq: 13992 ACK',
  ])
  await here.town.settled()
  const said = say(here, written(`romeo@${montague}`), `juliet@${capulet}/balcony`)
  await here.town.settled()
  assert.equal(said.outcome?.kind, 'relayed')
})
