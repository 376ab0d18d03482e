// The messages of channel 0 (RFC 3080 §2.3.1, §7.1): greeting, start, profile, close, ok, error.

import { type Bytes, noBytes, strictText, utf8 } from '#base'
import { decodeBase64, encodeBase64 } from '#wire/mime'
import { type Element, escapeText, escapeValue, isXmlText } from '#wire/xml'
import { diagnostic, errorText, readError, shapeFault } from './beep-xml.ts'
import { number31Max } from './frame.ts'
import { type BeepError, beepError, readReplyCode } from './reply-codes.ts'

/** §2.3.1.2: an initialization message "must be no longer than 4K octets". */
export const initializationOctetsMax = 4096

/** LIMIT: octets of a URI, a server name or a list of tokens. */
const valueLengthMax = 4096

export interface Greeting {
  readonly profiles: readonly string[]
  readonly features: readonly string[]
  /** Languages for diagnostics, the most desired first. */
  readonly localize: readonly string[]
}

/** A profile and the initialization message that comes with it: empty where none does. */
export interface ProposedProfile {
  readonly uri: string
  readonly content?: Bytes
  /** True where the message was, or is to be, carried as base64. */
  readonly base64?: boolean
}

export interface Start {
  readonly number: number
  readonly serverName: string | undefined
  readonly profiles: readonly ProposedProfile[]
}

export interface Close {
  /** 0: the whole session. */
  readonly number: number
  readonly code: number
  readonly text: string
  readonly language: string | undefined
}

export type ManagementRequest =
  | ({ readonly kind: 'start' } & Start)
  | ({ readonly kind: 'close' } & Close)
  | { readonly kind: 'error'; readonly error: BeepError }

export type ManagementReply =
  | ({ readonly kind: 'greeting' } & Greeting)
  | ({ readonly kind: 'profile' } & ProposedProfile)
  | { readonly kind: 'ok' }
  | { readonly kind: 'error'; readonly error: BeepError }

/** A MSG on channel 0; `error` is what it is to be answered with. */
export function readRequest(element: Element): ManagementRequest {
  const shape = shapeFault(element)
  const read =
    shape ??
    (element.name === 'start' ? readStart(element) : element.name === 'close' ? readClose(element) : '')
  if (typeof read !== 'string') return read
  return { kind: 'error', error: beepError(501, read === '' ? `unexpected element <${element.name}>` : read) }
}

/** A reply on channel 0, or what is wrong with it: then the session ends (§2.2.2.1). */
export function readReply(element: Element): ManagementReply | string {
  const shape = shapeFault(element)
  if (shape !== undefined) return shape
  switch (element.name) {
    case 'greeting':
      return readGreeting(element)
    case 'profile': {
      const profile = readProfile(element)
      return typeof profile === 'string' ? profile : { kind: 'profile', ...profile }
    }
    case 'ok':
      return { kind: 'ok' }
    case 'error': {
      const error = readError(element)
      return error === undefined
        ? 'code attribute poorly formed in <error> element'
        : { kind: 'error', error }
    }
    default:
      return `unexpected element <${element.name}>`
  }
}

function readStart(element: Element): ManagementRequest | string {
  const number = readChannelNumber(element.attribute('number'))
  if (number === undefined || number === 0) return 'number attribute poorly formed in <start> element'
  const serverName = element.attribute('serverName')
  if (serverName !== undefined && utf8(serverName).length > valueLengthMax)
    return 'serverName attribute too long in <start> element'
  const profiles: ProposedProfile[] = []
  for (const child of element.elements()) {
    const profile = readProfile(child)
    if (typeof profile === 'string') return profile
    profiles.push(profile)
  }
  if (profiles.length === 0) return 'no <profile> element in <start> element'
  return { kind: 'start', number, serverName, profiles }
}

function readClose(element: Element): ManagementRequest | string {
  const number = readChannelNumber(element.attribute('number') ?? '0')
  const code = readReplyCode(element.attribute('code'))
  if (number === undefined) return 'number attribute poorly formed in <close> element'
  if (code === undefined) return 'code attribute poorly formed in <close> element'
  return { kind: 'close', number, code, text: element.text(), language: element.lang }
}

