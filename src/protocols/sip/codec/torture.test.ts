// The messages of RFC 4475, bit for bit as its Appendix A archives them, and what it says a parser is to do.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { checkRequest, checkResponse } from './check.ts'
import { header } from './header-names.ts'
import { acceptOf, contentTypeOf, deltaSeconds, maxForwardsOf, secondsOf, tokensOf } from './headers.ts'
import {
  bodyOf,
  headerValue,
  headerValuesNamed,
  parseMessage,
  reasonPhrase,
  requestUri,
  type SipRequest,
  type SipResponse,
} from './message.ts'
import { displayName, nameAddrOf, nameAddrsOf, tagOf } from './name-addr.ts'
import { forwardedRequest } from './splice.ts'
import { parseSipUri, unescaped } from './uri.ts'
import { topVia, viasOf } from './via.ts'

const folder = new URL('../testdata/torture/', import.meta.url)
const octetsOf = (name: string): Buffer => readFileSync(new URL(`${name}.dat`, folder))

/** The parser's verdict: 'ok', the status that refuses a request, or 'drop' for a response. */
function verdict(octets: Buffer): number | 'ok' | 'drop' {
  const message = parseMessage(octets)
  if (message.kind === 'fault') return message.status
  if (message.kind === 'response') return 'kind' in checkResponse(message) ? 'drop' : 'ok'
  const checked = checkRequest(message)
  return 'kind' in checked ? checked.status : 'ok'
}

const verdicts: readonly [section: string, name: string, verdict: number | 'ok' | 'drop'][] = [
  ['3.1.1.1 a short tortuous INVITE', 'wsinv', 'ok'],
  ['3.1.1.2 wide range of valid characters', 'intmeth', 'ok'],
  ['3.1.1.3 valid use of the % escaping mechanism', 'esc01', 'ok'],
  ['3.1.1.4 escaped nulls in URIs', 'escnull', 'ok'],
  ['3.1.1.5 use of % when it is not an escape', 'esc02', 'ok'],
  ['3.1.1.6 no LWS between display name and <', 'lwsdisp', 'ok'],
  ['3.1.1.7 long values in header fields', 'longreq', 'ok'],
  ['3.1.1.8 extra trailing octets in a UDP datagram', 'dblreq', 'ok'],
  ['3.1.1.9 semicolon-separated parameters in URI user part', 'semiuri', 'ok'],
  ['3.1.1.10 varied and unknown transport types', 'transports', 'ok'],
  ['3.1.1.11 multipart MIME message', 'mpart01', 'ok'],
  ['3.1.1.12 unusual reason phrase', 'unreason', 'ok'],
  ['3.1.1.13 empty reason phrase', 'noreason', 'ok'],
  ['3.1.2.1 extraneous header field separators', 'badinv01', 400],
  ['3.1.2.2 Content-Length larger than message', 'clerr', 400],
  ['3.1.2.3 negative Content-Length', 'ncl', 400],
  ['3.1.2.4 request scalar fields with overlarge values', 'scalar02', 400],
  ['3.1.2.5 response scalar fields with overlarge values', 'scalarlg', 'drop'],
  ['3.1.2.6 unterminated quoted string in display name', 'quotbal', 400],
  ['3.1.2.7 <> enclosing Request-URI', 'ltgtruri', 400],
  ['3.1.2.8 Request-URI with embedded LWS', 'lwsruri', 400],
  ['3.1.2.9 multiple SP separating Request-Line elements', 'lwsstart', 400],
  ['3.1.2.10 SP characters at end of Request-Line', 'trws', 400],
  ['3.1.2.11 escaped headers in SIP Request-URI', 'escruri', 400],
  // "may" be refused; we do not read Date.
  ['3.1.2.12 invalid time zone in Date', 'baddate', 'ok'],
  ['3.1.2.13 failure to enclose name-addr URI in <>', 'regbadct', 400],
  ['3.1.2.14 spaces within addr-spec', 'badaspec', 400],
  ['3.1.2.15 non-token characters in display name', 'baddn', 400],
  ['3.1.2.16 unknown protocol version', 'badvers', 505],
  ['3.1.2.17 start line and CSeq method mismatch', 'mismatch01', 400],
  // "501 or 400"; the mismatch is found first.
  ['3.1.2.18 unknown method with CSeq method mismatch', 'mismatch02', 400],
  ['3.1.2.19 overlarge response code', 'bigcode', 'drop'],
  // What follows is well-formed; the layers above judge it.
  ['3.2.1 missing transaction identifier', 'badbranch', 'ok'],
  ['3.3.1 missing required header fields', 'insuf', 400],
  ['3.3.2 Request-URI with unknown scheme', 'unkscm', 416],
  ['3.3.3 Request-URI with known but atypical scheme', 'novelsc', 416],
  ['3.3.4 unknown URI schemes in header fields', 'unksm2', 'ok'],
  ['3.3.5 Proxy-Require and Require', 'bext01', 'ok'],
  ['3.3.6 unknown Content-Type', 'invut', 'ok'],
  ['3.3.7 unknown authorization scheme', 'regaut01', 'ok'],
  ['3.3.8 multiple values in single value required fields', 'multi01', 400],
  ['3.3.9 multiple Content-Length values', 'mcl01', 400],
  ['3.3.10 200 OK response with broadcast Via', 'bcast', 'ok'],
  ['3.3.11 Max-Forwards of zero', 'zeromf', 'ok'],
  ['3.3.12 REGISTER with a Contact header parameter', 'cparam01', 'ok'],
  ['3.3.13 REGISTER with a url-parameter', 'cparam02', 'ok'],
  ['3.3.14 REGISTER with a URL escaped header', 'regescrt', 'ok'],
  ['3.3.15 unacceptable Accept offering', 'sdp01', 'ok'],
  ['3.4.1 INVITE with RFC 2543 syntax', 'inv2543', 'ok'],
]

