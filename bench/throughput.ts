// Messages a second and CPU a message through the whole server, beside a bare relay of the same octets in the same run. The load
// comes from another process. `npm run bench -- throughput [--history] [--window 1,10] [--cases xmpp,sip,...] [--seconds 5]`
import { join } from 'node:path'
import type { LoadResult } from './load/load.ts'
import { freePort, load, node, root, start, stop, withServer } from './load/measured.ts'

const pairs = 100
const words = process.argv.slice(2)

function given(name: string, otherwise: string): string {
  const at = words.indexOf(`--${name}`)
  return at < 0 ? otherwise : (words[at + 1] ?? otherwise)
}

const history = words.includes('--history')
const windows = given('window', '1,10').split(',')
const seconds = given('seconds', '5')
const cases = given('cases', 'relay,xmpp,sip,impp,prim,apex,xmpp-sip').split(',')

function loadWords(pid: number, port: number, window: string, more: string[] = []): string[] {
  return [
    '--pid',
    String(pid),
    '--port',
    String(port),
    '--pairs',
    String(pairs),
    '--window',
    window,
    '--seconds',
    seconds,
    ...more,
  ]
}

async function measure(name: string, window: string): Promise<LoadResult> {
  if (name === 'relay') {
    const port = await freePort()
    const relay = await start([...node, join(root, 'bench/bare-relay.ts'), String(port)], 'ready')
    try {
      return await load('xmpp-load.ts', loadWords(relay.pid, port, window, ['--relay']))
    } finally {
      await stop(relay)
    }
  }
  return withServer({ users: 2 * pairs, history }, ({ pid }, ports) => {
    if (name === 'xmpp') return load('xmpp-load.ts', loadWords(pid, ports.xmpp, window))
    if (name === 'sip') return load('sip-load.ts', loadWords(pid, ports.sip, window))
    if (name === 'prim') return load('prim-load.ts', loadWords(pid, ports.prim, window))
    if (name === 'apex') return load('apex-load.ts', loadWords(pid, ports.apex, window))
    if (name === 'impp') return load('impp-load.ts', loadWords(pid, ports.impp, window))
    const crossed = ['--sender', 'xmpp', '--other-port', String(ports.xmpp)]
    return load('sip-load.ts', loadWords(pid, ports.sip, window, crossed))
  })
}

console.log(
  `history ${history ? 'on' : 'off'}, ${pairs} pairs, server and generator on a core each, ${seconds} s a row`,
)
console.log('case       window    msg/s   CPU us/msg   x relay   generator CPU %   errors')
for (const window of windows) {
  let relay: number | undefined
  for (const name of cases) {
    const result = await measure(name, window)
    const cpu = result.cpuMicrosecondsPerMessage
    if (name === 'relay') relay = cpu
    const ratio = relay === undefined ? '-' : (cpu / relay).toFixed(1)
    console.log(
      [
        name.padEnd(10),
        window.padStart(6),
        Math.round(result.messagesPerSecond).toString().padStart(8),
        cpu.toFixed(2).padStart(12),
        ratio.padStart(9),
        result.generatorCpuPercent.toFixed(0).padStart(17),
        String(result.errors).padStart(8),
      ].join(' '),
    )
  }
}
