// A relay of two or three domains that is killed at each named step of data, its report, and a subscription (docs/specs/apex.md §5, decisions 0136, 0139, 0143, 0146): what
// had `ok` arrives, and is reported where its author asked.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { crossing, dialling, offered, Scene, storing, type Trap } from './apex-scene.ts'

/** How often an application that is attached may see it when its own relay is killed: what nobody had recorded as taken is given again. */
type Copies = 'once' | 'at least once'
type Row = readonly [step: string, trap: Trap, receiving: Copies]

const rows: readonly Row[] = [
  ['the other relay is connected to', dialling(), 'once'],
  ['TLS is begun', crossing(/beep\/TLS/, false), 'once'],
  ['TLS is agreed', crossing(/<proceed/, true), 'once'],
  ['bind is written', crossing(/<bind /, false), 'once'],
  ['bind is taken', crossing(/<bind /, true), 'once'],
  ['the data is written', crossing(/<data /, false), 'once'],
  ['the data is taken', crossing(/<data /, true), 'at least once'],
  ['the application is given it', offered(false), 'at least once'],
  ['the application has answered and is not heard', offered(true), 'at least once'],
  ['it is not recorded', storing('receiving', 'append', 'asked'), 'at least once'],
  ['it is recorded', storing('receiving', 'append', 'durable'), 'at least once'],
  ['the report is written', crossing(/<statusResponse /, false), 'at least once'],
  ['the report is taken', crossing(/<statusResponse /, true), 'at least once'],
]

describe('data for an application that is attached, and one that is not', () => {
  for (const isThere of [true, false])
    for (const [step, trap, receiving] of rows) {
      if (!isThere && step.startsWith('the application')) continue
      for (const victim of ['sending', 'receiving'] as const)
        test(`${isThere ? 'attached' : 'away'}: ${step}, and the ${victim} relay is killed`, async () => {
          const scene = await Scene.create(victim)
          const { fred, wilma, all } = scene
          if (!isThere) {
            wilma.hand?.drop()
            wilma.lost()
            await scene.quiet()
          }
          trap(scene, scene.kill)
          let said: string | undefined
          const saying = scene.tell(wilma, 'm1', 7).then((answer) => {
            said = answer
          })
          await scene.quiet()
          await scene.again()
          for (let time = 0; time < 20 && said === undefined && victim === 'receiving'; time++)
            await scene.pass(1)
          await saying
          // Who heard no `ok` does not know, and says it again: to the relays that is other data.
          const isSaidAgain = said === undefined
          if (isSaidAgain) {
            const again = scene.tell(wilma, 'm1', 7)
            for (let time = 0; time < 10; time++) await scene.pass(1)
            said = await again
          }
          assert.equal(said, '<ok />')
          await wilma.attach(all)
          const isReported = (): boolean =>
            fred.reports.some((each) => /@example.net 7 (250|350)$/.test(each))
          await scene.until(() => wilma.texts.includes('m1') && isReported(), 'it arrives and is reported')
          await scene.pass(900)
          const seen = wilma.texts.filter((text) => text === 'm1').length
          const most = isSaidAgain || (isThere && victim === 'receiving' && receiving !== 'once') ? 2 : 1
          assert.ok(seen >= 1 && seen <= most, `${seen} times`)
          assert.ok(!fred.reports.some((each) => / 7 (4|5)\d\d$/.test(each)), fred.reports.join())
          for (const store of scene.stores.values()) assert.deepEqual(await store.queuedDomains(), [])
        })
    }
})

test('`ok` was said while the data was on its way, and the sending relay is killed: it arrives and is reported', async () => {
  const scene = await Scene.create('sending')
  const { fred, wilma, all } = scene
  all.wires.isMute = true
  const saying = scene.tell(wilma, 'm1', 7)
  for (let time = 0; time < 10; time++) await scene.pass(1)
  assert.equal(await saying, '<ok />')
  assert.deepEqual(wilma.texts, [])
  scene.kill()
  all.wires.isMute = false
  await scene.again()
  const isReported = (): boolean => fred.reports.some((each) => /@example.net 7 250$/.test(each))
  await scene.until(() => wilma.texts.length > 0 && isReported(), 'it arrives and is reported')
  await scene.pass(900)
  assert.deepEqual(wilma.texts, ['m1'])
})

