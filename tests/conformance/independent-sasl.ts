// Logins of the clients that share no code with the server: PLAIN and SCRAM on BEEP (RFC 3080 §4.1). Each answers with 0 where it
// succeeded, else with the code of the error.
import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto'
import { codeOf, type IndependentBeep } from './independent-beep.ts'
import { xmlEntity } from './independent-entity.ts'
import { readXml, textOf } from './independent-xml.ts'

const sasl = 'http://iana.org/beep/SASL'

/** SASL PLAIN (RFC 4616) in the start (RFC 3080 §4.1). 0 where it succeeds, else the code. */
export async function logInPlain(
  beep: IndependentBeep,
  user: string,
  secret: string,
  authzid = '',
): Promise<number> {
  const initial = blob(Buffer.from(`${authzid}\0${user}\0${secret}`))
  const started = await beep.start(`${sasl}/PLAIN`, initial)
  if (typeof started === 'number') return started
  const said = readXml(started.content)
  await beep.close(started.number)
  if (said.name === 'error') return codeOf(said)
  if (said.name !== 'blob' || said.attributes.get('status') !== 'complete')
    beep.faults.push(`PLAIN is answered with ${said.source}`)
  return 0
}

/** SCRAM (RFC 5802), with the binding to TLS (RFC 9266) for the mechanisms -PLUS. 0 where it succeeds, else the code. */
export async function logInScram(
  beep: IndependentBeep,
  user: string,
  secret: string,
  mechanism: string,
): Promise<number> {
  const hash = /SHA-512/.test(mechanism) ? 'sha512' : /SHA-256/.test(mechanism) ? 'sha256' : 'sha1'
  const header = mechanism.endsWith('-PLUS') ? 'p=tls-exporter,,' : 'n,,'
  const binding = mechanism.endsWith('-PLUS') ? beep.exporter() : Buffer.alloc(0)
  const own = `n=${user.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${randomBytes(18).toString('base64')}`
  const started = await beep.start(`${sasl}/${mechanism}`, blob(Buffer.from(header + own)))
  if (typeof started === 'number') return started
  const first = readXml(started.content)
  if (first.name === 'error') {
    await beep.close(started.number)
    return codeOf(first)
  }
  const challenge = Buffer.from(textOf(first), 'base64').toString()
  const [, nonce = '', salt = '', rounds = ''] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(challenge) ?? []
  if (!nonce.startsWith(own.slice(own.indexOf('r=') + 2))) beep.faults.push(`a nonce of its own: ${nonce}`)
  const length = createHash(hash).digest().length
  const salted = pbkdf2Sync(secret, Buffer.from(salt, 'base64'), Number(rounds), length, hash)
  const clientKey = hmac(hash, salted, 'Client Key')
  const bare = `c=${Buffer.concat([Buffer.from(header), binding]).toString('base64')},r=${nonce}`
  const whole = `${own},${challenge},${bare}`
  const signature = hmac(hash, createHash(hash).update(clientKey).digest(), whole)
  const proof = Buffer.from(clientKey.map((octet, at) => octet ^ (signature[at] as number)))
  const last = `${bare},p=${proof.toString('base64')}`
  const reply = await beep.ask(started.number, xmlEntity(blob(Buffer.from(last))))
  const said = readXml(reply.entity.body.toString())
  await beep.close(started.number)
  if (said.name === 'error') return codeOf(said)
  const proven = Buffer.from(`v=${hmac(hash, hmac(hash, salted, 'Server Key'), whole).toString('base64')}`)
  const theirs = Buffer.from(textOf(said), 'base64')
  if (said.attributes.get('status') !== 'complete' || theirs.length !== proven.length)
    beep.faults.push(`SCRAM ends with ${said.source}`)
  else if (!timingSafeEqual(theirs, proven)) beep.faults.push('complete without the proof of the server')
  return 0
}

function blob(octets: Buffer): string {
  return `<blob>${octets.toString('base64')}</blob>`
}

function hmac(hash: string, key: Uint8Array, text: string): Buffer {
  return createHmac(hash, key).update(text).digest()
}
