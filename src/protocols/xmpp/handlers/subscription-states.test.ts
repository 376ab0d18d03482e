// RFC 6121 Appendix A, every state and every word over real streams: Tables 2 to 9 with the contact at another domain, so that each row
// stands alone; then both people here, so that each word goes through the tables of both sides.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { AuthorizationEvent } from '#core'
import { serialize } from '#wire/xml'
import { inbound, outbound, type Row, type StateName, states, ways } from '../testing/appendix-a.ts'
import { FarDomain } from '../testing/far-domain.ts'
import type { TestClient } from '../testing/test-client.ts'
import { type TestDomain, testDomain } from '../testing/test-domain.ts'

const names = Object.keys(states) as StateName[]
const words = Object.keys(outbound) as AuthorizationEvent[]

function say(client: TestClient, word: AuthorizationEvent, to: string): void {
  client.send(`<presence type='${word}' to='${to}' id='w'/>`)
}

async function list(client: TestClient, contact: string): Promise<void> {
  await client.ask(
    `<iq type='set' id='list'><query xmlns='jabber:iq:roster'><item jid='${contact}'/></query></iq>`,
  )
}

/** What a fresh device of the user finds: the roster's item, and whether a request is shown to it. */
async function found(
  domain: TestDomain,
  user: string,
  contact: string,
): Promise<{ subscription: string; ask: boolean; pendingIn: boolean; approved: boolean }> {
  const client = await domain.bound(user, 'later')
  const roster = await client.ask("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>")
  const item = roster
    .elements()[0]
    ?.elements()
    .find((one) => one.attribute('jid') === contact)
  client.send('<presence/>')
  await domain.settle()
  const pendingIn = client.takeAll().some((text) => isWord(text, 'subscribe', contact))
  client.connection.destroy()
  await domain.settle()
  return {
    subscription: item?.attribute('subscription') ?? 'none',
    ask: item?.attribute('ask') === 'subscribe',
    pendingIn,
    approved: item?.attribute('approved') === 'true',
  }
}

function shownAs(state: StateName, approved = false): Awaited<ReturnType<typeof found>> {
  const { subscription, ask, pendingIn } = states[state]
  return { subscription, ask, pendingIn, approved }
}

function isWord(text: string, word: AuthorizationEvent, from: string): boolean {
  return text.startsWith(`<presence `) && text.includes(`from='${from}'`) && text.includes(`type='${word}'`)
}

const isPush = (text: string): boolean => text.includes("<query xmlns='jabber:iq:roster'")

/** Whether a roster shows another thing after the row (RFC 6121 §2.6.3). */
function isPushed(before: StateName, { next, preApproved }: Row): boolean {
  const [one, other] = [states[before], states[next]]
  return one.subscription !== other.subscription || one.ask !== other.ask || preApproved === true
}

describe('subscription states, the contact elsewhere (RFC 6121 Appendix A)', () => {
  const juliet = 'juliet@far.example'

  /** Romeo's devices: available with a roster, with a roster alone, and neither. */
  async function stage(state: StateName) {
    const far = new FarDomain('far.example')
    const domain = await testDomain({ users: ['romeo'], peers: far })
    const orchard = await domain.available('romeo', 'orchard')
    const phone = await domain.bound('romeo', 'phone')
    await phone.ask("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>")
    const deaf = await domain.bound('romeo', 'deaf')
    await list(orchard, juliet)
    for (const [who, word] of ways[state]) {
      if (who === 'user') say(orchard, word, juliet)
      else far.say(domain.service, word, 'juliet', domain.address('romeo'))
      await domain.settle()
    }
    far.takeHeard()
    for (const client of [orchard, phone, deaf]) client.takeAll()
    return { far, domain, orchard, phone, deaf }
  }

  for (const state of names) {
    it(`A.1: "${state}" is what its exchange makes`, async () => {
      const { domain } = await stage(state)
      assert.deepEqual(await found(domain, 'romeo', juliet), shownAs(state))
    })
  }

  for (const word of words) {
    const [table, rows] = outbound[word]
    for (const state of names) {
      const row = rows[state]
      it(`${table}: outbound ${word} in "${state}" is ${row.goesOn ? 'routed' : 'not routed'}, then "${row.next}"`, async () => {
        const { far, domain, orchard, phone, deaf } = await stage(state)
        say(orchard, word, `${juliet}/balcony`)
        await domain.settle()
        assert.deepEqual(far.takeHeard(), row.goesOn ? [`${word} romeo@localhost ${juliet}`] : [])
        const expected = isPushed(state, row) ? 1 : 0
        for (const client of [orchard, phone]) {
          const told = client.takeAll()
          assert.equal(told.length, expected, told.join('\n'))
          assert.ok(told.every(isPush))
        }
        assert.deepEqual(deaf.takeAll(), [])
        assert.deepEqual(await found(domain, 'romeo', juliet), shownAs(row.next, row.preApproved))
      })
    }
  }

  for (const word of words) {
    const [table, rows] = inbound[word]
    for (const state of names) {
      const row = rows[state]
      it(`${table}: inbound ${word} in "${state}" is ${row.goesOn ? 'delivered' : 'not delivered'}, then "${row.next}"`, async () => {
        const { far, domain, orchard, phone, deaf } = await stage(state)
        far.say(domain.service, word, 'juliet', domain.address('romeo'))
        await domain.settle()
        assert.deepEqual(
          far.takeHeard(),
          row.reply === undefined ? [] : [`${row.reply} romeo@localhost ${juliet}`],
        )
        for (const client of [orchard, phone]) {
          const told = client.takeAll().filter((text) => !text.includes("type='unavailable'"))
          // §3.1.3: a request is for available resources; the other words for interested ones.
          const hears = row.goesOn && (client === orchard || word !== 'subscribe')
          assert.deepEqual(
            told.filter((text) => !isPush(text)),
            hears ? [`<presence from='${juliet}' to='romeo@localhost' type='${word}'/>`] : [],
          )
          assert.equal(told.filter(isPush).length, isPushed(state, row) ? 1 : 0)
          // §3.1.6, §3.2.3, §3.3.3: the word MUST come before the push.
          if (hears && isPushed(state, row)) assert.ok(isPush(told.at(-1) ?? ''), told.join('\n'))
        }
        assert.deepEqual(deaf.takeAll(), [])
        assert.deepEqual(await found(domain, 'romeo', juliet), shownAs(row.next))
      })
    }
  }
})

