// Messages between XMPP and the model (RFC 7572, RFC 3922): head, view, content, and back.
import {
  type Address,
  type ChatState,
  type Content,
  type Head,
  hopsDefault,
  type InstantMessage,
  type LanguageText,
  type MessageKind,
  type Report,
  senderNameOf,
} from '#model'
import { isHeaderValue } from '#wire/header-lines'
import { describingFields, parseMediaType } from '#wire/mime'
import { type Element, elementOf, type Node, xml, xmlNamespace } from '#wire/xml'
import { contentOfE2e, e2eTextOf } from './codec/e2e.ts'
import type { Jid } from './codec/jid.ts'
import { bareJid, fullJid, parseJid } from './codec/jid.ts'
import {
  carbonsNamespace,
  chatStatesNamespace,
  clientNamespace,
  contentNamespace,
  delayNamespace,
  e2eNamespace,
  hintsNamespace,
  invitationNamespace,
  markersNamespace,
  nickNamespace,
  receiptsNamespace,
  roomUserNamespace,
} from './codec/namespaces.ts'
import type { Stanza } from './codec/stanza.ts'
import { conditionOf, errorElement } from './codec/stanza-error.ts'
import { conditionOfStanzaError, stanzaErrorOf } from './errors.ts'

/** RFC 6121 §5.2.2: an unknown type is `normal`. */
export function messageKind(type: string | undefined): MessageKind | 'error' {
  switch (type) {
    case 'chat':
    case 'headline':
    case 'groupchat':
    case 'error':
      return type
    default:
      return 'normal'
  }
}

/** The head of a message stanza: what RFC 6121 §8.5 decides by. Hot path: names of children by offset. */
export function messageHead(stanza: Stanza, from: Address, fromAgent: string, to: Jid): Head {
  const { frame } = stanza
  const kind = messageKind(stanza.type)
  let hasBody = false
  let hasPayload = false
  let isMarked = false
  let mayStore = true
  let mayArchive = true
  let mayCopy = true
  let wantsStore = false
  for (let k = 0; k < frame.childCount; k++) {
    const name = frame.childName(k)
    const namespace = frame.childNamespace(k)
    if (namespace === clientNamespace) {
      if (name === 'body') hasBody = true
      else if (name !== 'thread') hasPayload = true
    } else if (namespace === hintsNamespace) {
      // XEP-0334 §4
      if (name === 'no-store') mayStore = false
      else if (name === 'no-permanent-store') mayArchive = false
      else if (name === 'no-copy') mayCopy = false
      else if (name === 'store') wantsStore = true
    } else if (namespace === carbonsNamespace) {
      // XEP-0280 §9
      if (name === 'private') mayCopy = false
    } else if (namespace === chatStatesNamespace) isMarked = true
    else {
      hasPayload = true
      if (namespace === receiptsNamespace || namespace === markersNamespace) isMarked = true
      // An invitation to a room, direct or mediated (XEP-0280 §6.1).
      else if (namespace === invitationNamespace || namespace === roomUserNamespace) isMarked = true
    }
  }
  // XEP-0160 §3: a chat state alone is not worth keeping.
  const isWorthKeeping = hasBody || hasPayload || wantsStore
  const isStorable = mayStore && isWorthKeeping && kind !== 'headline' && kind !== 'error'
  // XEP-0334 §4.4; that nobody is there to see a headline is another thing (RFC 6121 §8.5.2.2.1).
  const isArchivable = isStorable || (mayStore && wantsStore && kind === 'headline')
  const isError = kind === 'error'
  return {
    protocol: 'xmpp',
    kind: isError ? 'report' : 'message',
    from,
    fromAgent,
    to: to.address,
    toAgent: to.resource,
    id: stanza.id ?? '',
    hops: hopsDefault,
    size: frame.length,
    // RFC 6121 §8.5.2.2.1
    whenAbsent: kind === 'groupchat' ? 'refuse' : isStorable ? 'store' : 'drop',
    // RFC 6121 §8.5.3.2.1
    whenAgentGone: kind === 'chat' ? 'inbox' : kind === 'headline' || isError ? 'drop' : 'refuse',
    storable: isArchivable && mayArchive && kind !== 'groupchat',
    // XEP-0280 §6.1
    copyable: mayCopy && (kind === 'chat' || (kind === 'normal' && (hasBody || isMarked))),
  }
}

