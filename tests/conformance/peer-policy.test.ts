// What an operator says of another domain means the same by every protocol, in both directions: each row of the policy is set in the
// configuration of one of two servers, which then exchange a message and presence each way, by each protocol.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { utf8 } from '#base'
import type { FetchOutcome } from '#core'
import type { Envelope } from '#model'
import { protocol as xmpp } from '#protocols/xmpp'
import { Device } from '../../src/core/testing/devices.ts'
import { at, message, presence } from '../../src/core/testing/envelopes.ts'
import type { House } from '../transcripts/house.ts'
import type { Resident } from '../transcripts/script.ts'
import { Town } from '../transcripts/town.ts'

const [montague, capulet] = ['montague.example', 'capulet.example']
const [romeo, juliet] = ['romeo@montague.example', 'juliet@capulet.example']

/** Whether by it presence is asked for between domains. */
const protocols = { xmpp: true, sip: true, impp: true, prim: true, apex: true, umpp: true } as const
type Name = keyof typeof protocols

const responds: ReadonlySet<Name> = new Set(['impp', 'prim', 'apex'])

interface Crossing {
  readonly message: boolean
  readonly presence: boolean
}

const all: Crossing = { message: true, presence: true }
const none: Crossing = { message: false, presence: false }

interface Row {
  readonly policy: string
  /** TOML of montague.example. */
  readonly settings: (own: Name) => string
  /** What montague.example sends and asks, and what is sent and asked of it. */
  readonly to: Crossing
  readonly from: Crossing
  /** Where the answer to a question is the word of the domain itself, a response or of its service, not of a person there. */
  readonly toWithResponses?: Crossing
  /** Whose certificate capulet.example shows. */
  readonly certificate?: string
}

const table = (...lines: readonly string[]): string =>
  ['[[peer]]', `domain = "${capulet}"`, ...lines].join('\n')
const other = (own: Name): Name => (own === 'impp' ? 'prim' : 'impp')

const rows: readonly Row[] = [
  { policy: 'open', settings: () => '[peers]\npolicy = "open"', to: all, from: all },
  {
    policy: 'listed, and not in the list',
    settings: () => '[peers]\npolicy = "listed"',
    to: none,
    from: none,
  },
  {
    policy: 'listed, and in the list',
    settings: () => `[peers]\npolicy = "listed"\n${table()}`,
    to: all,
    from: all,
  },
  {
    policy: 'closed, though it is in the list',
    settings: () => `[peers]\npolicy = "closed"\n${table()}`,
    to: none,
    from: none,
  },
  { policy: 'not allowed', settings: () => table('allowed = false'), to: none, from: none },
  { policy: 'by this protocol', settings: (own) => table(`protocol = "${own}"`), to: all, from: all },
  {
    policy: 'by another protocol',
    settings: (own) => table(`protocol = "${other(own)}"`),
    to: none,
    from: none,
  },
  {
    policy: 'without messages',
    settings: () => table('messages = false'),
    to: { message: false, presence: true },
    from: { message: false, presence: true },
  },
  {
    policy: 'without presence',
    settings: () => table('presence = false'),
    to: { message: true, presence: false },
    from: { message: true, presence: false },
  },
  {
    policy: 'the names of its people are not trusted',
    settings: () => table('trusted = false'),
    to: { message: true, presence: false },
    // The domain itself was asked, and answers on the connection on which it has proven itself.
    toWithResponses: all,
    from: none,
  },
  {
    policy: 'its certificate names another',
    settings: () => '[peers]\ntls = "verified"',
    certificate: 'mantua.example',
    to: none,
    from: none,
  },
  {
    policy: 'its certificate names another, as was said',
    settings: () => table('identity = "mantua.example"'),
    certificate: 'mantua.example',
    to: all,
    from: all,
  },
]

class Stage {
  readonly town: Town
  readonly romeo = new Device(romeo)
  readonly juliet = new Device(juliet)

