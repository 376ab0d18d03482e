// docs/specs/impp-1.0.md: its grammar against its examples and the codec, its examples against the server.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { afterEach, test } from 'node:test'
import { text, utf8 } from '#base'
import { ScramClient } from '../../src/protocols/impp/client/scram.ts'
import {
  addressOfUrl,
  contactText,
  type ImppFault,
  type ImppUnit,
  listBytes,
  presenceBody,
  ruleText,
  UnitFramer,
  watcherText,
} from '../../src/protocols/impp/codec/index.ts'
import { methods } from '../../src/protocols/impp/methods/index.ts'
import { at, fixture, settled } from '../../src/protocols/impp/testing/fixture.ts'
import { dropHands, Hand, type Seen } from '../../src/protocols/impp/testing/hand.ts'
import { Grammar } from './abnf.ts'

afterEach(dropHands)

interface Example {
  /** What stands behind the fence: who speaks to whom. */
  readonly about: string
  readonly units: readonly string[]
}

const document = readFileSync(new URL('../../docs/specs/impp-1.0.md', import.meta.url), 'utf8')
const grammar = new Grammar(
  [...document.matchAll(/^```abnf\n([\s\S]*?)^```$/gm)].map(([, block]) => block).join('\n'),
)
const examples: Example[] = [...document.matchAll(/^```impp ?(.*)\n([\s\S]*?)^```$/gm)].map((match) => ({
  about: match[1] as string,
  units: unitsOf(match[2] as string),
}))
/** Header names, in lower case, and the rule of their values (§5 and what follows it). */
const valueRules = new Map(
  tableAfter('| header | value | where |').map(([name, rule]) => [
    (name as string).replaceAll('`', '').toLowerCase(),
    rule as string,
  ]),
)

/** Cells of the rows under a table's head. */
function tableAfter(head: string): string[][] {
  const rows: string[][] = []
  for (let from = document.indexOf(head); from !== -1; from = document.indexOf(head, from + 1)) {
    for (const line of document.slice(from).split('\n').slice(2)) {
      if (!line.startsWith('|')) break
      rows.push(
        line
          .slice(1, -1)
          .split('|')
          .map((cell) => cell.trim()),
      )
    }
  }
  assert.ok(rows.length > 0, head)
  return rows
}

/** Units as on the wire: a block of lines, and a body as long as it says, its last line end left out. */
function unitsOf(block: string): string[] {
  const units: string[] = []
  for (let rest = block; rest !== ''; ) {
    // An envelope and the request behind it are one unit (§4).
    const inner = rest.startsWith('ENVELOPE ') ? rest.indexOf('\n\n') + 2 : 0
    const end = rest.indexOf('\n\n', inner) + 2
    assert.ok(end > 1, `no blank line in ${rest}`)
    const head = rest.slice(0, end)
    const octets = utf8(rest.slice(end))
    const said = /^Content-Length: (\d+|\*)$/m.exec(head)?.[1] ?? '0'
    const length = said === '*' ? octets.length - 1 : Number(said)
    const body = text(octets.subarray(0, length))
    units.push(head.replaceAll('\n', '\r\n') + body)
    rest = text(octets.subarray(length)).replace(length > 0 ? /^\n/ : '', '')
  }
  return units
}

/** A unit of the document with something where it leaves the choice to the server. */
function filled(unit: string): string {
  const [head = '', ...body] = unit.split('\r\n\r\n')
  const rest = body.join('\r\n\r\n').replaceAll('<lease>*<', '<lease>1<')
  const lines = head
    .replace(' * ', ' n1 ')
    .replace('Content-Length: *', `Content-Length: ${utf8(rest).length}`)
    .replace('Stored: *', 'Stored: 2026-01-01T00:00:00Z')
  return `${lines.replaceAll(': *', ': n1')}\r\n\r\n${rest}`
}

function read(unit: string | Uint8Array): ImppUnit | ImppFault | undefined {
  const framer = new UnitFramer()
  framer.push(typeof unit === 'string' ? utf8(unit) : unit)
  return framer.next()
}

test('every rule that the grammar names is there', () => {
  for (const name of grammar.names) grammar.matches(name, '')
  assert.ok(grammar.names.length > 90)
})

