// Instant message disposition notifications, RFC 5438: what a Message/CPIM asks (§6), and the document that tells it (§11). Without
// extensions, IMDN-Record-Route and aggregates (§8.3), which are for list servers.

import type { Bytes } from '#base'
import type { CpimMessage } from '#wire/cpim'
import { contentOf, contentTypeOf } from '#wire/mime'
import { isXmlFault, parseElement, serializeBytes, xml } from '#wire/xml'

export const imdnHeaderNamespace = 'urn:ietf:params:imdn'
export const imdnMediaType = 'message/imdn+xml'
export const cpimMediaType = 'message/cpim'
const imdnNamespace = 'urn:ietf:params:xml:ns:imdn'

/** What may be asked for (RFC 5438 §10). */
export type DispositionRequest = 'positive-delivery' | 'negative-delivery' | 'processing' | 'display'

export interface ImdnHeaders {
  /** The sender's name for the message; empty when it gave none, and then it can't be told of it (§6.3). */
  readonly messageId: string
  readonly asked: ReadonlySet<string>
  /** When it was sent, RFC 3339 as written, which a notification repeats (§11.1.2). */
  readonly dateTime: string | undefined
}

const statuses = {
  delivery: ['delivered', 'failed', 'forbidden', 'error'],
  processing: ['processed', 'stored', 'forbidden', 'error'],
  display: ['displayed', 'forbidden', 'error'],
} as const

export type ImdnType = keyof typeof statuses
export type ImdnStatus = (typeof statuses)[ImdnType][number]

export interface Imdn {
  /** The Message-ID of the message that it is about. */
  readonly about: string
  readonly type: ImdnType
  readonly status: ImdnStatus
}

/** The IMDN headers of a Message/CPIM, whatever prefix they have (§6.1). */
export function imdnHeaders(message: CpimMessage): ImdnHeaders {
  let messageId = ''
  const asked = new Set<string>()
  for (const { namespace, name, raw } of message.headers) {
    if (namespace !== imdnHeaderNamespace) continue
    if (name === 'Message-ID') messageId = raw.trim()
    // Parameters of a value, which no text defines yet, are ignored.
    else if (name === 'Disposition-Notification')
      for (const value of raw.split(',')) asked.add((value.split(';', 1)[0] ?? '').trim().toLowerCase())
  }
  // §7.2.1: "it is forbidden to request an IMDN for an IMDN".
  if (isImdn(message)) asked.clear()
  return { messageId, asked, dateTime: message.dateTime }
}

/** The notification that a Message/CPIM holds; undefined where it holds none that can be read. */
export function imdnIn(message: CpimMessage): Imdn | undefined {
  const content = isImdn(message) ? contentOf(message.entity) : undefined
  return content === undefined ? undefined : parseImdn(content)
}

function isImdn(message: CpimMessage): boolean {
  return contentTypeOf(message.entity.headers)?.essence === imdnMediaType
}

function parseImdn(bytes: Bytes): Imdn | undefined {
  const root = parseElement(bytes)
  if (isXmlFault(root) || !root.is('imdn', imdnNamespace)) return undefined
  const about = root.childText('message-id')?.trim() ?? ''
  if (about === '') return undefined
  for (const type of Object.keys(statuses) as ImdnType[]) {
    const said = root.child(`${type}-notification`)?.child('status')
    const status = statuses[type].find((name) => said?.child(name) !== undefined)
    if (status !== undefined) return { about, type, status }
  }
  return undefined
}

/** The document (§11.1). @param dateTime RFC 3339, when the message was sent */
export function writeImdn({ about, type, status }: Imdn, dateTime: string, recipient: string): Bytes {
  const of = (name: string, ...children: Parameters<typeof xml>[3][]) =>
    xml(name, imdnNamespace, {}, ...children)
  const told = of(`${type}-notification`, of('status', of(status)))
  return serializeBytes(
    of('imdn', of('message-id', about), of('datetime', dateTime), of('recipient-uri', recipient), told),
  )
}
