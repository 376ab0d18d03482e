// PRIM load: pairs of clients on plain TCP, PLAIN; `window` SENDs in flight a pair. A message is SEND in, SEND out, 200 in, 200 out.
import { connect, type Socket } from 'node:net'
import { expectUnit } from './impp-user.ts'
import { finish, type LoadOptions, loadOptions, MarkCounter, Meter } from './load.ts'

const options = loadOptions(process.argv)
const meter = new Meter(options)
const body = `The quick brown fox jumps over the lazy dog, ${'x'.repeat(55)}`

async function logIn({ host, port, domain, password }: LoadOptions, user: string): Promise<Socket> {
  const socket = connect({ host, port, noDelay: true })
  socket.on('error', (error) => {
    throw error
  })
  const from = `From: im:${user}@${domain}\r\n`
  const ask = async (line: string, fields: string, secret = ''): Promise<void> => {
    socket.write(`${line} ${secret.length}\r\n${from}${fields}\r\n${secret}`)
    const answer = await expectUnit(socket)
    if (!/^PRIM-IM\/1\.0 \S+ \d+ (?:100|200) /.test(answer)) throw new Error(answer)
  }
  await ask('LOGIN PRIM-IM/1.0 1', 'Auth-State: init\r\nSASL-Mech: PLAIN\r\n')
  await ask('LOGIN PRIM-IM/1.0 2', 'Auth-State: continue\r\nSASL-Mech: PLAIN\r\n', `${user}\r\n${password}`)
  await ask('LISTEN PRIM-IM/1.0 3', '')
  return socket
}

async function pair(at: number): Promise<() => void> {
  const [sender, recipient] = [`u${2 * at + 1}`, `u${2 * at + 2}`]
  const [from, to] = [await logIn(options, sender), await logIn(options, recipient)]
  const parties = `From: im:${sender}@${options.domain}\r\nTo: im:${recipient}@${options.domain}\r\n`
  let requests = 0
  const send = (count: number): void => {
    let units = ''
    for (let n = 0; n < count; n++)
      units += `SEND PRIM-IM/1.0 r${++requests} ${body.length}\r\n${parties}Message-ID: m${requests}\r\nContent-Type: text/plain\r\n\r\n${body}`
    from.write(units)
  }
  let rest = ''
  to.on('data', (chunk: Buffer) => {
    rest += chunk.toString('latin1')
    let answers = ''
    for (let end = rest.indexOf(body); end >= 0; end = rest.indexOf(body)) {
      const id = /SEND PRIM-IM\/1\.0 (\S+) /.exec(rest.slice(0, end))?.[1]
      rest = rest.slice(end + body.length)
      answers += `PRIM-IM/1.0 ${id} 0 200 OK\r\n${parties}\r\n`
    }
    if (answers !== '') to.write(answers)
  })
  const [ends, successes] = [new MarkCounter('\r\n\r\n'), new MarkCounter(' 200 OK\r\n')]
  // A 200 comes before the end of its unit: fewer of them than ends is an error.
  let owed = 0
  from.on('data', (chunk: Buffer) => {
    const answered = ends.count(chunk)
    owed += answered - successes.count(chunk)
    if (owed > 0) {
      meter.errors += owed
      owed = 0
    }
    meter.messages += answered
    if (meter.running && answered > 0) send(answered)
  })
  return () => send(options.window)
}

const starts: (() => void)[] = []
for (let at = 0; at < options.pairs; at++) starts.push(await pair(at))
for (const start of starts) start()
finish(await meter.measure())