test('every example of the document is in its grammar, and every header has the value that its rule says', () => {
  assert.ok(examples.length > 25)
  for (const unit of examples.flatMap((example) => example.units).map(filled)) {
    assert.ok(grammar.matches('unit', utf8(unit)), unit)
    const found = read(unit)
    assert.ok(found !== undefined && found.kind !== 'fault', `${unit}\n${JSON.stringify(found)}`)
    const outer = found.kind === 'request' ? found.envelope : undefined
    assert.equal(found.raw.length, utf8(unit).length - (outer?.end ?? 0))
    for (const [name, value] of [...(outer ?? []), ...found.headers]) {
      const rule = valueRules.get(name.toLowerCase())
      assert.ok(rule !== undefined, `${name} is not in the document`)
      assert.ok(grammar.matches(rule, utf8(value)), `${name}: ${value}`)
    }
    const form = /^<(presence|access|contacts|watchers)>/.exec(text(found.body))?.[1]
    if (form !== undefined)
      assert.ok(grammar.matches(form === 'presence' ? 'document' : form, found.body), unit)
  }
})

test('grammar and codec take the same heads of units, whatever octet is changed or left out', () => {
  const seeds = [
    'SEND 57AQ-._+=/ impp/1.0\r\nTarget: impp://a.example/b\r\nSubject: Grüße\r\n\r\n',
    'OK (SUBSCRIBE) 57AQ impp/1.0\r\nLease-Time:\t3000 \r\nEmpty:\r\n\r\n',
    'ERROR (-) - impp/1.12\r\n\r\n',
    'ENVELOPE impp/1.0\r\nCopy: sent\r\n\r\nPING 1 impp/1.0\r\n\r\n',
  ].map(utf8)
  const octets = [0, 9, 10, 13, 31, 32, 33, 40, 45, 47, 48, 58, 65, 97, 127, 0x80, 0xc3, 0xe2, 0xff]
  let taken = 0
  for (const seed of seeds) {
    for (let place = 0; place < seed.length; place++) {
      for (const octet of [...octets, undefined]) {
        const changed = octet === undefined ? [] : [octet]
        const unit = Uint8Array.from([...seed.subarray(0, place), ...changed, ...seed.subarray(place + 1)])
        const found = read(unit)
        // Another version is grammatical; what is incomplete, or more than one unit, is another matter.
        const isTaken =
          found !== undefined && (found.kind !== 'fault' || found.condition === 'version-not-supported')
        const isOne =
          found === undefined ||
          found.kind === 'fault' ||
          found.raw.byteOffset + found.raw.length === unit.byteOffset + unit.length
        if (found === undefined || !isOne || repeats(unit)) continue
        if (isTaken) taken++
        assert.equal(
          grammar.matches('unit', unit),
          isTaken,
          JSON.stringify(Buffer.from(unit).toString('latin1')),
        )
      }
    }
  }
  assert.ok(taken > 500)
})

/** Names that come twice, and lengths, are no matter of the grammar. */
function repeats(unit: Uint8Array): boolean {
  const names = [...text(unit).matchAll(/^([^:\r\n]+):/gm)].map(([, name]) => (name as string).toLowerCase())
  return new Set(names).size < names.length || names.includes('content-length')
}

test('what is written as presence and lists is in the grammar', () => {
  const notes = [
    { language: 'fr', text: 'à <&> "\n' },
    { language: '', text: '' },
  ]
  const tuple = {
    id: 'a&b',
    basic: 'open',
    show: 'xa',
    priority: -128,
    notes,
    timestamp: '2026-01-01T00:00:00Z',
  } as const
  const contact = { uri: 'sip:a@b', priority: 0.12345 }
  const tuples = [{ ...tuple, contact, statusExtensions: [], extensions: [] }]
  const said = presenceBody({ entity: 'pres:a@b', tuples, notes, extensions: [] }, 'tag-only')
  assert.ok(grammar.matches('document', said.bytes), text(said.bytes))
  const rule = ruleText({ subject: 'a&b', action: 'polite-block', visibility: 'basic' })
  assert.ok(grammar.matches('access', listBytes('access', [rule, rule])))
  const person = { url: 'impp://a/b', name: 'A <', groups: ['', '&'], states: ['sees', 'asks'] } as const
  const entries = [false, true].map((isGone) => contactText({ ...person, isGone }))
  assert.ok(grammar.matches('contacts', listBytes('contacts', entries)))
  const watcher = {
    id: 'x',
    url: 'impp://a/b',
    status: 'waiting',
    event: 'subscribe',
    sees: 'nothing',
  } as const
  const lease = { protocol: 'sip', secondsLeft: 3600 }
  const watchers = [
    { ...watcher, isPolitelyBlocked: true },
    { ...watcher, isPolitelyBlocked: false, lease },
  ].map(watcherText)
  assert.ok(grammar.matches('watchers', listBytes('watchers', watchers)))
})

