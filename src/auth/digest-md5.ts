// DIGEST-MD5, the messages and the arithmetic (RFC 2831): historic (RFC 6331), and what older profiles of BEEP ask for at least. Complete
// for qop=auth without subsequent authentication.
import { hash } from 'node:crypto'
import { type Bytes, strictText } from '#base'

export interface DigestMd5Response {
  readonly username: string
  readonly realm: string
  readonly nonce: string
  readonly cnonce: string
  readonly nc: string
  readonly qop: string
  readonly uri: string
  readonly response: string
  readonly authorization: string | undefined
}

/** LIMIT: RFC 2831 §2.1.2: "The size of a digest-response MUST be less than 4096 bytes". */
const responseOctetsMax = 4095

/** RFC 2831 §2.1.1; the nonce has nothing that would need an escape. */
export function digestMd5Challenge(realm: string, nonce: string): string {
  return `realm="${realm}",nonce="${nonce}",qop="auth",charset=utf-8,algorithm=md5-sess`
}

/** RFC 2831 §2.1.2; undefined when it breaks the grammar, repeats a directive, or lacks one that must be there. */
export function readDigestMd5(bytes: Bytes): DigestMd5Response | undefined {
  if (bytes.length > responseOctetsMax) return undefined
  const directives = readDirectives(strictText(bytes) ?? '')
  const [username, nonce, cnonce] = ['username', 'nonce', 'cnonce'].map((name) => directives?.get(name))
  const [nc, uri, response] = ['nc', 'digest-uri', 'response'].map((name) => directives?.get(name))
  if (username === undefined || !nonce || !cnonce || uri === undefined) return undefined
  if (!/^[0-9a-f]{8}$/.test(nc ?? '') || !/^[0-9a-f]{32}$/.test(response ?? '')) return undefined
  return {
    username,
    realm: directives?.get('realm') ?? '',
    nonce,
    cnonce,
    nc: nc as string,
    qop: directives?.get('qop') ?? 'auth',
    uri,
    response: response as string,
    authorization: directives?.get('authzid'),
  }
}

const directive =
  /[ \t\r\n]*([!#$%&'*+.^_`|~A-Za-z0-9-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s",=;()<>@\\]+))[ \t\r\n]*(?:,|$)/sy

function readDirectives(text: string): Map<string, string> | undefined {
  const found = new Map<string, string>()
  directive.lastIndex = 0
  while (directive.lastIndex < text.length) {
    const match = directive.exec(text)
    const name = match?.[1]?.toLowerCase()
    if (match === null || name === undefined || found.has(name)) return undefined
    found.set(name, match[2]?.replace(/\\(.)/gs, '$1') ?? (match[3] as string))
  }
  return found.size === 0 ? undefined : found
}

/** The response that the client has to give, and the one of the server that proves itself by it (RFC 2831 §2.1.2.1, §2.1.3). */
export function digestMd5Responses(ha1: string, said: DigestMd5Response): { client: string; server: string } {
  const authzid = said.authorization === undefined ? '' : `:${said.authorization}`
  const tail = Buffer.from(`:${said.nonce}:${said.cnonce}${authzid}`)
  const a1 = md5(Buffer.concat([Buffer.from(ha1, 'hex'), tail]))
  const of = (a2: string): string =>
    md5(`${a1}:${said.nonce}:${said.nc}:${said.cnonce}:${said.qop}:${md5(a2)}`)
  return { client: of(`AUTHENTICATE:${said.uri}`), server: of(`:${said.uri}`) }
}

function md5(data: string | Bytes): string {
  return hash('md5', data, 'hex')
}
