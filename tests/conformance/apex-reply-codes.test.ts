// Every reply code of RFC 3080 §8 and RFC 3340 §10 (with those of RFC 3341 to 3343), by what gets it: a cell of the table in docs/specs/apex.md §7
// without a case here fails, and so does a case without a cell, a code without a row.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { replyCodes as apexCodes } from '../../src/protocols/apex/codec/reply-codes.ts'
import type { ApexSettings } from '../../src/protocols/apex/settings.ts'
import { at, fixture, settled } from '../../src/protocols/apex/testing/fixture.ts'
import { data, Hand } from '../../src/protocols/apex/testing/hand.ts'
import { replyCodes as beepCodes } from '../../src/protocols/beep/codec/reply-codes.ts'
import { loginProfiles, until } from '../../src/protocols/beep/testing/logins.ts'
import { hand as beepHand } from '../../src/protocols/beep/testing/pair.ts'

const page = readFileSync(new URL('../../docs/specs/apex.md', import.meta.url), 'utf8')
const places = ['beep', 'channel', 'service', 'report'] as const
type Place = (typeof places)[number]

/** code -> what stands in its cells. */
const table = new Map<number, readonly string[]>()
for (const line of page.slice(page.indexOf('## 7. Reply codes')).split('\n')) {
  const cells = line.split('|').slice(1, -1)
  const code = Number(cells[0])
  if (cells.length === 5 && code >= 200)
    table.set(
      code,
      cells.slice(1).map((cell) => cell.trim()),
    )
  if (line.startsWith('## ') && !line.startsWith('## 7')) break
}

interface Scene {
  readonly world: Awaited<ReturnType<typeof fixture>>
  /** Attached as fred@example.com. */
  readonly fred: Hand
}

async function scene(settings: Partial<ApexSettings> = {}): Promise<Scene> {
  const world = await fixture(settings)
  return { world, fred: await attached(world, 'fred') }
}

async function attached(world: Scene['world'], user: string): Promise<Hand> {
  const hand = new Hand(world)
  await hand.signIn(user, `<attach endpoint='${user}@example.com' transID='1' />`)
  return hand
}

const firstCode = (text: string): number => Number(/code='(\d{3})'/.exec(text)?.[1])

/** What a document on the channel is answered with. */
const said =
  (document: string, settings: Partial<ApexSettings> = {}) =>
  async (): Promise<number> =>
    firstCode(await (await scene(settings)).fred.say(document))

/** What a document on channel 0 is answered with, without a login. */
const asked = (document: string) => async (): Promise<number> =>
  firstCode(await new Hand(await fixture()).say(document, 0))

const start = (number: number, profile: string, more = ''): string =>
  `<start number='${number}'${more}>${profile}</start>`
const plain = (secret: string, authzid = ''): string => {
  const blob = Buffer.from(`${authzid}\0fred@example.com\0${secret}`).toString('base64')
  return `<profile uri='http://iana.org/beep/SASL/PLAIN'><![CDATA[<blob>${blob}</blob>]]></profile>`
}

/** What a service replies. */
const told =
  (service: 'presence' | 'access', element: string, before: readonly string[] = []) =>
  async (): Promise<number> => {
    const { fred } = await scene()
    for (const inline of [...before, element]) {
      await fred.hear()
      await fred.say(data('fred@example.com', `apex=${service}@example.com`, inline))
    }
    return firstCode((await fred.hear()).join())
  }

const subscribe = (publisher: string, id: number, seconds = 0): string =>
  `<subscribe publisher='${publisher}' duration='${seconds}' transID='${id}' />`
const get = (owner: string, actor: string): string => `<get owner='${owner}' actor='${actor}' transID='3' />`
const set = (actor: string, actions: string): string =>
  `<set transID='3'><access owner='fred@example.com' actor='${actor}' actions='${actions}' /></set>`
const publish = (publisher: string, inner: string): string =>
  `<publish publisher='${publisher}' transID='4' timeStamp='2026-01-01T00:00:00Z'><presence publisher='${inner}' lastUpdate='2026-01-01T00:00:00Z'><tuple destination='apex:a@b' availableUntil='2026-01-01T00:00:00Z' /></presence></publish>`

