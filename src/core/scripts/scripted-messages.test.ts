import assert from 'node:assert/strict'
import { test } from 'node:test'
import { text, utf8 } from '#base'
import type { InstantMessage, Outcome } from '#model'
import { Device, declined, saysNo } from '../testing/devices.ts'
import { at, message, type Sketch } from '../testing/envelopes.ts'
import { createWorld, resident, send, settled, signIn, type World, wordOf } from '../testing/world.ts'

const juliet = 'juliet@verona.example'
const romeo = 'romeo@verona.example'
const nurse = 'nurse@verona.example'
const paris = 'paris@mantua.example'

function world(): Promise<World> {
  return createWorld({ accounts: [juliet, romeo, nurse, paris], aliases: { [juliet]: ['j@verona.example'] } })
}

async function script(of: World, owner: string, inside: string, side = 'incoming'): Promise<void> {
  const document = utf8(`<cpl><${side}>${inside}</${side}></cpl>`)
  const outcome = await new Promise<object>((resolve) => of.service.scripts.put(at(owner), document, resolve))
  assert.deepEqual(outcome, { kind: 'stored' })
}

const toJuliet = (more: Partial<Sketch> = {}) =>
  message({ from: romeo, to: juliet, id: 'm', text: 'Hist!', ...more })

/** What came, whatever its octets are now. */
const textsOf = (device: Device): string[] =>
  device.received.map(({ envelope, context }) => {
    const bytes = envelope.content()?.bytes ?? new Uint8Array()
    return `${context.copy === 'sent' ? 'sent ' : ''}${text(bytes)}`
  })

/** Sends and answers in one word, with the SIP status that a script gave. */
async function sent(of: World, more: Partial<Sketch> = {}): Promise<string> {
  const outcome: Outcome = await send(of, toJuliet(more))
  const said = outcome.kind === 'refused' ? outcome.said : undefined
  return `${wordOf(outcome)}${said === undefined ? '' : ` ${said.status} ${said.reason}`.trimEnd()}`
}

const location = (uri: string, inside = '<proxy/>'): string => `<location url="${uri}">${inside}</location>`

test('a script that decides nothing leaves everything as it is, within the tick', async () => {
  const w = await world()
  const phone = new Device(juliet)
  await signIn(w, phone)
  await script(
    w,
    juliet,
    '<address-switch field="origin"><address is="sip:nobody@x.example"><reject status="reject"/></address></address-switch>',
  )
  const envelope = toJuliet()
  let outcome = ''
  w.service.messages.send(envelope, (told) => {
    outcome = told.kind
  })
  assert.deepEqual(textsOf(phone), ['Hist!'])
  await settled()
  assert.equal(outcome, 'delivered')
})

const rejections: readonly (readonly [string, string])[] = [
  ['busy', 'temporarily-unavailable 486'],
  ['notfound', 'target-unknown 404'],
  ['reject', 'permission-denied 603'],
  ['error', 'internal-fault 500'],
  ['433', 'permission-denied 433'],
  ['499', 'not-acceptable 499'],
  ['699', 'permission-denied 699'],
]
for (const [status, outcome] of rejections)
  test(`reject ${status} is ${outcome} (RFC 3880 §6.3)`, async () => {
    const w = await world()
    await script(w, juliet, `<reject status="${status}" reason="Not&#10;now"/>`)
    assert.equal(await sent(w), `${outcome} Not now`)
  })

test('a redirect tells the sender where the owner is, the preferred place first (§6.2)', async () => {
  const w = await world()
  await script(
    w,
    juliet,
    '<location url="sip:a@x.example" priority="0.3"><location url="im:b@x.example" priority="0.7"><redirect permanent="yes"/></location></location>',
  )
  const outcome = await send(w, toJuliet())
  assert.ok(outcome.kind === 'refused')
  assert.deepEqual([outcome.condition, outcome.location], ['permanently-forwarded', 'im:b@x.example'])
  assert.deepEqual(
    outcome.locations?.map(({ uri }) => uri),
    ['im:b@x.example', 'sip:a@x.example'],
  )
})

test('what the rules refuse is refused without asking the script (RFC 2779 2.3.5)', async () => {
  const w = await world()
  await script(w, juliet, location(`sip:${nurse}`))
  await new Promise((resolve) =>
    w.service.contacts.setRule(
      at(juliet),
      { subject: romeo, action: 'polite-block', visibility: 'full' },
      resolve,
    ),
  )
  assert.equal(await sent(w), 'permission-denied')
})

