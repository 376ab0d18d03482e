// A session between two relays that ends at any point of any exchange, from TLS and bind on, and a relay that is killed there: nothing that was
// accepted is lost without a report where one was asked for, and nobody sees anything twice (decision 0136). Each run ends behind another octet
// of what crosses; all of them with VERONA_SOAK.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Outcome } from '#model'
import { type Domains, domainsOf, everything } from '../testing/domains.ts'
import { data, type Hand, talk } from '../testing/hand.ts'
import { device, send } from '../testing/people.ts'
import { cutFailed, cutPoints } from '../testing/wires.ts'

const fred = 'fred@example.com'
const wilma = 'wilma@example.net'

/** What an application was given, everything since it is there. */
class Application {
  readonly came: string[] = []
  hand: Hand
  constructor(hand: Hand) {
    this.hand = hand
  }
  async hear(): Promise<readonly string[]> {
    this.came.push(...(await this.hand.hear()))
    return this.came
  }
  async texts(): Promise<string[]> {
    return (await this.hear()).flatMap((each) => /\r\n\r\n([a-z]+)\r\n--boundary--/.exec(each)?.[1] ?? [])
  }
  /** Of the statusResponses: `apex=report@example.net 3 250`. */
  async reports(): Promise<string[]> {
    const reply = /identity='(apex=report@[^']*)'.*<statusResponse transID='(\d+)'.*<reply code='(\d+)'/s
    return (await this.hear()).flatMap((each) => {
      const found = reply.exec(each)
      return found === null ? [] : [`${found[1]} ${found[2]} ${found[3]}`]
    })
  }
}

async function application(all: Domains, endpoint: string): Promise<Application> {
  const hand = await all.application(endpoint)
  hand.timePasses = () => all.clock.advance(1000)
  return new Application(hand)
}

/** Lets time pass until `holds`. */
async function passing(all: Domains, holds: () => Promise<boolean>, what: string): Promise<void> {
  for (let seconds = 0; seconds < 1200; seconds++) {
    await everything()
    if (await holds()) return
    all.clock.advance(1000)
  }
  assert.fail(what)
}

/** Plays `act` uncut to learn how many octets cross, then once for each octet, or for a sample of them, with `end` behind it. */
async function endAnywhere(
  act: (all: Domains) => Promise<void>,
  end: (all: Domains) => void,
  names: readonly string[] = ['example.com', 'example.net'],
): Promise<void> {
  const measure = await domainsOf(names)
  await act(measure)
  const octets = measure.wires.crossed
  assert.ok(octets > 1000)
  for (const cut of cutPoints(octets)) {
    const all = await domainsOf(names)
    all.wires.cutAfter = cut
    all.wires.onCut = () => end(all)
    await act(all).catch((error: Error) => {
      throw cutFailed(cut, octets, error)
    })
  }
}

const nothingMore = (): void => {}
const traced = (id: number): string => `<option internal='statusRequest' targetHop='all' transID='${id}' />`

/** By the author's own relay, which may have held it meanwhile, and by the last one of each domain. */
function isTraced(reports: readonly string[], id: string, finals: readonly string[]): boolean {
  const isFirst = (each: string): boolean => new RegExp(`@example.com ${id} (250|350)$`).test(each)
  return (
    reports.some(isFirst) && finals.every((hop) => reports.includes(`apex=report@example.${hop} ${id} 250`))
  )
}

test('data whose author asked for a trace: seen once, in order, and reported by both relays', async () => {
  await endAnywhere(async (all) => {
    const author = await application(all, fred)
    const reader = await application(all, wilma)
    for (const [at, text] of ['first', 'second'].entries())
      assert.equal(await author.hand.sayPayload(talk(fred, wilma, text, traced(at + 1))), '<ok />')
    const isReported = async (): Promise<boolean> => {
      const reports = await author.reports()
      return ['1', '2'].every((id) => isTraced(reports, id, ['net']))
    }
    await passing(all, isReported, `reported: ${(await author.reports()).join(', ')}`)
    await passing(all, async () => (await reader.texts()).length >= 2, 'both arrive')
    all.clock.advance(400_000)
    await everything()
    assert.deepEqual(await reader.texts(), ['first', 'second'])
    const finals = (await author.reports()).filter((each) => each.includes('example.net'))
    assert.equal(finals.length, 2, 'each report once')
  }, nothingMore)
})