describe('subscription states, both people here (RFC 6121 Appendix A)', () => {
  const [romeo, juliet] = ['romeo@localhost', 'juliet@localhost']

  /** A word through the tables of both: the speaker's, the hearer's, and what the hearer's server answers. */
  function through(word: AuthorizationEvent, speaker: StateName) {
    const said = outbound[word][1][speaker]
    const hearer = states[speaker].mirror
    if (!said.goesOn) return { said, heard: undefined, speaker: said.next, hearer }
    const heard = inbound[word][1][hearer]
    const answered = heard.reply === undefined ? undefined : inbound[heard.reply][1][said.next]
    return { said, heard, speaker: answered?.next ?? said.next, hearer: heard.next, answered }
  }

  for (const word of words) {
    for (const state of names) {
      const end = through(word, state)
      it(`${word} in "${state}": then "${end.speaker}" and "${end.hearer}"`, async () => {
        const domain = await testDomain({ users: ['romeo', 'juliet'] })
        const [one, other] = [
          await domain.available('romeo', 'orchard'),
          await domain.available('juliet', 'balcony'),
        ]
        await list(one, juliet)
        await list(other, romeo)
        for (const [who, earlier] of ways[state]) {
          if (who === 'user') say(one, earlier, juliet)
          else say(other, earlier, romeo)
          await domain.settle()
        }
        for (const client of [one, other]) client.takeAll()
        say(one, word, juliet)
        await domain.settle()
        const [toldOne, toldOther] = [one.takeAll(), other.takeAll()]

        const isHeard = end.heard?.goesOn === true
        assert.deepEqual(
          toldOther.filter((text) => isWord(text, word, romeo)),
          isHeard ? [`<presence from='${romeo}' to='${juliet}' type='${word}' id='w'/>`] : [],
        )
        assert.equal(
          toldOne.some((text) => words.some((any) => isWord(text, any, juliet))),
          end.answered?.goesOn === true,
        )
        const seen = (told: string[], from: string): string[] =>
          told.filter((text) => text.startsWith(`<presence from='${from}/`))
        // §3.1.5, §3.1.6: who was allowed sees; §3.2.2, §3.3.3: who is no longer allowed sees an absence, before the word.
        const before = states[state]
        const [sawOther, seesOther] = [sees(state), sees(end.speaker)]
        if (!sawOther && seesOther) assert.equal(seen(toldOne, juliet).length, 1)
        if (sawOther && !seesOther)
          assert.match(seen(toldOne, juliet).join(), /^<presence [^>]*type='unavailable'\/>$/)
        const [wasSeen, isSeen] = [sees(before.mirror), sees(end.hearer)]
        if (!wasSeen && isSeen) assert.equal(seen(toldOther, romeo).length, 1)
        if (wasSeen && !isSeen) {
          assert.match(seen(toldOther, romeo).join(), /type='unavailable'/)
          const [gone, said] = [`<presence from='${romeo}/`, `<presence from='${romeo}' `].map((start) =>
            toldOther.findIndex((text) => text.startsWith(start)),
          )
          assert.ok((gone as number) < (said as number), 'the absence before the word (§3.2.2)')
        }
        assert.deepEqual(await found(domain, 'romeo', juliet), shownAs(end.speaker, end.said.preApproved))
        assert.deepEqual(await found(domain, 'juliet', romeo), shownAs(end.hearer))
      })
    }
  }

  function sees(state: StateName): boolean {
    return ['to', 'both'].includes(states[state].subscription)
  }
})

