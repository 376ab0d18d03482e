// Whatever breaks at whichever step of UMPP's flow of presence (UMPP §4.2): who watches sees in the end what there is to see, and sees nothing any more of a domain
// that was away for longer than the lease.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Chance } from './random.ts'
import { breach, down, faults, type Step } from './umpp-breaches.ts'
import { legs } from './umpp-legs.ts'
import { capulet, montague, Towns } from './umpp-towns.ts'

const leaseSeconds = 600
/** A renewal comes before the lease is over; who could not be reached is asked again after five minutes at most. */
const restSeconds = leaseSeconds + 400

const steps: readonly Step[] = [
  { name: 'SUBSCRIBE', leg: 'sip', from: montague, pattern: /^SUBSCRIBE / },
  {
    name: '202 to SUBSCRIBE',
    leg: 'sip',
    from: capulet,
    pattern: /^SIP\/2\.0 20\d [\s\S]*CSeq: \d+ SUBSCRIBE/,
  },
  { name: 'the first NOTIFY', leg: 'sip', from: capulet, pattern: /^NOTIFY / },
  { name: '200 to NOTIFY', leg: 'sip', from: montague, pattern: /^SIP\/2\.0 200 [\s\S]*CSeq: \d+ NOTIFY/ },
  { name: 'the NOTIFY that she approved', leg: 'sip', from: capulet, pattern: /NOTIFY /, nth: 2 },
  { name: 'the NOTIFY of a change', leg: 'sip', from: capulet, pattern: /NOTIFY [\s\S]*two/ },
  {
    name: 'the SUBSCRIBE that renews',
    leg: 'sip',
    from: montague,
    pattern: /SUBSCRIBE [\s\S]*CSeq: 2 SUBSCRIBE/,
  },
]

/** Romeo and Juliet at their clients. */
class Scene {
  readonly towns: Towns
  #said = ''

  constructor(towns: Towns) {
    this.towns = towns
  }

  get #juliet() {
    return this.towns.lives.get(capulet)?.clients.get('juliet')
  }

  get #romeo() {
    return this.towns.lives.get(montague)?.clients.get('romeo')
  }

  asks(): void {
    this.#romeo?.send(`<presence to='juliet@${capulet}' type='subscribe'/>`)
  }

  approves(): void {
    this.#juliet?.send(`<presence to='romeo@${montague}' type='subscribed'/>`)
  }

  says(status: string): void {
    if (this.#juliet === undefined) return
    this.#said = status
    this.#juliet.send(`<presence><show>away</show><status>${status}</status></presence>`)
  }

  /** Time passes, in which she allows whoever asks. */
  async pass(seconds: number): Promise<void> {
    await this.towns.pass(seconds)
    const juliet = this.#juliet
    for (const element of juliet?.received ?? [])
      if (element.name === 'presence' && element.attribute('type') === 'subscribe') this.approves()
    await this.towns.pass(2)
  }

  /** What his client shows of her. */
  seen(): string | undefined {
    let seen: string | undefined
    for (const element of this.#romeo?.received ?? []) {
      if (element.name !== 'presence' || !(element.attribute('from') ?? '').startsWith(`juliet@${capulet}`))
        continue
      if (element.attribute('type') === undefined) seen = element.childText('status') ?? ''
      else if (element.attribute('type') === 'unavailable') seen = undefined
    }
    return seen
  }

  get said(): string {
    return this.#said
  }
}

async function play(scene: Scene): Promise<void> {
  scene.asks()
  await scene.pass(5)
  for (const status of ['one', 'two']) {
    scene.says(status)
    await scene.pass(10)
  }
  await scene.pass(leaseSeconds)
  scene.says('three')
  await scene.pass(5)
}

for (const step of steps)
  for (const fault of faults)
    for (const isBehind of [false, true])
      test(`${fault.name} ${isBehind ? 'behind' : 'before'} ${step.name}: what is seen is right within the lease`, async () => {
        const towns = await Towns.open({ chance: new Chance(7), leaseSeconds })
        const { wasDone } = breach(towns, step, isBehind, fault)
        const scene = new Scene(towns)
        await play(scene)
        // Whose word was lost with its server before it was durable says it again, and so does who was told that he is refused.
        if (fault.kills === montague || fault.doubts === montague) scene.asks()
        await scene.pass(5)
        if (fault.kills === capulet) scene.approves()
        await scene.pass(restSeconds)
        assert.ok(wasDone(), 'the step never came')
        scene.says('four')
        await scene.pass(10)
        assert.equal(scene.seen(), 'four')
      })

for (const which of [['sip'], legs] as const)
  test(`a domain that is away for longer than the lease (${which.join(' and ')}) is shown as gone, and as it is when it comes back`, async () => {
    const towns = await Towns.open({ chance: new Chance(7), leaseSeconds })
    const scene = new Scene(towns)
    await play(scene)
    assert.equal(scene.seen(), 'three')
    const away = down('away', which, 0)
    away.befalls(towns)
    scene.says('unheard')
    await scene.pass(leaseSeconds + 60)
    assert.equal(scene.seen(), undefined)
    await away.mends(towns)
    await scene.pass(restSeconds)
    assert.equal(scene.seen(), 'unheard')
  })