test('what is written for an address is read as it (§3)', () => {
  const urls = [...document.matchAll(/^\| `(impp:[^`]+)` \|/gm)].map(([, url]) => url as string)
  assert.ok(urls.length > 2)
  for (const url of urls) {
    assert.ok(grammar.matches('impp-url', utf8(url)), url)
    assert.ok(addressOfUrl(url) !== undefined, url)
  }
  const users = ['50%25', 'Ren%C3%A9e', 'a%40b'].map(
    (user) => addressOfUrl(`impp://example.com/${user}`)?.user,
  )
  assert.deepEqual(users, ['50%', 'renée', undefined])
})

test('the requests of the document are those that the server takes, each refused without what it must have', async () => {
  const rows = [
    ...tableAfter('| request | legs | must have |'),
    ...tableAfter('| request | must have |').map(([name, ...rest]) => [name, 'C>S', ...rest]),
  ]
  const served = rows.filter(([, legs]) => legs?.includes('C>S')).map(([name]) => name as string)
  assert.deepEqual(served.sort(), [...methods.keys()].sort())
  const hand = await new Hand(await fixture()).login('juliet')
  const given: Record<string, string> = {
    Target: hand.url,
    'Lease-Time': '0',
    Change: 'put',
    Decision: 'allow',
    Forward: 'none',
  }
  for (const [name = '', legs, must = ''] of rows) {
    if (!legs?.includes('C>S') || !/Target/.test(must)) continue
    const all = must.split(', ')
    for (const missing of all) {
      const fields = Object.fromEntries(
        all.filter((each) => each !== missing).map((each) => [each, given[each] as string]),
      )
      assert.equal(
        (await hand.ask(name, fields, 'x')).fields.reason,
        'malformed',
        `${name} without ${missing}`,
      )
    }
  }
})

test('the login in the document is computed by SCRAM-SHA-256 (RFC 7677)', async () => {
  const units = examples.find((example) => example.about === 'scram')?.units ?? []
  const data = units.map((unit) => Buffer.from(/^Data: (\S+)\r$/m.exec(unit)?.[1] ?? '', 'base64'))
  const client = new ScramClient('juliet', 'pencil', 'none', 'rOprNGfwEbeRWgbNEkqO')
  assert.equal(text(client.first()), data[0]?.toString())
  assert.equal(text(await client.final(data[1] as Buffer)), data[2]?.toString())
  assert.ok(client.verify(data[3] as Buffer))
})

test('the examples of §15 happen as they are written', async () => {
  const f = await fixture()
  const named = ['ghudson', 'mark_day'].map((name) => ({
    address: at(`${name}@example.com`),
    password: 'secret',
  }))
  await f.service.accounts.add(named)
  const hands = {
    ghudson: await new Hand(f).login('ghudson', { Device: '6' }),
    mark_day: await new Hand(f).login('mark_day', { Device: 'desk' }),
  }
  let lastId = ''
  let played = 0
  for (const { about, units } of examples) {
    const [, writer, reader] = /^(\w+) to (\w+)$/.exec(about) ?? []
    const [unit = ''] = units
    if (about === 'mark_day disappears') hands.mark_day.connection.destroy()
    else if (reader === 'server') {
      const hand = hands[writer as keyof typeof hands]
      hand.answers = 'nothing'
      hand.write(unit.replace(' * ', ` ${lastId} `))
      await settled()
    } else if (writer === 'server') {
      const hand = hands[reader as keyof typeof hands]
      const seen = await hand.next(/^(OK|ERROR) /.test(unit) ? hand.responses : hand.requests)
      if (unit.includes(' * ')) lastId = seen.first.split(' ')[1] as string
      assertSame(seen, unit.replace(' * ', ` ${lastId} `))
    }
    if (writer !== undefined) played++
  }
  assert.ok(played > 30)
})

function assertSame(seen: Seen, unit: string): void {
  const [head = '', ...body] = unit.split('\r\n\r\n')
  const [first, ...lines] = head.split('\r\n')
  const fields = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
  )
  assert.equal(seen.first, first)
  assert.deepEqual(Object.keys(seen.fields).sort(), Object.keys(fields).sort(), unit)
  for (const [name, value] of Object.entries(fields)) assertLike(seen.fields[name] as string, value)
  assertLike(seen.body.replaceAll('\r\n', '\n'), body.join('\r\n\r\n').replaceAll('\r\n', '\n'))
}

/** `*` stands for anything. */
function assertLike(seen: string, pattern: string): void {
  const parts = pattern.split('*').map((part) => part.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'))
  assert.match(seen, new RegExp(`^${parts.join('[^]+?')}$`))
}