test('a message is sent on: it is the other’s, the sender’s history has it as it was sent', async () => {
  const w = await world()
  const [hers, his] = [new Device(nurse), new Device(romeo, 'desk')]
  await signIn(w, hers)
  await signIn(w, his)
  await script(w, juliet, location(`xmpp:${nurse}`))
  assert.equal(await sent(w, { fromAgent: 'phone' }), 'delivered')
  assert.deepEqual(textsOf(hers), ['Hist!'])
  const { head } = hers.received[0]!.envelope
  assert.deepEqual([head.to.key, head.hops, head.divertedFrom?.map(({ key }) => key)], [nurse, 109, [juliet]])
  assert.deepEqual(textsOf(his), ['sent Hist!'])
  assert.equal(his.received[0]?.envelope.head.to.key, juliet)
  await settled()
  const kept = async (owner: string) =>
    (await w.store.history(at(owner), { limit: 10 })).map(
      ({ peer, direction, raw }) => `${direction} ${peer.key} ${text(raw)}`,
    )
  assert.deepEqual(await kept(romeo), [`sent ${juliet} Hist!`])
  assert.equal((await kept(nurse)).length, 1)
  assert.deepEqual(await kept(juliet), [])
})

test('who is away has it stored, unless the script has something else to do then', async () => {
  const w = await world()
  await script(w, juliet, location(`sip:${nurse}`))
  assert.equal(await sent(w), 'stored')
  const else_ = location(`sip:${paris}`)
  await script(w, juliet, location(`sip:${nurse}`, `<proxy><failure>${else_}</failure></proxy>`))
  assert.equal(await sent(w, { text: 'Again' }), 'stored')
  const [hers, his] = [new Device(nurse), new Device(paris)]
  await signIn(w, hers)
  await signIn(w, his)
  await settled()
  assert.deepEqual([textsOf(hers), textsOf(his)], [['Hist!'], ['Again']])
})

test('one’s own address is one’s own inbox, and is not asked about again', async () => {
  const w = await world()
  const phone = new Device(juliet)
  await signIn(w, phone)
  for (const own of [juliet, 'j@verona.example']) {
    await script(w, juliet, location(`sip:${own}`))
    assert.equal(await sent(w), 'delivered')
  }
  assert.deepEqual(textsOf(phone), ['Hist!', 'Hist!'])
})

test('registrations are the devices; one that is taken out gets nothing (§5.2, §5.3)', async () => {
  const w = await world()
  const [desk, mobile] = [new Device(juliet, 'desk'), new Device(juliet, 'mobile')]
  Object.assign(mobile, { contactUri: 'sip:juliet@10.0.0.9' })
  const lookUp = (inside: string): string =>
    `<lookup source="registration"><success><remove-location location="sip:juliet@10.0.0.9">${inside}</remove-location></success><notfound><reject status="480"/></notfound></lookup>`
  await script(w, juliet, lookUp('<proxy/>'))
  assert.equal(await sent(w), 'temporarily-unavailable 480')
  await signIn(w, desk)
  await signIn(w, mobile)
  assert.equal(await sent(w), 'delivered')
  assert.deepEqual([textsOf(desk), textsOf(mobile)], [['Hist!'], []])
})

test('the outputs of a proxy follow what became of it (§6.1)', async () => {
  const w = await world()
  const hers = new Device(nurse)
  await signIn(w, hers)
  const output = (name: string): string => `<${name}><reject status="499" reason="${name}"/></${name}>`
  const outputs = ['busy', 'noanswer', 'redirection', 'failure'].map(output).join('')
  await script(w, juliet, location(`sip:${nurse}`, `<proxy>${outputs}</proxy>`))
  const rows = [
    [() => saysNo(), 'failure'],
    [() => declined('remote-timeout'), 'noanswer'],
    [
      () =>
        ({
          kind: 'refused',
          outcome: { kind: 'refused', condition: 'not-acceptable', said: { status: 486, reason: '' } },
        }) as const,
      'busy',
    ],
    [
      () =>
        ({
          kind: 'refused',
          outcome: { kind: 'refused', condition: 'temporarily-forwarded', location: `im:${paris}` },
        }) as const,
      'redirection',
    ],
  ] as const
  for (const [answer, output] of rows) {
    hers.onDeliver = (_envelope, _context, told) => told(answer())
    assert.equal(await sent(w), `not-acceptable 499 ${output}`)
  }
})

