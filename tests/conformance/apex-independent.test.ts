// APEX read twice: attaching and data, by the application that was written from the RFCs alone.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { XmppPerson } from '../hostile/people.ts'
import { attachText, IndependentApex, option, relatedEntity, textPart } from './independent-apex.ts'
import { full, loggedIn, open, person, under } from './independent-apex-people.ts'
import { xmlEntity } from './independent-entity.ts'
import { elementsOf, readXml, textOf } from './independent-xml.ts'

const apexUri = 'http://iana.org/beep/APEX'

describe('attaching, as a second reader has it', () => {
  it('the steps of RFC 3340 §4.4.1: 555, 553, 537, 554', async (context) => {
    const stand = await open(context)
    const fred = await loggedIn(context, stand, 'fred')
    assert.equal(await fred.operate(attachText('fred@localhost', 7)), 250)
    assert.equal(await fred.operate(attachText('fred/appl=wb@localhost', 7)), 555)
    assert.equal(await fred.attach('fred@elsewhere.example'), 553)
    assert.equal(await fred.attach('wilma@localhost'), 537)
    assert.equal(await fred.attach('apex=report@localhost'), 537)
    assert.equal(await fred.attach('fred/appl=wb@localhost'), 250)
    const again = await loggedIn(context, stand, 'fred')
    assert.equal(await again.attach('fred@localhost'), 554)
    assert.equal(await again.attach('fred@localhost', option('attachOverride', "transID='9'")), 250)
    const ended = await fred.nextTerminate()
    assert.deepEqual([ended.attributes.get('transID'), ended.attributes.get('code')], ['7', '556'])
    assert.equal(await fred.inline('fred@localhost', ['fred@localhost'], '<a />'), 537)
    assert.equal(await again.inline('fred@localhost', ['fred@localhost'], '<a />'), 250)
    assert.equal((await again.next()).originator, 'fred@localhost')
  })

  it('attachOverride of one subaddress leaves the others attached', async (context) => {
    const stand = await open(context)
    const one = await person(context, stand, 'fred')
    assert.equal(await one.apex.attach('fred/appl=wb@localhost'), 250)
    const other = await loggedIn(context, stand, 'fred')
    assert.equal(await other.attach('fred/appl=wb@localhost', option('attachOverride', '')), 250)
    await one.apex.nextTerminate()
    const barney = await person(context, stand, 'barney')
    await barney.inline('fred', '<a />')
    await barney.inline('fred/appl=wb', '<b />')
    assert.equal((await one.apex.next()).inside?.name, 'a')
    assert.equal((await other.next()).inside?.name, 'b')
  })

  it('transaction-identifiers are the channel’s own: two channels of a session may use the same one', async (context) => {
    const stand = await open(context)
    const fred = await loggedIn(context, stand, 'fred')
    assert.equal(await fred.operate(attachText('fred@localhost', 1)), 250)
    const second = await fred.beep.start(apexUri, attachText('fred/appl=wb@localhost', 1))
    assert.ok(typeof second !== 'number')
    assert.equal(readXml(second.content).name, 'ok')
    assert.equal(await fred.operate("<terminate transID='1' />"), 250)
    assert.equal(await fred.operate("<terminate transID='1' />"), 550)
    // What is attached by the other channel still is: an originator of the session, and whom data reaches.
    assert.equal(await fred.inline('fred/appl=wb@localhost', ['fred/appl=wb@localhost'], '<a />'), 250)
    assert.deepEqual((await fred.next()).recipients, ['fred/appl=wb@localhost'])
    assert.equal(await fred.operate('<terminate />'), 250)
    assert.equal(await fred.inline('fred/appl=wb@localhost', ['fred/appl=wb@localhost'], '<a />'), 537)
  })

  it('an attachment ends with its channel, and another may attach at once (§4.4.1)', async (context) => {
    const stand = await open(context)
    const fred = await person(context, stand, 'fred')
    assert.equal(await fred.apex.beep.close(fred.apex.channel), 0)
    await person(context, stand, 'fred')
  })

  it('who has not logged in attaches as nobody (530), and a relay does not bind here (537)', async (context) => {
    const one = new IndependentApex(await under(context, await open(context)))
    assert.equal(await one.open(attachText('fred@localhost', 1)), 530)
    assert.equal(await one.operate("<bind relay='localhost' transID='3' />"), 537)
    assert.equal(await one.inline('fred@localhost', ['barney@localhost'], '<a />'), 537)
  })

  it('names: case of the domain is nothing, white space and a second solidus are no name (§2.2)', async (context) => {
    const fred = await loggedIn(context, await open(context), 'fred')
    assert.equal(await fred.attach('fred@LOCALHOST'), 250)
    for (const name of ['fred', '@localhost', 'fred@', 'a/b/c@localhost', 'fr@ed@localhost'])
      assert.equal(await fred.attach(name), 501, name)
  })
})

