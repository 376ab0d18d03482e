// An XMPP client for loads: plain TCP, SASL PLAIN or SCRAM, available. It parses nothing it need not.
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import type { LoadOptions } from './load.ts'

/** Resolves with what came, once `mark` is in it. */
function expect(socket: Socket, mark: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let seen = ''
    const look = (chunk: Buffer): void => {
      seen += chunk.toString('latin1')
      if (seen.includes('<failure') || seen.includes('<stream:error')) reject(new Error(seen))
      if (!seen.includes(mark)) return
      socket.off('data', look)
      resolve(seen)
    }
    socket.on('data', look)
  })
}

/** A connection on which the server has said what it offers. */
export async function openXmpp(options: LoadOptions): Promise<Socket> {
  const socket = connect({ host: options.host, port: options.port, noDelay: true })
  socket.on('error', (error) => {
    throw error
  })
  socket.write(header(options))
  await expect(socket, '</stream:features>')
  return socket
}

function header({ domain }: LoadOptions): string {
  return `<?xml version='1.0'?><stream:stream to='${domain}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`
}

function authText(mechanism: string, data: string): string {
  return `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='${mechanism}'>${data}</auth>`
}

/** Salted passwords by user and salt: a client keeps its own, and a load must not pay for them (RFC 5802 §5.1). */
const salted = new Map<string, Buffer>()

/** SCRAM-SHA-256 (RFC 7677): the proof of the password, without a look at the server's own. */
async function proveXmpp(socket: Socket, user: string, password: string): Promise<void> {
  const firstBare = `n=${user},r=${randomBytes(18).toString('base64')}`
  socket.write(authText('SCRAM-SHA-256', Buffer.from(`n,,${firstBare}`).toString('base64')))
  const challenge = await expect(socket, '</challenge>')
  const encoded = /<challenge[^>]*>([^<]+)</.exec(challenge)?.[1] ?? ''
  const serverFirst = Buffer.from(encoded, 'base64').toString()
  const [, nonce, salt = '', iterations] = /^r=([^,]+),s=([^,]+),i=([0-9]+)/.exec(serverFirst) ?? []
  const key = `${user} ${salt}`
  let saltedPassword = salted.get(key)
  if (saltedPassword === undefined) {
    saltedPassword = pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(iterations), 32, 'sha256')
    salted.set(key, saltedPassword)
  }
  const clientKey = hmac(saltedPassword, 'Client Key')
  const withoutProof = `c=biws,r=${nonce}`
  const storedKey = createHash('sha256').update(clientKey).digest()
  const signature = hmac(storedKey, `${firstBare},${serverFirst},${withoutProof}`)
  const proof = clientKey.map((octet, i) => octet ^ (signature[i] as number))
  const final = Buffer.from(`${withoutProof},p=${Buffer.from(proof).toString('base64')}`).toString('base64')
  socket.write(`<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>${final}</response>`)
  await expect(socket, '</success>')
}

function hmac(key: Buffer, data: string): Buffer {
  return createHmac('sha256', key).update(data).digest()
}

/** A client that has bound the resource `bench`, and is available. */
export async function logInXmpp(
  options: LoadOptions,
  user: string,
  mechanism: 'PLAIN' | 'SCRAM-SHA-256' = 'PLAIN',
): Promise<Socket> {
  const socket = await openXmpp(options)
  if (mechanism === 'PLAIN') {
    socket.write(authText('PLAIN', Buffer.from(`\0${user}\0${options.password}`).toString('base64')))
    await expect(socket, '<success')
  } else await proveXmpp(socket, user, options.password)
  socket.write(header(options))
  await expect(socket, '</stream:features>')
  socket.write(
    "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>bench</resource></bind></iq>",
  )
  await expect(socket, '</iq>')
  socket.write("<presence/><iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>")
  await expect(socket, "id='p'")
  return socket
}