  constructor(by: Name, { settings, certificate }: Row) {
    const resident = (domain: string, shows: string): Resident => ({
      domain,
      also: [],
      announced: [by],
      certificate: shows,
      trusted: true,
      at: undefined,
      elsewhere: false,
    })
    const nobody = { ...resident('mantua.example', 'mantua.example'), announced: [], elsewhere: true }
    this.town = new Town({
      residents: [nobody, resident(montague, montague), resident(capulet, certificate ?? capulet)],
      settings: '',
      settingsOf: new Map([[montague, settings(by)]]),
      durable: false,
      prepare: () => {},
    })
  }

  async start(): Promise<void> {
    await this.town.start()
    for (const [domain, person, device] of [
      [montague, romeo, this.romeo],
      [capulet, juliet, this.juliet],
    ] as const) {
      const { service } = this.town.house(domain).server
      await service.accounts.add([{ address: at(person), password: 'secret' }])
      const account = await new Promise<Parameters<typeof service.messages.ready>[0]>((resolve, reject) =>
        service.messages.attach(device, (attached) =>
          'kind' in attached ? reject(new Error(attached.condition)) : resolve(attached),
        ),
      )
      service.messages.ready(account)
      const published = { presentity: at(person), by: at(person), tuple: 'device', seconds: 3600 }
      service.presence.publish({ ...published, source: presence(person, `here is ${person}`) }, () => {})
      const friend = at(person === romeo ? juliet : romeo)
      await new Promise((resolve) => service.contacts.approve(at(person), friend, undefined, resolve))
    }
  }

  /** Whether it arrives, and the question is answered. */
  async cross(from: House, by: Name, sender: string, recipient: string, device: Device): Promise<Crossing> {
    const { service } = from.server
    // Reports of what was sent the other way come too.
    const messages = (): number =>
      device.received.filter(({ envelope }) => envelope.head.kind === 'message').length
    const before = messages()
    service.messages.send(
      message({ from: sender, to: recipient, id: `to ${recipient}`, text: 'O' }),
      () => {},
    )
    const isThere = (): boolean => messages() > before
    let fetched: FetchOutcome | undefined
    if (protocols[by])
      service.presence.fetch(at(sender), at(recipient), (outcome) => {
        fetched = outcome
      })
    const isAnswered = (): boolean => fetched !== undefined || !protocols[by]
    for (let turn = 0; turn < 150 && !(isThere() && isAnswered()); turn++) {
      this.town.clock.advance(100)
      await new Promise((resolve) => setTimeout(resolve, turn < 100 ? 2 : 5))
    }
    return {
      message: isThere(),
      presence: fetched?.kind === 'fetched' && fetched.notification.sources.length > 0,
    }
  }
}

for (const by of Object.keys(protocols) as Name[])
  describe(`the policy for another domain, by ${by}`, () => {
    for (const row of rows)
      it(row.policy, async () => {
        const stage = new Stage(by, row)
        try {
          await stage.start()
          const { town } = stage
          const [here, there] = [town.house(montague), town.house(capulet)]
          const crossed = {
            to: await stage.cross(here, by, romeo, juliet, stage.juliet),
            from: await stage.cross(there, by, juliet, romeo, stage.romeo),
          }
          const wanted = (crossing: Crossing): Crossing => ({
            ...crossing,
            presence: crossing.presence && protocols[by],
          })
          assert.deepEqual(
            crossed,
            { to: wanted((responds.has(by) && row.toWithResponses) || row.to), from: wanted(row.from) },
            JSON.stringify([here, there].map(({ server }) => server.service.peers.status())),
          )
        } finally {
          await stage.town.close()
        }
      })
  })

/** What becomes of what is beyond the share of the domain from which it comes, for those who sent it. */
const beyond: Readonly<Record<Name, { readonly outcome: 'slowed' | 'refused'; readonly told?: string }>> = {
  // Reading rests, and all come.
  xmpp: { outcome: 'slowed' },
  // The 503 says when to come again, and its server waits so long.
  sip: { outcome: 'refused' },
  umpp: { outcome: 'slowed' },
  // Reading rests; what was read before is refused.
  impp: { outcome: 'refused', told: 'rate-exceeded' },
  prim: { outcome: 'slowed' },
  apex: { outcome: 'refused', told: 'temporarily-unavailable' },
}

