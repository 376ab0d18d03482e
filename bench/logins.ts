// CPU of the server for an XMPP login over plain TCP, by mechanism: connecting, authenticating, binding a resource, presence and
// the way out again. The baseline is a connection that hears what is offered and leaves. `npm run bench -- logins [--logins 2000]`
import type { Socket } from 'node:net'
import { cpuSecondsOf, type LoadOptions, loadOptions } from './load/load.ts'
import { withServer } from './load/measured.ts'
import { logInXmpp, openXmpp } from './load/xmpp-user.ts'

const words = process.argv.slice(2)
const at = words.indexOf('--logins')
const logins = at < 0 ? 2000 : Number(words[at + 1])
const users = 50

function gone(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('close', () => resolve())
    socket.end('</stream:stream>')
    socket.resume()
  })
}

/** Twenty at a time, each user in turn. */
async function each(count: number, once: (user: string) => Promise<Socket>): Promise<void> {
  let next = 0
  const go = async (lane: number): Promise<void> => {
    // A user is in one lane alone, so that no login ends another's session.
    while (next++ < count) await gone(await once(`u${lane + 1}`))
  }
  await Promise.all(Array.from({ length: Math.min(20, users) }, (_, lane) => go(lane)))
}

await withServer({ users, history: false }, async ({ pid }, { xmpp }) => {
  const options: LoadOptions = loadOptions(['--port', String(xmpp)])
  const cases = [
    ['connection', () => openXmpp(options)],
    ['PLAIN', (user: string) => logInXmpp(options, user)],
    ['SCRAM-SHA-256', (user: string) => logInXmpp(options, user, 'SCRAM-SHA-256')],
  ] as const
  // A first pass loads code, and fills the clients' memory of salted passwords.
  for (const [, once] of cases) await each(Math.min(logins, 500), once)
  let baseline = 0
  console.log('what            logins/s   server µs   x connection')
  for (const [name, once] of cases) {
    const [cpu, start] = [cpuSecondsOf(pid), performance.now()]
    await each(logins, once)
    const seconds = (performance.now() - start) / 1000
    const cost = (1e6 * (cpuSecondsOf(pid) - cpu)) / logins
    if (baseline === 0) baseline = cost
    const figures = [(logins / seconds).toFixed(0), cost.toFixed(0), (cost / baseline).toFixed(2)]
    console.log(
      `${name.padEnd(15)} ${figures.map((figure, i) => figure.padStart([8, 11, 14][i] as number)).join('')}`,
    )
  }
})