describe('pre-approval (RFC 6121 §3.4)', () => {
  it('§3.4.2: answers the request in silence, and its user sees at once; taken back, it asks again', async () => {
    const domain = await testDomain()
    const juliet = await domain.available('juliet', 'balcony')
    const romeo = await domain.available('romeo', 'orchard')
    say(juliet, 'subscribed', 'romeo@localhost')
    await domain.settle()
    assert.match(
      juliet.takeAll().join(),
      /<item jid='romeo@localhost' subscription='none' approved='true'\/>/,
      'rule 4: an item is made',
    )
    assert.deepEqual(romeo.takeAll(), [], 'MUST NOT route')
    say(romeo, 'subscribe', 'juliet@localhost')
    await domain.settle()
    const told = romeo.takeAll()
    assert.ok(told.some((text) => isWord(text, 'subscribed', 'juliet@localhost')))
    assert.ok(told.some((text) => text.startsWith("<presence from='juliet@localhost/balcony'")))
    const pushes = juliet.takeAll()
    assert.match(pushes.join(), /<item jid='romeo@localhost' subscription='from' approved='true'\/>/)
    assert.ok(!pushes.some((text) => isWord(text, 'subscribe', 'romeo@localhost')), 'MUST NOT deliver')

    say(juliet, 'unsubscribed', 'romeo@localhost')
    await domain.settle()
    assert.match(juliet.takeAll().join(), /<item jid='romeo@localhost' subscription='none'\/>/)
    say(romeo, 'subscribe', 'juliet@localhost')
    await domain.settle()
    assert.ok(juliet.takeAll().some((text) => isWord(text, 'subscribe', 'romeo@localhost')))
  })

  it('§3.2.2 rule 2: cancelled before it was used, the flag goes and nobody is told', async () => {
    const domain = await testDomain()
    const juliet = await domain.available('juliet', 'balcony')
    const romeo = await domain.available('romeo', 'orchard')
    say(juliet, 'subscribed', 'romeo@localhost')
    await domain.settle()
    juliet.takeAll()
    say(juliet, 'unsubscribed', 'romeo@localhost')
    await domain.settle()
    assert.match(juliet.takeAll().join(), /<item jid='romeo@localhost' subscription='none'\/>/)
    assert.deepEqual(romeo.takeAll(), [])
  })

  it('§4.3.2 rule 1: a probe that is refused leaves it as it is', async () => {
    const domain = await testDomain()
    const juliet = await domain.available('juliet', 'balcony')
    say(juliet, 'subscribed', 'romeo@localhost')
    await domain.settle()
    const romeo = await domain.available('romeo', 'orchard')
    romeo.send("<presence type='probe' to='juliet@localhost'/>")
    await domain.settle()
    assert.equal((await found(domain, 'juliet', 'romeo@localhost')).approved, true)
  })
})

describe('subscription words (RFC 6121 §3)', () => {
  it('§8.5.1: to nobody they are silent, but for the request, whose sender must know (§3.1.2)', async () => {
    const domain = await testDomain()
    const romeo = await domain.available('romeo', 'orchard')
    for (const word of ['unsubscribe', 'unsubscribed'] as const) say(romeo, word, 'nobody@localhost')
    await romeo.settled()
    assert.deepEqual(romeo.takeAll(), [])
    say(romeo, 'subscribe', 'nobody@localhost')
    assert.match(await romeo.next(), /^<presence type='error' id='w' from='nobody@localhost' .*<error /)
    const roster = await romeo.ask("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>")
    assert.doesNotMatch(serialize(roster), /nobody/)
  })

  it('§3.1.3: however often one asks one who is away, one request is shown, the first with all that it had', async () => {
    const domain = await testDomain()
    const romeo = await domain.available('romeo', 'orchard')
    for (const n of [1, 2, 3])
      romeo.send(
        `<presence type='subscribe' id='n${n}' to='juliet@localhost/x'><status>no ${n}</status><nick xmlns='http://jabber.org/protocol/nick'>R</nick></presence>`,
      )
    await domain.settle()
    for (const device of ['balcony', 'chamber']) {
      const juliet = await domain.bound('juliet', device)
      juliet.send('<presence/>')
      await domain.settle()
      assert.deepEqual(
        juliet.takeAll().filter((text) => text.includes("type='subscribe'")),
        [
          "<presence from='romeo@localhost' to='juliet@localhost' type='subscribe' id='n1'><status>no 1</status><nick xmlns='http://jabber.org/protocol/nick'>R</nick></presence>",
        ],
      )
    }
  })

  it('without an address, or with one that is none, are refused (RFC 6120 §8.3.3.1, §8.3.3.8)', async () => {
    const domain = await testDomain()
    const romeo = await domain.available('romeo', 'orchard')
    romeo.send("<presence type='subscribe'/>")
    assert.match(await romeo.next(), /<presence type='error'.*<bad-request /)
    romeo.send("<presence type='subscribe' to='@localhost'/>")
    assert.match(await romeo.next(), /<presence type='error'.*<jid-malformed /)
  })

  it("to one's own address say nothing: one sees oneself anyway (§4.2.2)", async () => {
    const domain = await testDomain()
    const romeo = await domain.available('romeo', 'orchard')
    for (const word of words) say(romeo, word, 'romeo@localhost')
    await romeo.settled()
    assert.deepEqual(romeo.takeAll(), [])
  })
})