const share = 2
const written = 12

/** The most of them in any second. */
function busiestSecond(times: readonly number[]): number {
  let most = 0
  for (let first = 0, last = 0; last < times.length; last++) {
    while ((times[last] as number) - (times[first] as number) >= 1000) first++
    most = Math.max(most, last - first + 1)
  }
  return most
}

/** Of a protocol that the server has: it may have to wait in the store. */
function stanza(from: string, to: string, id: string): Envelope {
  const { head } = message({ from, to, id })
  const raw = utf8(
    `<message xmlns='jabber:client' from='${from}' to='${to}' type='chat' id='${id}'><body>O</body></message>`,
  )
  const envelope = xmpp.revive({ ...head, protocol: 'xmpp', size: raw.length }, raw)
  assert(envelope !== undefined)
  return envelope
}

/** Twelve people of one side write to one of the other at a moment. */
async function flood(stage: Stage, from: string, recipient: string, device: Device) {
  const { clock } = stage.town
  const { service } = stage.town.house(from).server
  const times: number[] = []
  device.onDeliver = ({ head }, _, answer) => {
    if (head.kind === 'message') times.push(clock.monotonic())
    answer({ kind: 'accepted' } as const)
  }
  const outcomes: string[] = []
  // The way is known, and a connection open.
  for (let n = -1; n < written; n++) {
    service.messages.send(stanza(`p${n}@${from}`, recipient, `${n}`), (outcome) =>
      outcomes.push(outcome.kind === 'refused' ? outcome.condition : outcome.kind),
    )
    for (let turn = 0; n < 0 && turn < 40; turn++) await pass(stage, 100)
  }
  for (let turn = 0; turn < 1200 && (times.length < written + 1 || outcomes.length < written + 1); turn++)
    await pass(stage, 50)
  return { times, outcomes }
}

async function pass({ town }: Stage, milliseconds: number): Promise<void> {
  town.clock.advance(milliseconds)
  await new Promise((resolve) => setTimeout(resolve, 3))
}

describe('the share of another domain', () => {
  for (const by of Object.keys(protocols) as Name[]) {
    it(`by ${by}: what it sends beyond that is ${beyond[by].outcome}, and nobody is left without a word`, async () => {
      const settings = () => table(`from_per_second_max = ${share}`)
      const stage = new Stage(by, { policy: '', settings, to: all, from: all })
      try {
        await stage.start()
        const { times, outcomes } = await flood(stage, capulet, romeo, stage.romeo)
        assert.ok(busiestSecond(times) <= 2 * share + 1, `${busiestSecond(times)} in a second`)
        const { told } = beyond[by]
        const refused = outcomes.filter((outcome) => outcome === told).length
        assert.equal(times.length + refused, written + 1, `${times.length} came, told ${outcomes}`)
        assert.equal(refused > 0, told !== undefined, `${outcomes}`)
        const counts = stage.town.house(montague).server.service.shares.countsOf(capulet)
        assert.ok((counts?.[beyond[by].outcome] ?? 0) > 0, JSON.stringify(counts))
      } finally {
        await stage.town.close()
      }
    })

    it(`by ${by}: what is sent to it beyond that waits, and all of it comes`, async () => {
      const settings = () => table(`to_per_second_max = ${share}`)
      const stage = new Stage(by, { policy: '', settings, to: all, from: all })
      try {
        await stage.start()
        const { times, outcomes } = await flood(stage, montague, juliet, stage.juliet)
        assert.equal(times.length, written + 1, `${outcomes}`)
        assert.ok(busiestSecond(times) <= 2 * share + 1, `${busiestSecond(times)} in a second`)
        const counts = stage.town.house(montague).server.service.shares.countsOf(capulet)
        assert.ok((counts?.queued ?? 0) > 0, JSON.stringify(counts))
      } finally {
        await stage.town.close()
      }
    })
  }
})
