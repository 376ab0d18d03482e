// Writes docs/reference/ from the definitions in the code: settings, commands and metrics. `--check` writes nothing and fails when a
// page is not what the code says.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { settingsReference } from '#config'
import { allSections, loadProtocols, version } from '#server'
import { commandsReference } from '../src/cli/commands-reference.ts'
import { programOf } from '../src/cli/program.ts'
import { processTerminal } from '../src/cli/terminal.ts'
import { metricsReference } from './metrics-reference.ts'

const root = join(import.meta.dirname, '..')

/** Path from the root -> content. */
export async function references(): Promise<Map<string, string>> {
  const never = () => Promise.reject(new Error('no command is run here'))
  const context = {
    terminal: processTerminal(),
    openControl: never,
    logIn: never,
    logInBy: { prim: never, apex: never },
  }
  return new Map([
    ['docs/reference/settings.md', settingsReference(allSections(await loadProtocols()))],
    ['docs/reference/commands.md', commandsReference(programOf(context, version))],
    ['docs/reference/metrics.md', await metricsReference()],
  ])
}

/** The pages that are not what the code says. */
export async function stalePages(): Promise<string[]> {
  const pages = await references()
  return [...pages].filter(([path, content]) => read(path) !== content).map(([path]) => path)
}

function read(path: string): string | undefined {
  try {
    return readFileSync(join(root, path), 'utf8')
  } catch {
    return undefined // not written yet: stale
  }
}

if (import.meta.main) {
  if (process.argv.includes('--check')) {
    const stale = await stalePages()
    for (const path of stale)
      console.error(
        `${path} is not what the code says; run: node --conditions=verona-source tools/reference.ts`,
      )
    process.exitCode = stale.length === 0 ? 0 : 1
  } else {
    for (const [path, content] of await references()) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), content)
      console.log(path)
    }
  }
}
