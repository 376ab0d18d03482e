// The examples of docs/specs/impp-1.0.md, played against the server.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { afterEach, test } from 'node:test'
import { text, utf8 } from '#base'
import { ScramClient } from '../../src/protocols/impp/client/scram.ts'
import { type ImppFault, type ImppUnit, UnitFramer } from '../../src/protocols/impp/codec/index.ts'
import { at, fixture, settled } from '../../src/protocols/impp/testing/fixture.ts'
import { dropHands, Hand, type Seen } from '../../src/protocols/impp/testing/hand.ts'

afterEach(dropHands)

interface Example {
  /** What stands behind the fence: who speaks to whom. */
  readonly about: string
  readonly units: readonly string[]
}

const document = readFileSync(new URL('../../docs/specs/impp-1.0.md', import.meta.url), 'utf8')
const examples: Example[] = [...document.matchAll(/^```impp ?(.*)\n([\s\S]*?)^```$/gm)].map((match) => ({
  about: match[1] as string,
  units: unitsOf(match[2] as string),
}))

/** Units as on the wire: a block of lines, and a body as long as it says, its last line end left out. */
function unitsOf(block: string): string[] {
  const units: string[] = []
  for (let rest = block; rest !== ''; ) {
    const end = rest.indexOf('\n\n') + 2
    assert.ok(end > 1, `no blank line in ${rest}`)
    const head = rest.slice(0, end)
    const octets = utf8(rest.slice(end))
    const length = Number(/^Content-Length: (\d+)$/m.exec(head)?.[1] ?? 0)
    const body = text(octets.subarray(0, length))
    units.push(head.replaceAll('\n', '\r\n') + body)
    rest = text(octets.subarray(length)).replace(length > 0 ? /^\n/ : '', '')
  }
  return units
}

function read(unit: string): ImppUnit | ImppFault | undefined {
  const framer = new UnitFramer()
  framer.push(utf8(unit))
  return framer.next()
}

test('every example of the document is in its grammar', () => {
  assert.ok(examples.length > 12)
  for (const unit of examples.flatMap((example) => example.units)) {
    const found = read(unit.replace(' * ', ' n1 '))
    assert.ok(found !== undefined && found.kind !== 'fault', `${unit}\n${JSON.stringify(found)}`)
    assert.equal(found.raw.length, utf8(unit.replace(' * ', ' n1 ')).length)
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

test('the examples of §11 happen as they are written', async () => {
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
  }
})

function assertSame(seen: Seen, unit: string): void {
  const found = read(unit)
  assert.ok(found !== undefined && found.kind !== 'fault')
  const fields = Object.fromEntries([...found.headers].map(([name, value]) => [name.toLowerCase(), value]))
  assert.deepEqual(
    { first: seen.first, fields: seen.fields, body: seen.body },
    { first: unit.slice(0, unit.indexOf('\r\n')), fields, body: text(found.body) },
  )
}
