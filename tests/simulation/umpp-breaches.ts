// What may befall two domains of UMPP, and when: at a step of a flow, before or behind what crosses then.
import assert from 'node:assert/strict'
import { type Leg, legs } from './umpp-legs.ts'
import { capulet, type DomainName, montague, type Sent, type Towns } from './umpp-towns.ts'

/** Something that crosses between the two. */
export interface Step {
  readonly name: string
  readonly leg: Leg
  readonly from: DomainName
  readonly pattern: RegExp
  /** Which of those that match, from 1; left out, the first. */
  readonly nth?: number
  /** It says that a message was taken: who is killed before it leaves has that message twice (decision 0088). */
  readonly acknowledges?: boolean
}

export interface Fault {
  readonly name: string
  readonly befalls: (towns: Towns) => void
  /** Seconds after which all is well again; 0: at once. */
  readonly seconds: number
  readonly mends: (towns: Towns) => Promise<void>
  readonly kills?: DomainName
  /** Whose certificate is not believed. */
  readonly doubts?: DomainName
}

export function down(name: string, which: readonly Leg[], seconds: number): Fault {
  return {
    name,
    seconds,
    befalls: ({ legs: network }) => {
      for (const leg of which) network.up[leg] = false
      for (const leg of which) network.cut(leg)
    },
    mends: async ({ legs: network }) => {
      for (const leg of which) network.up[leg] = true
    },
  }
}

export function killed(name: string, domain: DomainName): Fault {
  return {
    name,
    seconds: 20,
    kills: domain,
    befalls: (towns) => towns.kill(domain),
    mends: (towns) => towns.serve(domain),
  }
}

/** The certificate of a domain expires on a leg, whose connections have to be made anew, and is renewed five minutes later. */
export function expired(domain: DomainName, leg: Leg): Fault {
  return {
    name: `the certificate of ${domain} for ${leg} expires`,
    seconds: 300,
    doubts: domain,
    befalls: (towns) => {
      towns.expire(domain, leg, true)
      towns.legs.cut(leg)
    },
    mends: async (towns) => towns.expire(domain, leg, false),
  }
}

export const faults: readonly Fault[] = [
  down('SIP is cut', ['sip'], 0),
  down('XMPP is cut', ['xmpp'], 0),
  down('SIP is away for five minutes', ['sip'], 300),
  down('XMPP is away for five minutes', ['xmpp'], 300),
  down('both are away for five minutes', legs, 300),
  killed('the server that began is killed', montague),
  killed('the other server is killed', capulet),
  ...legs.flatMap((leg) => [expired(montague, leg), expired(capulet, leg)]),
]

/** Has the fault befall them at the step, once. */
export function breach(towns: Towns, { leg, from, pattern, nth = 1 }: Step, isBehind: boolean, fault: Fault) {
  let left = nth
  let invites = 0
  const befall = (): void => {
    fault.befalls(towns)
    const mend = (): unknown => towns.errands.push(fault.mends(towns))
    if (fault.seconds === 0) mend()
    else towns.clock.schedule(fault.seconds * 1000, mend)
  }
  towns.legs.look = (on, by, said) => {
    if (said.startsWith('INVITE ')) invites++
    if (left === 0 || on !== leg || by !== from || !pattern.test(said) || --left > 0) return 'pass'
    if (!isBehind) {
      befall()
      return 'cut-before'
    }
    queueMicrotask(befall)
    return fault.seconds === 0 ? 'cut-behind' : 'pass'
  }
  return { wasDone: () => left === 0, invites: () => invites }
}

/** Nothing accepted is lost, and what did not arrive was told; order holds. `mayDouble`: a server was killed, and what it had taken, or handed on, of one stream comes twice. */
export async function messagesHold(
  towns: Towns,
  people: readonly string[],
  mayDouble: boolean,
): Promise<void> {
  towns.listen()
  for (const to of people) {
    const all = await towns.arrived(to)
    const came = [...new Set(all)]
    assert.ok(all.length === came.length || mayDouble, `something came twice to ${to}: ${all}`)
    for (const from of people) {
      const own = towns.sent.filter((one) => one.to === to && one.from === from)
      const ids = own.map(({ id }) => id)
      const expected = ids.filter((id) => came.includes(id))
      assert.deepEqual(
        came.filter((id) => ids.includes(id)),
        expected,
        `from ${from} to ${to} out of order`,
      )
      for (const sent of own) accountedFor(sent, came, towns.failed, mayDouble)
    }
  }
}

/** A sender's server that was killed does not know what it had handed on: a refusal when it offers that again is told though it came (decision 0088). */
function accountedFor(
  { id, outcome }: Sent,
  came: readonly string[],
  failed: ReadonlySet<string>,
  wasKilled: boolean,
): void {
  if (outcome === undefined || (wasKilled && outcome.kind === 'stored' && came.includes(id))) return
  const isTold = outcome.kind === 'refused' || failed.has(id)
  const what = `${came.includes(id) ? 'came' : 'did not come'}, ${failed.has(id) ? 'told' : 'not told'}`
  assert.ok(came.includes(id) !== isTold, `${id}: ${JSON.stringify(outcome)}, ${what}`)
}
