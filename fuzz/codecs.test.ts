// Every other codec against bad input, from one table: cut at each octet, flipped, over-long, deeply nested, not UTF-8. Each gives
// what it read or its own word for what is wrong; nothing is thrown but the error that a codec names, nothing hangs.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { describingFields, parseEntity, parseMediaType, splitMultipart, textOf } from '#wire/mime'
import { readDigestCredentials } from '../src/auth/digest-header.ts'
import { readPlain } from '../src/auth/plain.ts'
import { readClientFinal, readClientFirst } from '../src/auth/scram-messages.ts'
import { readCsv } from '../src/cli/csv.ts'
import { ConfigError, loadConfig } from '../src/config/index.ts'
import { addressOfUri, imppUri, imUri, parseAddress, presUri, sipUri } from '../src/model/address.ts'
import { addressOfUrl } from '../src/protocols/impp/codec/addresses.ts'
import { defaultFramerLimits, UnitFramer } from '../src/protocols/impp/codec/framer.ts'
import { acceptedTypes, leaseTimeOf } from '../src/protocols/impp/codec/header-fields.ts'
import {
  contactText,
  listBytes,
  parseContacts,
  parseRules,
  parseWatchers,
  ruleText,
  watcherText,
} from '../src/protocols/impp/codec/lists.ts'
import { messageOf } from '../src/protocols/impp/codec/message-fields.ts'
import { parsePresenceBody, presenceBody } from '../src/protocols/impp/codec/presence-body.ts'
import { bareJid, fullJid, parseJid } from '../src/protocols/xmpp/codec/jid.ts'
import { readRosterSet } from '../src/protocols/xmpp/codec/roster.ts'
import { saslInput } from '../src/protocols/xmpp/codec/sasl.ts'
import { readStanza } from '../src/protocols/xmpp/codec/stanza.ts'
import { allSections, loadProtocols } from '../src/server/index.ts'
import { parseCpim } from '../src/wire/cpim/index.ts'
import { mimeHeaderRules, scanHeaderLines, strictHeaderRules } from '../src/wire/header-lines/index.ts'
import { parsePidf, writePidf } from '../src/wire/pidf/index.ts'
import { parseSdp, writeSdp } from '../src/wire/sdp/index.ts'
import { elementOf, isXmlFault, parseElement } from '../src/wire/xml/index.ts'
import { changes, damaged, everyCut, runs, seed, soak, timed } from './damage.ts'

const directory = mkdtempSync(join(tmpdir(), 'verona-fuzz-'))
after(() => rmSync(directory, { recursive: true }))
const sections = allSections(await loadProtocols())
const romeo = parseAddress('romeo@example.com')!
const juliet = parseAddress('juliet@example.com')!
const utf8 = (octets: Buffer): string => octets.toString('utf8')

interface Codec {
  readonly name: string
  readonly samples: readonly string[]
  /** True when there was anything to read. */
  readonly take: (octets: Buffer) => boolean
  /** Divides the number of runs, where one touches a disk. */
  readonly dear?: number
}

const pidf = `<?xml version="1.0" encoding="UTF-8"?><presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:rp="urn:ietf:params:xml:ns:pidf:rpid" entity="pres:romeo@example.com"><tuple id="a"><status><basic>open</basic><x xmlns="urn:x">y</x></status><contact priority="0.8">im:romeo@example.com</contact><note xml:lang="en">Do &lt;not&gt;</note><timestamp>2026-01-01T00:00:00Z</timestamp></tuple><note>x</note><rp:person id="p"><rp:activities><rp:away/></rp:activities></rp:person></presence>`

