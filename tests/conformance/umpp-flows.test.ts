// The flows of UMPP §4, Montague and Capulet: as the draft prints them, slips included, taken; and as we write them, line by line. Only what the draft
// leaves out on purpose is added: Via, Max-Forwards, Content-Length (UMPP §4). SIP is the real one over pairs of connections; the
// XMPP side is that of sessions with a stream that remembers what it carried.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ownBytes, text } from '#base'
import type { PeerLink, TupleChange } from '#core'
import { addressOfUri, type Outcome, relayed } from '#model'
import { type Connection, connectionPair } from '#net'
import { encodeResponse, type ResponseParts } from '../../src/protocols/sip/codec/encode.ts'
import {
  bodyOf,
  parseMessage,
  type SipRequest,
  type SipResponse,
} from '../../src/protocols/sip/codec/message.ts'
import { topVia } from '../../src/protocols/sip/codec/via.ts'
import { fieldOf } from '../../src/protocols/sip/testing/phone.ts'
import { type Side, TwoDomains } from '../../src/protocols/sip/testing/two-domains.ts'
import { Domains } from '../../src/protocols/umpp/domains.ts'
import type { UmppEnvironment } from '../../src/protocols/umpp/environment.ts'
import { finderOf, sipPlaces } from '../../src/protocols/umpp/places.ts'
import type { UmppSettings } from '../../src/protocols/umpp/settings.ts'
import { messageEnvelope } from '../../src/protocols/xmpp/binding.ts'
import { parseJid } from '../../src/protocols/xmpp/codec/jid.ts'
import { readStanza } from '../../src/protocols/xmpp/codec/stanza.ts'
import type { Parcel } from '../../src/protocols/xmpp/servers/channel.ts'
import type { ServersEnvironment } from '../../src/protocols/xmpp/servers/environment.ts'
import type { ServerPair } from '../../src/protocols/xmpp/servers/pair.ts'
import { Sessions } from '../../src/protocols/xmpp/servers/sessions.ts'

const montague = 'montague.example.net'
const capulet = 'thecappulets.example.com'
const lines = (...all: string[]): string => `${all.join('\r\n')}\r\n`

const settings: UmppSettings = {
  on: true,
  host: undefined,
  port: 5269,
  idleSeconds: 600,
  answerSeconds: 30,
  queuedMax: 3,
  sessionsMax: 5,
  otherwise: 'refuse',
  privatePeers: undefined,
}

/** A server of ours with UMPP, and what its XMPP streams were given. */
interface House {
  readonly town: TwoDomains
  readonly side: Side
  readonly domains: Domains
  readonly streams: Sessions
  /** Streams that were opened: `ours theirs address:port`. */
  readonly opened: string[]
  readonly carried: string[]
  /** What becomes of the next stanzas. */
  fate: 'taken' | 'given-back'
}

