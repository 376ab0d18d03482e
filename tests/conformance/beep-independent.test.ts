// BEEP read twice: sessions and logins, by the application that was written from the RFCs alone.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { password } from '../hostile/stand.ts'
import { attachText, IndependentApex } from './independent-apex.ts'
import { open, session, under } from './independent-apex-people.ts'
import { codeOf } from './independent-beep.ts'
import { xmlEntity } from './independent-entity.ts'
import { logInPlain, logInScram } from './independent-sasl.ts'
import { readXml } from './independent-xml.ts'

const apexUri = 'http://iana.org/beep/APEX'
const sasl = 'http://iana.org/beep/SASL/'
const tls = 'http://iana.org/beep/TLS'
const scrams = ['SHA-1', 'SHA-256', 'SHA-512'].map((hash) => `SCRAM-${hash}`)

describe('BEEP, as a second reader has it', () => {
  it('greets at once with what it serves: TLS and no PLAIN in the clear, no TLS again behind it (RFC 3080 §2.3.1.1, §3)', async (context) => {
    const stand = await open(context)
    const one = await session(context, stand)
    const before = await one.offered()
    assert.ok(before.includes(tls) && before.includes(apexUri), before.join())
    assert.ok(!before.includes(`${sasl}PLAIN`), before.join())
    const secure = await under(context, stand)
    const after = await secure.offered()
    assert.ok(!after.includes(tls), after.join())
    for (const mechanism of ['PLAIN', ...scrams, ...scrams.map((name) => `${name}-PLUS`)])
      assert.ok(after.includes(sasl + mechanism), `${mechanism}: ${after.join()}`)
  })

  it('channel 0 refuses what it can not do: profiles, numbers, elements (§2.3.1)', async (context) => {
    const one = await session(context, await open(context))
    const start = (number: number | string, uri: string): string =>
      `<start number='${number}'><profile uri='${uri}' /></start>`
    for (const [document, code] of [
      [start(1, 'http://example.com/nothing'), 550],
      [start(2, apexUri), 501], // the listener's numbers are even
      [start(0, apexUri), 501],
      [start('x', apexUri), 501],
      ["<start number='1'></start>", 501],
      ["<close number='99' code='200' />", 553],
      ['<hello />', 501],
      ['<start', 500],
      ["<?xml version='1.0'?><close number='0' code='200' />", 500],
    ] as const) {
      const answer = await one.ask(0, xmlEntity(document))
      const node = readXml(answer.entity.body.toString())
      assert.deepEqual([answer.keyword, codeOf(node)], ['ERR', code], `${document}: ${node.source}`)
    }
    assert.ok((await one.offered()).length > 0)
  })

  it('a channel that is open is not started again, and a server of another name is refused (§2.3.1.2)', async (context) => {
    const one = await session(context, await open(context))
    assert.equal(await one.start(apexUri, undefined, 'elsewhere.example'), 553)
    const begun = await one.start(apexUri, undefined, 'localhost')
    assert.ok(typeof begun !== 'number')
    const again = await one.manage(`<start number='${begun.number}'><profile uri='${apexUri}' /></start>`)
    assert.equal(codeOf(again), 550)
    assert.equal(await one.close(begun.number), 0)
    assert.notEqual(typeof (await one.start(apexUri)), 'number')
  })

  it('of several profiles the first that it serves is taken (§2.3.1.2)', async (context) => {
    const one = await session(context, await open(context))
    const reply = await one.manage(
      `<start number='1'><profile uri='http://example.com/x' /><profile uri='${apexUri}' /></start>`,
    )
    assert.deepEqual([reply.name, reply.attributes.get('uri')], ['profile', apexUri])
  })

  it('close of the session is agreed to, and TCP ends (§2.4)', async (context) => {
    const one = await session(context, await open(context))
    await one.offered()
    assert.equal(await one.close(0), 0)
    await one.ends()
  })

  it('a poorly formed frame ends the session without a word (§2.2.1.1)', async (context) => {
    const stand = await open(context)
    for (const octets of [
      'MSG 0 1 . 99 0\r\nEND\r\n',
      'RPY 0 7 . 52 0\r\nEND\r\n',
      'XYZ 0 1 . 52 0\r\nEND\r\n',
      'MSG 7 1 . 0 0\r\nEND\r\n',
      'NUL 0 0 * 52 0\r\nEND\r\n',
      'SEQ 9 0 4096\r\n',
      'SEQ 0 999999 4096\r\n',
    ]) {
      const one = await session(context, stand)
      await one.offered()
      one.raw(octets)
      await one.ends()
    }
  })
})

