// The matrix of subscriptions once more, its people in two domains of two servers which meet by each protocol: from every protocol to every other.
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { inTwoDomains } from './in-two-domains.ts'
import { readScript } from './script.ts'
import { seenFromAfar } from './seen-from-afar.ts'
import { play } from './world.ts'

const protocols = ['xmpp', 'sip', 'impp', 'prim', 'apex'] as const
const ends = ['', '-refused', '-withdrawn'] as const

/** What has no words on the way between the two. */
const lost: Readonly<Record<string, (text: string) => string>> = {
  // An entry has words, and none for away and busy (docs/mappings/apex.md).
  apex: (text) =>
    text
      .replaceAll(/\*(?:away|dnd)\*/g, '*')
      .replaceAll(/^( {2}<presence from.*)<show>(?:away|dnd)<\/show>/gm, '$1'),
  // A device that is there and takes nothing is one that is not there (RFC 8048 §4).
  xmpp: (text) =>
    text
      .replaceAll(/\*<basic>closed<\/basic>\*asleep\*/g, '*')
      .replaceAll(/^( {2}<presence from.*type='unavailable')><status>asleep<\/status><\/presence>/gm, '$1/>')
      .replaceAll("*tupleInfo='data:,asleep'*", '*'),
}

function scriptOf(file: string, by: string): ReturnType<typeof readScript> {
  const text = inTwoDomains(readFileSync(new URL(file, import.meta.url), 'utf8'), by)
  return seenFromAfar(readScript(file, lost[by]?.(text) ?? text))
}

for (const by of [...protocols, 'umpp'])
  describe(`between two domains, by ${by}: presence`, () => {
    const pairs = protocols.flatMap((one) => protocols.map((other) => `${one}-watches-${other}`))
    pairs.forEach((pair, at) => {
      // Each pair by each protocol in one of the three ways, so that each way is there for each; all in a soak.
      const turn = ends[(at + by.length) % ends.length]
      for (const end of process.env.VERONA_SOAK === undefined ? [turn] : ends) {
        const file = `subscriptions/${pair}${end}.transcript`
        const script = scriptOf(file, by)
        it(`${script.title} [${file}]`, () => play(file, script))
      }
    })
  })
