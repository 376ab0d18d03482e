// XMPP load: pairs of clients on plain TCP, SASL PLAIN; `window` messages of about 200 octets in flight a pair, to the full JID.
// `--relay`: no protocol, for the bare relay of the same
// octets. With `--other-domain` and `--other-port` the receivers are there.
import { connect, type Socket } from 'node:net'
import { finish, loadOptions, MarkCounter, Meter } from './load.ts'
import { logInXmpp } from './xmpp-user.ts'

const options = loadOptions(process.argv)
/** The receivers': of another server where one is named. */
const receiving =
  options.otherDomain === undefined
    ? options
    : { ...options, domain: options.otherDomain, port: options.otherPort }
const relay = process.argv.includes('--relay')
const meter = new Meter(options)
const padding = 'x'.repeat(60)

function messageTo(user: string): Buffer {
  return Buffer.from(
    `<message to='${user}@${receiving.domain}/bench' type='chat' id='m0000001'><body>The quick brown fox ${padding}</body></message>`,
  )
}

async function logIn(user: string, where = options): Promise<Socket> {
  if (!relay) return logInXmpp(where, user)
  const socket = connect({ host: where.host, port: where.port, noDelay: true })
  await new Promise<void>((resolve) => socket.once('connect', resolve))
  return socket
}

/** The far end of a chain has joined the two: what one says the other hears. */
function joined(from: Socket, to: Socket): Promise<void> {
  from.write(' ')
  return new Promise((resolve) => to.once('data', () => resolve()))
}

async function pair(at: number): Promise<() => void> {
  const [from, to] = [await logIn(`u${2 * at + 1}`), await logIn(`u${2 * at + 2}`, receiving)]
  if (relay) await joined(from, to)
  const message = messageTo(`u${2 * at + 2}`)
  const batches = Array.from({ length: options.window + 1 }, (_, n) => Buffer.concat(Array(n).fill(message)))
  const counter = new MarkCounter('</message>')
  to.on('data', (chunk: Buffer) => {
    const arrived = counter.count(chunk)
    meter.messages += arrived
    if (meter.running && arrived > 0)
      from.write(batches[arrived] ?? Buffer.concat(Array(arrived).fill(message)))
  })
  from.on('data', (chunk: Buffer) => {
    if (chunk.includes("type='error'")) meter.errors++
  })
  return () => from.write(batches[options.window] as Buffer)
}

const starts: (() => void)[] = []
for (let at = 0; at < options.pairs; at++) starts.push(await pair(at))
for (const start of starts) start()
finish(await meter.measure())
