// The message stream of a session in SDP (UMPP §4.1): `m=message` with its place, both ends' JIDs and the thread; offered, answered, refused
// (RFC 3264), and who opens the connection (RFC 4145). Pure. Strict out: `c=` stands behind its `m=`; lenient in, by `#wire/sdp`.

import { fullJid, type Jid, parseJid } from '#protocols/xmpp'
import {
  attributeOf,
  connectionOf,
  type MediaDescription,
  type SdpAttribute,
  type SessionDescription,
} from '#wire/sdp'

/** Who may open the transport connection; `both` is what RFC 4145 §4 calls actpass. */
export type Direction = 'active' | 'passive' | 'both'

export interface StreamPlace {
  /** A name or an address, without brackets. */
  readonly host: string
  readonly port: number
}

/**
 * What a session may be (UMPP §3, U9). Rooms are to stand here when there are any: until then a stream of groupchat alone is refused by its name
 * (decision 0121).
 */
export type SessionKind = 'chat' | 'groupchat'
const carried: SessionKind = 'chat'
const known: readonly string[] = ['chat', 'groupchat'] satisfies SessionKind[]

/** One end as its description says it. */
export interface MessageStream {
  readonly place: StreamPlace
  readonly direction: Direction
  readonly jid: Jid
  /** Of the offer; an answer has none. */
  readonly thread: string | undefined
}

/**
 * What a description says of messages: `at` is the place of the stream among the media. `none`: no such medium that we could take;
 * `rejected`: it has port 0 (RFC 3264 §6);
 * `other-kind`: one of messages that we know and do not carry.
 */
export type StreamReading =
  | { readonly kind: 'stream'; readonly at: number; readonly stream: MessageStream }
  | { readonly kind: 'none' | 'rejected' | 'other-kind' }
  | { readonly kind: 'malformed'; readonly why: string }

/** What is ours in a description. */
export interface OwnEnd {
  readonly place: StreamPlace
  readonly jid: Jid
  readonly sessionId: string
  readonly version: string
}

const transport = 'xmpp/tcp'

/** The first message stream that XMPP may carry as a chat. */
export function streamIn(description: SessionDescription): StreamReading {
  const isOf = (kinds: readonly string[], { media, transport: name, formats }: MediaDescription): boolean =>
    media === 'message' && name.toLowerCase() === transport && formats.some((each) => kinds.includes(each))
  const all = description.media
  const at = all.findIndex((each) => isOf([carried], each) && each.port !== 0)
  const found = all[at]
  if (found === undefined) {
    if (all.some((each) => isOf([carried], each))) return { kind: 'rejected' }
    return { kind: all.some((each) => isOf(known, each)) ? 'other-kind' : 'none' }
  }
  const { attributes, port } = found
  const connection = connectionOf(description, found)
  if (connection === undefined || connection.networkType !== 'IN')
    return { kind: 'malformed', why: 'no c= of the Internet' }
  const jid = parseJid(attributeOf(attributes, 'jid') ?? '')
  // UMPP §3: "Full JIDs are exchanged in session descriptions".
  if (jid === undefined || jid.resource === '' || jid.address.user === '')
    return { kind: 'malformed', why: 'no full JID' }
  const direction = directionOf(attributes)
  if (direction === undefined) return { kind: 'malformed', why: 'nobody may open the connection' }
  const place = { host: connection.address, port }
  const thread = attributeOf(attributes, 'thread')
  return { kind: 'stream', at, stream: { place, direction, jid, thread: thread === '' ? undefined : thread } }
}

/** UMPP §4.1's attribute, else that of RFC 4145, which came of it. Without either, whoever needs it opens it. */
function directionOf(attributes: readonly SdpAttribute[]): Direction | undefined {
  const written = attributeOf(attributes, 'direction') ?? attributeOf(attributes, 'setup')
  return written === undefined ? 'both' : directions[written.trim().toLowerCase()]
}

/** `holdconn` (RFC 4145 §4) is none of these: a session of messages without a connection is none. */
const directions: Readonly<Record<string, Direction>> = {
  active: 'active',
  passive: 'passive',
  both: 'both',
  actpass: 'both',
}

/** RFC 4145 §4.1: the answer to each; we choose to let the offerer open where both may. */
export const answerTo: Readonly<Record<Direction, Direction>> = {
  active: 'passive',
  both: 'passive',
  passive: 'active',
}

/** Which side opens the stream; undefined where neither may. UMPP says nothing of both and both: the offerer does. */
export function openerOf(offered: Direction, answered: Direction): 'offerer' | 'answerer' | undefined {
  if (offered === 'passive') return answered === 'passive' ? undefined : 'answerer'
  if (offered === 'both' && answered === 'active') return 'answerer'
  return 'offerer'
}

/** An offer of messages alone (U40 to U52). */
export function offerOf(own: OwnEnd, thread: string): SessionDescription {
  return { ...head(own), media: [messageMedium(own, 'both', thread)] }
}

/**
 * The answer to an offer: a medium for each of its media, in its order (RFC 3264 §6), all with port 0 but the message stream `at`; that too where
 * `direction` is undefined: no messages.
 */
export function answerOf(
  offer: SessionDescription,
  at: number,
  own: OwnEnd,
  direction: Direction | undefined,
): SessionDescription {
  const media = offer.media.map((medium, place) =>
    place === at && direction !== undefined ? messageMedium(own, direction, undefined) : rejected(medium),
  )
  return { ...head(own), media }
}

function head({ place, jid, sessionId, version }: OwnEnd): Omit<SessionDescription, 'media'> {
  const { user } = jid.address
  const connection = { networkType: 'IN', addressType: addressTypeOf(place.host), address: place.host }
  return {
    // RFC 8866 §5.2: "-" where there is no user name, and none with spaces.
    origin: { user: /^[!-~]+$/.test(user) ? user : '-', sessionId, version, ...connection },
    name: '-',
    connection,
    times: ['0 0'],
    attributes: [],
  }
}

function messageMedium(own: OwnEnd, direction: Direction, thread: string | undefined): MediaDescription {
  const { host, port } = own.place
  const { address, resource } = own.jid
  return {
    media: 'message',
    port,
    transport,
    formats: [carried],
    connection: { networkType: 'IN', addressType: addressTypeOf(host), address: host },
    attributes: [
      { name: 'direction', value: direction },
      { name: 'jid', value: fullJid(address, resource) },
      ...(thread === undefined ? [] : [{ name: 'thread', value: thread }]),
    ],
  }
}

/** RFC 3264 §6: "the port number in the corresponding stream in the answer MUST be set to zero"; its formats stay. */
function rejected({ media, transport, formats, attributes }: MediaDescription): MediaDescription {
  const mapped = attributes.filter(({ name }) => name === 'rtpmap')
  return { media, port: 0, transport, formats, connection: undefined, attributes: mapped }
}

function addressTypeOf(host: string): string {
  return host.includes(':') ? 'IP6' : 'IP4'
}