const codecs: readonly Codec[] = [
  {
    name: 'PIDF',
    samples: [pidf, pidf.replace('urn:ietf:params:xml:ns:pidf"', 'urn:ietf:params:xml:ns:cpim-pidf"')],
    take: (octets) => {
      const document = parsePidf(octets, { now: 0 })
      if ('fault' in document) return false
      assert.ok(
        !('fault' in parsePidf(writePidf(document), { now: 0 })),
        'what was taken can be written and read',
      )
      return true
    },
  },
  {
    name: 'SDP',
    samples: [
      'v=0\r\no=romeo 1 1 IN IP4 h.example\r\ns=-\r\nc=IN IP4 h.example\r\nt=0 0\r\nm=audio 39923/2 RTP/AVP 0 8\r\na=rtpmap:0 PCMU/8000\r\nc=IN IP4 x.example\r\nt=0 0\r\nm=message 5222 xmpp/tcp chat\r\na=direction:both\r\na=jid:romeo@example.com/o\r\na=sendrecv\r\n',
    ],
    take: (octets) => {
      const description = parseSdp(octets)
      if ('fault' in description) return false
      assert.deepEqual(parseSdp(writeSdp(description)), description, 'what was taken is written and read')
      return true
    },
  },
  {
    name: 'application/impp',
    samples: [
      '<presence><entity>pres:romeo@example.com</entity><tuple><id>a</id><basic>open</basic><show>away</show><priority>1</priority><contact>im:romeo@example.com</contact><note>x &amp; y</note></tuple><note>n</note></presence>',
    ],
    take: (octets) => {
      let read = false
      for (const type of ['application/impp', 'application/pidf+xml', 'text/plain;x="y"']) {
        const document = parsePresenceBody(type, octets, 0)
        if (typeof document === 'string') continue
        for (const form of ['tag-only', 'pidf', 'older-pidf'] as const) presenceBody(document, form)
        read = true
      }
      return read
    },
  },
  {
    name: 'application/impp-list',
    samples: [
      '<access><rule><subject>*</subject><action>confirm</action></rule><rule><subject>impp://a.example/b</subject><action>allow</action><visibility>basic</visibility></rule></access>',
      '<contacts><contact><address>impp://a.example/b</address><name>B &amp; co</name><group>x</group><sees></sees><asks/></contact><contact><address>im:c@d</address><gone></gone></contact></contacts>',
      '<watchers><watcher><id>w</id><address>impp://a.example/b</address><status>active</status><event>subscribe</event><sees>full</sees><politely-blocked></politely-blocked><protocol>sip</protocol><lease>60</lease></watcher></watchers>',
    ],
    take: (octets) => {
      const [rules, contacts, watchers] = [parseRules(octets), parseContacts(octets), parseWatchers(octets)]
      // What was taken can be written and read, and says the same.
      if (rules !== undefined) assert.deepEqual(parseRules(listBytes('access', rules.map(ruleText))), rules)
      if (contacts !== undefined)
        assert.equal(parseContacts(listBytes('contacts', contacts.map(contactText)))?.length, contacts.length)
      if (watchers !== undefined)
        assert.deepEqual(parseWatchers(listBytes('watchers', watchers.map(watcherText))), watchers)
      return [rules, contacts, watchers].some((entries) => entries !== undefined && entries.length > 0)
    },
  },
  {
    name: 'Message/CPIM',
    samples: [
      'From: MR SANDERS <im:piglet@100akerwood.com>\r\nTo: Depressed Donkey <im:eeyore@100akerwood.com>\r\nDateTime: 2000-12-13T13:40:00-08:00\r\nSubject:;lang=fr beau \\u0020temps\r\nNS: MyFeatures <mid:MessageFeatures@id.foo.com>\r\nRequire: MyFeatures.VitalMessageOption\r\nMyFeatures.VitalMessageOption: Confirmation-requested\r\n\r\nContent-type: text/xml; charset=utf-8\r\nContent-ID: <1234567890@foo.com>\r\n\r\n<body>\r\n</body>\r\n',
      'From: <im:a@b>\r\nTo: <im:c@d>\r\n\r\nContent-Type: text/plain\r\n\r\nx',
    ],
    take: (octets) => {
      const message = parseCpim(octets)
      if ('fault' in message) return false
      textOf(message.entity)
      return true
    },
  },
  {
    name: 'MIME',
    samples: [
      'Content-Type: multipart/alternative; boundary="b (x)"; x*0*=utf-8\'\'a%20b; x*1=c\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\npre\r\n--b (x)\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\n=C3=A9=\r\nx\r\n--b (x)\r\nContent-Transfer-Encoding: base64\r\n\r\naGVs\r\nbG8=\r\n--b (x)--\r\npost',
    ],
    take: (octets) => {
      const entity = parseEntity(octets)
      if ('fault' in entity) return false
      textOf(entity)
      const fields = [...entity.headers].map(([name, value]) => ({ name, value }))
      describingFields(fields)
      const type = parseMediaType(entity.headers.get('content-type') ?? '')
      const places = splitMultipart(entity.body, type?.parameters.get('boundary') ?? 'b (x)')
      if (typeof places === 'string') return false
      for (const { start, end } of places) {
        const part = parseEntity(entity.body.subarray(start, end))
        if (!('fault' in part)) textOf(part)
      }
      return places.length > 0
    },
  },
  {
    name: 'header lines',
    samples: ['From: x\r\nSubject: a long\r\n line\r\nX-Y:z\r\n\r\nbody', 'A: b\nC: d\n\n'],
    take: (octets) => {
      let read = false
      for (const rules of [mimeHeaderRules, strictHeaderRules]) {
        const found = scanHeaderLines(octets, 0, octets.length, rules)
        if ('fault' in found) assert.ok(found.offset >= 0 && found.offset <= octets.length)
        else read = true
      }
      return read
    },
  },
  {
    name: 'IMPP units',
    samples: [
      'ENVELOPE impp/1.0\r\nHops: 3\r\n\r\nSEND r1 impp/1.0\r\nFrom: impp://example.com/romeo\r\nConnection-ID: x\r\nTarget: impp://example.com/juliet\r\nAccept: application/impp, application/pidf+xml;q=0.5\r\nMessage-ID: m\\u0020\r\nThread-ID: t\r\nSubject: ;lang=fr Bonjour\r\nSubject: \\u003bhi\r\nDate: 2026-01-01T00:00:00Z\r\nReceipt: request\r\nLease-Time: 60\r\nContent-Type: multipart/alternative; boundary=b\r\nContent-Length: 71\r\n\r\n--b\r\nContent-Type: text/plain\r\nContent-Language: fr\r\n\r\nBonjour\r\n--b--\r\nOK (SEND) r1 impp/1.0\r\nTo: x\r\n\r\nERROR (PING) p impp/1.0\r\nReason: malformed\r\n\r\nPING p impp/1.0\r\n\r\n',
    ],
    take: (octets) => {
      let read = 0
      const framer = new UnitFramer({ ...defaultFramerLimits, unitOctetsMax: 8192 })
      for (let at = 0; at < octets.length; at += 4096) {
        framer.push(octets.subarray(at, at + 4096))
        for (let unit = framer.next(); unit !== undefined; unit = framer.next()) {
          if (unit.kind !== 'request') {
            if ('fatal' in unit && unit.fatal) return false
            read++
            continue
          }
          const { headers, body } = unit
          messageOf(headers, body, romeo, juliet)
          acceptedTypes(headers.get('accept') ?? '')
          leaseTimeOf(headers.get('lease-time') ?? '')
          addressOfUrl(headers.get('target') ?? '')
        }
        assert.ok(framer.pendingOctets <= 2 * 8192, `${framer.pendingOctets} octets are held`)
      }
      return read >= 2
    },
  },
  {
    name: 'Digest credentials',
    samples: [
      'Digest username="romeo", realm="example.com", nonce="a\\"b", uri="sip:example.com", response="6629fae49393a05397450978507c4ef1", algorithm=SHA-256, cnonce="c", opaque="x", qop=auth, nc=00000001',
    ],
    take: (octets) => readDigestCredentials(octets.toString('latin1')) !== undefined,
  },
  {
    name: 'SASL messages',
    samples: [
      'n,a=romeo@example.com,n=user=2C=3D,r=nonce',
      'c=biws,r=nonce,p=dHJ1c3Q=',
      'p=tls-exporter,,n=u,r=x',
      '\0romeo\0secret',
    ],
    take: (octets) => {
      const read = [readClientFirst(octets), readClientFinal(octets), readPlain(octets)]
      return read.some((message) => message !== undefined)
    },
  },
  {
    name: 'addresses',
    samples: [
      'romeo@example.com',
      'sip:romeo%2Bx@example.com;user=phone?h=v',
      'impp://example.com/ro%2Bmeo',
      'im:r\u00f6meo@xn--bcher-kva.example',
      'xmpp:romeo@b\u00fccher.example/x?message;body=y',
      'pres:d%5c27artagnan@example.com',
    ],
    take: (octets) => {
      const text = utf8(octets)
      let read = false
      for (const address of [parseAddress(text), addressOfUri(text), addressOfUrl(text)]) {
        if (address === undefined) continue
        read = true
        // Whatever is in it, a URI of it is one line of visible ASCII.
        for (const uri of [imUri(address), presUri(address), imppUri(address), sipUri(address)])
          assert.match(uri, /^[!-~]+$/)
      }
      return read
    },
  },
  {
    name: 'JIDs',
    samples: [
      'romeo@example.com/Balcony \u{1f319}',
      'example.com/x',
      'r\u00f6meo\\20x@b\u00fccher.example',
      'a@b/c@d/e',
    ],
    take: (octets) => {
      const jid = parseJid(utf8(octets))
      if (jid === undefined) return false
      const written = fullJid(jid.address, jid.resource)
      assert.ok(Buffer.byteLength(bareJid(jid.address)) <= 2047)
      assert.equal(parseJid(written)?.address.key, jid.address.key, 'what is written names the same')
      return true
    },
  },
  {
    name: 'stanzas, SASL elements and roster sets',
    samples: [
      "<message xmlns='jabber:client' to='juliet@example.com/x' id='1' type='chat' xml:lang='en'><body>x &amp; y</body><thread>t</thread><content xmlns='urn:verona:content:0' type='text/html'><field name='Content-Language'>de</field>aGk=</content></message>",
      "<iq xmlns='jabber:client' type='set' id='r'><query xmlns='jabber:iq:roster'><item jid='a@b' name='n' subscription='remove'><group>g</group></item></query></iq>",
      "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AHUAcA==</auth>",
      "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>=</response>",
    ],
    take: (octets) => {
      const stanza = readStanza(octets)
      if (stanza !== undefined) elementOf(stanza.frame)
      const element = parseElement(octets)
      if (isXmlFault(element)) return false
      saslInput(element)
      for (const child of element.elements()) readRosterSet(child)
      return true
    },
  },
  {
    name: 'CSV',
    samples: ['\ufeffaddress,password\r\nromeo@example.com,"se,cr""et"\r\n"juliet@example.com",x\n\n'],
    take: (octets) => {
      const { records, faults } = readCsv(utf8(octets))
      for (const { line } of faults) assert.ok(line > 0)
      return records.length > 0 && faults.length === 0
    },
  },
  {
    name: 'configuration',
    samples: [
      'data = "./data"\ndomains = ["localhost"]\n[xmpp]\nclient = "127.0.0.1:5222"\nplain_without_tls = false\nidle_seconds = 300\n[[domain]]\nname = "x"\ncertificate = "y"\n[auth]\nscram_iterations = 4_096\n',
    ],
    take: (octets) => {
      const file = join(directory, 'verona.toml')
      writeFileSync(file, octets)
      try {
        loadConfig({ file, sections, environment: {}, directory })
        return true
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error
        assert.match(error.message, /verona\.toml/)
        return false
      }
    },
    dear: 4,
  },
]