/** What the message says (RFC 7572 §5, RFC 3922 §3). */
export function messageView(head: Head, stanza: Stanza): InstantMessage {
  const element = elementOf(stanza.frame)
  const lang = element.lang ?? ''
  const kind = messageKind(element.attribute('type'))
  // What only a client of XMPP can read must not cross as its fallback text, nor as the hints beside it (XEP-0380 §3).
  if (isEncrypted(element)) return sealedView(head, element, kind)
  const sentAt = stampOf(element)
  const chatState = element.elements().find((child) => child.namespace === chatStatesNamespace)?.name
  const receiptFor = element.child('received', receiptsNamespace)?.attribute('id')
  const displayedFor = element.child('displayed', markersNamespace)?.attribute('id')
  const content = contentIn(element)
  // XEP-0172 §4.3
  const name = senderNameOf(element.child('nick', nickNamespace)?.text())
  return {
    from: head.from,
    to: head.to,
    ...(name === undefined ? {} : { senderName: name }),
    id: head.id,
    thread: element.childText('thread') ?? '',
    kind: kind === 'error' ? 'normal' : kind,
    subject: texts(element, 'subject', lang),
    body: texts(element, 'body', lang),
    ...(sentAt === undefined ? {} : { sentAt }),
    ...(isChatState(chatState) ? { chatState } : {}),
    ...(element.child('request', receiptsNamespace) === undefined ? {} : { receiptRequested: true }),
    ...(receiptFor === undefined ? {} : { receiptFor }),
    ...(element.child('markable', markersNamespace) === undefined ? {} : { displayRequested: true }),
    ...(displayedFor === undefined ? {} : { displayedFor }),
    ...(content === undefined ? {} : { content }),
  }
}

/** End-to-end encryption: XEP-0380 §3 where it is marked, else XEP-0384 of both ages, XEP-0373, XEP-0027, RFC 3923. */
const sealedNames: ReadonlySet<string> = new Set([
  'encryption urn:xmpp:eme:0',
  'encrypted eu.siacs.conversations.axolotl',
  'encrypted urn:xmpp:omemo:1',
  'encrypted urn:xmpp:omemo:2',
  'openpgp urn:xmpp:openpgp:0',
  'x jabber:x:encrypted',
  'e2e urn:ietf:params:xml:ns:xmpp-e2e',
])

function isEncrypted(element: Element): boolean {
  return element.elements().some(({ name, namespace }) => sealedNames.has(`${name} ${namespace}`))
}

/** Who wrote to whom, and nothing that another protocol could show, but what is sealed as MIME, which it may carry (RFC 3923). */
function sealedView(head: Head, element: Element, kind: MessageKind | 'error'): InstantMessage {
  const thread = element.childText('thread') ?? ''
  const { from, to, id } = head
  const content = contentIn(element)
  const sealed = {
    from,
    to,
    id,
    thread,
    kind: kind === 'error' ? 'normal' : kind,
    subject: [],
    body: [],
  } as const
  return content === undefined ? sealed : { ...sealed, content }
}

/** A message of type error, as a late word about the message with its id (RFC 6120 §8.3.1). */
export function reportView(stanza: Stanza): Report {
  const element = elementOf(stanza.frame)
  return {
    about: element.attribute('id') ?? '',
    event: 'failed',
    condition: conditionOfStanzaError(conditionOf(element)),
  }
}

/** MIME content carried octet for octet, if any; XMPP itself has none. */
export function contentOf(stanza: Stanza): Content | undefined {
  const { frame } = stanza
  if (frame.findChild('content', contentNamespace) < 0 && frame.findChild('e2e', e2eNamespace) < 0)
    return undefined
  return contentIn(elementOf(stanza.frame))
}

/** Octet for octet where they are written so; else what RFC 3923 says in text. */
function contentIn(element: Element): Content | undefined {
  const child = element.child('content', contentNamespace)
  const e2e = child === undefined ? element.child('e2e', e2eNamespace) : undefined
  if (e2e !== undefined) return contentOfE2e(e2e.text())
  const type = child?.attribute('type')
  const encoded = child?.text() ?? ''
  if (type === undefined || !isHeaderValue(type) || parseMediaType(type) === undefined) return undefined
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(encoded)) return undefined
  // What a client writes here becomes header fields elsewhere: only such as say nothing but what the content is.
  const fields = describingFields(
    (child?.childrenNamed('field') ?? []).map((field) => ({
      name: field.attribute('name') ?? '',
      value: field.text(),
    })),
  )
  return { type, bytes: Uint8Array.from(Buffer.from(encoded, 'base64')), fields }
}

