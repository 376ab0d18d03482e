// The matrices of subscriptions and refusals once more, their people in two domains of two servers which meet by UMPP: each of XMPP, SIP and IMPP with each
// other (UMPP §3: "a community of XMPP-only clients", "SIMPLE-only", "and mixtures").
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { inTwoDomains } from './in-two-domains.ts'
import { readScript } from './script.ts'
import { play } from './world.ts'

const here = new URL('.', import.meta.url).pathname
const pairs = ['xmpp', 'sip', 'impp'].flatMap((one) =>
  ['xmpp', 'sip', 'impp'].map((other) => [one, other] as const),
)

function scriptOf(file: string): string {
  return inTwoDomains(readFileSync(`${here}${file}`, 'utf8'), 'umpp')
}

/** What is told to whom watches somebody of another domain by UMPP differs in time, and in steps between, from one server's own. */
function watchedFromAfar(text: string): string {
  return (
    text
      // The request has to come there before it can be answered by hand.
      .replaceAll(/^juliet@capulet\.example (?:approves|refuses)/gm, 'time passes 1 seconds\n$&')
      // A watcher by SIP is told every five seconds (decision 0099), and so is the other domain.
      .replaceAll(
        /^Juliet sends\n {2}(?:PUBLISH|CHANGE|<presence>|<presence type='un)/gm,
        'time passes 6 seconds\n$&',
      )
      .replaceAll('expires=600', 'expires=*')
      // That he may look is known a moment before what there is to see.
      .replace(
        /^Romeo receives\n {2}CHANGE-NOTIFY/m,
        'Romeo receives\n  CHANGE-NOTIFY * impp/1.0\n\n  *></presence>*\nRomeo answers OK\n\n$&',
      )
      .replace(
        /^Romeo receives\n {2}NOTIFY sip:romeo@\* SIP\/2\.0\n {2}Call-ID: watch-1\n {2}Subscription-State: active/m,
        'Romeo receives\n  NOTIFY sip:romeo@* SIP/2.0\n  Subscription-State: active;*\n\n  *></presence>*\nRomeo answers 200\ntime passes 6 seconds\n\n$&',
      )
      // What a phone publishes stands for what was known by its registration, by another name.
      .replace(
        /^Romeo receives\n {2}<presence from='juliet@capulet\.example\/\*' type='!'><show>away/m,
        "Romeo receives\n  <presence from='juliet@capulet.example/*' type='unavailable'/>\n$&",
      )
      // PIDF has no word for what is said with a goodbye: a device that is gone is not in it.
      .replace(
        "<presence from='juliet@capulet.example/balcony' type='unavailable'><status>asleep</status></presence>",
        "<presence from='juliet@capulet.example/balcony' type='unavailable'/>",
      )
      // So there is nothing left to be taken away; and who looks away ends a subscription, no authorization (RFC 8048 §5).
      .replace(
        / in any order(\n.*subscription='none'.*)\n {2}<presence from='juliet@capulet\.example' type='unavailable'\/>/,
        '$1',
      )
      .replace(
        /^Juliet receives\n {2}<presence from='romeo@montague\.example' type='unsubscribe'\/>[\s\S]*?\n\n/m,
        '\n',
      )
  )
}

describe('between two domains, by umpp: subscriptions', () => {
  const files = globSync('subscriptions/*-watches-*.transcript', { cwd: here })
  for (const [watcher, watched] of pairs)
    for (const end of ['', '-refused', '-withdrawn']) {
      const file = `subscriptions/${watcher}-watches-${watched}${end}.transcript`
      assert.ok(files.includes(file), file)
      const script = readScript(file, watchedFromAfar(scriptOf(file)))
      it(`${script.title} [${file}]`, () => play(file, script))
    }
})

/** What Romeo writes once he is blocked, and what he is told: the session took it, and then says no. */
const blocked: Readonly<Record<string, string>> = {
  xmpp: `Romeo sends
  <message to='juliet@capulet.example' id='b1' type='chat'><body>let me in</body><thread>balcony</thread></message>
Romeo receives
  <message from='juliet@capulet.example/*' id='b1' type='error'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`,
  // An error stanza does not say whether the sender had asked for it, and a phone is told nothing else (RFC 5438 §8.2).
  sip: `Romeo sends
  MESSAGE sip:juliet@capulet.example SIP/2.0
  Call-ID: balcony
  Message-ID: b1
  Content-Type: text/plain;charset=utf-8

  let me in
Romeo receives
  SIP/2.0 202 *
Romeo receives nothing`,
  impp: `Romeo sends
  SEND b1
  Target: impp://capulet.example/juliet
  Message-ID: b1
  Thread-ID: balcony
  Content-Type: text/plain; charset=utf-8

  let me in
Romeo receives
  OK (SEND) b1 impp/1.0
Romeo receives
  SEND * impp/1.0
  Origin: impp://capulet.example/juliet
  Report: failed
  About: b1
  Reason: *
Romeo answers OK`,
}

/** Whom nobody knows there: the INVITE says it, and what waited for it is refused. */
const unknown: Readonly<Record<string, string>> = {
  xmpp: `Romeo sends
  <message to='nobody@capulet.example' id='n1' type='chat'><body>anybody?</body></message>
Romeo receives
  <message from='nobody@capulet.example' id='n1' type='error'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`,
  sip: `Romeo sends
  MESSAGE sip:nobody@capulet.example SIP/2.0
  Content-Type: text/plain

  anybody?
Romeo receives
  SIP/2.0 404 *`,
  impp: `Romeo sends
  SEND n1
  Target: impp://capulet.example/nobody
  Content-Type: text/plain

  anybody?
Romeo receives
  ERROR (SEND) n1 impp/1.0
  Reason: *`,
}

describe('between two domains, by umpp: refusals', () => {
  for (const [from, to] of pairs) {
    const file = `messages/${from}-to-${to}.transcript`
    const talk = scriptOf(file).replaceAll('  SIP/2.0 200 *', '  SIP/2.0 202 *')
    const refused = `${talk}\njuliet@capulet.example blocks romeo@montague.example\n${blocked[from]}\nJuliet receives nothing\n\n${unknown[from]}\nJuliet receives nothing\n`
    // In a session who has no device has one for it, and what is said in it is chat.
    const inSession = refused
      .replaceAll("from='romeo@montague.example' to", "from='romeo@montague.example/*' to")
      .replaceAll(" type='!'><body>", " type='chat'><body>")
    const script = readScript(file, inSession)
    it(`who is blocked by somebody of ${to} in the midst of a session is told so in the words of ${from}, and so is who writes to nobody`, () =>
      play(file, script))
  }
})