const asks = "<option internal='statusRequest' transID='86' />"

/** What a report says of data to somebody. */
const reported =
  (
    to: string,
    settings: Partial<ApexSettings> = {},
    prepare: (all: Scene) => unknown = () => {},
    options = asks,
  ) =>
  async (): Promise<number> => {
    const all = await scene(settings)
    await prepare(all)
    all.fred.timePasses = () => all.world.clock.advance(1000)
    await all.fred.say(data('fred@example.com', to, '<a />', options))
    await settled()
    all.world.clock.advance(40_000)
    return firstCode((await all.fred.hear()).find((text) => text.includes('statusResponse')) ?? '')
  }

/** A login with an authenticator that fails, or an account that has no keys for the mechanism. */
async function loginAnswer(mechanism: string, failing: boolean): Promise<number> {
  const peer = beepHand({
    profiles: loginProfiles(
      { plainWithoutTls: true },
      failing ? { authenticator: { credentials: () => Promise.reject(new Error('the disk is gone')) } } : {},
    ),
  })
  const blob = Buffer.from('\0alice@example.com\0secret').toString('base64')
  const uri = `http://iana.org/beep/SASL/${mechanism}`
  const document = `<start number='1'><profile uri='${uri}'><![CDATA[<blob>${blob}</blob>]]></profile></start>`
  const xmlHead = 'Content-Type: application/beep+xml\r\n\r\n'
  const greeting = `${xmlHead}<greeting />`
  let heard = peer.say(`RPY 0 0 . 0 ${greeting.length}\r\n${greeting}END\r\n`)
  const payload = xmlHead + document
  heard += peer.say(`MSG 0 1 . ${greeting.length} ${payload.length}\r\n${payload}END\r\n`)
  await until(
    () => /RPY 0 1|ERR 0 1/.test(heard),
    () => {
      heard += peer.say('')
    },
  )
  return firstCode(heard.slice(heard.search(/RPY 0 1|ERR 0 1/)))
}

type Act = () => Promise<number>

