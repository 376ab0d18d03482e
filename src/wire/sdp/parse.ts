// A session description in (RFC 8866 §9, RFC 4566), as far as offers and answers need it. It is lenient where peers are known to slip: lines
// that end with LF alone, and the order of UMPP's own examples, where `c=` and a second `t=` stand before the `m=` that they describe.

import { type Bytes, text } from '#base'
import type { Connection, MediaDescription, Origin, SdpAttribute, SessionDescription } from './session.ts'

/** LIMIT: octets of a description. */
export const octetsMax = 65_536
/** LIMIT: lines of a description. */
export const linesMax = 1000
/** LIMIT: media of a description. */
export const mediaMax = 64

export interface SdpFault {
  readonly fault: 'too-large' | 'malformed'
  /** Counted from 1; 0 where no line is at fault. */
  readonly line: number
  readonly why: string
}

/** A medium while its lines are read. */
type Reading = {
  -readonly [K in keyof MediaDescription]: K extends 'attributes' ? SdpAttribute[] : MediaDescription[K]
}

interface Whole {
  origin: Origin | undefined
  name: string | undefined
  connection: Connection | undefined
  readonly times: string[]
  readonly attributes: SdpAttribute[]
  readonly media: Reading[]
  /** A `c=` that came behind the attributes of a medium: of the next one, as it seems. */
  astray: Connection | undefined
}

/** The description, or why it is none. */
export function parseSdp(octets: Bytes): SessionDescription | SdpFault {
  if (octets.length > octetsMax) return { fault: 'too-large', line: 0, why: `more than ${octetsMax} octets` }
  const lines = text(octets).split('\n')
  if (lines.at(-1) === '') lines.pop()
  if (lines.length > linesMax)
    return { fault: 'too-large', line: linesMax, why: `more than ${linesMax} lines` }
  const whole: Whole = {
    origin: undefined,
    name: undefined,
    connection: undefined,
    times: [],
    attributes: [],
    media: [],
    astray: undefined,
  }
  for (const [at, raw] of lines.entries()) {
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw
    const why = at === 0 ? versionFault(line) : lineFault(whole, line)
    if (why !== undefined) return { fault: 'malformed', line: at + 1, why }
  }
  if (whole.origin === undefined) return { fault: 'malformed', line: 0, why: 'no o= line' }
  settle(whole, undefined)
  const { origin, name = '-', connection, times, attributes, media } = whole
  return { origin, name, connection, times, attributes, media }
}

function versionFault(line: string): string | undefined {
  return line === 'v=0' ? undefined : 'it does not begin with v=0'
}

/** Takes one line; why it can't be taken. */
function lineFault(whole: Whole, line: string): string | undefined {
  // RFC 8866 §5: "<type>=<value> where <type> is exactly one case-significant character".
  if (line.charCodeAt(1) !== 0x3d || !/^[a-z]/.test(line)) return 'no line of the form type=value'
  if (/[\0\r]/.test(line)) return 'a line with a control character in it'
  const value = line.slice(2)
  switch (line.charAt(0)) {
    case 'o':
      return originFault(whole, value)
    case 's':
      return nameFault(whole, value)
    case 'c':
      return connectionFault(whole, value)
    case 't':
      return timeFault(whole, value)
    case 'a':
      return attributeFault(whole, value)
    case 'm':
      return mediaFault(whole, value)
    case 'v':
      return 'a second v= line'
    default:
      return undefined
  }
}

function originFault(whole: Whole, value: string): string | undefined {
  if (whole.origin !== undefined) return 'a second o= line'
  const parts = value.split(' ')
  const [user = '', sessionId = '', version = '', networkType = '', addressType = '', address = ''] = parts
  if (parts.length !== 6 || parts.includes('')) return 'an o= line of other than six parts'
  if (!/^\d+$/.test(sessionId) || !/^\d+$/.test(version)) return 'an o= line whose numbers are none'
  whole.origin = { user, sessionId, version, networkType, addressType, address }
  return undefined
}

function nameFault(whole: Whole, value: string): string | undefined {
  if (whole.name !== undefined) return 'a second s= line'
  whole.name = value
  return undefined
}

/** UMPP §4.1: behind the attributes of one medium stands the `c=` of the next (RFC 8866 §9: `c=` comes before `a=`). */
function connectionFault(whole: Whole, value: string): string | undefined {
  const [networkType = '', addressType = '', address = '', ...more] = value.split(' ')
  if (networkType === '' || addressType === '' || address === '' || more.length > 0)
    return 'a c= line of other than three parts'
  const connection = { networkType, addressType, address }
  const medium = whole.media.at(-1)
  if (medium === undefined) whole.connection ??= connection
  else if (medium.attributes.length > 0) whole.astray = connection
  else medium.connection ??= connection
  return undefined
}

/** A `t=` behind a medium is no line of its grammar (UMPP §4.1 has one): it says what the first said. */
function timeFault(whole: Whole, value: string): string | undefined {
  if (!/^\d+ \d+$/.test(value)) return 'a t= line of other than two numbers'
  if (whole.media.length === 0) whole.times.push(value)
  return undefined
}

function attributeFault(whole: Whole, value: string): string | undefined {
  const colon = value.indexOf(':')
  const name = colon < 0 ? value : value.slice(0, colon)
  if (!/^[!#-'*+\-.0-9A-Z^_`a-z{|}~]+$/.test(name)) return 'an attribute without a name'
  const attributes = whole.media.at(-1)?.attributes ?? whole.attributes
  attributes.push({ name, value: colon < 0 ? undefined : value.slice(colon + 1) })
  return undefined
}

function mediaFault(whole: Whole, value: string): string | undefined {
  if (whole.media.length >= mediaMax) return `more than ${mediaMax} media`
  const [media = '', portText = '', transport = '', ...formats] = value.split(' ')
  const port = /^(\d{1,5})(?:\/(\d{1,5}))?$/.exec(portText)
  if (media === '' || port === null || transport === '' || formats.length === 0 || formats.includes(''))
    return 'an m= line that lacks something'
  const number = Number(port[1])
  if (number > 65_535) return 'an m= line whose port is none'
  const medium: Reading = {
    media,
    port: number,
    ...(port[2] === undefined ? {} : { ports: Number(port[2]) }),
    transport,
    formats,
    connection: undefined,
    attributes: [],
  }
  settle(whole, medium)
  whole.media.push(medium)
  return undefined
}

/** What went astray is of the medium that follows; where none does, of the one before, if that has none. */
function settle(whole: Whole, next: Reading | undefined): void {
  const { astray } = whole
  whole.astray = undefined
  const medium = next ?? whole.media.at(-1)
  if (astray !== undefined && medium !== undefined) medium.connection ??= astray
}
