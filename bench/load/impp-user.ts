// An IMPP client for loads: plain TCP, SASL PLAIN. It parses nothing it need not.
import { connect, type Socket } from 'node:net'
import type { LoadOptions } from './load.ts'

export interface ImppUser {
  readonly socket: Socket
  /** The two headers of each request of its own (IMPP §19). */
  readonly identity: string
}

/** Resolves with everything up to the mark. */
export function expectUnit(socket: Socket, mark = '\r\n\r\n'): Promise<string> {
  return new Promise((resolve, reject) => {
    let seen = ''
    const look = (chunk: Buffer): void => {
      seen += chunk.toString('latin1')
      if (seen.startsWith('ERROR')) reject(new Error(seen))
      if (!seen.includes(mark)) return
      socket.off('data', look)
      resolve(seen)
    }
    socket.on('data', look)
  })
}

/** A client that has logged in as the device `bench`. */
export async function logInImpp(options: LoadOptions, user: string): Promise<ImppUser> {
  const socket = connect({ host: options.host, port: options.port, noDelay: true })
  socket.on('error', (error) => {
    throw error
  })
  socket.write(`HELLO 1 impp/1.0\r\nDomain: ${options.domain}\r\nMax-Pending: 1000\r\n\r\n`)
  await expectUnit(socket)
  const secret = Buffer.from(`\0${user}\0${options.password}`).toString('base64')
  socket.write(`AUTH 2 impp/1.0\r\nMechanism: PLAIN\r\nDevice: bench\r\nData: ${secret}\r\n\r\n`)
  const done = await expectUnit(socket)
  const connectionId = /^connection-id: *(\S+)/im.exec(done)?.[1] ?? ''
  return { socket, identity: `From: impp://${options.domain}/${user}\r\nConnection-ID: ${connectionId}\r\n` }
}

/** The OKs to all whole CHANGE-NOTIFYs in `units`, and how many those are; what is not whole is `rest`. */
export function acknowledge(units: string): { answers: string; count: number; rest: string } {
  let [answers, count, rest] = ['', 0, units]
  for (;;) {
    const end = rest.indexOf('\r\n\r\n')
    if (end < 0) return { answers, count, rest }
    const head = rest.slice(0, end + 2)
    const length = Number(/^content-length: *([0-9]+)/im.exec(head)?.[1] ?? 0)
    if (rest.length < end + 4 + length) return { answers, count, rest }
    rest = rest.slice(end + 4 + length)
    const id = /^CHANGE-NOTIFY (\S+) impp/.exec(head)?.[1]
    if (id === undefined) continue
    const from = /^from: *(\S+)/im.exec(head)?.[1]
    const connection = /^connection-id: *(\S+)/im.exec(head)?.[1]
    const to = from === undefined ? '' : `To: ${from}\r\n`
    const connectionLine = connection === undefined ? '' : `Connection-ID: ${connection}\r\n`
    answers += `OK (CHANGE-NOTIFY) ${id} impp/1.0\r\n${to}${connectionLine}\r\n`
    count++
  }
}
