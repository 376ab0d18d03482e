// One presence change to many watchers, through the whole server: notifications a second, CPU of the server a notification, and
// how long 99 in 100 of the watchers waited. The baseline is a bare process that writes as many octets to as many sockets. An IMPP
// watcher and a SIP watcher (over UDP) answer each notification, so a notification there is two units. `npm run bench -- fanout [--watchers 1000] [--only sip]`
import { join } from 'node:path'
import type { LoadResult } from './load/load.ts'
import { freePort, load, node, root, start, stop, withServer } from './load/measured.ts'

interface FanOutResult extends LoadResult {
  readonly p99Milliseconds: number
}

const words = process.argv.slice(2)
const at = words.indexOf('--watchers')
const watchers = at < 0 ? 1000 : Number(words[at + 1])
const only = words.includes('--only') ? words[words.indexOf('--only') + 1] : undefined

function run(protocol: string, pid: number, port: number): Promise<FanOutResult> {
  const numbers = ['--pid', pid, '--port', port, '--watchers', watchers].map(String)
  return load('fanout-load.ts', ['--protocol', protocol, ...numbers]) as Promise<FanOutResult>
}

async function bare(): Promise<FanOutResult> {
  const port = await freePort()
  const process = await start([...node, join(root, 'bench/bare-fanout.ts'), String(port)], 'ready')
  try {
    return await run('bare', process.pid, port)
  } finally {
    await stop(process)
  }
}

console.log(`a change to ${watchers} watchers, the next when all have it; history off`)
console.log('case   notifications/s   CPU us each   x bare   p99 ms')
let baseline: number | undefined
for (const name of ['bare', 'xmpp', 'impp', 'sip'] as const) {
  if (only !== undefined && name !== only && name !== 'bare') continue
  const result =
    name === 'bare'
      ? await bare()
      : await withServer({ users: watchers + 1, history: false, confirm: false }, ({ pid }, ports) =>
          run(name, pid, ports[name]),
        )
  const cost = result.cpuMicrosecondsPerMessage
  baseline ??= cost
  const figures = [
    result.messagesPerSecond.toFixed(0).padStart(15),
    cost.toFixed(2).padStart(13),
    (cost / baseline).toFixed(2).padStart(8),
    result.p99Milliseconds.toFixed(1).padStart(8),
  ]
  console.log(`${name.padEnd(5)} ${figures.join(' ')}`)
}