test('data for three domains at once: each sees it once, and the trace names each hop', async () => {
  await endAnywhere(
    async (all) => {
      const author = await application(all, fred)
      const barney = await application(all, 'barney@example.org')
      const reader = await application(all, wilma)
      const both = `${wilma} barney@example.org`
      assert.equal(await author.hand.say(data(fred, both, '<hello />', traced(7))), '<ok />')
      const isReported = async (): Promise<boolean> => isTraced(await author.reports(), '7', ['net', 'org'])
      await passing(all, isReported, 'reported')
      const seen = async (one: Application): Promise<number> =>
        (await one.hear()).filter((each) => each.includes('<hello />')).length
      await passing(all, async () => (await seen(reader)) > 0 && (await seen(barney)) > 0, 'arrived')
      all.clock.advance(400_000)
      await everything()
      assert.deepEqual([await seen(reader), await seen(barney)], [1, 1])
    },
    nothingMore,
    ['example.com', 'example.net', 'example.org'],
  )
})

test('an application that answers late is given it once', async () => {
  await endAnywhere(async (all) => {
    const author = await application(all, fred)
    const reader = await application(all, wilma)
    reader.hand.answers = undefined
    await author.hand.sayPayload(talk(fred, wilma, 'late', traced(1)))
    await passing(all, async () => (await reader.texts()).length > 0, 'it arrives')
    all.clock.advance(5000)
    await everything()
    reader.hand.answerAll('<ok />')
    const isReported = async (): Promise<boolean> =>
      (await author.reports()).includes('apex=report@example.net 1 250')
    await passing(all, isReported, 'reported')
    all.clock.advance(400_000)
    await everything()
    assert.deepEqual(await reader.texts(), ['late'])
  }, nothingMore)
})

test('a message of another protocol: its outcome is the truth, and who is there sees it once', async () => {
  await endAnywhere(async (all) => {
    const seen: string[] = []
    await device(all, wilma, (envelope, _context, answer) => {
      seen.push(envelope.head.id)
      answer({ kind: 'accepted' })
    })
    let outcome: Outcome | undefined
    void send(all, fred, wilma, 'm1').then((told) => {
      outcome = told
    })
    await passing(all, async () => outcome !== undefined && seen.length > 0, 'it arrives')
    assert.match(outcome?.kind ?? '', /^(delivered|stored|relayed)$/)
    all.clock.advance(400_000)
    await everything()
    assert.deepEqual(seen, ['m1@example.com'])
  }, nothingMore)
})

test('a message for nobody: its sender hears so, at once or by a late report', async () => {
  await endAnywhere(async (all) => {
    const late: unknown[] = []
    await device(all, fred, (envelope, _context, answer) => {
      late.push(envelope.view())
      answer({ kind: 'accepted' })
    })
    let outcome: Outcome | undefined
    void send(all, fred, 'nobody@example.net', 'm1').then((told) => {
      outcome = told
    })
    const isKnown = async (): Promise<boolean> =>
      outcome?.kind === 'refused' || (outcome !== undefined && late.length > 0)
    await passing(all, isKnown, `known: ${JSON.stringify(outcome)}`)
    all.clock.advance(400_000)
    await everything()
    assert.equal(late.length + (outcome?.kind === 'refused' ? 1 : 0), 1, 'it is told once')
  }, nothingMore)
})

/** The relay that takes dies at that octet, with all that it had in memory, and begins again seconds later. */
function dies(domain: string): (all: Domains) => void {
  return (all) => {
    all.kill(domain)
    all.clock.schedule(5000, () => void all.begin(domain))
  }
}

test('the relay that takes is killed: the data is not lost, and the report comes', async () => {
  await endAnywhere(async (all) => {
    const author = await application(all, fred)
    const seen = new Set<string>()
    const isThere = async (): Promise<void> => {
      if (!all.has('example.net')) return
      await device(all, wilma, (envelope, _context, answer) => {
        seen.add(envelope.head.id)
        answer({ kind: 'accepted' })
      })
    }
    await isThere()
    assert.equal(await author.hand.sayPayload(talk(fred, wilma, 'once', traced(1))), '<ok />')
    let wasGone = false
    const isDone = async (): Promise<boolean> => {
      if (wasGone && all.has('example.net')) await isThere()
      wasGone = !all.has('example.net')
      const reports = await author.reports()
      return seen.size > 0 && reports.some((each) => /example.net 1 (250|350)$/.test(each))
    }
    await passing(all, isDone, 'seen and reported')
    assert.equal(seen.size, 1, 'the same id')
  }, dies('example.net'))
})

test('the relay that sends is killed while data waits: it goes when the relay begins again', async () => {
  const all = await domainsOf(['example.com', 'example.net'])
  const seen: string[] = []
  const isThere = (): Promise<void> =>
    device(all, wilma, (envelope, _context, answer) => {
      seen.push(envelope.head.id)
      answer({ kind: 'accepted' })
    })
  await isThere()
  all.up.delete('example.net')
  assert.deepEqual((await send(all, fred, wilma, 'm1')).kind, 'stored')
  all.kill('example.com')
  await all.begin('example.com')
  all.up.add('example.net')
  await passing(all, async () => seen.length > 0, 'it arrives')
  all.clock.advance(400_000)
  await everything()
  assert.deepEqual(seen, ['m1@example.com'])
})

