// Octets of memory for an idle connection, through the whole server: XMPP clients that are logged in and available, IMPP clients that are
// logged in, and SIP phones that are registered. `npm run bench -- idle [--users 1000]`
import { join } from 'node:path'
import { residentOctetsOf } from './load/load.ts'
import { holder, root, withServer } from './load/measured.ts'

const words = process.argv.slice(2)
const at = words.indexOf('--users')
const users = at < 0 ? 1000 : Number(words[at + 1])
const settleMs = 3000

function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, settleMs))
}

console.log('case        users   resident before   after   octets a connection')
for (const name of ['xmpp', 'impp', 'sip'] as const) {
  await withServer({ users, history: false }, async ({ pid }, ports) => {
    // A first login each loads code and fills caches that are no connection's own.
    await settled()
    const before = residentOctetsOf(pid)
    const held = await holder(join(root, 'bench/load/hold.ts'), [name, String(ports[name]), String(users)])
    await settled()
    const after = residentOctetsOf(pid)
    const each = Math.round((after - before) / users)
    const mebi = (octets: number): string => `${(octets / 1048576).toFixed(1)} MiB`
    console.log(
      `${name.padEnd(10)} ${String(users).padStart(6)} ${mebi(before).padStart(17)} ${mebi(after)} ${each}`,
    )
    held.kill()
  })
}