const cases: Readonly<Record<number, Partial<Record<Place, Act>>>> = {
  200: {
    beep: async () => {
      const { world, fred } = await scene()
      world.edge.stop()
      return firstCode((await fred.hear()).find((text) => text.startsWith('<close')) ?? '')
    },
  },
  250: {
    service: told('presence', "<terminate transID='9' />", [subscribe('fred@example.com', 9, 600)]),
    report: reported('barney@example.com', {}, ({ world }) => attached(world, 'barney')),
  },
  350: { report: reported('barney@example.com') },
  421: {
    beep: async () => firstCode(beepHand({ unavailable: () => ({ code: 421, text: 'full' }) }).say('')),
    report: async () => {
      const { world, fred } = await scene()
      world.relay.endpoints.all()[0]?.signOut('target-unknown')
      return firstCode((await fred.hear()).join())
    },
  },
  450: {
    beep: async () => {
      const world = await fixture()
      const hand = new Hand(world)
      // The first waits for a challenge's answer: one tuning at a time.
      const scram = Buffer.from('n,,n=fred@example.com,r=abcdefgh').toString('base64')
      const uri = 'http://iana.org/beep/SASL/SCRAM-SHA-256'
      await hand.say(start(1, `<profile uri='${uri}'><![CDATA[<blob>${scram}</blob>]]></profile>`), 0)
      return firstCode(await hand.say(start(3, plain('secret')), 0))
    },
    report: reported('barney@example.com', { holdAlways: false }),
  },
  451: {
    report: reported('barney@example.com', { holdAlways: false }, async ({ world }) => {
      ;(await attached(world, 'barney')).answers = undefined
    }),
  },
  454: { beep: () => loginAnswer('PLAIN', true) },
  500: {
    beep: asked('<start'),
    channel: said('<attach'),
  },
  501: {
    beep: asked('<hello />'),
    channel: said('<hello />'),
    service: told('access', "<query owner='fred@example.com' transID='4' />"),
  },
  503: { service: told('presence', publish('fred@example.com', 'wilma@example.com')) },
  504: {
    channel: said(
      "<attach endpoint='fred/x@example.com' transID='5'><option external='urn:x' mustUnderstand='true' /></attach>",
    ),
    report: async () => {
      const { fred } = await scene()
      const recipient = `<recipient identity='barney@example.com'>${asks}<option external='urn:x' mustUnderstand='true' /></recipient>`
      await fred.say(
        `<data content='#C'><originator identity='fred@example.com' />${recipient}<data-content Name='C'><a /></data-content></data>`,
      )
      return firstCode((await fred.hear()).join())
    },
  },
  530: {
    channel: async () => {
      const hand = new Hand(await fixture())
      return firstCode(await hand.open(1, "<attach endpoint='fred@example.com' transID='1' />"))
    },
  },
  534: {},
  535: { beep: asked(start(1, plain('wrong'))) },
  537: {
    beep: asked(start(1, plain('secret', 'wilma@example.com'))),
    channel: said("<attach endpoint='wilma@example.com' transID='5' />"),
    service: told('access', get('wilma@example.com', '*@*')),
    report: reported('barney@example.com', {}, ({ world }) =>
      world.service.contacts.setRule(
        at('barney@example.com'),
        { subject: 'fred@example.com', action: 'block', visibility: 'full' },
        () => {},
      ),
    ),
  },
  538: {
    beep: async () => {
      const world = await fixture({ plainWithoutTls: false })
      return firstCode(await new Hand(world).say(start(1, plain('secret')), 0))
    },
  },
  550: {
    beep: asked(start(1, "<profile uri='http://example.com/nothing' />")),
    channel: said("<terminate transID='13' />"),
    service: told('presence', subscribe('pebbles@example.com', 5)),
    report: reported('pebbles@example.com'),
  },
  551: { service: told('access', get('fred@example.com', 'barney@example.com')) },
  553: {
    beep: asked(start(1, "<profile uri='http://iana.org/beep/APEX' />", " serverName='elsewhere.example'")),
    channel: said("<attach endpoint='fred@elsewhere.example' transID='5' />"),
    service: told('access', get('fred@elsewhere.example', '*@*')),
  },
  554: {
    channel: said("<attach endpoint='fred@example.com' transID='5' />"),
    service: told('access', set('barney/*@example.com', 'core:data')),
    report: reported('barney@example.com', { holdAlways: false }, async ({ world }) => {
      ;(await attached(world, 'barney')).answers = "<error code='554' />"
    }),
  },
  555: {
    channel: said("<attach endpoint='fred/x@example.com' transID='1' />"),
    service: told('presence', subscribe('barney@example.com', 9, 600), [
      subscribe('fred@example.com', 9, 600),
    ]),
  },
  556: {
    report: async () => {
      const { world, fred } = await scene()
      const other = new Hand(world)
      const override = "<option internal='attachOverride' />"
      await other.signIn('fred', `<attach endpoint='fred@example.com' transID='1'>${override}</attach>`)
      return firstCode((await fred.hear()).join())
    },
  },
}

describe('reply codes (RFC 3080 §8, RFC 3340 §10; docs/specs/apex.md §7)', () => {
  test('each has a row, and each row is one', () => {
    const known = [...new Set([...Object.keys(beepCodes), ...Object.keys(apexCodes)].map(Number))].sort()
    assert.deepEqual([...table.keys()], known)
    assert.deepEqual(Object.keys(cases).map(Number), known)
  })

  for (const [code, cells] of table) {
    for (const [index, place] of places.entries()) {
      const act = cases[code]?.[place]
      const cell = cells[index] ?? ''
      if (act === undefined && cell === '') continue
      test(`${code} ${place}: ${cell}`, async () => {
        assert.notEqual(cell, '', 'a case without a cell')
        assert.ok(act, 'a cell without a case')
        assert.equal(await act(), code)
      })
    }
  }
})
