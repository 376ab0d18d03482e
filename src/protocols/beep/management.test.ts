// Channel 0 against a peer by hand: what is granted, what is refused and with which code (RFC 3080 §2.3, §2.4).

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '#base'
import type { BeepProfile, Channel, ChannelHandler, ChannelStart, Replying } from './profile.ts'
import type { SessionOptions } from './session-options.ts'
import {
  echoHandler,
  echoProfile,
  echoUri,
  frame,
  type Hand,
  hand,
  openEcho,
  pair,
  xmlFrame,
  xmlHead,
} from './testing/pair.ts'

interface Zero {
  readonly peer: Hand
  /** Sends a message of channel 0; what is said. */
  zero(header: string, body: string): string
}

function zero(options: Partial<SessionOptions> = {}, greeting = '<greeting />'): Zero {
  const peer = hand(options)
  let seqno = 0
  const say = (header: string, body: string): string => {
    const at = seqno
    seqno += xmlHead.length + Buffer.byteLength(body) + 2
    return peer.say(Buffer.from(xmlFrame(`${header} ${at}`, body)))
  }
  peer.say()
  say('RPY 0 0 .', greeting)
  return { peer, zero: say }
}

const start = (number: number, uri = echoUri, more = ''): string =>
  `<start number='${number}'${more}><profile uri='${uri}'/></start>`
const needsLogin: BeepProfile = {
  ...echoProfile,
  uri: 'urn:needs-login',
  isOffered: ({ identity }) => identity !== undefined,
  refusal: () => ({ code: 530 }),
}
const never: BeepProfile = { ...echoProfile, uri: 'urn:never', isOffered: () => false }
const declining: BeepProfile = { uri: 'urn:declining', start: (asked) => asked.refuse({ code: 451 }) }
const serves = (name: string): boolean => name === 'example.com'
const profiles = [echoProfile, needsLogin, never, declining]

/** [rule, what comes before, the message, the answer] */
const rows: [string, string[], string, RegExp][] = [
  [
    'an odd number from the initiator',
    [],
    start(1),
    /^RPY 0 1 .*<profile uri='http:\/\/example\.com\/beep\/echo' \/>/s,
  ],
  [
    'an even number from the initiator',
    [],
    start(2),
    /^ERR 0 1 .*code='501'>number attribute in &lt;start&gt; element must be odd/s,
  ],
  ['a number that is in use', [start(1)], start(1), /^ERR 0 2 .*code='550'/s],
  ['a number that was freed', [start(1), "<close number='1' code='200'/>"], start(1), /^RPY 0 3 /],
  [
    'no profile of ours',
    [],
    start(1, 'urn:other'),
    /^ERR 0 1 .*code='550'>all requested profiles are unsupported/s,
  ],
  ['a profile that needs a login', [], start(1, 'urn:needs-login'), /^ERR 0 1 .*code='530'/s],
  ['a profile that is not offered now', [], start(1, 'urn:never'), /^ERR 0 1 .*code='550'/s],
  ['a profile that declines', [], start(1, 'urn:declining'), /^ERR 0 1 .*code='451'/s],
  [
    'the first of several that will do',
    [],
    `<start number='1'><profile uri='urn:other'/><profile uri='urn:declining'/><profile uri='${echoUri}'/></start>`,
    /^RPY 0 1 .*<profile uri='http:\/\/example\.com\/beep\/echo'/s,
  ],
  ['a server that we are', [], start(1, echoUri, " serverName='example.com'"), /^RPY 0 1 /],
  ['a server that we are not', [], start(1, echoUri, " serverName='example.net'"), /^ERR 0 1 .*code='553'/s],
  [
    'another server after the first that succeeded: that one holds',
    [start(1, echoUri, " serverName='example.com'")],
    start(3, echoUri, " serverName='example.net'"),
    /^RPY 0 2 /,
  ],
  [
    'a server after one that was refused is the first still',
    [start(1, 'urn:other', " serverName='example.com'")],
    start(1, echoUri, " serverName='example.net'"),
    /^ERR 0 2 .*code='553'/s,
  ],
  [
    'initialization comes back as its profile answers it',
    [],
    `<start number='1'><profile uri='${echoUri}' encoding='base64'>PGEvPg==</profile></start>`,
    /<profile uri='[^']*'><!\[CDATA\[<a\/>\]\]><\/profile>/,
  ],
  ['close of a channel', [start(1)], "<close number='1' code='200'/>", /^RPY 0 2 .*<ok \/>/s],
  ['close of no channel', [], "<close number='7' code='200'/>", /^ERR 0 1 .*code='553'/s],
  ['what is no XML', [], '<start', /^ERR 0 1 .*code='500'/s],
  ['what is not valid', [], "<start number='x'/>", /^ERR 0 1 .*code='501'/s],
  ['an element that is not expected', [], '<greeting/>', /^ERR 0 1 .*code='501'/s],
  ['release', [], "<close code='200'/>", /^RPY 0 1 .*<ok \/>/s],
]
for (const [rule, before, body, answer] of rows) {
  test(`channel 0: ${rule}`, () => {
    const on = zero({ profiles, serves })
    let msgno = 0
    for (const one of before) on.zero(`MSG 0 ${++msgno} .`, one)
    assert.match(on.zero(`MSG 0 ${++msgno} .`, body), answer)
  })
}

