// `npm run bench [-- NAME [ARGS]]`: runs one benchmark of this folder, or all of them, each in a process of its own.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'

const here = new URL('.', import.meta.url)
/** Not benchmarks: this file, and the baselines that others start. */
const parts = ['run', 'bare-relay', 'bare-fanout']
const names = readdirSync(here)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -3))
  .filter((name) => !parts.includes(name))

const [wanted, ...rest] = process.argv.slice(2)
if (wanted !== undefined && !names.includes(wanted)) {
  console.error(`no benchmark is called ${wanted}: ${names.join(', ')}`)
  process.exit(2)
}
for (const name of wanted === undefined ? names : [wanted]) {
  console.log(`\n== ${name}`)
  const file = new URL(`${name}.ts`, here).pathname
  const { status } = spawnSync(process.execPath, [...process.execArgv, file, ...rest], { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
