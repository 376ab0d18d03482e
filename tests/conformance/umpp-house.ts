// Montague and Capulet for the tests of UMPP's flows: one of them a server of ours, the other a SIP server by hand; what the draft prints (UMPP §4); and the
// calls that begin each flow. SIP is the real one over pairs of connections; the XMPP side is that of sessions with a stream that remembers what it carried.
import assert from 'node:assert/strict'
import { ownBytes, text } from '#base'
import type { PeerLink } from '#core'
import type { Outcome } from '#model'
import { type Connection, connectionPair } from '#net'
import { encodeResponse, type ResponseParts } from '../../src/protocols/sip/codec/encode.ts'
import { parseMessage, type SipRequest, type SipResponse } from '../../src/protocols/sip/codec/message.ts'
import { topVia } from '../../src/protocols/sip/codec/via.ts'
import { fieldOf } from '../../src/protocols/sip/testing/phone.ts'
import { type Side, TwoDomains } from '../../src/protocols/sip/testing/two-domains.ts'
import { Domains } from '../../src/protocols/umpp/domains.ts'
import type { UmppEnvironment } from '../../src/protocols/umpp/environment.ts'
import { umppMetrics } from '../../src/protocols/umpp/metrics.ts'
import { finderOf, sipPlaces } from '../../src/protocols/umpp/places.ts'
import type { UmppSettings } from '../../src/protocols/umpp/settings.ts'
import { messageEnvelope } from '../../src/protocols/xmpp/binding.ts'
import { parseJid } from '../../src/protocols/xmpp/codec/jid.ts'
import { readStanza } from '../../src/protocols/xmpp/codec/stanza.ts'
import { Aftermath } from '../../src/protocols/xmpp/servers/aftermath.ts'
import type { ServersEnvironment } from '../../src/protocols/xmpp/servers/environment.ts'
import type { ServerPair } from '../../src/protocols/xmpp/servers/pair.ts'
import type { Parcel } from '../../src/protocols/xmpp/servers/parcel.ts'
import { Sessions } from '../../src/protocols/xmpp/servers/sessions.ts'

export const montague = 'montague.example.net'
export const capulet = 'thecappulets.example.com'
export const lines = (...all: string[]): string => `${all.join('\r\n')}\r\n`

export const settings: UmppSettings = {
  on: true,
  host: undefined,
  port: 5269,
  idleSeconds: 600,
  answerSeconds: 30,
  queuedMax: 3,
  sessionsMax: 5,
  sessionsOfPersonMax: 100,
  otherwise: 'refuse',
  privatePeers: undefined,
}

/** A server of ours with UMPP, and what its XMPP streams were given. */
export interface House {
  readonly town: TwoDomains
  readonly side: Side
  readonly domains: Domains
  readonly streams: Sessions
  /** Streams that were opened: `ours theirs address:port`. */
  readonly opened: string[]
  readonly carried: string[]
  /** What becomes of the next stanzas; `held`: nobody knows yet. */
  fate: 'taken' | 'given-back' | 'held'
  /** Tells what became of those. */
  readonly held: ((fate: 'taken' | 'given-back') => void)[]
}

export async function house(
  domain: string,
  host: string,
  user: string,
  more: Partial<UmppSettings> = {},
  xmppLink?: (domain: string) => PeerLink,
): Promise<House> {
  const town = new TwoDomains()
  const side = await town.settle(domain, '192.0.2.1', [user])
  const opened: string[] = []
  const carried: string[] = []
  const own: Pick<House, 'fate' | 'held'> = { fate: 'taken', held: [] }
  const aftermath = new Aftermath(side.service.clock)
  const streams = new Sessions(
    { service: side.service } as ServersEnvironment,
    (ours, theirs, at) =>
      ({
        want: () =>
          opened.push(`${ours} ${theirs} ${at?.map((place) => `${place.host}:${place.port}`).join()}`),
        carries: false,
        aftermath,
        send: ({ bytes, settle }: Parcel) => {
          carried.push(text(bytes))
          if (own.fate !== 'held') settle?.(own.fate)
          else if (settle !== undefined) own.held.push(settle)
        },
      }) as unknown as ServerPair,
  )
  const routeTo = () => ({ servers: undefined, tls: 'none' }) as const
  const parts = { service: side.service, resolver: resolverOf(town), routeTo }
  const finder = finderOf(parts)
  const environment: UmppEnvironment = {
    ...parts,
    settings: { ...settings, ...more },
    metrics: umppMetrics(side.service.metrics),
    userAgent: side.agent,
    streams,
    placesFor: (name) => async () => sipPlaces((await finder.find(name)).all, routeTo()),
    ownPlace: () => ({ host, port: 5269 }),
    mayBePrivate: () => false,
  }
  const domains = new Domains({ environment, finder, xmppLink })
  side.agent.onInvite((call, invite, from) => domains.sessions.offered(call, invite, from))
  streams.onMessage((from, to) => domains.sessions.targetOf(from, to))
  side.service.peers.add(domains)
  town.addresses['xmpp.montague.example.net'] = ['192.0.2.10']
  town.addresses['impish.thecapulets.example.com'] = ['192.0.2.20']
  town.addresses['inside.example.net'] = ['10.0.0.1']
  return Object.assign(own, { town, side, domains, streams, opened, carried })
}

