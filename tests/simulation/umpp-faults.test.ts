// Whatever breaks at whichever step of UMPP's flows (UMPP §4.1, §4.2): no message that was accepted is lost or comes twice, order holds, and senders are told what
// was not delivered. Each leg is cut before and behind each step, for a moment and for longer than a broken stream is kept; either server is killed there.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Chance } from './random.ts'
import { type Leg, legs } from './umpp-legs.ts'
import { capulet, type DomainName, montague, type Sent, Towns } from './umpp-towns.ts'

const romeo = `romeo@${montague}`
const juliet = `juliet@${capulet}`

interface Step {
  readonly name: string
  readonly leg: Leg
  readonly from: DomainName
  readonly pattern: RegExp
  /** It says that a message was taken: who is killed before it leaves has that message twice (decision 0088). */
  readonly acknowledges?: boolean
}

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

interface Fault {
  readonly name: string
  readonly befalls: (towns: Towns, leg: Leg) => void
  /** Seconds after which all is well again. */
  readonly seconds: number
  readonly mends: (towns: Towns) => Promise<void>
  readonly kills?: DomainName
}

const down = (name: string, which: readonly Leg[], seconds: number): Fault => ({
  name,
  seconds,
  befalls: ({ legs: network }) => {
    for (const leg of which) network.up[leg] = false
    for (const leg of which) network.cut(leg)
  },
  mends: async ({ legs: network }) => {
    for (const leg of which) network.up[leg] = true
  },
})

const killed = (name: string, domain: DomainName): Fault => ({
  name,
  seconds: 20,
  kills: domain,
  befalls: (towns) => towns.kill(domain),
  mends: (towns) => towns.serve(domain),
})

const faults: readonly Fault[] = [
  down('SIP is cut', ['sip'], 0),
  down('XMPP is cut', ['xmpp'], 0),
  down('SIP is away for five minutes', ['sip'], 300),
  down('XMPP is away for five minutes', ['xmpp'], 300),
  down('both are away for five minutes', legs, 300),
  killed("the sender's server is killed", montague),
  killed("the recipient's server is killed", capulet),
]

/** Breaks at the step, once. */
function breaking(towns: Towns, { leg, from, pattern }: Step, behind: boolean, fault: Fault) {
  let done = false
  towns.legs.look = (on, by, said) => {
    if (done || on !== leg || by !== from || !pattern.test(said)) return 'pass'
    done = true
    if (fault.seconds === 0) {
      queueMicrotask(() => {
        fault.befalls(towns, leg)
        towns.errands.push(fault.mends(towns))
      })
      return behind ? 'cut-behind' : 'cut-before'
    }
    const befall = (): void => {
      fault.befalls(towns, leg)
      towns.clock.schedule(fault.seconds * 1000, () => {
        towns.errands.push(fault.mends(towns))
      })
    }
    if (!behind) befall()
    else queueMicrotask(befall)
    return behind ? 'pass' : 'cut-before'
  }
  return { wasDone: () => done }
}

async function converse(towns: Towns): Promise<void> {
  towns.say(romeo, juliet)
  await towns.pass(5)
  if (towns.lives.has(capulet)) towns.say(juliet, romeo)
  await towns.pass(5)
  if (towns.lives.has(montague)) towns.say(romeo, juliet)
  await towns.pass(700)
  towns.say(romeo, juliet)
  await towns.pass(5)
}

async function holds(towns: Towns, mayDouble: boolean): Promise<void> {
  towns.listen()
  for (const to of [romeo, juliet]) {
    const all = await towns.arrived(to)
    const came = all.filter((id, at) => id !== all[at - 1])
    const doubled = all.length - new Set(all).size
    assert.ok(doubled === 0 || (mayDouble && doubled === 1), `something came twice: ${all}`)
    const own = towns.sent.filter((one) => one.to === to)
    const expected = own.filter(({ id }) => came.includes(id)).map(({ id }) => id)
    assert.deepEqual(came, expected, 'out of order')
    for (const sent of own) accountedFor(sent, came, towns.failed)
  }
}

function accountedFor({ id, outcome }: Sent, came: readonly string[], failed: ReadonlySet<string>): void {
  if (outcome === undefined) return
  const isTold = outcome.kind === 'refused' || failed.has(id)
  assert.ok(
    came.includes(id) !== isTold,
    `${id}: ${JSON.stringify(outcome)}, ${came.includes(id) ? 'came' : 'did not come'}, ${failed.has(id) ? 'told' : 'not told'}`,
  )
}

for (const step of steps)
  for (const fault of faults)
    for (const behind of [false, true])
      test(`${fault.name} ${behind ? 'behind' : 'before'} ${step.name}: nothing accepted is lost or doubled`, async () => {
        const towns = await Towns.open({ chance: new Chance(7) })
        towns.slowNames = step.name === '100'
        const breach = breaking(towns, step, behind, fault)
        await converse(towns)
        await towns.pass(1200)
        assert.ok(breach.wasDone(), 'the step never came')
        await holds(towns, step.acknowledges === true && fault.kills === step.from && !behind)
      })