test('an initiator serves starts too, with even numbers (§2.7)', () => {
  const on = zero({ role: 'initiator', profiles })
  assert.match(on.zero('MSG 0 1 .', start(1)), /^ERR 0 1 .*must be even-valued/s)
  assert.match(on.zero('MSG 0 2 .', start(2)), /^RPY 0 2 /)
})

test('who serves nothing answers gracefully (§2.7)', () => {
  const on = zero({ role: 'initiator', profiles: [] })
  assert.match(on.zero('MSG 0 1 .', start(2)), /^ERR 0 1 .*code='550'/s)
  assert.equal(on.peer.ended(), undefined)
})

/** [first choice of the peer, how our words are marked] */
const languages: [string | undefined, RegExp][] = [
  [undefined, /<error code='550'>/],
  ['en', /<error code='550'>/],
  ['en-GB de', /<error code='550'>/],
  ['de en', /<error code='550' xml:lang='en'>/],
]
for (const [localize, answer] of languages) {
  test(`diagnostics are in English, and say so unless that is wanted: localize ${localize} (§2.3.1.5)`, () => {
    const greeting = localize === undefined ? '<greeting />' : `<greeting localize='${localize}' />`
    assert.match(zero({}, greeting).zero('MSG 0 1 .', start(1, 'urn:other')), answer)
  })
}

/** [rule, the frame behind the greeting that ends the session] */
const poor: [string, string, string][] = [
  ['RPY with an error', 'RPY 0 1 .', "<error code='550'/>"],
  ['ERR with ok', 'ERR 0 1 .', '<ok />'],
  ['a profile that was not asked for', 'RPY 0 1 .', "<profile uri='urn:other'/>"],
  ['ok to a start', 'RPY 0 1 .', '<ok />'],
  ['no XML', 'RPY 0 1 .', 'ok'],
]
for (const [rule, header, body] of poor) {
  test(`a poorly formed reply on channel 0 ends the session: ${rule} (§2.2.2.1)`, () => {
    const on = zero({ role: 'initiator' })
    const outcomes: string[] = []
    on.peer.session.start({ profiles: [{ uri: echoUri }], handler: echoHandler }, ({ kind }) =>
      outcomes.push(kind),
    )
    on.peer.say()
    assert.equal(on.zero(header, body), '')
    assert.equal(on.peer.ended()?.why, 'malformed')
    assert.deepEqual(outcomes, ['lost'])
  })
}

for (const [rule, header, body] of [
  ['ok', 'RPY 0 0 .', '<ok />'],
  ['an error, of an initiator', 'ERR 0 0 .', "<error code='421' />"],
  ['a greeting as a negative reply', 'ERR 0 0 .', '<greeting />'],
] as const) {
  test(`what is no greeting ends the session: ${rule} (§2.3.1.1)`, () => {
    const peer = hand()
    peer.say(xmlFrame(`${header} 0`, body))
    assert.equal(peer.ended()?.why, 'malformed')
  })
}

test('a start is decided later, MSGs wait for their turn, and nothing goes out on a channel before its reply', () => {
  const asked: ChannelStart[] = []
  const slow: BeepProfile = { uri: 'urn:slow', start: (one) => void asked.push(one) }
  const opened: Channel[] = []
  const eager: BeepProfile = {
    uri: 'urn:eager',
    start: (one) => {
      const channel = one.accept(echoHandler)
      if (channel) opened.push(channel)
      channel?.send({ body: utf8('first') }, () => {})
    },
  }
  const on = zero({ profiles: [slow, eager] })
  assert.equal(on.zero('MSG 0 1 .', start(1, 'urn:slow')), '')
  assert.equal(on.zero('MSG 0 2 .', start(3, 'urn:eager')), '')
  assert.equal(opened.length, 1)
  asked[0]?.refuse({ code: 454 })
  assert.match(on.peer.say(), /^ERR 0 1 .*RPY 0 2 .*MSG 3 0 \. 0 7\r\n\r\nfirst/s)
  assert.throws(() => asked[0]?.refuse({ code: 454 }))
})