for (const { name, samples, take, dear = 1 } of codecs) {
  const corpus = samples.map((sample) => Buffer.from(sample))

  test(`${name}: the samples themselves are read`, () => {
    for (const sample of corpus) assert.ok(take(sample), sample.toString('latin1'))
  })

  test(`${name}: cut or flipped at each octet`, () => {
    for (const sample of corpus)
      if (dear === 1 || soak) everyCut(sample, take)
      else for (let n = 0; n <= sample.length; n += dear) timed(take, sample.subarray(0, n))
  })

  test(`${name}: damaged in several places, over-long, not UTF-8 (seed ${seed})`, () => {
    fc.assert(
      fc.property(fc.nat(corpus.length - 1), changes, (which, list) =>
        timed(take, damaged(corpus[which] as Buffer, list)),
      ),
      { ...runs, numRuns: Math.ceil(runs.numRuns / dear) },
    )
  })

  test(`${name}: nested and repeated without an end`, () => {
    for (const piece of [
      '<a>',
      '[[',
      '((',
      '"',
      '\\',
      ';x=y',
      ',x',
      '--b\r\n',
      'a: b\r\n',
      '\r\n ',
      '%41',
      '=?',
      '.',
      'x.',
      '{a=',
      '\u0301',
    ])
      for (const size of [1000, 100_000]) {
        const filler = Buffer.from(piece.repeat(Math.ceil(size / piece.length)))
        timed(take, filler)
        for (const sample of corpus.slice(0, 2)) {
          timed(
            take,
            Buffer.concat([
              sample.subarray(0, sample.length >> 1),
              filler,
              sample.subarray(sample.length >> 1),
            ]),
          )
          timed(take, Buffer.concat([sample, filler]))
        }
      }
  })
}
