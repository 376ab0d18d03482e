// A relay that is killed at each step of data (decisions 0143, 0144): whoever was told `ok` finds his data taken, and the report that he asked for; nobody
// takes it twice but where he took it before it was written that he had.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accepted, type InboxAgent, namedWay, noWay, type PeerLink, type PeerProtocol } from '#core'
import { delivered, type Envelope, type InstantMessage } from '#model'
import { type Domains, domainsOf, everything } from './testing/domains.ts'
import { at, otherDevice } from './testing/fixture.ts'
import { Gate } from './testing/gate.ts'
import { Hand, talk } from './testing/hand.ts'

const fred = 'fred@example.com'
const home = 'example.com'

/** Somebody for whom data is, and what he has taken, in all lives. */
interface Recipient {
  readonly name: string
  readonly taken: string[]
  /** He is there, in this life of the relay. */
  begin(all: Domains): Promise<void>
  /** He takes all that he was given, and from now on all that he is given. */
  take(): void
  /** He was given so many, and has said nothing. */
  offered(): number
  /** The relay is gone: what it was not told it is never told. */
  ends(): void
}

class Application implements Recipient {
  readonly taken: string[] = []
  readonly name: string
  #hand: Hand | undefined
  #takes = false
  readonly #stays: boolean

  /** @param stays its own relay is another, which lives on */
  constructor(name: string, stays: boolean) {
    this.name = name
    this.#stays = stays
  }

