// `node tools/launch/launch.js VERB ARGUMENT...`: what the scripts of package.json run.

import { join } from 'node:path'
import { orExplain, root, runScript, runVerona } from './prepare.js'

/** @type {Record<string, (args: string[]) => Promise<void>>} */
const verbs = {
  start: (args) => runVerona(['serve', ...args]),
  test: (args) => runScript(join(root, 'tools', 'test', 'run.ts'), args),
  check: (args) => runScript(join(root, 'tools', 'test', 'run.ts'), ['tests/checks', ...args]),
  soak: (args) => runScript(join(root, 'tools', 'test', 'run.ts'), args, { VERONA_SOAK: '1' }),
  build: (args) => runScript(join(root, 'tools', 'build', 'build.ts'), args),
  bench: (args) => runScript(join(root, 'bench', 'run.ts'), args),
}

const [verb = '', ...args] = process.argv.slice(2)
const run = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined
if (run) {
  await orExplain(() => run(args))
} else {
  console.error(`usage: node tools/launch/launch.js ${Object.keys(verbs).join('|')} ARGUMENT...`)
  process.exit(2)
}