function readGreeting(element: Element): ManagementReply | string {
  const profiles: string[] = []
  for (const child of element.elements()) {
    const profile = readProfile(child)
    if (typeof profile === 'string') return profile
    // §2.3.1.1: unlike in start, it may not have an initialization message.
    if (profile.content.length > 0) return 'a <profile> element in <greeting> has content'
    profiles.push(profile.uri)
  }
  const features = tokens(element.attribute('features'))
  const localize = tokens(element.attribute('localize'))
  return { kind: 'greeting', profiles, features, localize }
}

function readProfile(element: Element): (ProposedProfile & { readonly content: Bytes }) | string {
  const shape = shapeFault(element)
  if (shape !== undefined) return shape
  const uri = element.attribute('uri')
  if (uri === undefined || uri === '' || uri.length > valueLengthMax)
    return 'uri attribute poorly formed in <profile> element'
  const encoding = element.attribute('encoding') ?? 'none'
  const text = utf8(element.text())
  if (encoding !== 'none' && encoding !== 'base64')
    return 'encoding attribute poorly formed in <profile> element'
  const base64 = encoding === 'base64'
  // White space around a CDATA section is layout (§2.3.1.2, the last example): a message of white space alone is none.
  const content = base64 ? decodeBase64(text) : isBlank(text) ? noBytes : text
  if (content === undefined) return 'content of <profile> element is not base64'
  if (content.length > initializationOctetsMax) return 'content of <profile> element is longer than 4K octets'
  return { uri, content, base64 }
}

function isBlank(octets: Bytes): boolean {
  return octets.every((octet) => octet === 0x20 || octet === 0x0a || octet === 0x0d || octet === 0x09)
}

/** Without sign or white space, of ten digits at most; 0 is the session's. */
function readChannelNumber(text: string | undefined): number | undefined {
  if (text === undefined || !/^[0-9]{1,10}$/.test(text)) return undefined
  const number = Number(text)
  return number > number31Max ? undefined : number
}

function tokens(value: string | undefined): string[] {
  return value === undefined ? [] : value.split(/[ \t\r\n]+/).filter((token) => token !== '')
}

/** Each message as its body, as the examples of the RFC lay it out: lines that end in CR LF. */
export function greetingText({ profiles, features, localize }: Greeting): string {
  const attributes = list('features', features) + list('localize', localize)
  if (profiles.length === 0) return `<greeting${attributes} />\r\n`
  const lines = profiles.map((uri) => `   <profile uri='${escapeValue(uri)}' />\r\n`)
  return `<greeting${attributes}>\r\n${lines.join('')}</greeting>\r\n`
}

export function startText({ number, serverName, profiles }: Start): string {
  const name = serverName === undefined ? '' : ` serverName='${escapeValue(serverName)}'`
  const lines = profiles.map((profile) => `   ${profileElement(profile)}\r\n`)
  return `<start number='${number}'${name}>\r\n${lines.join('')}</start>\r\n`
}

export function profileText(profile: ProposedProfile): string {
  return `${profileElement(profile)}\r\n`
}

export function closeText({ number, code, text, language }: Close): string {
  const attributes = `${number === 0 ? '' : ` number='${number}'`} code='${code}'`
  return `${diagnostic('close', attributes, text, language)}\r\n`
}

export const okText = '<ok />\r\n'

export function errorMessage(error: BeepError): string {
  return `${errorText(error)}\r\n`
}

/** The message in a CDATA section where that can hold it, escaped where it can not, in base64 where XML can carry neither. */
function profileElement({ uri, content = noBytes, base64 = false }: ProposedProfile): string {
  const name = `<profile uri='${escapeValue(uri)}'`
  if (content.length === 0) return `${name} />`
  const text = base64 ? undefined : plainText(content)
  if (text === undefined) return `${name} encoding='base64'>${encodeBase64(content)}</profile>`
  const body = text.includes(']]>') ? escapeText(text) : `<![CDATA[${text}]]>`
  return `${name}>${body}</profile>`
}

/** The octets as a text that comes out of XML as it went in; undefined when it would not: line ends become LF (XML 1.0 §2.11). */
function plainText(content: Bytes): string | undefined {
  const text = strictText(content)
  if (text === undefined || text.includes('\r') || !isXmlText(text)) return undefined
  return text.trim() === '' ? undefined : text
}

function list(name: string, values: readonly string[]): string {
  return values.length === 0 ? '' : ` ${name}='${escapeValue(values.join(' '))}'`
}
