import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { concat, text, utf8 } from '#base'
import { type Condition, conditions, parseAddress } from '#model'
import { ownUnit } from '#wire/exchange'
import { addressOfAnyId, addressOfId, idOf } from './addresses.ts'
import { UnitFramer } from './framer.ts'
import {
  classList,
  dateOf,
  dateText,
  field,
  isMessageId,
  isTokenText,
  mechanismList,
  textOfToken,
  tokenText,
} from './header-fields.ts'
import {
  aclBytes,
  classTableBytes,
  inboxRights,
  parseAcl,
  parseClassTable,
  parseSubscribers,
  presenceRights,
  subscribersBytes,
} from './lists.ts'
import { withHopFields } from './splice.ts'
import { conditionOf, phrases, statusOf } from './status.ts'
import { strengthOf, weaker } from './strength.ts'
import type { PrimFault, PrimRequest, PrimUnit } from './unit.ts'
import { requestBytes, responseBytes } from './write.ts'

const numRuns = Number(process.env.VERONA_SOAK) > 0 ? 10_000 : 100

function framed(octets: string | Uint8Array, cut?: number): (PrimUnit | PrimFault)[] {
  const bytes = typeof octets === 'string' ? utf8(octets) : octets
  const framer = new UnitFramer({ bodyOctetsMax: 1000 })
  const units: (PrimUnit | PrimFault)[] = []
  const parts = cut === undefined ? [bytes] : [bytes.slice(0, cut), bytes.slice(cut)]
  for (const part of parts) {
    framer.push(part)
    for (let unit = framer.next(); unit !== undefined; unit = framer.next()) units.push(kept(unit))
    // What is on loan is overwritten.
    part.fill(42)
  }
  return units
}

function kept(unit: PrimUnit | PrimFault): PrimUnit | PrimFault {
  if (unit.kind !== 'response') return unit
  return ownUnit(unit)
}

const send =
  'SEND PRIM/1.0 44 14\r\nFrom: im:carol@example.net\r\nTo: im:bob@example.com\r\nMessage-ID: 7f3a@example.net\r\nContent-Type: text/plain\r\n\r\nLunch at noon?'
const answer = 'PRIM/1.0 44 0 408 Inbox Is Closed\r\nFrom: im:carol@example.net\r\n\r\n'

