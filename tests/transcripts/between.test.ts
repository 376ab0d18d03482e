// The matrix of messages once more, its people in two domains of two servers which meet by IMPP: from every protocol to every other.
import { globSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { readScript } from './script.ts'
import { play } from './world.ts'

const here = new URL('.', import.meta.url).pathname
const files = globSync(['messages/*-to-*.transcript', 'absent/*-to-*.transcript'], { cwd: here }).sort()

const servers = 'servers\n  montague.example impp\n  capulet.example impp\n\naccounts\n'

/** Romeo in one domain, Juliet in the other. */
function inTwoDomains(text: string): string {
  return (
    text
      .replaceAll(/romeo@localhost/g, 'romeo@montague.example')
      .replaceAll(/juliet@localhost/g, 'juliet@capulet.example')
      .replaceAll('impp://localhost/romeo', 'impp://montague.example/romeo')
      .replaceAll('impp://localhost/juliet', 'impp://capulet.example/juliet')
      .replaceAll("delay' from='localhost'", "delay' from='capulet.example'")
      // A message that is on its way while time passes is stored later than one that is not.
      .replaceAll('T00:00:0*Z', 'T00:0*Z')
      .replace('accounts\n', servers)
  )
}

describe('between two domains', () => {
  for (const file of files) {
    const script = readScript(file, inTwoDomains(readFileSync(new URL(file, import.meta.url), 'utf8')))
    it(`${script.title} [${file}]`, () => play(file, script))
  }
})