test('every message of the archive has its verdict', () => {
  const files = readdirSync(folder).map((name) => name.replace('.dat', ''))
  assert.deepEqual(files.sort(), verdicts.map(([, name]) => name).sort())
})

for (const [section, name, expected] of verdicts)
  test(`RFC 4475 §${section}: ${expected}`, () => assert.equal(verdict(octetsOf(name)), expected))

const request = (name: string): SipRequest => {
  const message = parseMessage(octetsOf(name))
  assert(message.kind === 'request')
  return message
}
const response = (name: string): SipResponse => {
  const message = parseMessage(octetsOf(name))
  assert(message.kind === 'response')
  return message
}

test('the tortuous INVITE means what it says (RFC 4475 §3.1.1.1)', () => {
  const message = request('wsinv')
  assert.equal(requestUri(message), 'sip:vivekg@chair-dnrc.example.com;unknownparam')
  const from = nameAddrOf(message, header.from)
  assert(from !== undefined)
  assert.equal(displayName(from), 'J Rosenberg \\"')
  assert.equal(tagOf(from), '98asjd8')
  assert.equal(tagOf(nameAddrOf(message, header.to) ?? assert.fail()), '1918181833n')
  assert.equal(maxForwardsOf(message), 68)
  assert.equal(headerValue(message, header.subject), '')
  assert.deepEqual(
    viasOf(message)?.map((via) => [via.transport, via.host, via.branch]),
    [
      ['UDP', '192.0.2.2', '390skdjuw'],
      ['TCP', 'spindle.example.com', 'z9hG4bK9ikj8'],
      ['UDP', '192.168.255.111', 'z9hG4bK30239'],
    ],
  )
  assert.deepEqual(headerValuesNamed(message, 'unknownheaderwithunusualvalue'), [';;,,;;,;'])
  assert.equal(contentTypeOf(message) !== 'malformed' && bodyOf(message).length, 150)
  const contacts = nameAddrsOf(message, header.contact)
  assert.equal(contacts?.length, 1)
  assert.equal(contacts?.[0]?.params.find((param) => param.name === 'newparam')?.value, 'newvalue')
})