describe('units (docs/specs/prim.md §3)', () => {
  test('a request and a response, wherever the stream is cut', () => {
    const both = utf8(`\r\n${send}\r\n\r\n${answer}`)
    for (let cut = 0; cut <= both.length; cut++) {
      const units = framed(both.slice(), cut)
      assert.deepEqual(
        units.map((unit) => [unit.kind, unit.token, unit.id]),
        [
          ['request', 'PRIM', '44'],
          ['response', 'PRIM', '44'],
        ],
        `cut at ${cut}`,
      )
      assert.equal(unitStatus(units[1]), 408)
    }
  })

  test('the body is what the start line says, and a loan', () => {
    const framer = new UnitFramer()
    framer.push(utf8(send))
    const unit = framer.next() as PrimRequest
    assert.equal(text(unit.body), 'Lunch at noon?')
    assert.equal(text(unit.raw), send)
    assert.equal(field(unit.headers, 'Message-ID'), '7f3a@example.net')
    assert.equal(field(unit.headers, 'message-id'), undefined, 'letter case of names matters')
    assert.equal(framer.next(), undefined)
  })

  const startLines: [string, 'ok' | 'fault'][] = [
    ['PING PRIM-PR/1.0 - 0', 'ok'],
    ['PING PRIM-PR/1.12 a1B2 0', 'ok'],
    [`PING PRIM-PR/1.0 ${'a'.repeat(32)} 0`, 'ok'],
    [`PING PRIM-PR/1.0 ${'a'.repeat(33)} 0`, 'fault'],
    ['PING PRIM-PR/1.0 -- 0', 'fault'],
    ['PING PRIM-PR/1.0 a-b 0', 'fault'],
    ['PING PRIM-PR/1.0 a', 'fault'],
    ['PING PRIM-PR/1.0 a -1', 'fault'],
    ['PING PRIM-PR/1.0 a 00000000000', 'fault'],
    ['PING PRIM-PR/1.0 a  0', 'fault'],
    ['PING PRIM-PR/1.0 a 0 ', 'fault'],
    ['PING PRIM-XX/1.0 a 0', 'fault'],
    ['PING PRIM-PR/1 a 0', 'fault'],
    ['PING PRIM-PR/.0 a 0', 'fault'],
    ['PING PRIM-PR/1.000 a 0', 'fault'],
    ['PING PRIM-PR1.00 a 0', 'fault'],
    ['ping PRIM-PR/1.0 a 0', 'fault'],
    [`${'P'.repeat(33)} PRIM-PR/1.0 a 0`, 'fault'],
    ['PRIM-IM/1.0 a 0 200 OK', 'ok'],
    ['PRIM-IM/1.0 a 0 200 ', 'ok'],
    ['PRIM-IM/1.0 a 0 200 Très bien', 'ok'],
    ['PRIM-IM/1.0 - 0 200 OK', 'fault'],
    ['PRIM-IM/1.0 a 0 20 OK', 'fault'],
    ['PRIM-IM/1.0 a 0 099 OK', 'fault'],
    ['PRIM-IM/1.0 a 0 200', 'fault'],
    ['PRIM-IM/1.0 a 0 200 O\tK', 'fault'],
    ['', 'fault'],
  ]
  for (const [line, expected] of startLines.slice(0, -1)) {
    test(`"${line.slice(0, 50)}" is ${expected === 'ok' ? 'a start line' : 'none, which is fatal'} (§3.1)`, () => {
      const [unit] = framed(`${line}\r\n\r\n`)
      if (expected === 'ok') assert.notEqual(unit?.kind, 'fault')
      else assert.ok(unit?.kind === 'fault' && unit.fatal && unit.condition === 'malformed')
    })
  }

  const lines: [string, string][] = [
    ['no space after the colon', 'X:y'],
    ['a tab', 'X: a\tb'],
    ['a name with an underscore', 'X_Y: z'],
    ['no colon', 'Xyz'],
    ['a continuation', 'X: y\r\n z'],
    ['a known field twice', 'From: im:a@b\r\nFrom: im:a@b'],
    ['a transfer encoding', 'Content-Transfer-Encoding: base64'],
    ['a line too long', `X: ${'y'.repeat(4100)}`],
    ['too many fields', 'X: y\r\n'.repeat(65).slice(0, -2)],
    ['octets that are not UTF-8', 'X: \u00ff'],
  ]
  for (const [what, line] of lines) {
    test(`${what}: 400, and the body is read past (§3.3, §3.4)`, () => {
      const octets = Buffer.from(`SEND PRIM/1.0 1 5\r\n${line}\r\n\r\nhello${answer}`, 'latin1')
      const [fault, next] = framed(new Uint8Array(octets))
      assert.ok(fault?.kind === 'fault' && !fault.fatal && fault.id === '1')
      assert.equal(next?.kind, 'response')
    })
  }

  test('an unknown field may come twice and with any value', () => {
    const unit = unitOf('PING PRIM/1.0 1 0\r\nX: \r\nX:  y \r\n\r\n')
    assert.deepEqual(
      [...unit.headers],
      [
        ['X', ''],
        ['X', ' y '],
      ],
    )
  })

  test('a body too long is fatal; so is a block without an end, and another major version', () => {
    const [long] = framed('SEND PRIM/1.0 1 1001\r\n\r\n')
    assert.ok(long?.kind === 'fault' && long.fatal && long.condition === 'message-too-large')
    const [endless] = framed(`SEND PRIM/1.0 1 0\r\n${'X: y\r\n'.repeat(12_000)}`)
    assert.ok(endless?.kind === 'fault' && endless.fatal)
    const [line] = framed('S'.repeat(5000))
    assert.ok(line?.kind === 'fault' && line.fatal)
    const [version] = framed('SEND PRIM/2.0 1 0\r\n\r\n')
    assert.ok(version?.kind === 'fault' && version.fatal && version.condition === 'version-not-supported')
  })

  test('what is written is read back (property)', () => {
    const name = fc.stringMatching(/^X-[A-Za-z0-9-]{1,10}$/)
    const value = fc.stringMatching(/^[!-~äß]{0,20}$/)
    const fields = fc.array(fc.tuple(name, value), { maxLength: 10 })
    const body = fc.uint8Array({ maxLength: 200 })
    fc.assert(
      fc.property(fields, body, fc.nat(300), (pairs, bytes, cut) => {
        const octets = concat([
          requestBytes('SEND', 'PRIM-IM', 'a1', pairs, { type: 'x/y', bytes }),
          responseBytes('PRIM', 'b2', 200, pairs, { type: 'x/y', bytes }),
        ])
        const units = framed(octets, Math.min(cut, octets.length))
        assert.equal(units.length, 2)
        for (const unit of units) assert.notEqual(unit.kind, 'fault')
      }),
      { numRuns },
    )
  })

  test('any octets give units or faults, never an exception (property)', () => {
    const word = fc.constantFrom(
      'SEND ',
      'PRIM/1.0 ',
      'PRIM-PR/1.0',
      '1 ',
      '0',
      '5',
      ' 200 OK',
      '\r\n',
      '\n',
      ': ',
      'X',
      'From: a',
    )
    const octets = fc.array(fc.oneof(word, fc.string({ unit: 'binary', maxLength: 4 })), { maxLength: 40 })
    fc.assert(
      fc.property(octets, fc.nat(100), (words, cut) => {
        const bytes = utf8(words.join(''))
        const whole = framed(bytes.slice())
        assert.deepEqual(
          framed(bytes.slice(), Math.min(cut, bytes.length)).map(({ kind, id }) => [kind, id]),
          whole.map(({ kind, id }) => [kind, id]),
        )
      }),
      { numRuns: numRuns * 10 },
    )
  })
})