test('without outputs the best refusal is the sender’s, and a redirection is followed', async () => {
  const w = await world()
  const [hers, his] = [new Device(nurse), new Device(paris)]
  await signIn(w, hers)
  await script(w, juliet, location(`sip:${nurse}`))
  hers.onDeliver = (_envelope, _context, told) => told(saysNo('message-too-large'))
  assert.equal(await sent(w), 'message-too-large')
  await signIn(w, his)
  hers.onDeliver = (_envelope, _context, told) =>
    told({
      kind: 'refused',
      outcome: { kind: 'refused', condition: 'temporarily-forwarded', location: `im:${paris}` },
    })
  assert.equal(await sent(w), 'delivered')
  assert.deepEqual(textsOf(his), ['Hist!'])
})

test('places are tried at once, one after the other by priority, or the first alone (§6.1)', async () => {
  const w = await world()
  const [hers, his] = [new Device(nurse), new Device(paris)]
  await signIn(w, hers)
  await signIn(w, his)
  const both = (ordering: string): string =>
    `<location url="sip:${nurse}" priority="0.1"><location url="sip:${paris}" priority="0.9"><proxy ordering="${ordering}"/></location></location>`
  const tried = async (ordering: string): Promise<[string, string]> => {
    await script(w, juliet, both(ordering))
    return [ordering, await sent(w, { text: ordering })]
  }
  his.onDeliver = (_envelope, _context, told) => told(saysNo())
  assert.deepEqual(await tried('parallel'), ['parallel', 'delivered'])
  assert.deepEqual(await tried('sequential'), ['sequential', 'delivered'])
  assert.deepEqual(await tried('first-only'), ['first-only', 'not-acceptable'])
  assert.deepEqual(textsOf(hers), ['parallel', 'sequential'])
  assert.deepEqual(textsOf(his), ['parallel', 'sequential', 'first-only'])
})

test('two who send on to each other: who has had it before keeps it', async () => {
  const w = await world()
  const [hers, own] = [new Device(nurse), new Device(juliet)]
  await signIn(w, hers)
  await signIn(w, own)
  await script(w, juliet, location(`sip:${nurse}`))
  await script(w, nurse, location('sip:j@verona.example'))
  assert.equal(await sent(w), 'delivered')
  assert.deepEqual([textsOf(hers), textsOf(own)], [[], ['Hist!']])
})

test('no message is sent on for ever, nor from one foreign domain to another', async () => {
  const names = Array.from({ length: 14 }, (_, i) => `p${i}@verona.example`)
  const w = await createWorld({ accounts: names })
  for (const [i, name] of names.entries())
    if (i < 13)
      await script(
        w,
        name,
        location(`sip:${names[i + 1]}`, '<proxy><failure><reject status="499"/></failure></proxy>'),
      )
  const outcome = await send(w, message({ from: romeo, to: names[0] as string, id: 'm' }))
  assert.ok(outcome.kind === 'refused')
  assert.equal(outcome.said?.status, 499)
  const stranger = message({ from: 'tybalt@far.example', to: names[13] as string, id: 'm' })
  await script(
    w,
    names[13] as string,
    location('sip:other@farther.example', '<proxy><failure><reject status="498"/></failure></proxy>'),
  )
  const told = await send(w, stranger)
  assert.equal(told.kind === 'refused' && told.said?.status, 498)
})

test('what the owner sends is asked about before it goes, once (§2.1, outgoing)', async () => {
  const w = await world()
  const [hers, own] = [new Device(nurse), new Device(juliet)]
  await signIn(w, hers)
  await signIn(w, own)
  await signIn(w, new Device(romeo))
  const screened = `<address-switch field="destination"><address is="sip:${juliet}"><reject status="reject" reason="Banished"/></address></address-switch>`
  await script(w, romeo, screened, 'outgoing')
  assert.equal(await sent(w), 'permission-denied 603 Banished')
  await script(w, romeo, '<proxy/>', 'outgoing')
  assert.equal(await sent(w), 'delivered')
  await script(w, romeo, `<location url="im:${nurse}" clear="yes"><proxy/></location>`, 'outgoing')
  assert.equal(await sent(w, { text: 'To both?' }), 'delivered')
  assert.deepEqual([textsOf(own), textsOf(hers)], [['Hist!'], ['To both?']])
})