describe('data, as a second reader has it', () => {
  it('inline XML comes as it left, for one recipient each (§4.4.4.1)', async (context) => {
    const stand = await open(context)
    const [fred, barney, wilma] = [
      await person(context, stand, 'fred'),
      await person(context, stand, 'barney'),
      await person(context, stand, 'wilma'),
    ]
    const element = "<x:a xmlns:x='urn:x' b='&#9;\"'> <![CDATA[<&>]]> &amp;&lt; é\u{1f319} </x:a>"
    assert.equal(await fred.apex.inline(fred.address, ['barney', 'wilma'].map(full), element), 250)
    for (const one of [barney, wilma]) {
      const { originator, recipients, inside } = await one.apex.next()
      assert.deepEqual([originator, recipients], ['fred@localhost', [one.address]])
      assert.equal(inside?.source, element)
    }
  })

  it('a part beside the document comes octet for octet, with its fields (§4.1)', async (context) => {
    const stand = await open(context)
    const [fred, barney] = [await person(context, stand, 'fred'), await person(context, stand, 'barney')]
    const body = Buffer.from(Array.from({ length: 5000 }, (_none, at) => (at * 7) & 255))
    const fields = new Map([['Content-Disposition', 'attachment; filename="a.gif"']])
    assert.equal(
      await fred.apex.related(fred.address, [barney.address], { type: 'image/gif', fields, body }),
      250,
    )
    const { part } = await barney.apex.next()
    assert.equal(part?.type, 'image/gif')
    assert.equal(part?.fields.get('content-disposition'), 'attachment; filename="a.gif"')
    assert.deepEqual(part?.body, body)
  })

  it('a payload of a megabyte crosses in frames of the windows of both sides (RFC 3081 §3.1)', async (context) => {
    const stand = await open(context, 'message_octets_max = 3000000\n')
    const [fred, barney] = [await person(context, stand, 'fred'), await person(context, stand, 'barney')]
    barney.apex.beep.window = 1500
    const body = Buffer.alloc(1_000_000, 'Yabba dabba doo. ')
    const part = { type: 'application/octet-stream', fields: new Map(), body }
    assert.equal(await fred.apex.related(fred.address, [barney.address], part), 250)
    assert.ok((await barney.apex.next()).part?.body.equals(body))
  })

  it('a window that is not opened again stops its channel at 4096 octets, and no other one (RFC 3081 §3.1.4)', async (context) => {
    const stand = await open(context)
    const fred = await person(context, stand, 'fred')
    const barney = await person(context, stand, 'barney')
    const second = await barney.apex.beep.start(apexUri, attachText('barney/appl=wb@localhost', 1))
    assert.ok(typeof second !== 'number')
    const { beep, channel } = barney.apex
    beep.acknowledges = false
    const body = Buffer.alloc(20_000, 'x')
    await fred.apex.related(fred.address, [barney.address], { type: 'image/gif', fields: new Map(), body })
    await fred.inline('barney/appl=wb', '<beside />')
    assert.equal((await barney.apex.next()).inside?.name, 'beside')
    assert.equal(beep.received(channel), 4096)
    beep.acknowledge(channel, 500)
    await fred.inline('barney/appl=wb', '<again />')
    assert.equal((await barney.apex.next()).inside?.name, 'again')
    assert.equal(beep.received(channel), 4596)
    beep.acknowledges = true
    beep.acknowledge(channel)
    assert.equal((await barney.apex.next()).part?.body.length, 20_000)
  })

  it('the root may stand behind the part that it names (RFC 2387 §3.2)', async (context) => {
    const stand = await open(context)
    const [fred, barney] = [await person(context, stand, 'fred'), await person(context, stand, 'barney')]
    const document = `<data content='cid:2@example.com'><originator identity='${fred.address}' /><recipient identity='${barney.address}' /></data>`
    const body = `--b\r\nContent-Type: text/plain\r\nContent-ID: <2@example.com>\r\n\r\nYabba\r\n--b\r\nContent-Type: application/beep+xml\r\nContent-ID: <1@example.com>\r\n\r\n${document}\r\n--b--\r\n`
    const type = 'multipart/related; boundary="b"; start="<1@example.com>"; type="application/beep+xml"'
    const { entity } = await fred.apex.beep.ask(fred.apex.channel, {
      type,
      fields: [],
      body: Buffer.from(body),
    })
    assert.equal(readXml(entity.body.toString()).name, 'ok')
    assert.equal((await barney.apex.next()).part?.body.toString(), 'Yabba')
  })

  it('entity fields of the payload may be folded, and stand in any order (RFC 3080 §2.2)', async (context) => {
    const stand = await open(context)
    const fred = await person(context, stand, 'fred')
    const entity = relatedEntity(
      `<data content='cid:2@example.com'><originator identity='${fred.address}' /><recipient identity='${fred.address}' /></data>`,
      textPart('Yabba'),
    )
    const type = entity.type.replaceAll('; ', ';\r\n\t')
    const answer = await fred.apex.beep.ask(fred.apex.channel, { ...entity, type })
    assert.equal(readXml(answer.entity.body.toString()).name, 'ok')
    assert.equal((await fred.apex.next()).part?.body.toString(), 'Yabba')
  })

  it('what is no data is refused with its code, and the session goes on (§10)', async (context) => {
    const fred = await person(context, await open(context), 'fred')
    const who = `<originator identity='${fred.address}' /><recipient identity='${fred.address}' />`
    for (const [document, code] of [
      ['<data', 500],
      [`<data content='#x'>${who}</data>`, 501],
      [`<data>${who}</data>`, 501],
      [`<data content='#Content'>${who}<data-content Name='Other'><a /></data-content></data>`, 501],
      [`<data content='#Content'>${who}<data-content Name='Content'><a /><b /></data-content></data>`, 501],
      [`<data content='cid:nothing@here'>${who}</data>`, 501],
      [
        `<data content='#C'><recipient identity='${fred.address}' /><data-content Name='C'><a /></data-content></data>`,
        501,
      ],
      [
        `<data content='#C'><originator identity='${fred.address}' /><data-content Name='C'><a /></data-content></data>`,
        501,
      ],
      ["<terminate transID='x' />", 501],
      ["<terminate transID='99' />", 550],
      ["<attach endpoint='fred@localhost' />", 501],
      ['<ok />', 501],
    ] as const)
      assert.equal(await fred.apex.operate(document), code, document)
    assert.equal(await fred.inline('fred', '<a />'), 250)
  })

  it('an application that sends as somebody else is refused: 537 (§4.4.4.1 step 1)', async (context) => {
    const fred = await person(context, await open(context), 'fred')
    assert.equal(await fred.apex.inline('wilma@localhost', ['fred@localhost'], '<a />'), 537)
    assert.equal(await fred.apex.inline('fred/appl=wb@localhost', ['fred@localhost'], '<a />'), 537)
  })

  it('many without waiting come in their order, each once', async (context) => {
    const stand = await open(context)
    const [fred, barney] = [await person(context, stand, 'fred'), await person(context, stand, 'barney')]
    const count = 300
    const taken = Promise.all(
      Array.from({ length: count }, (_none, at) => fred.inline('barney', `<n at='${at}' />`)),
    )
    for (let at = 0; at < count; at++)
      assert.equal((await barney.apex.next()).inside?.attributes.get('at'), String(at))
    assert.ok((await taken).every((code) => code === 250))
    await barney.apex.settled()
    assert.equal(barney.apex.inbox.length, 0)
  })

  it('statusRequest: 250 when the application took it, 350 while it is held, then 250; 550 for nobody (§5.1)', async (context) => {
    const stand = await open(context)
    const fred = await person(context, stand, 'fred')
    const ask = (id: number): string => option('statusRequest', `mustUnderstand='true' transID='${id}'`)
    const told = async (): Promise<string[]> => {
      const response = await fred.apex.said('report', 'statusResponse')
      const [destination] = elementsOf(response)
      const [reply] = destination === undefined ? [] : elementsOf(destination)
      return [
        response.attributes.get('transID') ?? '',
        destination?.attributes.get('identity') ?? '',
        reply?.attributes.get('code') ?? '',
      ]
    }
    await fred.inline('barney', '<a />', ask(11))
    assert.deepEqual(await told(), ['11', 'barney@localhost', '350'])
    const barney = await person(context, stand, 'barney')
    assert.equal((await barney.apex.next()).inside?.name, 'a')
    assert.deepEqual(await told(), ['11', 'barney@localhost', '250'])
    await fred.inline('barney', '<b />', ask(12))
    assert.deepEqual(await told(), ['12', 'barney@localhost', '250'])
    await fred.inline('pebbles', '<c />', ask(13))
    assert.deepEqual(await told(), ['13', 'pebbles@localhost', '550'])
    await fred.inline('apex=nothing', '<c />', ask(14))
    assert.deepEqual(await told(), ['14', 'apex=nothing@localhost', '550'])
  })

  it('of two recipients each has a report of its own', async (context) => {
    const stand = await open(context)
    const fred = await person(context, stand, 'fred')
    await person(context, stand, 'barney')
    const asks = option('statusRequest', "transID='5'")
    await fred.apex.inline(fred.address, [full('barney'), full('pebbles')], '<a />', asks)
    const codes = new Map<string, string>()
    for (let at = 0; at < 2; at++) {
      const [destination] = elementsOf(await fred.apex.said('report', 'statusResponse'))
      const [reply] = elementsOf(destination as Parameters<typeof elementsOf>[0])
      codes.set(destination?.attributes.get('identity') ?? '', reply?.attributes.get('code') ?? '')
    }
    assert.deepEqual([...codes].sort(), [
      ['barney@localhost', '250'],
      ['pebbles@localhost', '550'],
    ])
  })

  it('an application that does not take it: another device of the person does, and it is not lost', async (context) => {
    const stand = await open(context)
    const [fred, barney] = [await person(context, stand, 'fred'), await person(context, stand, 'barney')]
    barney.apex.answers = () => "<error code='450'>later</error>"
    await fred.inline('barney', '<a />')
    await barney.apex.next()
    barney.apex.answers = () => '<ok />'
    barney.apex.beep.destroy()
    const again = await person(context, stand, 'barney')
    assert.equal((await again.apex.next()).inside?.name, 'a')
  })

  it('text crosses to and from XMPP (RFC 3860)', async (context) => {
    const stand = await open(context)
    const fred = await person(context, stand, 'fred')
    const barney = await XmppPerson.logIn(stand, 'barney')
    await fred.apex.related(fred.address, ['barney@localhost'], textPart('Yabba & dabba\r\ndoo'))
    await barney.expect(/<message[^>]*from=['"]fred@localhost[\s\S]*<body>Yabba &amp; dabba\r?\n?doo<\/body>/)
    barney.message('fred@localhost', 'm1', 'Hi Fred &lt;3')
    const { part, originator } = await fred.apex.next()
    assert.equal(part?.body.toString(), 'Hi Fred <3')
    assert.match(originator, /^barney@localhost$|^barney\/x@localhost$/)
    assert.match(part?.type ?? '', /^text\/plain/)
  })

  it('the application processes options no more, but it is shown them (§4.4.4.2)', async (context) => {
    const stand = await open(context)
    const [fred, barney] = [await person(context, stand, 'fred'), await person(context, stand, 'barney')]
    const options =
      option('statusRequest', "targetHop='final' mustUnderstand='true' transID='5'") +
      "<option external='http://example.com/color' transID='6'><color>red</color></option>"
    await fred.inline('barney', '<a />', options)
    const came = await barney.apex.next()
    assert.equal(came.options.map(({ source }) => source).join(''), options)
  })

  it('a stranger option that must be understood is refused: 504, and taken where it need not be', async (context) => {
    const fred = await person(context, await open(context), 'fred')
    const stranger = (must: string): string =>
      `<option external='http://example.com/color' transID='6' mustUnderstand='${must}' />`
    assert.equal(await fred.inline('fred', '<a />', stranger('true')), 504)
    assert.equal(await fred.inline('fred', '<a />', stranger('false')), 250)
    assert.equal(await fred.inline('fred', '<a />', "<option internal='a' external='urn:b' />"), 501)
    assert.equal(await fred.inline('fred', '<a />', '<option />'), 501)
  })

  it('an error’s text says what is wrong, to people', async (context) => {
    const fred = await person(context, await open(context), 'fred')
    const answer = await fred.apex.beep.ask(fred.apex.channel, xmlEntity('<hello />'))
    assert.match(textOf(readXml(answer.entity.body.toString())), /hello/)
  })
})
