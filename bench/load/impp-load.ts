// IMPP load: pairs of clients on plain TCP, SASL PLAIN; `window` SENDs in flight a pair. A message is SEND in, SEND out, OK in, OK
// out.
import { logInImpp } from './impp-user.ts'
import { finish, loadOptions, MarkCounter, Meter } from './load.ts'

const options = loadOptions(process.argv)
const meter = new Meter(options)
const body = `The quick brown fox jumps over the lazy dog, ${'x'.repeat(55)}`

async function pair(at: number): Promise<() => void> {
  const [from, to] = [await logInImpp(options, `u${2 * at + 1}`), await logInImpp(options, `u${2 * at + 2}`)]
  let requests = 0
  const send = (count: number): void => {
    let units = ''
    for (let n = 0; n < count; n++) {
      units += `SEND r${++requests} impp/1.0\r\n${from.identity}Target: impp://${options.domain}/u${2 * at + 2}\r\nMessage-ID: m${requests}\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    }
    from.socket.write(units)
  }
  let rest = ''
  to.socket.on('data', (chunk: Buffer) => {
    rest += chunk.toString('latin1')
    let answers = ''
    for (let end = rest.indexOf(body); end >= 0; end = rest.indexOf(body)) {
      const head = rest.slice(0, end)
      rest = rest.slice(end + body.length)
      const id = /SEND (\S+) impp/.exec(head)?.[1]
      const originator = /^from: *(\S+)/im.exec(head)?.[1]
      const connection = /^connection-id: *(\S+)/im.exec(head)?.[1]
      answers += `OK (SEND) ${id} impp/1.0\r\nTo: ${originator}\r\nConnection-ID: ${connection}\r\n\r\n`
    }
    if (answers !== '') to.socket.write(answers)
  })
  const counter = new MarkCounter('\r\n\r\n')
  from.socket.on('data', (chunk: Buffer) => {
    if (chunk.includes('ERROR')) meter.errors++
    const answered = counter.count(chunk)
    meter.messages += answered
    if (meter.running && answered > 0) send(answered)
  })
  return () => send(options.window)
}

const starts: (() => void)[] = []
for (let at = 0; at < options.pairs; at++) starts.push(await pair(at))
for (const start of starts) start()
finish(await meter.measure())