test('three domains: one relay is killed at each step, and the third is not delayed', async () => {
  for (const [step, trap] of rows) {
    const scene = await Scene.create('receiving', 3)
    const { barney, wilma, fred } = scene
    assert.ok(barney)
    trap(scene, scene.kill)
    const one = scene.tell(wilma, 'm1', 7)
    await scene.quiet()
    assert.ok(scene.isSprung, step)
    const other = scene.tell(barney, 'c1', 8)
    await scene.quiet()
    assert.deepEqual(barney.texts, ['c1'], step)
    await scene.again()
    for (let time = 0; time < 10; time++) await scene.pass(1)
    assert.deepEqual([await one, await other], ['<ok />', '<ok />'])
    await scene.until(
      () => wilma.texts.includes('m1') && fred.reports.some((each) => /net 7 (250|350)$/.test(each)),
      step,
    )
    assert.deepEqual(barney.texts, ['c1'])
  }
})

type Phase = 'begins' | 'is told' | 'ends'
const subscription: readonly (readonly [Phase, step: string, trap: Trap])[] = [
  ['begins', 'subscribe is written', crossing(/<subscribe /, false)],
  ['begins', 'subscribe is taken', crossing(/<subscribe /, true)],
  ['begins', 'it is not kept', storing('receiving', 'putSubscription', 'asked')],
  ['begins', 'it is kept', storing('receiving', 'putSubscription', 'durable')],
  ['begins', 'the first publish is written', crossing(/<publish /, false)],
  ['begins', 'the first publish is taken', crossing(/<publish /, true)],
  ['is told', 'publish is written', crossing(/<publish /, false)],
  ['is told', 'publish is taken', crossing(/<publish /, true)],
  ['ends', 'terminate is written', crossing(/<terminate /, false)],
  ['ends', 'terminate is taken', crossing(/<terminate /, true)],
  ['ends', 'the end is not recorded', storing('receiving', 'removeSubscription', 'asked')],
]

describe('a subscription', () => {
  for (const [phase, step, trap] of subscription)
    for (const victim of ['sending', 'receiving'] as const)
      test(`${phase}: ${step}, and the ${victim} relay is killed: he sees what is there, and nothing after its end`, async () => {
        const scene = await Scene.create(victim)
        const { fred, wilma } = scene
        const act = async (mine: Phase, what: () => Promise<unknown>): Promise<void> => {
          if (mine === phase) trap(scene, scene.kill)
          const acting = what()
          for (let turn = 0; turn < 10 && !(mine === phase && scene.isSprung); turn++) await scene.quiet()
          if (mine === phase) await scene.again()
          await acting
        }
        const subscribe = (id: number): Promise<unknown> =>
          scene.ask(
            fred,
            `<subscribe publisher='${wilma.endpoint}' duration='7200' transID='${id}' />`,
            'example.net',
          )
        await scene.allow()
        await scene.publish('2026-05-02T09:00:00Z')
        await act('begins', () => subscribe(1))
        // Without a word of the service, who lost his relay asks again.
        if (phase === 'begins' && victim === 'sending') await subscribe(2)
        await scene.until(() => fred.seen === '2026-05-02T09:00:00Z', 'he sees how things stand')
        await act('is told', () => scene.publish('2026-05-02T10:00:00Z'))
        // She may not have heard that it was taken.
        if (phase === 'is told' && victim === 'receiving') await scene.publish('2026-05-02T10:00:00Z')
        await scene.until(() => fred.seen === '2026-05-02T10:00:00Z', 'he sees a change')
        await act('ends', async () => {
          for (const id of [1, 2]) await scene.ask(fred, `<terminate transID='${id}' />`, 'example.net')
        })
        await scene.pass(60)
        for (let minutes = 0; minutes < 150; minutes += 5) await scene.pass(300)
        fred.came.length = 0
        await scene.publish('2026-05-02T11:00:00Z')
        await scene.pass(60)
        assert.equal(fred.seen, undefined, 'nothing is told after the end')
        assert.equal(scene.all.of('example.net').relay.presence.foreign.size, 0)
        assert.equal(scene.all.of('example.com').mesh.linkTo('example.net').isWatching, false)
      })
})
