// Every example of RFC 3080: read octet for octet, and where it is an exchange, played against a session.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '#base'
import type { TlsContext } from '#net'
import {
  Entity,
  Framer,
  headerBytes,
  isBeepError,
  readBeepXml,
  readEntity,
  readReply,
  readRequest,
  tuningOf,
} from './codec/index.ts'
import type { BeepProfile } from './profile.ts'
import type { SessionOptions } from './session-options.ts'
import { type Example, readExamples, renumbered, type Step } from './testing/examples.ts'
import { echoHandler, hand, xmlFrame } from './testing/pair.ts'
import { tlsProfileOf } from './tuning/tls.ts'

const examples = readExamples()
const named = (place: string): Example => {
  const found = examples.find(({ name }) => name.startsWith(place))
  assert.ok(found)
  return found
}
const isFrame = ({ octets }: Step): boolean => octets !== undefined

/** Payloads of dots, which stand for something of the size that the header says. */
const placeholders = ['02-section-2.2.1.1', '03-section-2.2.1.1']

/** How many there are in each section of RFC 3080; RFC 3081 has none. */
const counts: Readonly<Record<string, number>> = {
  '2.2': 1,
  '2.2.1.1': 2,
  '2.3.1.1': 1,
  '2.3.1.2': 4,
  '2.3.1.3': 3,
  '2.3.1.5': 1,
  '2.4': 4,
  '2.7': 1,
  '3': 2,
  '3.1.1': 2,
  '4.1.1': 6,
}

test('all 27 examples are there', () => {
  const found: Record<string, number> = {}
  for (const { name } of examples) {
    const section = name.replace(/^\d+-section-/, '')
    found[section] = (found[section] ?? 0) + 1
  }
  assert.deepEqual(found, counts)
})

for (const { name, steps } of examples) {
  test(`example ${name} is read, and its headers are written, octet for octet`, () => {
    for (const step of steps.filter(isFrame)) {
      const size = Number(step.header.split(' ')[5])
      const isWrong = size !== step.payload.length
      assert.equal(isWrong, placeholders.includes(name) && size > 0, step.header)
      const octets = isWrong
        ? Buffer.from(`${step.header}\r\n${step.payload.padEnd(size, '.')}END\r\n`)
        : (step.octets as Buffer)
      const framer = new Framer()
      framer.push(octets)
      const frame = framer.next()
      assert.ok(frame?.kind === 'data', JSON.stringify(frame))
      const { keyword, channel, msgno, more, seqno, ansno } = frame
      const header = headerBytes(keyword, channel, msgno, more, seqno, size, ansno)
      assert.equal(Buffer.from(header).toString(), `${step.header}\r\n`)
      if (!isWrong && size > 0) meaningOf(step)
      assert.equal(framer.next(), undefined)
    }
  })
}

/** What a frame of an example says, whatever its layout. */
function meaningOf({ header, payload }: Step): unknown {
  const [keyword, channel, msgno] = header.split(' ')
  const entity = readEntity(utf8(payload))
  assert.ok(entity instanceof Entity)
  const element = readBeepXml(entity)
  assert.ok(!isBeepError(element), JSON.stringify(element))
  const message =
    channel === '1' ? tuningOf(element) : keyword === 'MSG' ? readRequest(element) : readReply(element)
  assert.ok(
    typeof message !== 'string' && !('code' in message && !('kind' in message)),
    JSON.stringify(message),
  )
  return { keyword, channel, msgno, ...plain(message) }
}

/** Texts with their line breaks and contents with their layout evened out. */
function plain(message: object): object {
  const text = JSON.stringify(message, (_, value: unknown) => {
    const text = value instanceof Uint8Array ? Buffer.from(value).toString() : value
    return typeof text === 'string' ? text.replace(/\s+/g, ' ').trim() : text
  })
  return JSON.parse(text) as object
}

/** A profile that accepts with that answer inside. */
const accepting = (uri: string, content = '', replies: Record<string, string> = {}): BeepProfile => ({
  uri,
  start: (start) =>
    void start.accept(
      {
        onMessage: (entity, replying) => {
          const answer = replies[Buffer.from(entity.body).toString().trim()]
          assert.ok(answer)
          const reply = { contentType: 'application/beep+xml', body: utf8(`${answer}\r\n`) }
          if (answer.startsWith('<error')) replying.negative(reply)
          else replying.positive(reply)
        },
      },
      utf8(content),
    ),
})

