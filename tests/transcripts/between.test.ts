// The matrix of messages once more, its people in two domains of two servers which meet by IMPP, by SIP, by PRIM or by UMPP: from every protocol to every other.
import { globSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { inTwoDomains } from './in-two-domains.ts'
import { readScript } from './script.ts'
import { play } from './world.ts'

const here = new URL('.', import.meta.url).pathname
/** APEX's own reports name the relay that reports: between domains it is played apart (between/apex-by-impp). */
const files = globSync(['messages/*-to-*.transcript', 'absent/*-to-*.transcript'], { cwd: here })
  .filter((file) => !file.includes('apex'))
  .sort()

/** What cannot be the same, and why. */
const lost: Readonly<
  Record<'impp' | 'sip' | 'prim' | 'umpp', readonly (readonly [file: RegExp, why: string])[]>
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

for (const by of ['impp', 'sip', 'prim', 'umpp'] as const)
  describe(`between two domains, by ${by}`, () => {
    for (const file of files) {
      const text = readFileSync(new URL(file, import.meta.url), 'utf8')
      const moved = inTwoDomains(text, by)
      const script = readScript(file, by === 'umpp' ? asRelayed(moved) : moved)
      const skip = lost[by].find(([pattern]) => pattern.test(file))?.[1] ?? false
      it(`${script.title} [${file}]`, { skip }, () => play(file, script))
    }
  })
