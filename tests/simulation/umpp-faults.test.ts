// Whatever breaks at whichever step of UMPP's flow of messages (UMPP §4.1): none that was accepted is lost or comes twice, order holds, and senders are told what was
// not delivered. Each leg is cut before and behind each step, for a moment and for longer than a broken stream is kept; either server is killed there,
// or its certificate expires.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Chance } from './random.ts'
import { breach, faults, messagesHold, type Step } from './umpp-breaches.ts'
import { capulet, montague, Towns } from './umpp-towns.ts'

const romeo = `romeo@${montague}`
const juliet = `juliet@${capulet}`

const steps: readonly Step[] = [
  { name: 'INVITE', leg: 'sip', from: montague, pattern: /^INVITE / },
  { name: '100', leg: 'sip', from: capulet, pattern: /^SIP\/2\.0 100 / },
  { name: '200 to INVITE', leg: 'sip', from: capulet, pattern: /^SIP\/2\.0 200 [\s\S]*CSeq: \d+ INVITE/ },
  { name: 'ACK', leg: 'sip', from: montague, pattern: /^ACK / },
  { name: 'the header of the stream', leg: 'xmpp', from: montague, pattern: /<stream:stream/ },
  { name: 'SASL', leg: 'xmpp', from: montague, pattern: /<auth / },
  { name: '<enabled/>', leg: 'xmpp', from: capulet, pattern: /<enabled / },
  { name: 'the first stanza', leg: 'xmpp', from: montague, pattern: /<message / },
  { name: 'its acknowledgement', leg: 'xmpp', from: capulet, pattern: /<a /, acknowledges: true },
  { name: 'the first reply', leg: 'xmpp', from: capulet, pattern: /<message / },
  { name: 'the acknowledgement of that', leg: 'xmpp', from: montague, pattern: /<a /, acknowledges: true },
  { name: 'a stanza in the midst', leg: 'xmpp', from: montague, pattern: /romeo-2/ },
  { name: 'BYE', leg: 'sip', from: montague, pattern: /^BYE / },
  { name: '200 to BYE', leg: 'sip', from: capulet, pattern: /^SIP\/2\.0 \d+ [\s\S]*CSeq: \d+ BYE/ },
]

/** A session is set up, speaks both ways, is ended for silence, and another is set up. */
async function converse(towns: Towns): Promise<void> {
  towns.say(romeo, juliet)
  await towns.pass(5)
  towns.say(juliet, romeo)
  await towns.pass(5)
  towns.say(romeo, juliet)
  await towns.pass(700)
  towns.say(romeo, juliet)
  await towns.pass(5)
}

for (const step of steps)
  for (const fault of faults)
    for (const isBehind of [false, true])
      test(`${fault.name} ${isBehind ? 'behind' : 'before'} ${step.name}: nothing accepted is lost or doubled`, async () => {
        const towns = await Towns.open({ chance: new Chance(7) })
        towns.slowNames = step.name === '100'
        const { wasDone, invites } = breach(towns, step, isBehind, fault)
        await converse(towns)
        await towns.pass(1200)
        assert.ok(wasDone(), 'the step never came')
        assert.ok(invites() < 40, `a storm: ${invites()} INVITEs`)
        const mayDouble = step.acknowledges === true && fault.kills === step.from && !isBehind
        await messagesHold(towns, [romeo, juliet], mayDouble)
      })