const sasl = 'http://iana.org/beep/SASL/'
const otp = `${sasl}OTP`
const challenge = '<blob>b3RwLXNoYTEgOTk5NyBwaXh5bWlzYXM4NTgwNSBleHQ=</blob>'
const response = '<blob>d29yZDpmZXJuIGhhbmcgYnJvdyBib25nIGhlcmQgdG9n</blob>'
const context: TlsContext = { secureContext: () => assert.fail('in memory') }
const tls = tlsProfileOf({ context })
const starts = (uri: string): string => `<start number='1'><profile uri='${uri}' /></start>`
const stillWorking = {
  ...echoHandler,
  onCloseAsked: () => ({ code: 550, text: 'still working' }),
}
const refusing: BeepProfile = { uri: otp, start: (start) => void start.accept(stillWorking) }

interface Play {
  readonly example: string
  readonly options?: Partial<SessionOptions>
  /** Bodies of MSGs on channel 0 that come before. */
  readonly before?: readonly string[]
  /** Our octets are those of the RFC but for what came before; otherwise they mean the same, laid out otherwise. */
  readonly isExact?: true
}

/** Those in which a client asks and a server answers: the session is the server. */
const plays: readonly Play[] = [
  { example: '06', options: { profiles: [accepting(otp)] }, isExact: true },
  { example: '07', options: { profiles: [accepting(otp)] } },
  { example: '08', options: { profiles: [tls] } },
  { example: '10', options: { profiles: [accepting(otp)] }, before: [starts(otp)], isExact: true },
  { example: '11', options: { profiles: [refusing] }, before: [starts(otp)], isExact: true },
  { example: '15', isExact: true },
  { example: '16', options: { profiles: [refusing] }, before: [starts(otp)], isExact: true },
  { example: '20', options: { profiles: [tls] } },
  { example: '21', options: { profiles: [tls] } },
  { example: '22', options: { profiles: [accepting(otp)] }, isExact: true },
  {
    example: '23',
    options: {
      profiles: [accepting(otp, "<error code='534'>authentication mechanism is\ntoo weak</error>")],
    },
  },
  { example: '24', options: { profiles: [accepting(otp, challenge)] } },
  {
    example: '25',
    options: { profiles: [accepting(otp, '', { [response]: "<blob status='complete' />" })] },
    before: [starts(otp)],
    isExact: true,
  },
  {
    example: '26',
    options: { profiles: [accepting(otp, '', { [response]: "<error code='535' />" })] },
    before: [starts(otp)],
    isExact: true,
  },
  {
    example: '27',
    options: {
      profiles: [
        accepting(`${sasl}CRAM-MD5`, '<blob>PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+</blob>'),
      ],
    },
  },
]

for (const { example, options = {}, before = [], isExact } of plays) {
  const { name, steps } = named(example)
  test(`example ${name}: the session answers as the server of the RFC`, () => {
    const peer = hand({ profiles: [], ...options })
    const sent = new Map<string, number>()
    const say = (frame: string): string => {
      const [, channel = '', , , , size] = frame.split(/[ \r]/, 6)
      sent.set(channel, (sent.get(channel) ?? 0) + Number(size))
      return peer.say(frame)
    }
    say(xmlFrame('RPY 0 0 . 0', '<greeting />'))
    // Numbers below those of the examples, which begin at 1.
    before.forEach((body, i) => {
      assert.match(say(xmlFrame(`MSG 0 ${100 + i} . ${sent.get('0') ?? 0}`, body)), /^RPY/)
    })
    let said = ''
    for (const step of steps.filter(isFrame)) {
      if (/[CI]/.test(step.who))
        said = say(renumbered(step, sent.get(step.header.split(' ')[1] as string) ?? 0))
      else same(said.slice(said.search(/^(RPY|ERR)/m)), step, isExact === true)
    }
    if (example === '15') assert.equal(peer.ended()?.why, 'released')
  })
}

function same(said: string, step: Step, isExact: boolean): void {
  const [header = ''] = said.split('\r\n', 1)
  if (isExact) assert.equal(said, renumbered(step, Number(header.split(' ')[4])))
  const payload = said.slice(header.length + 2, -'END\r\n'.length)
  assert.deepEqual(meaningOf({ ...step, header, payload }), meaningOf(step))
}

/** Those in which both sides begin: the session is one of them, the other side's lines are spoken by hand. */
const beginnings: readonly [
  example: string,
  role: 'listener' | 'initiator',
  options: Partial<SessionOptions>,
][] = [
  ['04', 'listener', { profiles: [tls] }],
  ['04', 'initiator', { profiles: [] }],
  ['13', 'listener', { profiles: [tls] }],
  ['13', 'initiator', { profiles: [] }],
  ['14', 'listener', { unavailable: () => ({ code: 421 }) }],
  ['14', 'initiator', { profiles: [] }],
]
for (const [example, role, options] of beginnings) {
  const { name, steps } = named(example)
  test(`example ${name}: the session begins as the ${role} of the RFC`, () => {
    const peer = hand({ role, profiles: [], ...options })
    const us = role === 'listener' ? 'L' : 'I'
    const ours = steps.filter((step) => isFrame(step) && step.who === us)
    const theirs = steps.filter((step) => isFrame(step) && step.who !== us)
    assert.equal(peer.say(), ours.map(({ octets }) => octets?.toString()).join(''))
    for (const { octets } of theirs) peer.say(octets as Buffer)
    assert.equal(peer.ended()?.why, example === '14' ? 'refused' : undefined)
    assert.equal(peer.session.peer !== undefined, example !== '14')
  })
}