async function house(
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
  const own: { fate: House['fate'] } = { fate: 'taken' }
  const streams = new Sessions(
    { service: side.service } as ServersEnvironment,
    (ours, theirs, at) =>
      ({
        want: () =>
          opened.push(`${ours} ${theirs} ${at?.map((place) => `${place.host}:${place.port}`).join()}`),
        carries: false,
        send: ({ bytes, settle }: Parcel) => {
          carried.push(text(bytes))
          settle?.(own.fate)
        },
      }) as unknown as ServerPair,
  )
  const routeTo = () => ({ servers: undefined, tls: 'none' }) as const
  const parts = { service: side.service, resolver: resolverOf(town), routeTo }
  const finder = finderOf(parts)
  const environment: UmppEnvironment = {
    ...parts,
    settings: { ...settings, ...more },
    userAgent: side.agent,
    streams,
    placesFor: (name) => async () => sipPlaces((await finder.find(name)).all, routeTo()),
    ownPlace: () => ({ host, port: 5269 }),
    mayBePrivate: () => false,
  }
  const domains = new Domains({ environment, finder, xmppLink })
  side.agent.onInvite((call, invite, from) => domains.sessions.offered(call, invite, from))
  streams.onMessage((from, to) => domains.sessions.deviceFor(from, to))
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
class Hand {
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
const via = (host: string): string[] => [
  `Via: SIP/2.0/TCP ${host};branch=z9hG4bKumpp${++branch}`,
  'Max-Forwards: 70',
]

const startLine = (message: SipRequest | SipResponse): string =>
  message.head.slice(0, message.head.indexOf('\r\n'))

const romeoInvites = (): string[] => [
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
const offer = lines(
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
const answer = lines(
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
async function invited(body = offer, head = romeoInvites()) {
  const here = await house(capulet, 'impish.thecapulets.example.com', 'juliet')
  const romeo = new Hand()
  romeo.listen(here.town, montague, '192.0.2.2')
  romeo.call(here, '192.0.2.2')
  romeo.send(head, body)
  await here.town.settled()
  return { here, romeo }
}

function acknowledge(romeo: Hand): string {
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
function say({ side }: House, written: string, jid: string): { outcome?: Outcome } {
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

test('the printed INVITE is answered 200: tags, Call-ID and CSeq copied, a SIP Contact, our JID, the audio refused (U32 to U71)', async () => {
  const { romeo } = await invited()
  const ok = romeo.answer(200)
  assert.match(fieldOf(ok, 'To') ?? '', /^Juliet <im:juliet@thecappulets\.example\.com>;tag=.+/)
  assert.equal(fieldOf(ok, 'From'), 'Romeo <im:romeo@montague.example.net>;tag=29923923')
  assert.equal(fieldOf(ok, 'Call-ID'), '2349098234@orchard.montague.example.net')
  assert.equal(fieldOf(ok, 'CSeq'), '13992 INVITE')
  assert.match(fieldOf(ok, 'Contact') ?? '', /^<sip:/)
  assert.equal(fieldOf(ok, 'Content-Type'), 'application/sdp')
  const body = text(bodyOf(ok))
  assert.equal(fieldOf(ok, 'Content-Length'), String(Buffer.byteLength(body)))
  const expected = [
    /^v=0$/,
    /^o=juliet \d+ \d+ IN IP4 impish\.thecapulets\.example\.com$/,
    /^s=-$/,
    /^c=IN IP4 impish\.thecapulets\.example\.com$/,
    /^t=0 0$/,
    /^m=audio 0 RTP\/AVP 0$/,
    /^a=rtpmap:0 PCMU\/8000$/,
    /^m=message 5269 xmpp\/tcp chat$/,
    /^c=IN IP4 impish\.thecapulets\.example\.com$/,
    /^a=direction:passive$/,
    /^a=jid:juliet@thecappulets\.example\.com\/.+$/,
  ]
  const written = body.trimEnd().split('\r\n')
  assert.equal(written.length, expected.length, body)
  for (const [at, line] of written.entries()) assert.match(line, expected[at] as RegExp)
})

test('after the ACK our messages go with both full JIDs, type chat and the offered thread; BYE goes to their Contact (U72 to U84)', async () => {
  const { here, romeo } = await invited()
  const said = say(
    here,
    `<message xmlns='jabber:client' to='romeo@${montague}'><body>What man art thou?</body></message>`,
    `juliet@${capulet}/balcony`,
  )
  await here.town.settled()
  assert.deepEqual(here.carried, [], 'before the ACK it waits')
  const tag = acknowledge(romeo)
  await here.town.settled()
  assert.equal(said.outcome?.kind, 'relayed')
  const jid = /a=jid:(\S+)/.exec(text(bodyOf(romeo.answer(200))))?.[1]
  const [stanza = ''] = here.carried
  assert.ok(stanza.includes(` from='${jid}' to='romeo@${montague}/orchard' type='chat'`), stanza)
  assert.ok(stanza.includes('<body>What man art thou?</body><thread>283461923759234</thread>'), stanza)
  // Romeo's side opens: we are passive.
  assert.deepEqual(here.opened, [])
  here.town.clock.advance(settings.idleSeconds * 1000 + 1)
  await here.town.settled()
  const bye = romeo.last('BYE')
  assert.equal(startLine(bye), 'BYE sip:romeo@orchard.montague.example.net SIP/2.0')
  assert.equal(fieldOf(bye, 'From'), `Juliet <im:juliet@thecappulets.example.com>;tag=${tag}`)
  assert.equal(fieldOf(bye, 'To'), 'Romeo <im:romeo@montague.example.net>;tag=29923923')
  assert.equal(fieldOf(bye, 'Call-ID'), '2349098234@orchard.montague.example.net')
  assert.match(fieldOf(bye, 'CSeq') ?? '', /^\d+ BYE$/)
  assert.deepEqual(here.domains.sessions.linesOf(montague), [])
})

test('their stanza for the JID of our answer is of the session; one of somebody else is not (U75)', async () => {
  const { here, romeo } = await invited()
  acknowledge(romeo)
  await here.town.settled()
  const ours = parseJid(/a=jid:(\S+)/.exec(text(bodyOf(romeo.answer(200))))?.[1] ?? '')
  const theirs = parseJid(`romeo@${montague}/orchard`)
  const other = parseJid(`mercutio@${montague}/orchard`)
  assert.ok(ours !== undefined && theirs !== undefined && other !== undefined)
  assert.equal(here.streams.deviceFor(theirs, ours, 'chat'), '')
  assert.equal(here.streams.deviceFor(other, ours, 'chat'), undefined)
})

test('their BYE is answered 200 with the tags of the dialog, and is the end (U79 to U84, G5)', async () => {
  const { here, romeo } = await invited()
  const tag = acknowledge(romeo)
  await here.town.settled()
  romeo.send([
    'BYE sip:juliet@balcony.thecappulets.example.com SIP/2.0',
    ...via('orchard.montague.example.net'),
    'From: Romeo <im:romeo@montague.example.net>;tag=29923923',
    `To: Juliet <im:juliet@thecappulets.example.com>;tag=${tag}`,
    'Call-ID: 2349098234@orchard.montague.example.net',
    'CSeq: 33903 BYE',
  ])
  await here.town.settled()
  const ok = romeo.answer(200)
  assert.equal(fieldOf(ok, 'CSeq'), '33903 BYE')
  assert.equal(fieldOf(ok, 'From'), 'Romeo <im:romeo@montague.example.net>;tag=29923923')
  assert.equal(fieldOf(ok, 'To'), `Juliet <im:juliet@thecappulets.example.com>;tag=${tag}`)
  assert.deepEqual(here.domains.sessions.linesOf(montague), [])
})

/** Romeo offers anew in the dialog. */
async function offeredAnew(change: (body: string) => string) {
  const { here, romeo } = await invited()
  const tag = acknowledge(romeo)
  await here.town.settled()
  romeo.send(
    [
      'INVITE sip:juliet@balcony.thecappulets.example.com SIP/2.0',
      ...via('orchard.montague.example.net'),
      `To: Juliet <im:juliet@thecappulets.example.com>;tag=${tag}`,
      'From: Romeo <im:romeo@montague.example.net>;tag=29923923',
      'Call-ID: 2349098234@orchard.montague.example.net',
      'CSeq: 13993 INVITE',
      'Contact: <sip:romeo@orchard.montague.example.net>',
      'Content-Type: application/sdp',
    ],
    change(offer),
  )
  await here.town.settled()
  return { here, romeo }
}

test('a re-INVITE that names another JID and place is answered, and the messages go there (RFC 3264 §8)', async () => {
  const { here, romeo } = await offeredAnew((body) => body.replace('/orchard', '/garden'))
  assert.equal(fieldOf(romeo.answer(200), 'CSeq'), '13993 INVITE')
  assert.match(text(bodyOf(romeo.answer(200))), /m=message 5269 xmpp\/tcp chat/)
  const written = `<message xmlns='jabber:client' to='romeo@${montague}'><body>x</body></message>`
  say(here, written, `juliet@${capulet}/balcony`)
  await here.town.settled()
  assert.match(here.carried[0] ?? '', /to='romeo@montague\.example\.net\/garden'/)
})

test('a re-INVITE that takes the messages out is answered so, and the session ends by BYE (RFC 3264 §8.2)', async () => {
  const { here, romeo } = await offeredAnew((body) => body.replace('m=message 5222', 'm=message 0'))
  assert.match(text(bodyOf(romeo.answer(200))), /m=message 0 xmpp\/tcp chat/)
  assert.equal(romeo.last('BYE').method, 'BYE')
  assert.deepEqual(here.domains.sessions.linesOf(montague), [])
})

test('one that cannot be had is refused, and the session stays as it was (RFC 3261 §14.1)', async () => {
  const { here, romeo } = await offeredAnew((body) => body.replace('xmpp.montague.example.net', '10.0.0.1'))
  assert.equal(fieldOf(romeo.answer(488), 'CSeq'), '13993 INVITE')
  assert.equal(here.domains.sessions.linesOf(montague).length, 1)
})

const declined: [string, (body: string) => string, number][] = [
  ['no messages among its media', (body) => body.slice(0, body.indexOf('c=IN IP4 xmpp')), 488],
  ['messages with port 0', (body) => body.replace('m=message 5222', 'm=message 0'), 488],
  ['groupchat alone (G12)', (body) => body.replace('xmpp/tcp chat', 'xmpp/tcp groupchat'), 488],
  ['a bare JID', (body) => body.replace('/orchard\r\n', '\r\n'), 488],
  [
    'a JID of another domain',
    (body) => body.replace('a=jid:romeo@montague.example.net', 'a=jid:romeo@elsewhere.example'),
    403,
  ],
  [
    'a host in our own networks',
    (body) => body.replace('xmpp.montague.example.net', 'inside.example.net'),
    488,
  ],
  ['the address of this machine', (body) => body.replace('xmpp.montague.example.net', '127.0.0.1'), 488],
  ['a host that is not there', (body) => body.replace('xmpp.montague.example.net', 'gone.example.net'), 488],
  ['no description that could be read', () => 'v=1\r\n', 488],
]
for (const [what, change, status] of declined)
  test(`an INVITE with ${what} is refused with ${status}`, async () => {
    const { here, romeo } = await invited(change(offer))
    assert.equal(romeo.answer(status).status, status)
    assert.deepEqual(here.domains.sessions.linesOf(montague), [])
  })

test('one without SDP is 415 and told what is read; one for nobody is 404', async () => {
  const head = romeoInvites()
  const other = await invited('x', [...head.slice(0, -1), 'Content-Type: text/plain'])
  assert.equal(fieldOf(other.romeo.answer(415), 'Accept'), 'application/sdp')
  const nobody = await invited(
    offer,
    romeoInvites().map((line) => line.replaceAll('juliet@', 'nobody@')),
  )
  assert.equal(nobody.romeo.answer(404).status, 404)
})

test('a domain has no more than so many sessions, two people no more than eight: 486', async () => {
  const { here, romeo } = await invited()
  for (let n = 1; n <= settings.sessionsMax; n++)
    romeo.send(
      romeoInvites().map((line) => line.replace('2349098234@', `${n}@`)),
      offer,
    )
  await here.town.settled()
  assert.equal(romeo.responses.filter(({ status }) => status === 486).length, 1)
  assert.equal(here.domains.sessions.linesOf(montague).length, settings.sessionsMax)
})

/** Romeo's server is ours; Juliet's is the hand. */
async function inviting(
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

test('our INVITE is the printed one, corrected; the printed answer is acknowledged at its Contact, and the messages go (U28 to U52, U72 to U78)', async () => {
  const { here, juliet, said } = await inviting(answer)
  const invite = juliet.last('INVITE')
  assert.equal(startLine(invite), 'INVITE im:juliet@thecappulets.example.com SIP/2.0')
  assert.equal(fieldOf(invite, 'To'), '<im:juliet@thecappulets.example.com>')
  assert.match(fieldOf(invite, 'From') ?? '', /^<im:romeo@montague\.example\.net>;tag=.+$/)
  assert.match(fieldOf(invite, 'CSeq') ?? '', /^\d+ INVITE$/)
  assert.match(fieldOf(invite, 'Contact') ?? '', /^<sip:.+>$/)
  assert.match(fieldOf(invite, 'Via') ?? '', /branch=z9hG4bK/)
  assert.equal(fieldOf(invite, 'Max-Forwards'), '70')
  assert.equal(fieldOf(invite, 'Content-Type'), 'application/sdp')
  const body = text(bodyOf(invite))
  assert.equal(fieldOf(invite, 'Content-Length'), String(Buffer.byteLength(body)))
  assert.match(
    body,
    /^v=0\r\no=romeo (\d+) \1 IN IP4 xmpp\.montague\.example\.net\r\ns=-\r\nc=IN IP4 xmpp\.montague\.example\.net\r\nt=0 0\r\nm=message 5269 xmpp\/tcp chat\r\nc=IN IP4 xmpp\.montague\.example\.net\r\na=direction:both\r\na=jid:romeo@montague\.example\.net\/orchard\r\na=thread:283461923759234\r\n$/,
  )
  const ack = juliet.last('ACK')
  assert.equal(startLine(ack), 'ACK sip:juliet@balcony.thecappulets.example.com SIP/2.0')
  assert.equal(fieldOf(ack, 'To'), '<im:juliet@thecappulets.example.com>;tag=939231235')
  assert.equal(fieldOf(ack, 'From'), fieldOf(invite, 'From'))
  assert.equal(fieldOf(ack, 'Call-ID'), fieldOf(invite, 'Call-ID'))
  assert.equal(fieldOf(ack, 'CSeq'), (fieldOf(invite, 'CSeq') ?? '').replace('INVITE', 'ACK'))
  // G2, G13: to where the answer says, by the offerer, since the answerer is passive.
  assert.deepEqual(here.opened, [`${montague} ${capulet} 192.0.2.20:5222`])
  assert.equal(said.outcome?.kind, 'relayed')
  assert.match(
    here.carried[0] ?? '',
    /^<message from='romeo@montague\.example\.net\/orchard' to='juliet@thecappulets\.example\.com\/balcony' type='chat'[^>]*><body>O<\/body><thread>283461923759234<\/thread><\/message>$/,
  )
})

/** A message past the queue of the core, which would keep it for a domain that is away. */
function byLink({ domains }: House): Outcome[] {
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

const refusals: [string, number, string][] = [
  ['488', 488, 'not-acceptable'],
  ['603', 603, 'permission-denied'],
  ['606', 606, 'not-acceptable'],
  ['404', 404, 'target-unknown'],
  ['415', 415, 'content-not-understood'],
  ['486, busy', 486, 'temporarily-unavailable'],
  ['503 of all servers', 503, 'connection-failed'],
]
for (const [what, status, condition] of refusals)
  test(`an INVITE refused with ${what} refuses the messages that wait: ${condition}`, async () => {
    const { here } = await inviting('', status)
    const told = byLink(here)
    await here.town.settled()
    assert.deepEqual(told, [{ kind: 'refused', condition }])
    assert.deepEqual(here.domains.sessions.linesOf(capulet), [])
  })

test('where the operator says so, what is refused as a session goes by XMPP without one; what is refused as such does not', async () => {
  const went: string[] = []
  const link = {
    send: ({ head }: { head: { to: { domain: string } } }, onOutcome: (outcome: Outcome) => void) => {
      went.push(head.to.domain)
      onOutcome(relayed)
    },
  } as unknown as PeerLink
  const { said } = await inviting('', 488, { otherwise: 'xmpp' }, () => link)
  assert.equal(said.outcome?.kind, 'relayed')
  const declined = await inviting('', 603, { otherwise: 'xmpp' }, () => link)
  assert.deepEqual(declined.said.outcome, { kind: 'refused', condition: 'permission-denied' })
  assert.deepEqual(went, [capulet])
})

test('two that are offered at one moment, one by each side, both stand (decision 0121)', async () => {
  const { here, juliet } = await inviting(undefined)
  const invite = [
    'INVITE im:romeo@montague.example.net SIP/2.0',
    ...via('balcony.thecappulets.example.com'),
    'To: <im:romeo@montague.example.net>',
    'From: <im:juliet@thecappulets.example.com>;tag=glare',
    'Call-ID: glare@balcony.thecappulets.example.com',
    'CSeq: 1 INVITE',
    'Contact: <sip:juliet@balcony.thecappulets.example.com>',
    'Content-Type: application/sdp',
  ]
  juliet.send(invite, answer.replace('passive', 'both'))
  await here.town.settled()
  assert.equal(fieldOf(juliet.answer(200), 'Call-ID'), 'glare@balcony.thecappulets.example.com')
  assert.equal(here.domains.sessions.linesOf(capulet).length, 2)
})

test('an answer that refuses the messages (port 0) is acknowledged and ended with BYE, and the message refused (G12)', async () => {
  const { here, juliet, said } = await inviting(answer.replace('m=message 5222', 'm=message 0'))
  assert.deepEqual(said.outcome, { kind: 'refused', condition: 'not-acceptable' })
  assert.equal(juliet.last('ACK').method, 'ACK')
  assert.equal(juliet.last('BYE').method, 'BYE')
  assert.deepEqual(here.carried, [])
})

test('an answer that leads into our own networks is refused the same way', async () => {
  const { here, juliet, said } = await inviting(
    answer.replace('impish.thecapulets.example.com', '169.254.169.254'),
  )
  assert.deepEqual(said.outcome, { kind: 'refused', condition: 'not-acceptable' })
  assert.equal(juliet.last('BYE').method, 'BYE')
  assert.deepEqual([here.opened, here.carried], [[], []])
})

test('nobody answers: the INVITE is given up after its time, the messages that wait are bounded', async () => {
  const { here, again, said } = await inviting(undefined)
  const more = [again(), again(), again()]
  await here.town.settled()
  assert.deepEqual(here.carried, [])
  await here.town.pass(settings.answerSeconds + 2)
  assert.deepEqual(here.domains.sessions.linesOf(capulet), [])
  // They went to the queue of a domain that is away; none is lost, none was refused for good but the one for which there was no room.
  assert.ok([said, ...more].every(({ outcome }) => outcome?.kind !== 'relayed'))
})

test('a stream that is cut ends its session with BYE, and gives back what it did not take; the next message makes another', async () => {
  const { here, juliet } = await inviting(answer)
  here.fate = 'given-back'
  const told = byLink(here)
  await here.town.settled()
  assert.deepEqual(told, [{ kind: 'refused', condition: 'connection-failed' }])
  assert.equal(juliet.last('BYE').method, 'BYE')
  assert.deepEqual(here.domains.sessions.linesOf(capulet), [])
  here.fate = 'taken'
  const again = byLink(here)
  await here.town.settled()
  assert.equal(again[0]?.kind, 'relayed')
  assert.equal(juliet.requests.filter(({ method }) => method === 'INVITE').length, 2)
})

const romeoWatches = [
  'SUBSCRIBE pres:juliet@thecappulets.example.com SIP/2.0',
  'To: Juliet <pres:juliet@thecappulets.example.com>',
  'From: Romeo <pres:romeo@montague.example.net>;tag=23923',
  'Call-ID: 98394813@orchard.montague.example.net',
  'CSeq: 13667 SUBSCRIBE',
  'Event: presence',
  'Expires: 3600',
  'Contact: <sip:romeo@orchard.montague.example.net>',
]

/** Juliet shows herself to a watcher who asks as printed, and with what else. */
async function watched(more: string[] = []) {
  const here = await house(capulet, 'impish.thecapulets.example.com', 'juliet')
  const romeo = addressOfUri(`im:romeo@${montague}`)
  const juliet = addressOfUri(`im:juliet@${capulet}`)
  assert.ok(romeo !== undefined && juliet !== undefined)
  await new Promise<void>((done) =>
    here.side.service.contacts.approve(juliet, romeo, undefined, () => done()),
  )
  const phone = here.town.phone(here.side, 'juliet', '192.0.2.30')
  const registered = phone.register()
  await here.town.settled()
  await registered
  const hand = new Hand()
  hand.call(here, '192.0.2.2')
  const [first = '', ...rest] = romeoWatches
  hand.send([first, ...via('orchard.montague.example.net'), ...rest, ...more])
  await here.town.settled()
  return { here, hand }
}

test('the printed SUBSCRIBE is answered with Expires, and a NOTIFY follows with Event and PIDF (U85 to U111, G6 to G8)', async () => {
  const { hand } = await watched()
  const ok = hand.answer(200)
  assert.match(fieldOf(ok, 'To') ?? '', /^Juliet <pres:juliet@thecappulets\.example\.com>;tag=.+/)
  assert.equal(fieldOf(ok, 'CSeq'), '13667 SUBSCRIBE')
  assert.equal(fieldOf(ok, 'Expires'), '3600')
  const notify = hand.last('NOTIFY')
  assert.equal(startLine(notify), 'NOTIFY sip:romeo@orchard.montague.example.net SIP/2.0')
  assert.equal(fieldOf(notify, 'To'), 'Romeo <pres:romeo@montague.example.net>;tag=23923')
  assert.equal(fieldOf(notify, 'From'), fieldOf(ok, 'To'))
  assert.equal(fieldOf(notify, 'Call-ID'), '98394813@orchard.montague.example.net')
  assert.equal(fieldOf(notify, 'Event'), 'presence')
  assert.match(fieldOf(notify, 'Subscription-State') ?? '', /^active;expires=3600$/)
  assert.equal(fieldOf(notify, 'Content-Type'), 'application/pidf+xml')
  const body = text(bodyOf(notify))
  assert.match(body, /^<\?xml version="1\.0" encoding="UTF-8"\?>/)
  assert.match(
    body,
    /<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:juliet@thecappulets\.example\.com">/,
  )
})

test('who reads only application/cpim-pidf+xml is shown that, with its namespace (G9)', async () => {
  const { hand } = await watched(['Accept: application/cpim-pidf+xml'])
  const notify = hand.last('NOTIFY')
  assert.equal(fieldOf(notify, 'Content-Type'), 'application/cpim-pidf+xml')
  assert.match(text(bodyOf(notify)), /xmlns="urn:ietf:params:xml:ns:cpim-pidf"/)
})

test('we SUBSCRIBE as printed, take 200 and NOTIFY as printed (no Expires, no Event, the older type, a misspelt entity), open and closed (U87 to U111, G4, G6, G7, G9, G11)', async () => {
  const here = await house(montague, 'xmpp.montague.example.net', 'romeo')
  const juliet = new Hand()
  juliet.listen(here.town, capulet, '192.0.2.2')
  juliet.answers = () => ({
    status: 200,
    toTag: '-938413',
    headers: [
      ['Subscription-State', 'active;expires=3600'],
      ['Contact', '<sip:juliet@balcony.thecappulets.example.com>'],
    ],
  })
  const learnt: string[] = []
  Object.assign(here.side.service.remotePresence, {
    active: () => undefined,
    changed: (_watcher: unknown, _presentity: unknown, changes: readonly TupleChange[]) => {
      for (const { tuple, source } of changes)
        learnt.push(`${tuple} ${source === undefined ? 'gone' : source.view().tuples[0]?.basic}`)
      return 'known'
    },
  })
  const from = addressOfUri(`im:romeo@${montague}`)
  const to = addressOfUri(`im:juliet@${capulet}`)
  assert.ok(from !== undefined && to !== undefined)
  here.domains.linkTo(capulet).watch(from, to)
  await here.town.settled()
  const subscribe = juliet.last('SUBSCRIBE')
  assert.equal(startLine(subscribe), 'SUBSCRIBE pres:juliet@thecappulets.example.com SIP/2.0')
  assert.equal(fieldOf(subscribe, 'To'), '<pres:juliet@thecappulets.example.com>')
  assert.match(fieldOf(subscribe, 'From') ?? '', /^<pres:romeo@montague\.example\.net>;tag=.+/)
  assert.equal(fieldOf(subscribe, 'Event'), 'presence')
  assert.match(fieldOf(subscribe, 'Expires') ?? '', /^\d+$/)
  assert.match(fieldOf(subscribe, 'Contact') ?? '', /^<sip:.+>$/)
  assert.equal(fieldOf(subscribe, 'Accept'), 'application/pidf+xml, application/cpim-pidf+xml')
  for (const [number, basic] of [
    [66_734, 'open'],
    [66_735, 'closed'],
  ] as const) {
    const head = [
      'NOTIFY sip:romeo@orchard.montague.example.net SIP/2.0',
      ...via('balcony.thecappulets.example.com'),
      `To: Romeo ${fieldOf(subscribe, 'From')}`,
      'From: Juliet <pres:juliet@thecappulets.example.com>;tag=-938413',
      `Call-ID: ${fieldOf(subscribe, 'Call-ID')}`,
      `CSeq: ${number} NOTIFY`,
      'Subscription-State: active;expires=3600',
      'Contact: <sip:juliet@balcony.thecappulets.example.com>',
      'Content-Type: application/cpim-pidf+xml',
    ]
    juliet.send(
      head,
      `<?xml version="1.0" encoding="UTF-8"?>\n<presence xmlns="urn:ietf:params:xml:ns:cpim-pidf"\n entity="pres:juliet@thecapulets.example.com">\n<tuple id="balcony">\n<status>\n<basic>${basic}</basic>\n</status>\n<timestamp>1597-02-14T01:00:00Z</timestamp>\n</tuple>\n</presence>\n`,
    )
    await here.town.settled()
    assert.equal(fieldOf(juliet.answer(200), 'CSeq'), `${number} NOTIFY`)
  }
  assert.deepEqual(learnt, ['balcony open', 'balcony closed'])
})