test('what waits too long is reported late: to the author by the transID of his statusRequest', async () => {
  const all = await domainsOf(['example.com', 'example.net'])
  const author = await application(all, fred)
  all.up.delete('example.net')
  await author.hand.sayPayload(talk(fred, wilma, 'never', traced(4711)))
  await passing(
    all,
    async () => (await author.reports()).includes('apex=report@example.com 4711 350'),
    'stored',
  )
  for (let hours = 0; hours < 24 * 8; hours++) {
    all.clock.advance(3_600_000)
    await everything()
  }
  const failed = (await author.reports()).filter((each) => / 4711 (4|5)\d\d$/.test(each))
  assert.equal(failed.length, 1, (await author.reports()).join())
})

test('data with a time: what is left of it goes on, and what is too late goes nowhere (RFC 3342 §2)', async () => {
  const timed = (id: number): string =>
    `<option internal='dataTiming' targetHop='all' mustUnderstand='true' transID='${id}'><dataTiming noLaterThan='100000' reportErrors='true' /></option>`
  const all = await domainsOf(['example.com', 'example.net'])
  const author = await application(all, fred)
  const reader = await application(all, wilma)
  all.up.delete('example.net')
  await author.hand.sayPayload(talk(fred, wilma, 'soon', timed(1)))
  await everything()
  all.clock.advance(50_000)
  await everything()
  all.up.add('example.net')
  await passing(all, async () => (await reader.texts()).length > 0, 'it arrives')
  const left = Number(/noLaterThan='(\d+)'/.exec((await reader.hear()).join())?.[1])
  assert.ok(left > 0 && left <= 50_000, `${left} ms are left`)
  all.up.delete('example.net')
  all.wires.cut()
  await author.hand.sayPayload(talk(fred, wilma, 'never', timed(2)))
  for (let seconds = 0; seconds < 110; seconds++) {
    await everything()
    all.clock.advance(1000)
  }
  assert.deepEqual(
    (await author.reports()).filter((each) => each.includes(' 2 ')),
    ['apex=report@example.com 2 550'],
  )
  all.up.add('example.net')
  for (let seconds = 0; seconds < 600; seconds++) {
    await everything()
    all.clock.advance(1000)
  }
  assert.deepEqual(await reader.texts(), ['soon'])
  // The same transID once more is other data.
  await author.hand.sayPayload(talk(fred, wilma, 'again', timed(2)))
  await passing(all, async () => (await reader.texts()).length > 1, 'it arrives')
  assert.deepEqual(await reader.texts(), ['soon', 'again'])
})

test('times of data for another domain run on over a restart: what is left goes with it, its end is reported (RFC 3342 §2.1)', async () => {
  const timed = (id: number): string =>
    `<option internal='dataTiming' targetHop='all' mustUnderstand='true' transID='${id}'><dataTiming noLaterThan='100000' reportErrors='true' /></option>`
  const all = await domainsOf(['example.com', 'example.net'])
  const reader = await application(all, wilma)
  const passed = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second++) {
      await everything()
      all.clock.advance(1000)
    }
  }
  const restarted = async (): Promise<Application> => {
    all.kill('example.com')
    await all.begin('example.com')
    return application(all, fred)
  }
  all.up.delete('example.net')
  await (await application(all, fred)).hand.sayPayload(talk(fred, wilma, 'soon', timed(1)))
  await passed(40)
  const second = await restarted()
  await passed(10)
  all.up.add('example.net')
  await passing(all, async () => (await reader.texts()).length > 0, 'it arrives')
  const left = Number(/noLaterThan='(\d+)'/.exec((await reader.hear()).join())?.[1])
  assert.ok(left > 0 && left <= 50_000, `${left} ms are left`)
  all.up.delete('example.net')
  all.wires.cut()
  assert.equal(await second.hand.sayPayload(talk(fred, wilma, 'never', timed(2))), '<ok />')
  await passed(60)
  const author = await restarted()
  await passed(60)
  assert.deepEqual(
    (await author.reports()).filter((each) => each.includes(' 2 ')),
    ['apex=report@example.com 2 550'],
  )
  all.up.add('example.net')
  await passed(600)
  assert.deepEqual(await reader.texts(), ['soon'])
})

test('sessions that are cut all the time make no storm of sessions', async () => {
  const all = await domainsOf(['example.com', 'example.net'])
  const author = await application(all, fred)
  await author.hand.sayPayload(talk(fred, wilma, 'one', traced(1)))
  const before = all.wires.opened
  for (let second = 0; second < 60; second++) {
    all.wires.cut()
    await everything()
    all.wires.cut()
    all.clock.advance(1000)
  }
  assert.ok(all.wires.opened - before < 60, `${all.wires.opened - before} sessions in a minute`)
})