function texts(element: Element, name: string, inherited: string): LanguageText[] {
  return element
    .childrenNamed(name)
    .map((child) => ({ language: languageTag(child.lang ?? inherited), text: child.text() }))
}

/** A tag as RFC 5646 §2.1 forms it; what is none says nothing. */
function languageTag(written: string): string {
  return /^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8}){0,15}$/.test(written) ? written : ''
}

/** XEP-0203 §2 */
function stampOf(element: Element): number | undefined {
  const stamp = Date.parse(element.child('delay', delayNamespace)?.attribute('stamp') ?? '')
  return Number.isNaN(stamp) ? undefined : stamp
}

const chatStates: readonly string[] = ['active', 'composing', 'paused', 'inactive', 'gone']

function isChatState(name: string | undefined): name is ChatState {
  return name !== undefined && chatStates.includes(name)
}

/** A message of another protocol as a stanza (RFC 7572 §4, RFC 3922 §4). `now`, in milliseconds, tells what was written earlier. */
export function messageElement(head: Head, message: InstantMessage, to: string, now = 0): Element {
  return xml(
    'message',
    clientNamespace,
    {
      from: fullJid(head.from, jidResource(head.fromAgent)),
      to,
      id: message.id === '' ? undefined : message.id,
      type: message.kind === 'normal' ? undefined : message.kind === 'groupchat' ? 'chat' : message.kind,
    },
    ...message.subject.map((text) => languageElement('subject', text)),
    ...message.body.map((text) => languageElement('body', text)),
    message.thread === '' ? undefined : xml('thread', clientNamespace, {}, message.thread),
    message.senderName === undefined ? undefined : xml('nick', nickNamespace, {}, message.senderName),
    message.chatState === undefined ? undefined : xml(message.chatState, chatStatesNamespace),
    message.receiptRequested === true ? xml('request', receiptsNamespace) : undefined,
    message.receiptFor === undefined
      ? undefined
      : xml('received', receiptsNamespace, { id: message.receiptFor }),
    message.displayRequested === true ? xml('markable', markersNamespace) : undefined,
    message.displayedFor === undefined
      ? undefined
      : xml('displayed', markersNamespace, { id: message.displayedFor }),
    message.content === undefined ? undefined : e2eElement(message.content),
    message.content === undefined ? undefined : contentElement(message.content),
    delayElement(head, message, now),
  )
}

/** Younger than this it is just sent: clients show what is delayed as something old. */
const delayMilliseconds = 60_000

/** XEP-0203 §2: its sender says that it was written earlier. */
function delayElement({ from }: Head, { sentAt }: InstantMessage, now: number): Element | undefined {
  if (sentAt === undefined || now - sentAt < delayMilliseconds) return undefined
  return xml('delay', delayNamespace, { from: fullJid(from, ''), stamp: new Date(sentAt).toISOString() })
}

/** A device of another protocol as a resourcepart, where its name can be one. */
function jidResource(agent: string): string {
  return agent === '' ? '' : (parseJid(`x/${agent}`)?.resource ?? '')
}

function languageElement(name: string, { language, text }: LanguageText): Element {
  return xml(
    name,
    clientNamespace,
    { [`{${xmlNamespace}}lang`]: language === '' ? undefined : language },
    text,
  )
}

function contentElement({ type, bytes, fields }: Content): Element {
  return xml(
    'content',
    contentNamespace,
    { type },
    ...fields.map(({ name, value }): Node => xml('field', contentNamespace, { name }, value)),
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64'),
  )
}

/** RFC 3923 §3.1, for those who do not know the element of ours beside it. A CDATA section and escaped text are the same (XML 1.0 §2.7). */
function e2eElement(content: Content): Element | undefined {
  const text = e2eTextOf(content)
  return text === undefined ? undefined : xml('e2e', e2eNamespace, {}, text)
}

/** A late word about a message as its sender's client understands it (RFC 6120 §8.3, XEP-0184, XEP-0333). */
export function reportElement(head: Head, report: Report, to: string): Element {
  const from = bareJid(head.from)
  if (report.event === 'failed') {
    const error = errorElement(stanzaErrorOf(report.condition ?? 'internal-fault'))
    return xml('message', clientNamespace, { from, to, id: report.about, type: 'error' }, error)
  }
  const child =
    report.event === 'delivered'
      ? xml('received', receiptsNamespace, { id: report.about })
      : xml('displayed', markersNamespace, { id: report.about })
  return xml('message', clientNamespace, { from, to, id: head.id }, child)
}
