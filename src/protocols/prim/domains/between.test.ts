// What crosses between two of our servers, octet for octet: the exchanges of testdata/between.txt. Names that are drawn by lot stand there as
// {1}, {2} in the order of their coming.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { at } from '../testing/fixture.ts'
import { dropHands, Hand, pidf } from '../testing/hand.ts'
import { everything, type TwoDomains, twoDomains } from '../testing/two-domains.ts'

after(dropHands)

const plain = { 'Content-Type': 'text/plain; charset=UTF-8' }
const leased = {
  'PI-Type': 'leased',
  Duration: '300',
  'Tuple-ID': 'im',
  'Content-Type': 'application/pidf+xml',
}

interface Scene {
  readonly two: TwoDomains
  readonly bob: Hand
  readonly alice: Hand
}

const acts: Readonly<Record<string, (scene: Scene) => Promise<unknown>>> = {
  'a message, from STARTTLS on, and its answer (§8.2, §8.3)': async ({ alice, bob }) => {
    await bob.message('LISTEN')
    const fields = {
      To: bob.im,
      'Message-ID': '7f3a@example.net',
      'Conversation-ID': 'c-19',
      'X-Odd': 'yes',
      Date: 'Fri, 01 May 2026 09:05:00 +0000',
      ...plain,
    }
    await alice.message('SEND', fields, 'Lunch at noon?')
  },
  'messages that are not delivered now, or not at all (§6.1)': async ({ alice, bob }) => {
    await bob.message('SILENCE')
    const date = { Date: 'Fri, 01 May 2026 09:06:00 +0000' }
    await alice.message('SEND', { To: bob.im, 'Message-ID': 'a', ...date, ...plain }, 'later')
    await alice.message('SEND', { To: 'im:no@example.com', 'Message-ID': 'b', ...date, ...plain }, 'x')
  },
  'a subscription that must be allowed first, then its first news (§8.4)': async ({ two, alice, bob }) => {
    await alice.presence('SUBSCRIBE', { To: bob.pres, Duration: '600' })
    await bob.presence('PUBLISH', leased, pidf('open'))
    await everything()
    const rule = { subject: 'alice@example.net', action: 'allow', visibility: 'full' } as const
    two.here.service.contacts.setRule(at('bob@example.com'), rule, () => {})
    await everything()
  },
  'a change, and FETCH of one who may (§8.3, §8.4)': async ({ alice, bob }) => {
    await bob.presence('PUBLISH', leased, pidf('closed'))
    await everything()
    await alice.presence('UNSUBSCRIBE', { To: bob.pres })
    await everything()
    await alice.presence('FETCH', { To: bob.pres })
  },
  'the right is withdrawn: NOTIFY with Duration 0 (§8.4)': async ({ alice, bob }) => {
    await alice.presence('SUBSCRIBE', { To: bob.pres, Duration: '600' })
    await everything()
    await bob.presence('SETACL', { 'Content-Type': 'application/xml' }, '<acl/>')
    await everything()
    await alice.presence('FETCH', { To: bob.pres })
  },
}

/** As the file has it. */
function written({ wires }: TwoDomains, names: Map<string, string>): string {
  const lines = wires.said.splice(0).map(({ connection, byOpener, octets }) => {
    const drawn = octets.replace(/^(Subscription-ID): (.*)\r$/gm, (_line, field, id) => {
      if (!names.has(id)) names.set(id, `{${names.size + 1}}`)
      return `${field}: ${names.get(id)}\r`
    })
    const own = drawn.replaceAll('\r\n', '\n')
    return `connection ${connection}, ${byOpener ? 'who opened it' : 'the other'}:\n${own.replace(/^/gm, '  ').trimEnd()}\n`
  })
  return lines.join('\n')
}

test('the exchanges between two servers, one after the other', async (t) => {
  const two = await twoDomains()
  const bob = await (await new Hand(two.here).login('bob')).login('bob', 'pres')
  const alice = await (await new Hand(two.there).login('alice')).login('alice', 'pres')
  const names = new Map<string, string>()
  const file = readFileSync(new URL('../testdata/between.txt', import.meta.url), 'utf8')
  const sections = new Map(
    file
      .split(/^# /m)
      .slice(1)
      .map((section) => {
        const end = section.indexOf('\n')
        return [section.slice(0, end), section.slice(end).trim()]
      }),
  )
  for (const [name, act] of Object.entries(acts)) {
    await t.test(name, async () => {
      await act({ two, bob, alice })
      await everything()
      assert.equal(written(two, names).trim(), sections.get(name))
    })
  }
})