  async begin(all: Domains): Promise<void> {
    if (this.#hand !== undefined && this.#stays) return
    const [user = '', domain = ''] = this.name.split('@')
    this.#hand = new Hand(all.of(domain))
    if (!this.#takes) this.#hand.answers = undefined
    await this.#hand.signIn(user, `<attach endpoint='${this.name}' transID='1' />`)
  }

  take(): void {
    this.#takes = true
    this.#hand?.answerAll('<ok />')
  }

  offered(): number {
    const texts = (this.#hand?.came ?? []).flatMap(({ body }) => textOf(body))
    if (this.#takes) this.taken.splice(0, Number.POSITIVE_INFINITY, ...this.#before, ...texts)
    return texts.length
  }

  /** What it took in earlier lives. */
  #before: string[] = []

  ends(): void {
    this.offered()
    if (!this.#stays) this.#before = [...this.taken]
  }
}

function textOf(body: string): string[] {
  return /\r\n\r\n([a-z]+)\r\n--boundary--/.exec(body)?.slice(1) ?? []
}

/** A device of another protocol, or another domain that is reached by one. */
class Other implements Recipient {
  readonly taken: string[] = []
  readonly name: string
  #takes = false
  #waiting: (() => void)[] = []
  /** Reaches example.org. */
  readonly protocol: PeerProtocol

  constructor(name: string) {
    this.name = name
    const link: PeerLink = {
      protocol: 'other',
      domain: 'example.org',
      words: false,
      send: (envelope, onOutcome) => this.#given(envelope, () => onOutcome(delivered)),
      say: () => {},
      watch: () => {},
      unwatch: () => {},
      fetch: () => {},
      watcher: () => undefined,
    }
    this.protocol = {
      protocol: 'other',
      reaches: async (domain) => (domain === 'example.org' ? namedWay : noWay),
      linkTo: () => link,
      examine: async () => ({ reached: noWay, source: '', tries: [] }),
      status: () => [],
    }
  }

  ends(): void {
    this.#waiting = []
  }

  async begin(all: Domains): Promise<void> {
    if (!this.name.endsWith(home)) return
    const took: InboxAgent['deliver'] = (envelope, _context, answer) =>
      this.#given(envelope, () => answer(accepted))
    const agent = { ...otherDevice(at(this.name), took), keepsOrder: false }
    const { messages } = all.of(home).service
    messages.attach(agent, (account) => {
      if (!('kind' in account)) messages.ready(account)
    })
  }

  take(): void {
    this.#takes = true
    for (const each of this.#waiting.splice(0)) each()
  }

  offered(): number {
    return this.#waiting.length
  }

  #given(envelope: Envelope, answer: () => void): void {
    const [body] = (envelope.view() as InstantMessage).body
    const take = (): void => {
      this.taken.push(body?.text ?? '')
      answer()
    }
    if (this.#takes) take()
    else this.#waiting.push(take)
  }
}

const recipients: readonly [string, () => Recipient][] = [
  ['an application', () => new Application('barney@example.com', false)],
  ['a device of another protocol', () => new Other('barney@example.com')],
  ['another domain of the mesh', () => new Application('wilma@example.net', true)],
  ['a domain reached by another protocol', () => new Other('betty@example.org')],
]

interface Scene {
  readonly all: Domains
  readonly recipient: Recipient
  readonly author: Hand
  readonly gate: Gate
  /** The texts of which `ok` was said. */
  readonly acknowledged: Set<string>
  /** The reports that the author has answered. */
  readonly reports: string[]
  /** Sends it, and lets ten seconds pass. */
  send(text: string): Promise<void>
}

const asked = (id: number): string => `<option internal='statusRequest' targetHop='all' transID='${id}' />`

async function scene(recipient: Recipient): Promise<Scene> {
  const others = recipient instanceof Other ? [recipient.protocol] : []
  const all = await domainsOf([home, 'example.net'], {}, undefined, others)
  const author = await all.application(fred)
  await recipient.begin(all)
  // The way is known, and the session there.
  await everything()
  const acknowledged = new Set<string>()
  const reports: string[] = []
  let count = 0
  return {
    all,
    recipient,
    author,
    gate: new Gate(all.of(home).service.store),
    acknowledged,
    reports,
    send: async (text) => {
      void author.sayPayload(talk(fred, recipient.name, text, asked(++count))).then(
        (reply) => void (reply === '<ok />' && acknowledged.add(text)),
        () => {},
      )
      await passes(all, 10)
      reports.push(...(await author.hear()))
    },
  }
}

async function passes(all: Domains, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    await everything()
    all.clock.advance(1000)
  }
  await everything()
}

interface Step {
  readonly name: string
  /** What is done before the kill. */
  readonly act: (scene: Scene) => Promise<void>
  /** Whether `ok` was said then. */
  readonly isOk: boolean
  /** How often it may be taken: again where it could not be written that it was. */
  readonly takenMax: number
  readonly not?: readonly string[]
}

const steps: readonly Step[] = [
  {
    name: 'before it is written',
    act: async ({ gate, send }) => {
      gate.holds = 'calls'
      await send('one')
    },
    isOk: false,
    takenMax: 1,
  },
  {
    name: 'written, and `ok` not said',
    act: async ({ gate, send }) => {
      gate.holds = 'answers'
      await send('one')
    },
    isOk: false,
    takenMax: 1,
  },
  {
    name: '`ok` said, and not offered',
    act: async ({ send, recipient, acknowledged }) => {
      await send('zero')
      await send('one')
      assert.ok(acknowledged.has('one'))
      assert.equal(recipient.offered(), 1)
    },
    isOk: true,
    takenMax: 1,
    // What it is offered it is offered in order, answered or not.
    not: ['an application', 'another domain of the mesh'],
  },
  {
    name: 'offered, and not answered',
    act: async ({ send, recipient }) => {
      await send('one')
      assert.equal(recipient.offered(), 1)
    },
    isOk: true,
    takenMax: 1,
  },
  {
    name: 'answered, and not written that it was',
    act: async ({ send, recipient, gate, all, author, reports }) => {
      await send('one')
      gate.holds = 'calls'
      recipient.take()
      await passes(all, 1)
      reports.push(...(await author.hear()))
    },
    isOk: true,
    takenMax: 2,
  },
  {
    name: 'its report under way',
    act: async ({ send, recipient, author, all }) => {
      await send('one')
      author.answers = undefined
      recipient.take()
      await everything()
      assert.match(author.came.map(({ body }) => body).join(), /transID='1'/)
      all.wires.cut()
    },
    isOk: true,
    takenMax: 2,
  },
]

for (const [kind, recipientOf] of recipients)
  for (const step of steps) {
    if (step.not?.includes(kind) === true) continue
    test(`${kind}: ${step.name}`, async () => {
      const stage = await scene(recipientOf())
      const { all, recipient, gate, acknowledged, reports } = stage
      await step.act(stage)
      assert.equal(acknowledged.has('one'), step.isOk)
      recipient.ends()
      all.kill(home)
      await everything()
      gate.end()
      await all.begin(home)
      const author = await all.application(fred)
      recipient.take()
      await recipient.begin(all)
      for (let second = 0; second < 400; second++) {
        await passes(all, 1)
        recipient.offered()
        reports.push(...(await author.hear()))
      }
      const count = recipient.taken.filter((text) => text === 'one').length
      assert.ok(count <= step.takenMax, `taken ${count} times`)
      if (!step.isOk) return
      assert.ok(count > 0, 'it is taken')
      const id = acknowledged.size
      assert.match(
        reports.join(),
        new RegExp(`statusResponse transID='${id}'.*code='250'`),
        'its report comes',
      )
      if (kind !== 'another domain of the mesh') return
      const theirs = /apex=report@example\.net.*statusResponse transID='1'.*code='250'/
      assert.match(reports.join(), theirs, 'and that of the last relay')
    })
  }
