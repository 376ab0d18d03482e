// XMPP load: pairs of clients on plain TCP, SASL PLAIN; `window` messages of about 200 octets in flight a pair, to the full JID.
// `--relay true`: no protocol, for the bare relay of the same octets.
import { connect, type Socket } from 'node:net'
import { finish, loadOptions, MarkCounter, Meter } from './load.ts'

const options = loadOptions(process.argv)
const relay = process.argv.includes('--relay')
const meter = new Meter(options)
const padding = 'x'.repeat(60)

function messageTo(user: string): Buffer {
  return Buffer.from(
    `<message to='${user}@${options.domain}/bench' type='chat' id='m0000001'><body>The quick brown fox ${padding}</body></message>`,
  )
}

/** Resolves when `mark` has come. */
function expect(socket: Socket, mark: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let seen = ''
    const look = (chunk: Buffer): void => {
      seen += chunk.toString('latin1')
      if (seen.includes('<failure') || seen.includes('<stream:error')) reject(new Error(seen))
      if (!seen.includes(mark)) return
      socket.off('data', look)
      resolve()
    }
    socket.on('data', look)
  })
}

async function logIn(user: string): Promise<Socket> {
  const socket = connect({ host: options.host, port: options.port, noDelay: true })
  socket.on('error', () => meter.errors++)
  if (relay) {
    await new Promise<void>((resolve) => socket.once('connect', resolve))
    return socket
  }
  const header = `<?xml version='1.0'?><stream:stream to='${options.domain}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`
  socket.write(header)
  await expect(socket, '</stream:features>')
  const secret = Buffer.from(`\0${user}\0${options.password}`).toString('base64')
  socket.write(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${secret}</auth>`)
  await expect(socket, '<success')
  socket.write(header)
  await expect(socket, '</stream:features>')
  socket.write(
    "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>bench</resource></bind></iq>",
  )
  await expect(socket, '</iq>')
  socket.write("<presence/><iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>")
  await expect(socket, "id='p'")
  return socket
}

async function pair(at: number): Promise<() => void> {
  const [from, to] = [await logIn(`u${2 * at + 1}`), await logIn(`u${2 * at + 2}`)]
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