function resolverOf({ srv, addresses }: TwoDomains) {
  return {
    srv: async (name: string) => srv[name] ?? [],
    naptr: async () => [],
    addresses: async (host: string) => addresses[host] ?? (/^[\d.]+$/.test(host) ? [host] : []),
  }
}

/** The other domain's SIP server by hand. */
export class Hand {
  readonly requests: SipRequest[] = []
  readonly responses: SipResponse[] = []
  answers: (request: SipRequest) => ResponseParts | undefined = () => ({ status: 200, toTag: '939231235' })
  #connection: Connection | undefined

  /** It waits to be called at the address. */
  listen(town: TwoDomains, domain: string, address: string): void {
    for (const label of ['_im._umpp', '_pres._umpp'])
      town.srv[`${label}.${domain}`] = [{ priority: 0, weight: 0, target: address, port: 5060 }]
    town.listeners.set(`${address}:5060`, (connection) => this.#take(connection))
  }

  /** It calls. */
  call({ town, side }: House, address: string): void {
    const [ours, theirs] = connectionPair({
      clock: town.clock,
      remote: { address, port: 40_000 },
      local: { address: side.address, port: 5060 },
    })
    side.context.transport.connected(ours, 'TCP')
    this.#take(theirs)
  }

  send(head: string[], body = ''): void {
    const length = `Content-Length: ${Buffer.byteLength(body)}`
    this.#connection?.write(Buffer.from(lines(...head, length, '') + body))
  }

  respond(request: SipRequest, parts: ResponseParts): void {
    const none = { received: undefined, rport: undefined }
    this.#connection?.write(encodeResponse(request, topVia(request), none, parts))
  }

  last(method: string): SipRequest {
    return this.requests.findLast((one) => one.method === method) ?? assert.fail(`no ${method} came`)
  }

  answer(status: number): SipResponse {
    return (
      this.responses.findLast((one) => one.status === status) ??
      assert.fail(`no ${status}: ${this.responses.map((one) => one.status)}`)
    )
  }

  #take(connection: Connection): void {
    this.#connection = connection
    connection.start({
      onData: (octets) => {
        for (const piece of pieces(text(octets))) this.#receive(ownBytes(Buffer.from(piece)))
      },
      onClose: () => undefined,
    })
  }

  #receive(octets: Uint8Array): void {
    const message = parseMessage(octets)
    if (message.kind === 'response') this.responses.push(message)
    if (message.kind !== 'request') return
    this.requests.push(message)
    const parts = message.method === 'ACK' ? undefined : this.answers(message)
    if (parts !== undefined) this.respond(message, parts)
  }
}

/** Several messages that came in one piece. */
function pieces(all: string): string[] {
  const found: string[] = []
  for (let rest = Buffer.from(all); rest.length > 0; ) {
    const head = rest.indexOf('\r\n\r\n') + 4
    const length = Number(/content-length: *(\d+)/i.exec(rest.subarray(0, head).toString())?.[1] ?? 0)
    found.push(rest.subarray(0, head + length).toString())
    rest = rest.subarray(head + length)
  }
  return found
}

let branch = 0
export const via = (host: string): string[] => [
  `Via: SIP/2.0/TCP ${host};branch=z9hG4bKumpp${++branch}`,
  'Max-Forwards: 70',
]

export const startLine = (message: SipRequest | SipResponse): string =>
  message.head.slice(0, message.head.indexOf('\r\n'))

export const romeoInvites = (): string[] => [
  'INVITE im:juliet@thecappulets.example.com SIP/2.0',
  ...via('orchard.montague.example.net'),
  'To: Juliet <im:juliet@thecappulets.example.com>',
  'From: Romeo <im:romeo@montague.example.net>;tag=29923923',
  'Call-ID: 2349098234@orchard.montague.example.net',
  'CSeq: 13992 INVITE',
  'Contact: <sip:romeo@orchard.montague.example.net>',
  'Content-Type: application/sdp',
]

