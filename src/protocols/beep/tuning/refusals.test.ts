// What the tuning profiles refuse, octet by octet (RFC 3080 §3.1, §4.1, §8).

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TlsContext } from '#net'
import type { BeepProfile } from '../profile.ts'
import { loginProfiles, until } from '../testing/logins.ts'
import { echoProfile, frame, type Hand, hand, xmlFrame, xmlHead } from '../testing/pair.ts'
import { tlsProfileOf } from './tls.ts'

const context: TlsContext = { secureContext: () => assert.fail('not in memory') }
const sasl = 'http://iana.org/beep/SASL/'

/** A peer that speaks by hand and counts its octets. */
class Speaker {
  readonly hand: Hand
  #seqno = new Map<number, number>()
  #msgno = 0

  constructor(profiles: readonly BeepProfile[]) {
    this.hand = hand({ profiles })
    this.hand.say(this.#frame('RPY', 0, 0, '<greeting />'))
  }

  /** Sends a MSG; all that is said in answer, once something is. */
  async ask(channel: number, body: string): Promise<string> {
    let said = this.hand.say(this.#frame('MSG', channel, ++this.#msgno, body))
    await until(
      () => {
        said += this.hand.say()
        return said.includes('END\r\n') || this.hand.isCut()
      },
      () => {},
    )
    return said
  }

  /** Starts a channel with that profile and content. */
  start(number: number, uri: string, content = ''): Promise<string> {
    return this.ask(0, `<start number='${number}'><profile uri='${uri}'>${content}</profile></start>`)
  }

  #frame(keyword: string, channel: number, msgno: number, body: string): string {
    const seqno = this.#seqno.get(channel) ?? 0
    const whole = xmlFrame(`${keyword} ${channel} ${msgno} . ${seqno}`, body)
    this.#seqno.set(channel, seqno + xmlHead.length + body.length + 2)
    return whole
  }
}

const blob = (text: string, status = ''): string =>
  `<![CDATA[<blob${status && ` status='${status}'`}>${Buffer.from(text).toString('base64')}</blob>]]>`

/** [what, mechanism, initialization, the answer inside the profile element] */
const piggybacked: [string, string, string, RegExp][] = [
  ['a wrong password', 'PLAIN', blob('\0alice\0wrong'), /<error code='535'>/],
  ['a name that is not there', 'PLAIN', blob('\0nobody\0secret'), /<error code='535'>/],
  ['somebody else to act as', 'PLAIN', blob('bob@example.com\0alice\0secret'), /<error code='537'>/],
  ['a message that breaks the mechanism', 'PLAIN', blob('alice'), /<error code='501'>/],
  ['an abort', 'PLAIN', blob('', 'abort'), /<error code='451'>/],
  ["a server's word", 'PLAIN', blob('', 'complete'), /<error code='501'>/],
  ['what is not base64', 'PLAIN', '<![CDATA[<blob>!</blob>]]>', /<error code='501'>content of &lt;blob/],
  ['a status that is none', 'PLAIN', blob('', 'done'), /<error code='501'>status attribute/],
  ['another element', 'PLAIN', '<![CDATA[<ready />]]>', /<error code='501'>unexpected element &lt;ready/],
  ['what is no XML', 'PLAIN', '<![CDATA[blob]]>', /<error code='500'>/],
]
for (const [what, mechanism, content, answer] of piggybacked) {
  test(`SASL: ${what} in start creates the channel and is answered in the profile element (§4.1.1)`, async () => {
    const peer = new Speaker(loginProfiles({ plainWithoutTls: true }))
    const said = await peer.start(1, sasl + mechanism, content)
    assert.match(said, /^RPY 0 1 \. /)
    assert.match(said.replace(/.*<!\[CDATA\[|\]\]>.*/gs, ''), answer)
    assert.equal(peer.hand.session.identity, undefined)
  })
}

test('SASL: what fails on the channel is answered with ERR, and a new exchange may begin (§4.1.1)', async () => {
  const peer = new Speaker(loginProfiles({ plainWithoutTls: true }))
  await peer.start(1, `${sasl}PLAIN`)
  const plain = (text: string): string => `<blob>${Buffer.from(text).toString('base64')}</blob>`
  assert.match(await peer.ask(1, plain('\0alice\0wrong')), /ERR 1 2 .*<error code='535'>/s)
  assert.match(await peer.ask(1, plain('\0alice\0secret')), /RPY 1 3 .*<blob status='complete' \/>/s)
  assert.equal(peer.hand.session.identity?.owner.key, 'alice@example.com')
  assert.match(await peer.ask(1, plain('\0alice\0secret')), /ERR 1 4 .*<error code='550'>/s)
})

test('SASL: who guesses wrong too often is left, with his answer (limit loginAttemptsMax)', async () => {
  const peer = new Speaker(loginProfiles({ plainWithoutTls: true }))
  await peer.start(1, `${sasl}PLAIN`)
  const wrong = `<blob>${Buffer.from('\0alice\0wrong').toString('base64')}</blob>`
  for (const _ of [1, 2]) assert.match(await peer.ask(1, wrong), /code='535'/)
  assert.match(await peer.ask(1, wrong), /<error code='(535|454)'>/)
  await until(
    () => peer.hand.isCut() || peer.hand.ended() !== undefined,
    () => peer.hand.say(),
  )
  assert.equal(peer.hand.ended()?.why, 'limit')
})

test('SASL: PLAIN without TLS is refused with 538, a mechanism that is not known with 550 (§8)', async () => {
  const peer = new Speaker(loginProfiles())
  assert.match(await peer.start(1, `${sasl}PLAIN`), /ERR 0 1 .*code='538'/s)
  assert.match(await peer.start(1, `${sasl}CRAM-MD5`), /ERR 0 2 .*code='550'/s)
})

test('a server that speaks first has its challenge in the reply to start (§4.1.1, the last example)', async () => {
  const peer = new Speaker(loginProfiles({}, { digestMd5: true }))
  const said = await peer.start(1, `${sasl}DIGEST-MD5`)
  const challenge = /<!\[CDATA\[<blob>([^<]+)<\/blob>\]\]>/.exec(said)?.[1] ?? ''
  assert.match(Buffer.from(challenge, 'base64').toString(), /^realm="example\.com",nonce="[^"]+",qop="auth"/)
  assert.match(await peer.ask(1, '<blob>eA==</blob>'), /ERR 1 2 .*code='501'/s)
})

test('only one tuning is under way at a time (§2)', async () => {
  const peer = new Speaker([...loginProfiles(), tlsProfileOf({ context })])
  const first = Buffer.from('n,,n=alice,r=abc').toString('base64')
  const said = await peer.start(1, `${sasl}SCRAM-SHA-1`, `<![CDATA[<blob>${first}</blob>]]>`)
  assert.match(said, /RPY 0 1 .*<blob>/s)
  assert.match(await peer.start(3, 'http://iana.org/beep/TLS'), /ERR 0 2 .*code='450'/s)
  assert.match(await peer.start(3, `${sasl}SCRAM-SHA-256`), /ERR 0 3 .*code='450'/s)
  assert.match(await peer.ask(1, "<blob status='abort' />"), /ERR 1 4 .*code='451'/s)
  assert.match(await peer.start(3, `${sasl}SCRAM-SHA-256`), /RPY 0 5 /)
})

/** [initialization, answer] */
const readies: [string, RegExp][] = [
  [
    "<ready version='oops' />",
    /<error code='501'>version attribute poorly formed in &lt;ready&gt; element<\/error>/,
  ],
  ["<ready version='1.4' />", /<error code='504'>/],
  ['<ready><x/></ready>', /<error code='501'>/],
  ["<ready a='b' />", /<error code='501'>/],
  ['<proceed />', /<error code='501'>/],
  ['<ready', /<error code='500'>/],
]
for (const [ready, answer] of readies) {
  test(`TLS: ${ready} is answered in the profile element, and TLS may be asked for again on the channel (§3.1.1)`, async () => {
    const peer = new Speaker([tlsProfileOf({ context }), echoProfile])
    const said = await peer.start(1, 'http://iana.org/beep/TLS', `<![CDATA[${ready}]]>`)
    assert.match(said, /^RPY 0 1 /)
    assert.match(said, answer)
    assert.match(await peer.ask(1, ready), new RegExp(`ERR 1 2 .*${answer.source}`, 's'))
    assert.match(await peer.ask(1, "<ready version='1' />"), /RPY 1 3 .*<proceed \/>/s)
    assert.equal(peer.hand.session.state, 'securing')
  })
}

test('octets between ready and the handshake are nobody’s word: the connection is cut (§3.1.3)', async () => {
  const peer = new Speaker([tlsProfileOf({ context }), echoProfile])
  const head = 'MSG 0 1 . 52'
  const ready = xmlFrame(
    head,
    "<start number='1'><profile uri='http://iana.org/beep/TLS'><![CDATA[<ready />]]></profile></start>",
  )
  peer.hand.say(ready + frame('MSG 0 2 . 200', 'smuggled'))
  assert.equal(peer.hand.ended()?.detail, 'octets before the handshake')
  assert.ok(peer.hand.isCut())
})
