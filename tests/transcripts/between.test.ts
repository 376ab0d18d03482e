// The matrix of messages once more, its people in two domains of two servers which meet by XMPP, by IMPP, by SIP, by PRIM, by UMPP or by APEX: from every protocol to every other.
import { globSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { inTwoDomains } from './in-two-domains.ts'
import { readScript, type Script } from './script.ts'
import { play } from './world.ts'

const here = new URL('.', import.meta.url).pathname
const files = globSync(['messages/*-to-*.transcript', 'absent/*-to-*.transcript'], { cwd: here }).sort()

/** What cannot be the same, and why. */
const lost: Readonly<
  Record<
    'xmpp' | 'impp' | 'sip' | 'prim' | 'umpp' | 'apex',
    readonly (readonly [file: RegExp, why: string])[]
  >
> = {
  impp: [],
  xmpp: [
    [
      /^absent\/impp-/,
      'an acknowledged stanza does not say how present the other is (docs/mappings/xmpp.md)',
    ],
  ],
  sip: [
    [/-to-xmpp/, 'From of a MESSAGE names no device (RFC 7572 §5)'],
    [/^absent\/impp-/, 'a 202 does not say how present the other is (RFC 3428 §7)'],
  ],
  prim: [
    [/-to-xmpp/, 'PRIM has no word for the device that sent a message (docs/mappings/prim.md)'],
    [/^absent\/impp-/, 'a 101 does not say how present the other is (docs/specs/prim.md §6.1)'],
  ],
  apex: [],
  umpp: [
    [/(sip|prim)-to-xmpp/, 'a session has full JIDs: who has no device gets one for it (UMPP §3)'],
    [
      /^absent\/impp-/,
      'an acknowledged stanza does not say how present the other is (docs/mappings/umpp.md)',
    ],
  ],
}

/** By XMPP and UMPP a message is relayed with a stanza, whose acknowledgement does not say that a device took it. */
function asRelayed(text: string): string {
  return text
    .replaceAll('  SIP/2.0 200 *', '  SIP/2.0 202 *')
    .replaceAll(/( {2}PRIM-IM\/1\.0 \w+ 0) 200 \*/g, '$1 101 *')
}

/**
 * What APEX has no words for (docs/mappings/apex.md): a thread, the device that sent a message, a message
 * that is no chat, an id that is no addr-spec. Options for the
 * last relay are obeyed and reported by the recipient's, and `ok` follows its own (decision 0143).
 */
function asByApex(text: string): string {
  let isHers = false
  const lines = text.split('\n').map((line) => {
    if (/^\S/.test(line)) isHers = /^Juliet\w* receives/.test(line)
    return isHers ? seenByApex(line) : line
  })
  return lines
    .filter((line) => line !== gone)
    .join('\n')
    .replaceAll(
      /^(\w+ receives\n {2}<ok \/>\n)(Juliet receives\n {2}<data[\s\S]*?Juliet answers ok\n)/gm,
      '$2$1',
    )
    .replaceAll('apex=report@localhost', 'apex=report@capulet.example')
    .replaceAll(/\bm(\d)@localhost/g, 'm$1@montague.example')
}

const gone = '\0'

const asksForReport = "$1<option internal='statusRequest' transID='*' />$2"

function seenByApex(line: string): string {
  if (/^ {2}(Call|Thread|Conversation)-ID: balcony$/.test(line)) return gone
  return (
    line
      .replace(/^( {2}Message-ID: m\d)$/, '$1@montague.example')
      .replace(/ id='(m\d)'/, " id='$1@montague.example'")
      .replace(/from='romeo@montague.example\/[^']*'/, "from='romeo@montague.example'")
      // What we asked about a message of another protocol stays in it (RFC 3340 §5).
      .replace(
        /(^ {2}<data content='cid:[^>]*><originator [^>]*><recipient [^>]*>)(<\/data>)$/,
        asksForReport,
      )
      .replace('<thread>balcony</thread>', '')
      .replace(" type='!'", " type='chat'")
  )
}

const asSeen: Readonly<Record<string, (text: string) => string>> = {
  xmpp: asRelayed,
  umpp: asRelayed,
  apex: asByApex,
}

/**
 * By another protocol the author's relay is the last of APEX: it obeys options and reports what that protocol says, and its `ok` comes with that word.
 * What arrives is what data says, with an id of its sender's domain where it had none.
 */
function asByAnother(script: Script, by: string): Script {
  const isApex = (name: string): boolean =>
    script.parties.some((party) => party.name.startsWith(name) && party.protocol === 'apex')
  const steps = script.steps.map((step) => {
    if (step.who === 'Romeo') return { ...step, block: reportedBy(step.block, by) }
    if (!step.block.startsWith('<data content=')) return step
    const block = step.block.replace(/(<recipient identity='juliet@[^>]*>).*<\/data>/, '$1*</data>')
    return { ...step, block: isApex('Romeo') ? block : block.replaceAll('@localhost', '@montague.example') }
  })
  const known = steps.filter((step, at) => !isLateReport(steps, step, at))
  return { ...script, steps: known.flatMap((step, at) => inTurn(known, step, at)) }
}

/** That what was kept has been taken since: relays of APEX alone tell it each other (docs/specs/apex.md §2). */
function isLateReport(steps: readonly Step[], { who, block }: Step, at: number): boolean {
  const sent = steps.findIndex((step) => step.who === 'Romeo' && step.what === 'sends')
  const isThere = (step: Step, index: number): boolean =>
    index > sent && step.who.startsWith('Juliet') && /^(signs in|registers)/.test(step.what)
  const came = steps.findIndex(isThere)
  return who === 'Romeo' && came >= 0 && at > came && block.includes('<statusResponse')
}

/** What 202, 101 and an acknowledgement do not tell: whether anybody is there. */
function reportedBy(block: string, by: string): string {
  const told = block.replace('apex=report@localhost', 'apex=report@montague.example')
  return by === 'impp' ? told : told.replace("<reply code='350' />", "<reply code='250' />")
}

type Step = Script['steps'][number]

/** `ok` behind the answer of who gets it. */
function inTurn(steps: readonly Step[], step: Step, at: number): readonly Step[] {
  const isOk = ({ who, what, block }: Step): boolean =>
    who === 'Romeo' && what === 'receives' && block === '<ok />'
  const answer = (from: number): number =>
    steps.findIndex(({ who, what }, index) => index > from && (what.startsWith('answers') || who === 'Romeo'))
  if (isOk(step)) return steps[answer(at)]?.what.startsWith('answers') ? [] : [step]
  if (!step.what.startsWith('answers')) return [step]
  const waiting = steps.filter((each, index) => isOk(each) && answer(index) === at)
  return [step, ...waiting]
}

for (const by of ['xmpp', 'impp', 'sip', 'prim', 'umpp', 'apex'] as const)
  describe(`between two domains, by ${by}`, () => {
    for (const file of files) {
      const text = readFileSync(new URL(file, import.meta.url), 'utf8')
      const moved = inTwoDomains(text, by)
      const played = readScript(file, asSeen[by]?.(moved) ?? moved)
      const script = file.includes('apex') && by !== 'apex' ? asByAnother(played, by) : played
      const skip = lost[by].find(([pattern]) => pattern.test(file))?.[1] ?? false
      it(`${script.title} [${file}]`, { skip }, () => play(file, script))
    }
  })
