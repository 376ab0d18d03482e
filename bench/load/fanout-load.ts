// One presentity and many watchers: a change, and when all have it, the next. `fanout-load.ts --protocol xmpp|impp|sip|bare --port N
// --watchers N`. Prints notifications, CPU of the server a notification, and how long the last watcher waited.
import { connect, type Socket } from 'node:net'
import { acknowledge, expectUnit, logInImpp } from './impp-user.ts'
import { cpuSecondsOf, type LoadOptions, loadOptions, MarkCounter } from './load.ts'
import { SipUser } from './sip-user.ts'
import { logInXmpp } from './xmpp-user.ts'

const words = process.argv
const options: LoadOptions = loadOptions(words)
const protocol = words[words.indexOf('--protocol') + 1] as string
const watchers = Number(words[words.indexOf('--watchers') + 1])
const presentity = 'u1'

/** What makes a change, told the number of the round; the arrivals are told by `arrived`. */
type Change = (round: number) => void
let arrived: () => void = () => {}

/** XMPP: each watcher asks, and is allowed by the domain's policy. */
async function xmpp(): Promise<Change> {
  const publisher = await logInXmpp(options, presentity)
  publisher.resume()
  for (let at = 0; at < watchers; at++) {
    const socket = await logInXmpp(options, `u${at + 2}`)
    socket.write(`<presence to='${presentity}@${options.domain}' type='subscribe'/>`)
    await expectUnit(socket, "'subscribed'")
    counted(socket, '</status></presence>')
  }
  return (round) => publisher.write(`<presence><show>away</show><status>round ${round}</status></presence>`)
}

async function impp(): Promise<Change> {
  const publisher = await logInImpp(options, presentity)
  publisher.socket.resume()
  const target = `Target: impp://${options.domain}/${presentity}\r\n`
  for (let at = 0; at < watchers; at++) {
    const { socket, identity } = await logInImpp(options, `u${at + 2}`)
    socket.write(`SUBSCRIBE 3 impp/1.0\r\n${identity}${target}Lease-Time: 3600\r\n\r\n`)
    await expectUnit(socket)
    let rest = ''
    socket.on('data', (chunk: Buffer) => {
      const heard = acknowledge(rest + chunk.toString('latin1'))
      rest = heard.rest
      if (heard.answers !== '') socket.write(heard.answers)
      for (let n = 0; n < heard.count; n++) arrived()
    })
  }
  const entity = `pres:${presentity}@${options.domain}`
  return (round) => {
    const body = `<?xml version="1.0"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="${entity}"><tuple id="bench"><status><basic>open</basic></status><note>round ${round}</note></tuple></presence>`
    const head = `CHANGE c${round} impp/1.0\r\n${publisher.identity}${target}Lease-Time: 3600\r\nContent-Type: application/pidf+xml\r\nContent-Length: ${body.length}\r\n\r\n`
    publisher.socket.write(head + body)
  }
}

/** Over UDP; each NOTIFY is answered. */
async function sip(): Promise<Change> {
  const publisher = new SipUser(options, presentity)
  await publisher.register()
  for (let at = 0; at < watchers; at++) {
    const watcher = new SipUser(options, `u${at + 2}`)
    await watcher.open()
    await watcher.watch(presentity)
    watcher.onNotify = () => arrived()
  }
  return (round) =>
    void publisher.publish(
      `<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:${presentity}@${options.domain}"><tuple id="bench"><status><basic>open</basic></status><note>round ${round}</note></tuple></presence>`,
    )
}

/** The baseline: a process that writes the same octets to each socket. */
async function bare(): Promise<Change> {
  const dial = (): Promise<Socket> =>
    new Promise((resolve) => {
      const socket = connect({ host: options.host, port: options.port, noDelay: true }, () => resolve(socket))
    })
  const publisher = await dial()
  for (let at = 0; at < watchers; at++) counted(await dial(), '\n')
  return (round) => publisher.write(`${'x'.repeat(140)} ${round}\n`)
}

function counted(socket: Socket, mark: string): void {
  const counter = new MarkCounter(mark)
  socket.on('data', (chunk: Buffer) => {
    for (let found = counter.count(chunk); found > 0; found--) arrived()
  })
}

const begin: Readonly<Record<string, () => Promise<Change>>> = { xmpp, impp, sip, bare }
const change = await begin[protocol]?.()
if (change === undefined) throw new Error(`no such protocol: ${protocol}`)

/** Milliseconds from the change to each arrival. */
async function rounds(milliseconds: number, waits: number[]): Promise<void> {
  const end = performance.now() + milliseconds
  while (performance.now() < end) {
    await new Promise<void>((resolve) => {
      const start = performance.now()
      let left = watchers
      arrived = () => {
        waits.push(performance.now() - start)
        if (--left === 0) resolve()
      }
      change?.(nextRound++)
    })
  }
}
let nextRound = 1

await rounds(options.warmSeconds * 1000, [])
const waits: number[] = []
const cpu = options.pid === undefined ? 0 : cpuSecondsOf(options.pid)
const start = performance.now()
await rounds(options.seconds * 1000, waits)
const seconds = (performance.now() - start) / 1000
const used = options.pid === undefined ? 0 : cpuSecondsOf(options.pid) - cpu
const p99 = waits.toSorted((a, b) => a - b)[Math.floor(waits.length * 0.99)] ?? Number.NaN
const result = {
  messages: waits.length,
  seconds,
  messagesPerSecond: waits.length / seconds,
  cpuMicrosecondsPerMessage: (used * 1e6) / waits.length,
  p99Milliseconds: p99,
}
process.stdout.write(`${JSON.stringify(result)}\n`)
process.exit(0)