test('a script is durable, replaced, taken away; one that is none changes nothing', async () => {
  const w = await world()
  await script(w, juliet, '<reject status="busy"/>')
  const broken = await new Promise((resolve) =>
    w.service.scripts.put(at(juliet), utf8('<cpl>\n<x/></cpl>'), resolve),
  )
  assert.deepEqual(broken, { line: 2, column: 1, reason: '<cpl> holds no <x>' })
  w.service.directory.forget(await resident(w, juliet))
  assert.equal(await sent(w), 'temporarily-unavailable 486')
  assert.equal(
    text((await w.service.scripts.document(at('j@verona.example'))) as Uint8Array),
    '<cpl><incoming><reject status="busy"/></incoming></cpl>',
  )
  await new Promise((resolve) => w.service.scripts.put(at(juliet), undefined, resolve))
  assert.equal(await sent(w), 'stored')
  assert.equal(await w.service.scripts.document(at(juliet)), undefined)
  assert.equal(await w.service.scripts.document(at('nobody@verona.example')), 'unknown')
  const unknown = await new Promise((resolve) =>
    w.service.scripts.put(at('nobody@verona.example'), undefined, resolve),
  )
  assert.deepEqual(unknown, { kind: 'refused', condition: 'target-unknown' })
})

test('a stored script that is no longer read does not lock its owner out', async () => {
  const w = await world()
  await w.store.putDocument(at(juliet), 'script', utf8('<cpl><incoming><ring/></incoming></cpl>'))
  assert.equal(await sent(w), 'stored')
  assert.match(w.faults.join(), /an account could not be loaded/)
})

test('mail is an instant message to the owner, who is not asked about it, and not more than a few (§7.1)', async () => {
  const w = await world()
  const own = new Device(juliet)
  await signIn(w, own)
  await script(
    w,
    juliet,
    '<mail url="mailto:juliet@example.com?subject=Lookup%20failed"><reject status="busy"/></mail>',
  )
  for (let i = 0; i < 15; i++) assert.equal(await sent(w), 'temporarily-unavailable 486')
  assert.equal(own.received.length, 10)
  const view = own.received[0]!.envelope.view() as InstantMessage
  assert.equal(view.subject[0]?.text, 'Lookup failed')
  assert.match(
    view.body[0]?.text ?? '',
    /^message from <sip:romeo@verona.example>\nto sip:juliet@verona.example\nat .*\n\n\(for juliet@example.com, by your script\)$/s,
  )
  w.clock.advance(10_000)
  await sent(w)
  assert.equal(own.received.length, 11)
})

test('a notice that waited is read again from the store', async () => {
  const w = await world()
  await script(w, juliet, '<mail url="mailto:juliet@example.com?subject=a%0Ab&amp;body=Hello"/>')
  assert.equal(await sent(w), 'stored')
  const own = new Device(juliet)
  await signIn(w, own)
  await settled()
  const views = own.received.map(({ envelope }) => envelope.view() as InstantMessage)
  const notice = views.find(({ subject }) => subject.length > 0)
  assert.equal(notice?.subject[0]?.text, 'a b')
  assert.match(notice?.body[0]?.text ?? '', /^Hello\n/)
})

test('what a script lets through does not overtake what is being handed over', async () => {
  const w = await world()
  await sent(w, { text: '1' })
  await sent(w, { text: '2' })
  await script(w, juliet, `<location url="sip:${juliet}"><proxy/></location>`)
  const phone = new Device(juliet)
  await signIn(w, phone)
  const outcome = sent(w, { text: '3' })
  assert.equal(await outcome, 'delivered')
  assert.deepEqual(textsOf(phone), ['1', '2', '3'])
})

test('nobody is told of a mere hint, which is decided about like what it is about', async () => {
  const w = await world()
  const own = new Device(juliet)
  await signIn(w, own)
  await script(w, juliet, '<mail url="mailto:juliet@example.com"/>')
  assert.equal(await sent(w, { whenAbsent: 'drop', storable: false }), 'delivered')
  assert.deepEqual(textsOf(own), ['Hist!'])
  await script(w, juliet, '<mail url="mailto:juliet@example.com"><reject status="busy"/></mail>')
  assert.equal(await sent(w, { whenAbsent: 'drop', storable: false }), 'temporarily-unavailable 486')
  assert.equal(own.received.length, 1)
})
