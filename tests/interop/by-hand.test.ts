// docs/by-hand.md, typed as it stands: what it types goes into the real nc and openssl s_client, and what it prints must come.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { peer } from './peers.ts'
import { Program } from './program.ts'
import { VeronaServer } from './server.ts'

const root = join(import.meta.dirname, '..', '..')
const page = readFileSync(join(root, 'docs', 'by-hand.md'), 'utf8')

interface Block {
  /** `sh run`, `sh juliet`, `impp juliet types`, `impp juliet prints`, `text prints` */
  readonly about: string
  readonly text: string
}

const blocks: Block[] = [...page.matchAll(/^```(\w+(?: \w+)*)\n(.*?)^```$/gms)].map(([, about, text]) => ({
  about: about as string,
  text: text as string,
}))

const missing = peer('openssl').skip || peer('nc').skip

test('the page by hand is as it is written', { skip: missing }, async () => {
  const server = await VeronaServer.start()
  after(() => server.remove())
  const windows = new Map<string, Program>()
  after(async () => {
    for (const window of windows.values()) await window.kill()
  })
  /** The page's ports and command are those of an installation; ours are elsewhere. */
  const here = (text: string): string =>
    text
      .replaceAll('127.0.0.1:7412', server.at('imppTls'))
      .replaceAll('127.0.0.1 7410', `127.0.0.1 ${server.port('impp')}`)
      .replaceAll('bin/verona user add', `${verona} user add --config ${server.configFile}`)
  let ran = ''
  let star = ''
  const played = new Set<string>()
  for (const { about, text } of blocks) {
    const [kind, name = '', what] = about.split(' ')
    played.add(`${kind} ${what ?? (name === 'run' || name === 'prints' ? name : 'opens')}`)
    if (about === 'sh run') ran = await shell(here(text), server.directory)
    else if (about === 'text prints') assert.equal(ran, text)
    else if (kind === 'sh') windows.set(name, open(name, here(text), server.directory))
    else if (what === 'types') windows.get(name)?.write(text.replaceAll('*', star))
    else if (what === 'prints') star = (await (windows.get(name) as Program).until(printed(text)))[1] ?? star
    else assert.fail(`what is a block of ${about}?`)
  }
  assert.deepEqual([...played].sort(), ['impp prints', 'impp types', 'sh opens', 'sh run', 'text prints'])
  for (const window of windows.values()) {
    window.closeInput()
    assert.equal(await window.ends(), 0, window.name)
  }
  const said = [...windows.values()].map((window) => window.said).join('')
  assert.doesNotMatch(said, /ERROR/)
})

const fromSource = ['--conditions=verona-source', '--disable-warning=ExperimentalWarning']
const verona = [process.execPath, ...fromSource, join(root, 'src', 'cli', 'main.ts')].join(' ')

async function shell(script: string, directory: string): Promise<string> {
  const program = new Program(script, '/bin/sh', ['-ec', script], { directory })
  program.closeInput()
  return program.succeeds()
}

function open(name: string, line: string, directory: string): Program {
  return new Program(name, '/bin/sh', ['-c', `exec ${line}`], { directory })
}

/** What must come next, and nothing before it (but what s_client says of certificates); a star is what the server chooses. */
function printed(text: string): RegExp {
  // The line end behind a body is the page's, not always the body's.
  const shown = text.endsWith('\n\n') ? text : text.slice(0, -1)
  const source = shown
    .replace(/[\\^$.+?()[\]{}|/]/g, '\\$&')
    .replaceAll('\n', '\\r?\\n')
    .replaceAll('*', '([^\\r\\n]*)')
  return new RegExp(`^(?:\\s*(?:depth=|verify return:)[^\\n]*\\n)*\\s*${source}`)
}