test('examples 05, 09, 15 and 17: the session asks as the client of the RFC', () => {
  const peer = hand({ role: 'initiator', profiles: [] })
  peer.say()
  const [greeting] = named('04').steps.filter((step) => isFrame(step) && step.who === 'L')
  peer.say(greeting?.octets)
  const { session } = peer
  session.start({ profiles: [{ uri: otp }], handler: echoHandler }, (outcome) => {
    assert.ok(outcome.kind === 'started')
    outcome.channel.close()
  })
  // 05 is the start, 17 the initiator's part of two that are independent.
  const [start] = named('05').steps
  assert.equal(peer.say(), start?.octets?.toString())
  assert.equal(named('17').steps[0]?.octets?.toString(), start?.octets?.toString())
  const close = peer.say(xmlFrame('RPY 0 1 . 110', `<profile uri='${otp}' />`))
  const [wanted] = named('09').steps
  assert.equal(close, renumbered(wanted as Step, 52 + 120))
  peer.say(xmlFrame('RPY 0 2 . 197', '<ok />'))
  session.release()
  const released = named('15').steps[0] as Step
  assert.equal(peer.say().replace('MSG 0 3', 'MSG 0 1'), renumbered(released, 52 + 120 + 71))
})

test('example 17: the listener starts a channel of its own, and message numbers of both sides are unrelated (§2.7)', () => {
  const apex = 'http://iana.org/beep/APEX'
  const peer = hand({ profiles: [accepting(`${sasl}ANONYMOUS`), accepting(otp), accepting(apex)] })
  // The greeting of §3, with 221 octets.
  const greeting = named('18').steps.filter((step) => isFrame(step) && step.who === 'L')[2] as Step
  assert.equal(peer.say(), greeting.octets?.toString())
  peer.say(xmlFrame('RPY 0 0 . 0', '<greeting />'))
  const [theirs, ours] = named('17').steps as [Step, Step]
  peer.session.start({ profiles: [{ uri: apex }], handler: echoHandler }, () => {})
  assert.equal(peer.say(), ours.octets?.toString())
  assert.match(peer.say(theirs.octets), /^RPY 0 1 \. 337 87\r\n/)
})

test('example 12: the number is even, so ours is the answer of example 07, and 550 where it is odd (§2.3.1.2)', () => {
  const peer = hand({ profiles: [] })
  peer.say(xmlFrame('RPY 0 0 . 0', '<greeting />'))
  const [asked, answer] = named('12').steps as [Step, Step]
  assert.match(peer.say(asked.octets), /ERR 0 1 .*<error code='501'>/s)
  const odd = { ...asked, payload: asked.payload.replace("'2'", "'1'") }
  const said = peer.say(renumbered(odd, 52 + 115).replace('MSG 0 1', 'MSG 0 2'))
  same(said.replace('ERR 0 2', 'ERR 0 1'), answer, false)
})

for (const place of ['18', '19']) {
  const { name, steps } = named(place)
  test(`example ${name}: TLS, and greetings anew`, () => {
    const apex = accepting('http://iana.org/beep/APEX')
    const profiles =
      place === '18'
        ? [tls, ...later([accepting(`${sasl}ANONYMOUS`), accepting(otp), apex])]
        : [accepting(`${sasl}ANONYMOUS`), accepting(otp), apex, tls]
    const peer = hand({ profiles })
    const between = steps.findIndex(({ who }) => who === '#')
    let said = peer.say()
    for (const step of steps.slice(0, between).filter(isFrame)) {
      if (step.who === 'I') said = peer.say(step.octets)
      else same(said, step, said.includes('greeting'))
    }
    peer.connection.startTls(context, { server: false })
    said = peer.say()
    // 19 tells of a handshake that failed; in ours it succeeds, and a listener does not offer TLS again.
    const [greeting] = steps.slice(between).filter(isFrame) as [Step]
    if (place === '18') assert.equal(said, greeting.octets?.toString())
    else assert.equal(said.includes('beep/TLS'), false)
    assert.equal(peer.ended(), undefined)
  })
}

/** "A BEEP peer may choose to issue different greetings based on whether privacy is in use" (§3). */
function later(profiles: readonly BeepProfile[]): BeepProfile[] {
  return profiles.map((profile) => ({
    ...profile,
    isOffered: ({ connection }) => connection.tls !== undefined,
  }))
}
