// The matrix of messages once more, its people in two domains of two servers which meet by IMPP, by SIP, by PRIM, by UMPP or by APEX: from every protocol to every other.
import { globSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { inTwoDomains } from './in-two-domains.ts'
import { readScript } from './script.ts'
import { play } from './world.ts'

const here = new URL('.', import.meta.url).pathname
const files = globSync(['messages/*-to-*.transcript', 'absent/*-to-*.transcript'], { cwd: here }).sort()

/** What cannot be the same, and why. */
const lost: Readonly<
  Record<'impp' | 'sip' | 'prim' | 'umpp' | 'apex', readonly (readonly [file: RegExp, why: string])[]>
> = {
  impp: [],
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

/** By UMPP a message is relayed with a stanza, whose acknowledgement does not say that a device took it. */
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

const asSeen: Readonly<Record<string, (text: string) => string>> = { umpp: asRelayed, apex: asByApex }

for (const by of ['impp', 'sip', 'prim', 'umpp', 'apex'] as const)
  describe(`between two domains, by ${by}`, () => {
    for (const file of files) {
      // APEX's own reports name the relay that reports: by another protocol that is played apart (between/apex-by-impp).
      if (file.includes('apex') && by !== 'apex') continue
      const text = readFileSync(new URL(file, import.meta.url), 'utf8')
      const moved = inTwoDomains(text, by)
      const script = readScript(file, asSeen[by]?.(moved) ?? moved)
      const skip = lost[by].find(([pattern]) => pattern.test(file))?.[1] ?? false
      it(`${script.title} [${file}]`, { skip }, () => play(file, script))
    }
  })