function unitStatus(unit: PrimUnit | PrimFault | undefined): number {
  return unit?.kind === 'response' ? unit.status : 0
}

describe('fields and identifiers (docs/specs/prim.md §3.1, §5)', () => {
  test('identifiers, the scheme in lower case, the rest without regard to letter case', () => {
    assert.equal(addressOfId('pres:Bob@Example.com', 'pres')?.key, 'bob@example.com')
    assert.equal(addressOfId('im:a%23b@example.com', 'im')?.user, 'a#b')
    assert.equal(addressOfId('im:who?@example.com', 'im')?.user, 'who?')
    for (const bad of ['PRES:b@c', 'im:b@c', 'pres:b', 'pres:@c', 'pres:b c@d', 'pres:b%2@c', 'pres:b%ff@c'])
      assert.equal(addressOfId(bad, 'pres'), undefined, bad)
    assert.equal(addressOfAnyId('bob@example.com')?.key, 'bob@example.com')
    assert.equal(addressOfAnyId('im:bob@example.com')?.key, 'bob@example.com')
    const odd = parseAddress('a#b,ü@example.com')
    assert.ok(odd)
    assert.equal(idOf(odd, 'im'), 'im:a%23b%2C%C3%BC@example.com')
    assert.equal(addressOfId(idOf(odd, 'im'), 'im')?.key, odd.key)
  })

  test('any text as a token, and back (property)', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), (any) => {
        fc.pre(any.isWellFormed())
        assert.ok(isTokenText(tokenText(any)))
        assert.equal(textOfToken(tokenText(any)), any)
      }),
      { numRuns },
    )
    assert.equal(textOfToken('%ff'), '%ff')
  })

  test('lists of classes and of mechanisms', () => {
    assert.deepEqual(classList('friends family friends'), ['friends', 'family'])
    assert.equal(classList('friends  family'), undefined)
    assert.deepEqual(mechanismList('A B,C, D'), ['A', 'B', 'C', 'D'])
    assert.equal(mechanismList('a'), undefined)
    assert.ok(
      isMessageId('7f3a@example.net') && isMessageId('x') && !isMessageId('') && !isMessageId('a@b@c'),
    )
  })

  test('a date as RFC 1123 writes it', () => {
    assert.equal(dateText(Date.UTC(2026, 4, 1, 9, 5)), 'Fri, 01 May 2026 09:05:00 +0000')
    assert.equal(dateOf('Fri, 01 May 2026 11:05:00 +0200'), Date.UTC(2026, 4, 1, 9, 5))
    assert.equal(dateOf('soon'), undefined)
  })

  test('a relay passes on the weaker strength (§5.2)', () => {
    assert.equal(weaker('strong', 'medium'), 'medium')
    assert.equal(weaker('none', 'strong'), 'none')
    assert.equal(strengthOf(undefined), 'none')
    assert.equal(strengthOf('iron'), undefined)
  })

  test('fields of the hop are put anew, all else stays octet for octet (§5.3)', () => {
    const came = send.replace('To:', 'AStrength: strong\r\nX-Odd:  two \r\nTo:')
    const written = text(withHopFields(unitOf(came), 'SEND', 'PRIM', '7', [['AStrength', 'weak']]))
    const wanted = came.replace('PRIM/1.0 44', 'PRIM/1.0 7').replace('AStrength: strong\r\n', '')
    assert.equal(written, wanted.replace('\r\n\r\n', '\r\nAStrength: weak\r\n\r\n'))
  })
})