test('a method and a user part may hold every character that the grammar allows (RFC 4475 §3.1.1.2)', () => {
  const message = request('intmeth')
  assert.equal(message.method, "!interesting-Method0123456789_*+`.%indeed'~")
  const uri = parseSipUri(requestUri(message))
  assert.equal(uri?.user, "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*")
  assert.equal(uri?.password, "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)")
})

test('escapes in a URI are kept, and undone where they are compared (RFC 4475 §3.1.1.3)', () => {
  const uri = parseSipUri(requestUri(request('esc01')))
  assert.equal(unescaped(uri?.user ?? ''), 'sips:user@example.com')
})

test('a % that is no escape stays a % (RFC 4475 §3.1.1.5)', () => {
  const message = request('esc02')
  assert.equal(message.method, 'RE%47IST%45R')
  assert.equal(nameAddrsOf(message, header.contact)?.length, 2)
})

test('octets after Content-Length are cut off a datagram (RFC 4475 §3.1.1.8)', () => {
  const message = request('dblreq')
  assert.equal(message.method, 'REGISTER')
  assert.equal(bodyOf(message).length, 0)
})

test('reason phrases of any text and of none are read (RFC 4475 §3.1.1.12, §3.1.1.13)', () => {
  assert.match(
    Buffer.from(reasonPhrase(response('unreason')), 'latin1').toString(),
    /^= 2\*\*3 \* 5\*\*2 но сто/,
  )
  assert.equal(reasonPhrase(response('noreason')), '')
})

test('Require and Proxy-Require name what is required (RFC 4475 §3.3.5)', () => {
  assert.deepEqual(tokensOf(request('bext01'), header.require), [
    'nothingSupportsThis',
    'nothingSupportsThisEither',
  ])
})

test('overlarge expiries are capped, not overflown (RFC 4475 §3.1.2.4)', () => {
  assert.equal(secondsOf(request('scalar02'), header.expires), 0xffffffff)
  assert.equal(deltaSeconds('280297596632815'), 0xffffffff)
})

test('an unacceptable Accept is a list without our types (RFC 4475 §3.3.15)', () => {
  assert.deepEqual(
    (acceptOf(request('sdp01')) as { type: string }[]).map((range) => range.type),
    ['text/nobodyknowsthis'],
  )
})

test('a forwarded message keeps every octet but those of RFC 3261 §16.6', () => {
  for (const [, name, expected] of verdicts) {
    const message = parseMessage(octetsOf(name))
    if (expected !== 'ok' || message.kind !== 'request') continue
    const via = topVia(message)
    assert(via !== undefined)
    const stamp = { received: undefined, rport: undefined }
    const out = forwardedRequest(message, {
      uri: undefined,
      via: 'SIP/2.0/UDP us;branch=z9hG4bKx',
      topVia: via,
      stamp,
    })
    if (name === 'zeromf') {
      assert.equal(out, undefined)
      continue
    }
    const hops = maxForwardsOf(message)
    const back = out
      ?.toString('latin1')
      .replace('Via: SIP/2.0/UDP us;branch=z9hG4bKx\r\n', '')
      .replace(/^Content-Length: 105\r\n/m, name === 'inv2543' ? '' : '$&')
      .replace(
        hops === undefined ? 'Max-Forwards: 70\r\n' : /(max-forwards *: *)\d+/i,
        hops === undefined ? '' : '$1N',
      )
    assert.equal(
      back,
      Buffer.from(message.raw)
        .toString('latin1')
        .replace(/(max-forwards *: *)\d+/i, hops === undefined ? '$&' : '$1N'),
      name,
    )
  }
})