/** UMPP §4.1, message 1, as printed (G1). */
export const offer = lines(
  'v=0',
  'o=romeo 289087 289087 IN IP4 orchard.montague.example.net',
  's=-',
  'c=IN IP4 orchard.montague.example.net',
  't=0 0',
  'm=audio 39923 RTP/AVP 0',
  'a=rtpmap:0 PCMU/8000',
  'c=IN IP4 xmpp.montague.example.net',
  't=0 0',
  'm=message 5222 xmpp/tcp chat',
  'a=direction:both',
  'a=jid:romeo@montague.example.net/orchard',
  'a=thread:283461923759234',
)

/** UMPP §4.1, message 2, as printed (G1, G4). */
export const answer = lines(
  'v=0',
  'o=juliet 289087 289087 IN IP4 balcony.thecappulets.example.com',
  's=-',
  'c=IN IP4 balcony.thecappulets.example.com',
  't=0 0',
  'm=audio 0 RTP/AVP 0',
  'a=rtpmap:0 PCMU/8000',
  'c=IN IP4 impish.thecapulets.example.com',
  't=0 0',
  'm=message 5222 xmpp/tcp chat',
  'a=direction:passive',
  'a=jid:juliet@thecappulets.example.com/balcony',
)

/** Juliet's server is ours; Romeo's is the hand. */
export async function invited(body = offer, head = romeoInvites()) {
  const here = await house(capulet, 'impish.thecapulets.example.com', 'juliet')
  const romeo = new Hand()
  romeo.listen(here.town, montague, '192.0.2.2')
  romeo.call(here, '192.0.2.2')
  romeo.send(head, body)
  await here.town.settled()
  return { here, romeo }
}

export function acknowledge(romeo: Hand): string {
  const tag = /;tag=(.+)$/.exec(fieldOf(romeo.answer(200), 'To') ?? '')?.[1] ?? ''
  romeo.send([
    'ACK sip:juliet@balcony.thecappulets.example.com SIP/2.0',
    ...via('orchard.montague.example.net'),
    `To: Juliet <im:juliet@thecappulets.example.com>;tag=${tag}`,
    'From: Romeo <im:romeo@montague.example.net>;tag=29923923',
    'Call-ID: 2349098234@orchard.montague.example.net',
    'CSeq: 13992 ACK',
  ])
  return tag
}

/** A message of somebody here by XMPP. */
export function say({ side }: House, written: string, jid: string): { outcome?: Outcome } {
  const stanza = readStanza(Buffer.from(written))
  const from = parseJid(jid)
  const to = parseJid(stanza?.to ?? '')
  assert.ok(stanza !== undefined && from !== undefined && to !== undefined)
  const said: { outcome?: Outcome } = {}
  side.service.messages.send(
    messageEnvelope(stanza, from.address, from.resource, to, undefined),
    (outcome) => {
      said.outcome = outcome
    },
  )
  return said
}

/** Romeo's server is ours; Juliet's is the hand. */
export async function inviting(
  body: string | undefined,
  status = 200,
  more: Partial<UmppSettings> = {},
  xmppLink?: (domain: string) => PeerLink,
) {
  const here = await house(montague, 'xmpp.montague.example.net', 'romeo', more, xmppLink)
  const juliet = new Hand()
  juliet.listen(here.town, capulet, '192.0.2.2')
  juliet.answers = (request) =>
    request.method !== 'INVITE'
      ? { status: 200 }
      : body === undefined
        ? undefined
        : {
            status,
            toTag: '939231235',
            headers: [['Contact', '<sip:juliet@balcony.thecappulets.example.com>']],
            ...(status === 200 ? { contentType: 'application/sdp', body: Buffer.from(body) } : {}),
          }
  const written = `<message xmlns='jabber:client' to='juliet@${capulet}' id='m1'><body>O</body><thread>283461923759234</thread></message>`
  const said = say(here, written, `romeo@${montague}/orchard`)
  await here.town.settled()
  return { here, juliet, said, again: () => say(here, written, `romeo@${montague}/orchard`) }
}

/** A message past the queue of the core, which would keep it for a domain that is away. */
export function byLink({ domains }: House): Outcome[] {
  const told: Outcome[] = []
  const stanza = readStanza(
    Buffer.from(`<message xmlns='jabber:client' to='juliet@${capulet}'><body>O</body></message>`),
  )
  const from = parseJid(`romeo@${montague}/orchard`)
  const to = parseJid(`juliet@${capulet}`)
  assert.ok(stanza !== undefined && from !== undefined && to !== undefined)
  const envelope = messageEnvelope(stanza, from.address, 'orchard', to, undefined)
  domains.linkTo(capulet).send(envelope, (outcome) => told.push(outcome))
  return told
}
