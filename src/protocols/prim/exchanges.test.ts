// The worked exchanges of testdata/exchanges.txt, octet for octet: lines end with CR LF, \n and \r in a body are those octets.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { afterEach, test } from 'node:test'
import { concat, noBytes, text, utf8 } from '#base'
import { type Connection, connectionPair } from '#net'
import { serveClient } from './protocol.ts'
import { type Fixture, fixture, settled } from './testing/fixture.ts'
import { dropHands } from './testing/hand.ts'

afterEach(dropHands)

/** Real milliseconds in which what must come comes: a password is checked elsewhere. */
const patience = 10_000

/** One person's connection, by octets alone. */
class Wire {
  readonly connection: Connection
  #came = noBytes

  constructor({ environment, clock }: Fixture) {
    const [ours, theirs] = connectionPair({ clock })
    serveClient(ours, environment)
    this.connection = theirs
    theirs.start({
      onData: (octets) => {
        this.#came = concat([this.#came, octets])
      },
      onClose: () => {},
    })
  }

  async take(length: number): Promise<string> {
    for (const from = performance.now(); this.#came.length < length && performance.now() - from < patience; )
      await settled()
    const taken = text(this.#came.subarray(0, length))
    this.#came = this.#came.slice(length)
    return taken
  }

  async login(name: string, service: 'pres' | 'im'): Promise<void> {
    const token = service === 'im' ? 'PRIM-IM' : 'PRIM-PR'
    const head = `From: ${service}:${name}@example.com\r\nSASL-Mech: PLAIN\r\n`
    const body = `${name}\r\nsecret`
    this.connection.write(utf8(`LOGIN ${token}/1.0 1 0\r\n${head}Auth-State: init\r\n\r\n`))
    this.connection.write(
      utf8(`LOGIN ${token}/1.0 1 ${body.length}\r\n${head}Auth-State: continue\r\n\r\n${body}`),
    )
    for (
      const from = performance.now();
      !text(this.#came).includes(' 200 OK') && performance.now() - from < patience;
    )
      await settled()
    assert.match(text(this.#came), / 200 OK\r\n/)
    this.#came = noBytes
  }
}

interface Step {
  readonly who: string
  readonly octets: string
}

function stepsOf(section: string): (Step | number)[] {
  return section
    .split('\n\n')
    .slice(1)
    .map((block) => {
      const [first = '', ...lines] = block.split('\n')
      const passes = /^time passes (\d+) seconds$/.exec(first)?.[1]
      if (passes !== undefined) return Number(passes)
      const own = lines.map((line) => line.slice(2))
      const blank = own.indexOf('')
      const body = own
        .slice(blank + 1)
        .join('\n')
        .replaceAll('\\r', '\r')
        .replaceAll('\\n', '\n')
      return { who: first, octets: `${own.slice(0, blank).join('\r\n')}\r\n\r\n${body}` }
    })
}

const file = new URL('testdata/exchanges.txt', import.meta.url)
const sections = readFileSync(file, 'utf8').split(/^# /m).slice(1)

test('the worked exchanges, one after the other', async (t) => {
  const f = await fixture({ pingSeconds: 3600 })
  const wires = new Map<string, Wire>()
  for (const name of ['alice', 'bob', 'mallory']) {
    const wire = new Wire(f)
    wires.set(name, wire)
    if (name !== 'bob') await wire.login(name, 'pres')
  }
  for (const section of sections) {
    await t.test(section.split('\n')[0] as string, async () => {
      if (section.startsWith('4.')) for (const [name, wire] of wires) await wire.login(name, 'im')
      for (const step of stepsOf(section.replace(/\n+$/, ''))) {
        if (typeof step === 'number') {
          f.clock.advance(step * 1000)
          await settled()
          continue
        }
        const [name = '', direction] = step.who.split(' ')
        const wire = wires.get(name)
        assert.ok(wire, step.who)
        if (direction === '>') wire.connection.write(utf8(step.octets))
        else assert.equal(await wire.take(utf8(step.octets).length), step.octets)
      }
    })
  }
})