test('a close waits for replies in both directions, and what is sent meanwhile is refused (§2.3.1.3)', () => {
  const waiting: Replying[] = []
  const events: string[] = []
  const handler: ChannelHandler = {
    onMessage: (_, replying) => waiting.push(replying),
    onClosed: (why) => events.push(why),
  }
  let channel: Channel | undefined
  const profile: BeepProfile = {
    uri: echoUri,
    start: (one) => {
      channel = one.accept(handler)
    },
  }
  const on = zero({ profiles: [profile] })
  on.zero('MSG 0 1 .', start(1))
  channel?.send({ body: utf8('ours') }, ({ kind }) => events.push(kind))
  on.peer.say(frame('MSG 1 0 . 0', '\r\ntheirs'))
  assert.equal(on.zero('MSG 0 2 .', "<close number='1' code='200'/>"), '')
  assert.equal(channel?.state, 'closing')
  assert.equal(
    channel?.send({ body: utf8('more') }, () => {}),
    'refused',
  )
  waiting[0]?.positive({ body: utf8('x') })
  assert.match(on.peer.say(), /^RPY 1 0 /)
  assert.match(on.peer.say(frame('RPY 1 0 . 8', '\r\ny')), /^RPY 0 2 .*<ok \/>/s)
  assert.deepEqual(events, ['RPY', 'closed'])
})

test('a SEQ that was under way when we agreed to a close is passed over (decision 0110)', () => {
  const on = zero()
  on.zero('MSG 0 1 .', start(1))
  on.zero('MSG 0 2 .', "<close number='1' code='200'/>")
  on.peer.say('SEQ 1 0 8192\r\n')
  assert.equal(on.peer.ended(), undefined)
  on.peer.say('SEQ 3 0 8192\r\n')
  assert.equal(on.peer.ended()?.detail, 'no-such-channel')
})

test('both sides may ask to close the same channel at once (§2.3.1.3)', () => {
  const both = pair()
  const channel = openEcho(both)
  const outcomes: string[] = []
  const other = both.listener.session.channel(channel.number)
  channel.close(200, '', ({ kind }) => outcomes.push(kind))
  other?.close(200, '', ({ kind }) => outcomes.push(kind))
  both.flush()
  assert.deepEqual(outcomes, ['closed', 'closed'])
  assert.equal(both.initiator.ended(), undefined)
  assert.equal(both.listener.ended(), undefined)
})

test('a close that is refused leaves the channel as it was (§2.3.1.3)', () => {
  const stubborn: BeepProfile = {
    uri: echoUri,
    start: (one) =>
      void one.accept({ ...echoHandler, onCloseAsked: () => ({ code: 550, text: 'still working' }) }),
  }
  const both = pair({ profiles: [stubborn] })
  const channel = openEcho(both)
  const outcomes: unknown[] = []
  channel.close(200, '', (outcome) => void outcomes.push(outcome))
  both.flush()
  assert.deepEqual(outcomes, [
    { kind: 'refused', error: { code: 550, text: 'still working', language: undefined } },
  ])
  const replies: string[] = []
  channel.send({ body: utf8('x') }, ({ kind }) => replies.push(kind))
  both.initiator.session.release(({ kind }) => replies.push(kind))
  both.flush()
  assert.deepEqual(replies, ['RPY', 'refused'])
  assert.equal(both.initiator.session.closing, false)
})

test('a release waits for what is under way, and is given up after a while (§2.4, limit stallSecondsMax)', () => {
  const waiting: Replying[] = []
  const slow: BeepProfile = {
    uri: echoUri,
    start: (one) => void one.accept({ onMessage: (_, replying) => waiting.push(replying) }),
  }
  const both = pair({ profiles: [slow] })
  const channel = openEcho(both)
  const events: string[] = []
  channel.send({ body: utf8('x') }, ({ kind }) => events.push(kind))
  both.initiator.session.release(({ kind }) => events.push(kind))
  both.flush()
  assert.deepEqual(events, [])
  waiting[0]?.positive({ body: utf8('y') })
  both.flush()
  assert.deepEqual(events, ['RPY', 'closed'])
  assert.equal(both.listener.ended()?.why, 'released')

  const stuck = pair({ profiles: [slow] })
  openEcho(stuck).send({ body: utf8('x') }, () => {})
  stuck.initiator.session.release()
  stuck.flush()
  stuck.clock.advance(121_000)
  assert.equal(stuck.initiator.ended()?.why, 'silent')
})

test('a connection that breaks is told to everybody once: replies, channels, starts, the session', () => {
  const events: string[] = []
  const mute: BeepProfile = { uri: echoUri, start: (one) => void one.accept({ onMessage: () => {} }) }
  const deaf: BeepProfile = { uri: 'urn:deaf', start: () => {} }
  const both = pair({ profiles: [mute, deaf] })
  const channel = openEcho(both, { ...echoHandler, onClosed: (why) => events.push(`channel ${why}`) })
  channel.send({ body: utf8('x') }, (reply) => events.push(`reply ${reply.kind}`))
  both.initiator.session.start({ profiles: [{ uri: 'urn:deaf' }], handler: echoHandler }, ({ kind }) =>
    events.push(`start ${kind}`),
  )
  both.flush()
  both.listener.connection.destroy()
  both.flush()
  assert.deepEqual(events.sort(), ['channel lost', 'reply lost', 'start lost'])
  assert.equal(both.initiator.ended()?.why, 'peer')
  assert.equal(
    channel.send({ body: utf8('x') }, () => {}),
    'refused',
  )
})
