// An XMPP client for loads: plain TCP, SASL PLAIN, available. It parses nothing.
import { connect, type Socket } from 'node:net'
import type { LoadOptions } from './load.ts'

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

/** A client that has bound the resource `bench`, and is available. */
export async function logInXmpp(options: LoadOptions, user: string): Promise<Socket> {
  const socket = connect({ host: options.host, port: options.port, noDelay: true })
  socket.on('error', (error) => {
    throw error
  })
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
