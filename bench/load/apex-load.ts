// APEX load: pairs of applications on plain TCP, PLAIN, attached; `window` data in flight a pair. A message is MSG in, RPY back, MSG out, RPY in;
// its text stands beside the document (RFC 3340 §4.1). Both sides keep to the windows of BEEP (RFC 3081 §3.1).
import { connect, type Socket } from 'node:net'
import { finish, type LoadOptions, loadOptions, MarkCounter, Meter } from './load.ts'

const options = loadOptions(process.argv)
const meter = new Meter(options)
const text = `The quick brown fox jumps over the lazy dog, ${'x'.repeat(55)}`
const xml = 'Content-Type: application/beep+xml\r\n\r\n'
const okPayload = `${xml}<ok />`
const window = 65_536

/** A session by hand: channel 0, and the one of APEX, number 3. */
class Application {
  readonly socket: Socket
  #zero = 0
  #heard = ''
  #look: () => void = () => {}
  #lastNumber = 0

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('error', (error) => {
      throw error
    })
    socket.on('data', (chunk: Buffer) => {
      this.#heard += chunk.toString('latin1')
      this.#look()
    })
  }

  static async attach({ host, port, domain, password }: LoadOptions, user: string): Promise<Socket> {
    const one = new Application(connect({ host, port, noDelay: true }))
    one.#frame('RPY 0 0', `${xml}<greeting />`)
    await one.#until('END\r\n')
    const plain = Buffer.from(`\0${user}@${domain}\0${password}`).toString('base64')
    await one.#start(1, 'SASL/PLAIN', `<blob>${plain}</blob>`, 'complete')
    await one.#start(3, 'APEX', `<attach endpoint='${user}@${domain}' transID='1' />`, '<ok />')
    one.socket.removeAllListeners('data')
    return one.socket
  }

  async #start(number: number, profile: string, content: string, wanted: string): Promise<void> {
    const inside = `<profile uri='http://iana.org/beep/${profile}'><![CDATA[${content}]]></profile>`
    this.#frame(`MSG 0 ${++this.#lastNumber}`, `${xml}<start number='${number}'>${inside}</start>`)
    const answer = await this.#until('END\r\n')
    if (!answer.includes(wanted)) throw new Error(answer)
  }

  #frame(head: string, payload: string): void {
    this.socket.write(`${head} . ${this.#zero} ${payload.length}\r\n${payload}END\r\n`)
    this.#zero += payload.length
  }

  async #until(mark: string): Promise<string> {
    await new Promise<void>((resolve) => {
      this.#look = () => {
        if (this.#heard.includes(mark)) resolve()
      }
      this.#look()
    })
    const heard = this.#heard
    this.#heard = ''
    return heard
  }
}

function payloadOf(sender: string, recipient: string, id: number): string {
  const document = `<data content='cid:${id}@${options.domain}'><originator identity='${sender}' /><recipient identity='${recipient}' /></data>`
  return [
    `Content-Type: multipart/related; boundary="b"; start="<s${id}@x>"; type="application/beep+xml"`,
    '',
    '--b',
    'Content-Type: application/beep+xml',
    `Content-ID: <s${id}@x>`,
    '',
    document,
    '--b',
    'Content-Type: text/plain',
    `Content-ID: <${id}@${options.domain}>`,
    '',
    text,
    '--b--',
    '',
  ].join('\r\n')
}

async function pair(at: number): Promise<() => void> {
  const [sender, recipient] = [`u${2 * at + 1}`, `u${2 * at + 2}`]
  const [from, to] = [await Application.attach(options, sender), await Application.attach(options, recipient)]
  answering(to)
  const names = [`${sender}@${options.domain}`, `${recipient}@${options.domain}`] as const
  let [number, sent, edge, owed] = [0, 0, 4096, 0]
  const send = (count: number): void => {
    owed += count
    let frames = ''
    while (owed > 0) {
      const payload = payloadOf(...names, number + 1)
      if (sent + payload.length > edge) break
      frames += `MSG 3 ${++number} . ${sent} ${payload.length}\r\n${payload}END\r\n`
      sent += payload.length
      owed--
    }
    if (frames !== '') from.write(frames)
  }
  const [ends, successes] = [new MarkCounter('END\r\n'), new MarkCounter('<ok />END\r\n')]
  let received = 0
  from.on('data', (chunk: Buffer) => {
    const heard = chunk.toString('latin1')
    for (const [, ackno, size] of heard.matchAll(/SEQ 3 (\d+) (\d+)\r\n/g))
      edge = Number(ackno) + Number(size)
    const answered = ends.count(chunk)
    meter.errors += answered - successes.count(chunk)
    meter.messages += answered
    received += answered * okPayload.length
    if (answered > 0) from.write(`SEQ 3 ${received} ${window}\r\n`)
    if (meter.running) send(answered)
  })
  return () => send(options.window)
}

/** Takes what comes, and says so. */
function answering(to: Socket): void {
  let rest = ''
  let sent = 0
  to.on('data', (chunk: Buffer) => {
    rest += chunk.toString('latin1')
    let [answers, received] = ['', 0]
    for (let end = rest.indexOf('END\r\n'); end >= 0; end = rest.indexOf('END\r\n')) {
      const head = /MSG 3 (\d+) ([.*]) (\d+) (\d+)\r\n/.exec(rest.slice(0, end))
      rest = rest.slice(end + 5)
      if (head === null) continue
      received = Number(head[3]) + Number(head[4])
      if (head[2] === '*') continue
      answers += `RPY 3 ${head[1]} . ${sent} ${okPayload.length}\r\n${okPayload}END\r\n`
      sent += okPayload.length
    }
    if (received > 0) to.write(`SEQ 3 ${received} ${window}\r\n${answers}`)
  })
}

const starts: (() => void)[] = []
for (let at = 0; at < options.pairs; at++) starts.push(await pair(at))
for (const start of starts) start()
finish(await meter.measure())
