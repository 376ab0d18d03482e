// Via, RFC 3261 §20.42 and §25.1, with rport (RFC 3581). Complete.

import { isDigit, lowerSlice, skipHost, skipLws, skipToken, wholeNumber } from './grammar.ts'
import { header } from './header-names.ts'
import { findHeader, type SipMessage, stride } from './message.ts'
import { valueCountMax } from './name-addr.ts'
import { type Param, paramOf, paramsStopped, parseParams } from './params.ts'

export interface Via {
  /** In upper case: UDP, TCP, TLS, WS, ... */
  readonly transport: string
  /** sent-by: the host in lower case, and the port as it stands there. */
  readonly host: string
  readonly port: number | undefined
  readonly params: readonly Param[]
  readonly branch: string | undefined
  /** '' when the parameter stands there without a value, which asks for it (RFC 3581 §3). */
  readonly rport: string | undefined
  /** Where the value begins and ends in the text. */
  readonly start: number
  readonly end: number
}

/** One via-parm at `at`; it ends at a comma or at `end`. undefined when it is malformed. */
export function parseVia(text: string, at: number, end: number): Via | undefined {
  const start = skipLws(text, at, end)
  const transportAt = skipProtocol(text, start, end)
  if (transportAt < 0) return undefined
  let i = skipToken(text, transportAt, end)
  if (i === transportAt) return undefined
  const transport = transportName(text, transportAt, i)
  const hostAt = skipLws(text, i, end)
  i = skipHost(text, hostAt, end)
  if (i < 0 || hostAt === transportAt + transport.length) return undefined
  const host = lowerSlice(text, hostAt, i)
  i = skipLws(text, i, end)
  let port: number | undefined
  if (text.charCodeAt(i) === 0x3a && i < end) {
    const portAt = skipLws(text, i + 1, end)
    i = portAt
    while (i < end && isDigit(text.charCodeAt(i))) i++
    port = wholeNumber(text, portAt, i, 65_535)
    if (port < 0) return undefined
  }
  const params = parseParams(text, i, end)
  const stopped = paramsStopped()
  if (stopped < 0) return undefined
  let branch: string | undefined
  let rport: string | undefined
  for (const param of params) {
    if (param.name === 'branch') branch = param.value ?? ''
    else if (param.name === 'rport') rport = param.value ?? ''
  }
  return { transport, host, port, params, branch, rport, start, end: stopped }
}

/** The offset of the transport in `SIP SLASH 2.0 SLASH transport`, white space allowed around each slash; or -1. */
function skipProtocol(text: string, start: number, end: number): number {
  if (text.startsWith('SIP/2.0/', start)) return skipLws(text, start + 8, end)
  let i = skipToken(text, start, end)
  if (text.slice(start, i).toUpperCase() !== 'SIP') return -1
  i = skipLws(text, i, end)
  if (text.charCodeAt(i) !== 0x2f) return -1
  const versionAt = skipLws(text, i + 1, end)
  i = skipToken(text, versionAt, end)
  if (text.slice(versionAt, i) !== '2.0') return -1
  i = skipLws(text, i, end)
  return text.charCodeAt(i) === 0x2f ? skipLws(text, i + 1, end) : -1
}

function transportName(text: string, at: number, end: number): string {
  if (end - at === 3) {
    if (text.startsWith('UDP', at)) return 'UDP'
    if (text.startsWith('TCP', at)) return 'TCP'
    if (text.startsWith('TLS', at)) return 'TLS'
  }
  return text.slice(at, end).toUpperCase()
}

/** The topmost Via; undefined when there is none or it is malformed. */
export function topVia(message: SipMessage): Via | undefined {
  const i = findHeader(message, header.via)
  return i < 0 ? undefined : parseVia(message.head, message.index[i + 2]!, message.index[i + 3]!)
}

/** All Vias from the topmost down; undefined when one is malformed. */
export function viasOf(message: SipMessage): Via[] | undefined {
  const vias: Via[] = []
  for (let i = findHeader(message, header.via); i >= 0; i = findHeader(message, header.via, i + stride)) {
    const end = message.index[i + 3]!
    let at = message.index[i + 2]!
    for (;;) {
      const via = parseVia(message.head, at, end)
      if (via === undefined || vias.length >= valueCountMax) return undefined
      vias.push(via)
      if (via.end >= end) break
      at = via.end + 1
    }
  }
  return vias
}

/** "z9hG4bK": the branch is unique, RFC 3261 §8.1.1.7. */
export const branchMagic = 'z9hG4bK'

/** The default port of sent-by: RFC 3261 §18.1.1 and §18.2.2, for web sockets RFC 7118 §5.5. */
export function defaultPort(transport: string): number {
  switch (transport) {
    case 'TLS':
      return 5061
    case 'WS':
      return 80
    case 'WSS':
      return 443
    default:
      return 5060
  }
}

export const viaParam = (via: Via, name: string): string | undefined => paramOf(via.params, name)