function unitOf(octets: string): PrimRequest {
  const framer = new UnitFramer()
  framer.push(utf8(octets))
  return framer.next() as PrimRequest
}

describe('status codes (docs/specs/prim.md §7)', () => {
  for (const condition of conditions) {
    test(`${condition} has a code that the drafts know`, () => {
      assert.ok(phrases[statusOf[condition]] !== undefined)
    })
  }
  /** Codes that no condition is told by, or that are told for several, and what they are read as. */
  const others: Readonly<Record<number, Condition>> = {
    406: 'authentication-required',
    407: 'remote-timeout',
    409: 'conflict',
    410: 'domain-authentication-required',
    502: 'not-acceptable',
  }
  const refusals = Object.keys(phrases)
    .map(Number)
    .filter((each) => each >= 300)
  for (const code of refusals) {
    test(`${code} ${phrases[code]} is read as what it is told for`, () => {
      const read = conditionOf(code)
      assert.ok(others[code] === undefined ? statusOf[read] === code : others[code] === read, read)
    })
  }
  test('a code that is not known means what its class does', () => {
    assert.equal(conditionOf(599), 'internal-fault')
    assert.equal(conditionOf(499), 'malformed')
  })
})

describe('lists (docs/specs/prim.md §6.4 to §6.6)', () => {
  const acl = [
    { targets: ['alice@example.com', '@example.net'], rights: ['send' as const] },
    { targets: ['.'], rights: [] },
  ]
  const classes = [
    { name: 'fri"ends', watchers: ['alice@example.com', '.'] },
    { name: 'empty', watchers: [] },
  ]

  test('what is written is read back', () => {
    assert.deepEqual(parseAcl(aclBytes(acl), inboxRights), acl)
    assert.deepEqual(parseClassTable(classTableBytes(classes)), classes)
    assert.deepEqual(parseSubscribers(subscribersBytes(['pres:a@b'])), ['pres:a@b'])
    assert.deepEqual(parseAcl(utf8('<acl/>'), presenceRights), [])
  })

  const bad = [
    'text',
    '<list/>',
    '<acl><entry><target/><allow/></entry></acl>',
    '<acl><entry><target><address>.</address></target></entry></acl>',
    '<acl><entry><allow/><target><address>.</address></target></entry></acl>',
    '<acl><entry><target><address>.</address></target><allow><fly/></allow></entry></acl>',
    '<acl><entry><target><address>.</address></target><allow><fetch/></allow></entry></acl>',
    '<acl><entry><target><address><b/></address></target><allow/></entry></acl>',
    `<acl>${'<entry><target><address>.</address></target><allow/></entry>'.repeat(2501)}</acl>`,
  ]
  for (const each of bad)
    test(`${each.slice(0, 60)} is no list of an inbox`, () => {
      assert.equal(parseAcl(utf8(each), inboxRights), undefined)
    })
  test('a class needs a name, and holds watchers alone', () => {
    assert.equal(parseClassTable(utf8('<classtable><class/></classtable>')), undefined)
    assert.equal(parseClassTable(utf8('<classtable><class name="a"><b/></class></classtable>')), undefined)
    assert.equal(parseClassTable(utf8('<classtable><x name="a"/></classtable>')), undefined)
  })
})