describe('logins, as a second reader has them', () => {
  for (const mechanism of scrams.flatMap((name) => [name, `${name}-PLUS`])) {
    it(`${mechanism} under TLS proves both sides, and another password is 535 (RFC 3080 §4)`, async (context) => {
      const stand = await open(context)
      const one = await under(context, stand)
      assert.equal(await logInScram(one, 'fred@localhost', password, mechanism), 0)
      const other = await under(context, stand)
      assert.equal(await logInScram(other, 'fred@localhost', 'yabba', mechanism), 535)
      assert.equal(await logInScram(other, 'nobody@localhost', 'yabba', mechanism), 535)
    })
  }

  it('SCRAM in the clear shows nobody the password, and an application attaches by it', async (context) => {
    const one = await session(context, await open(context))
    assert.equal(await logInScram(one, 'fred@localhost', password, 'SCRAM-SHA-256'), 0)
    assert.equal(await new IndependentApex(one).open(attachText('fred@localhost', 1)), 250)
  })

  it('PLAIN in the clear is not served: 538 (RFC 3080 §8)', async (context) => {
    const one = await session(context, await open(context))
    assert.equal(await logInPlain(one, 'fred@localhost', password), 538)
  })

  it('PLAIN under TLS, with and without an authorization identity; another’s is 537, a wrong password 535', async (context) => {
    const stand = await open(context)
    for (const [secret, authzid, code] of [
      [password, '', 0],
      [password, 'fred@localhost', 0],
      [password, 'barney@localhost', 537],
      ['yabba', '', 535],
    ] as const) {
      const one = await under(context, stand)
      assert.equal(await logInPlain(one, 'fred@localhost', secret, authzid), code, authzid)
    }
  })

  it('the user name may go without its domain', async (context) => {
    const one = await under(context, await open(context))
    assert.equal(await logInPlain(one, 'fred', password), 0)
    assert.equal(await new IndependentApex(one).open(attachText('fred@localhost', 1)), 250)
  })

  it('a second login on a session is refused (§4: "further SASL negotiations ... disallowed"), and so is TLS behind a login', async (context) => {
    const one = await session(context, await open(context))
    assert.equal(await logInScram(one, 'fred@localhost', password, 'SCRAM-SHA-256'), 0)
    const second = await logInScram(one, 'fred@localhost', password, 'SCRAM-SHA-256')
    assert.ok(second >= 500 && second < 600, String(second))
    const start = await one.start(tls, '<ready />')
    assert.ok(typeof start === 'number', 'TLS behind a login')
  })

  it('abort by the client is answered, and it may try again (§4.1.3)', async (context) => {
    const one = await under(context, await open(context))
    const begun = await one.start(
      `${sasl}SCRAM-SHA-256`,
      `<blob>${base64('n,,n=fred@localhost,r=abc')}</blob>`,
    )
    assert.ok(typeof begun !== 'number')
    const { entity } = await one.ask(begun.number, xmlEntity("<blob status='abort' />"))
    const said = readXml(entity.body.toString())
    assert.ok(said.name === 'blob' || said.name === 'error', said.source)
    await one.close(begun.number)
    assert.equal(await logInPlain(one, 'fred@localhost', password), 0)
  })

  it('a blob that is no base64 is 501, and the session goes on (§8)', async (context) => {
    const one = await under(context, await open(context))
    const begun = await one.start(`${sasl}PLAIN`, '<blob>%%%</blob>')
    assert.ok(typeof begun !== 'number')
    assert.equal(codeOf(readXml(begun.content)), 501)
    await one.close(begun.number)
    assert.equal(await logInPlain(one, 'fred@localhost', password), 0)
  })
})

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}
