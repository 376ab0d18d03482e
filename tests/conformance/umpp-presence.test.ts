// The flow of presence of UMPP §4.2, as the draft prints it, slips included, taken; and as we write it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { text } from '#base'
import type { TupleChange } from '#core'
import { addressOfUri } from '#model'
import { bodyOf } from '../../src/protocols/sip/codec/message.ts'
import { fieldOf } from '../../src/protocols/sip/testing/phone.ts'
import { capulet, Hand, house, montague, startLine, via } from './umpp-house.ts'

const romeoWatches = [
  'SUBSCRIBE pres:juliet@thecappulets.example.com SIP/2.0',
  'To: Juliet <pres:juliet@thecappulets.example.com>',
  'From: Romeo <pres:romeo@montague.example.net>;tag=23923',
  'Call-ID: 98394813@orchard.montague.example.net',
  'CSeq: 13667 SUBSCRIBE',
  'Event: presence',
  'Expires: 3600',
  'Contact: <sip:romeo@orchard.montague.example.net>',
]

/** Juliet shows herself to a watcher who asks as printed, and with what else. */
async function watched(more: string[] = []) {
  const here = await house(capulet, 'impish.thecapulets.example.com', 'juliet')
  const romeo = addressOfUri(`im:romeo@${montague}`)
  const juliet = addressOfUri(`im:juliet@${capulet}`)
  assert.ok(romeo !== undefined && juliet !== undefined)
  await new Promise<void>((done) =>
    here.side.service.contacts.approve(juliet, romeo, undefined, () => done()),
  )
  const phone = here.town.phone(here.side, 'juliet', '192.0.2.30')
  const registered = phone.register()
  await here.town.settled()
  await registered
  const hand = new Hand()
  hand.call(here, '192.0.2.2')
  const [first = '', ...rest] = romeoWatches
  hand.send([first, ...via('orchard.montague.example.net'), ...rest, ...more])
  await here.town.settled()
  return { here, hand }
}

test('the printed SUBSCRIBE is answered with Expires, and a NOTIFY follows with Event and PIDF (U85 to U111, G6 to G8)', async () => {
  const { hand } = await watched()
  const ok = hand.answer(200)
  assert.match(fieldOf(ok, 'To') ?? '', /^Juliet <pres:juliet@thecappulets\.example\.com>;tag=.+/)
  assert.equal(fieldOf(ok, 'CSeq'), '13667 SUBSCRIBE')
  assert.equal(fieldOf(ok, 'Expires'), '3600')
  const notify = hand.last('NOTIFY')
  assert.equal(startLine(notify), 'NOTIFY sip:romeo@orchard.montague.example.net SIP/2.0')
  assert.equal(fieldOf(notify, 'To'), 'Romeo <pres:romeo@montague.example.net>;tag=23923')
  assert.equal(fieldOf(notify, 'From'), fieldOf(ok, 'To'))
  assert.equal(fieldOf(notify, 'Call-ID'), '98394813@orchard.montague.example.net')
  assert.equal(fieldOf(notify, 'Event'), 'presence')
  assert.match(fieldOf(notify, 'Subscription-State') ?? '', /^active;expires=3600$/)
  assert.equal(fieldOf(notify, 'Content-Type'), 'application/pidf+xml')
  const body = text(bodyOf(notify))
  assert.match(body, /^<\?xml version="1\.0" encoding="UTF-8"\?>/)
  assert.match(
    body,
    /<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:juliet@thecappulets\.example\.com">/,
  )
})

test('who reads only application/cpim-pidf+xml is shown that, with its namespace (G9)', async () => {
  const { hand } = await watched(['Accept: application/cpim-pidf+xml'])
  const notify = hand.last('NOTIFY')
  assert.equal(fieldOf(notify, 'Content-Type'), 'application/cpim-pidf+xml')
  assert.match(text(bodyOf(notify)), /xmlns="urn:ietf:params:xml:ns:cpim-pidf"/)
})

test('we SUBSCRIBE as printed, take 200 and NOTIFY as printed (no Expires, no Event, the older type, a misspelt entity), open and closed (U87 to U111, G4, G6, G7, G9, G11)', async () => {
  const here = await house(montague, 'xmpp.montague.example.net', 'romeo')
  const juliet = new Hand()
  juliet.listen(here.town, capulet, '192.0.2.2')
  juliet.answers = () => ({
    status: 200,
    toTag: '-938413',
    headers: [
      ['Subscription-State', 'active;expires=3600'],
      ['Contact', '<sip:juliet@balcony.thecappulets.example.com>'],
    ],
  })
  const learnt: string[] = []
  Object.assign(here.side.service.remotePresence, {
    active: () => undefined,
    changed: (_watcher: unknown, _presentity: unknown, changes: readonly TupleChange[]) => {
      for (const { tuple, source } of changes)
        learnt.push(`${tuple} ${source === undefined ? 'gone' : source.view().tuples[0]?.basic}`)
      return 'known'
    },
  })
  const from = addressOfUri(`im:romeo@${montague}`)
  const to = addressOfUri(`im:juliet@${capulet}`)
  assert.ok(from !== undefined && to !== undefined)
  here.domains.linkTo(capulet).watch(from, to)
  await here.town.settled()
  const subscribe = juliet.last('SUBSCRIBE')
  assert.equal(startLine(subscribe), 'SUBSCRIBE pres:juliet@thecappulets.example.com SIP/2.0')
  assert.equal(fieldOf(subscribe, 'To'), '<pres:juliet@thecappulets.example.com>')
  assert.match(fieldOf(subscribe, 'From') ?? '', /^<pres:romeo@montague\.example\.net>;tag=.+/)
  assert.equal(fieldOf(subscribe, 'Event'), 'presence')
  assert.match(fieldOf(subscribe, 'Expires') ?? '', /^\d+$/)
  assert.match(fieldOf(subscribe, 'Contact') ?? '', /^<sip:.+>$/)
  assert.equal(fieldOf(subscribe, 'Accept'), 'application/pidf+xml, application/cpim-pidf+xml')
  for (const [number, basic] of [
    [66_734, 'open'],
    [66_735, 'closed'],
  ] as const) {
    const head = [
      'NOTIFY sip:romeo@orchard.montague.example.net SIP/2.0',
      ...via('balcony.thecappulets.example.com'),
      `To: Romeo ${fieldOf(subscribe, 'From')}`,
      'From: Juliet <pres:juliet@thecappulets.example.com>;tag=-938413',
      `Call-ID: ${fieldOf(subscribe, 'Call-ID')}`,
      `CSeq: ${number} NOTIFY`,
      'Subscription-State: active;expires=3600',
      'Contact: <sip:juliet@balcony.thecappulets.example.com>',
      'Content-Type: application/cpim-pidf+xml',
    ]
    juliet.send(
      head,
      `<?xml version="1.0" encoding="UTF-8"?>\n<presence xmlns="urn:ietf:params:xml:ns:cpim-pidf"\n entity="pres:juliet@thecapulets.example.com">\n<tuple id="balcony">\n<status>\n<basic>${basic}</basic>\n</status>\n<timestamp>1597-02-14T01:00:00Z</timestamp>\n</tuple>\n</presence>\n`,
    )
    await here.town.settled()
    assert.equal(fieldOf(juliet.answer(200), 'CSeq'), `${number} NOTIFY`)
  }
  assert.deepEqual(learnt, ['balcony open', 'balcony closed'])
})
