import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { utf8 } from '#base'
import {
  type Element,
  escapeText,
  escapeValue,
  frameDocument,
  isXmlFault,
  isXmlText,
  Namespaces,
  parseElement,
  selfContained,
  selfContainedChild,
  serialize,
  xml,
} from './index.ts'

const runs = Number(process.env['VERONA_SOAK'] ?? 0) > 0 ? 10000 : 100

function parsed(source: string, isDocument = false): Element {
  const element = parseElement(utf8(source), { isDocument })
  if (isXmlFault(element)) assert.fail(`${element.reason} at ${element.offset}`)
  return element
}

function reasonOf(source: string, isDocument = false): string {
  const element = parseElement(utf8(source), { isDocument })
  return isXmlFault(element) ? element.reason : 'good'
}

function framed(source: string, outer: Namespaces) {
  const frame = frameDocument(utf8(source), { outer })
  if (isXmlFault(frame)) assert.fail(`${frame.reason} at ${frame.offset}`)
  return frame
}

describe('element', () => {
  it('resolves default and prefixed namespaces (Namespaces in XML 1.0 §6)', () => {
    const e = parsed("<a xmlns='one' xmlns:p='two' p:x='1' x='2'><b/><p:c xmlns='three'><d/></p:c></a>")
    assert.equal(e.namespace, 'one')
    assert.equal(e.attribute('x'), '2')
    assert.equal(e.attribute('x', 'two'), '1')
    assert.equal(e.child('b')?.namespace, 'one')
    assert.equal(e.child('c', 'two')?.elements()[0].namespace, 'three')
  })

  it('reads the five entities, character references, CDATA and line ends (XML 1.0 §2.7, §2.11, §4.6)', () => {
    const e = parsed(
      "<a t='1&#9;2\t3\r\n4&lt;'>x&lt;&gt;&amp;&apos;&quot;&#x1F600;<![CDATA[<&]]&gt;]]>\r\ny\rz</a>",
    )
    assert.equal(e.attribute('t'), '1\t2 3 4<')
    assert.equal(e.text(), 'x<>&\'"😀<&]]&gt;\ny\nz')
  })

  it('skips comments and instructions in a document, and refuses them on a stream (RFC 6120 §11.1)', () => {
    const source = `\ufeff<?xml version="1.0"?>\n<!-- a --><?x y?><a>1<!-- b -->2<?x?></a><!-- c --> `
    assert.equal(parsed(source, true).text(), '12')
    assert.equal(reasonOf(source), 'text-outside-root')
    assert.equal(reasonOf('<a><!-- b --></a>'), 'comment')
    assert.equal(reasonOf('<!-- b --><a/>'), 'comment')
    assert.equal(reasonOf('<a/><?x y?>'), 'processing-instruction')
    assert.equal(reasonOf('<a/><!-- a -- b -->', true), 'syntax')
  })

  it('refuses a DOCTYPE in any document', () => {
    const bomb = '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'
    assert.equal(reasonOf(bomb), 'doctype')
    assert.equal(reasonOf(bomb, true), 'doctype')
    assert.equal(reasonOf('<a>&b;</a>', true), 'undefined-entity')
  })

  it('reads an XML declaration, and only UTF-8 (RFC 6120 §11.6)', () => {
    assert.equal(reasonOf(`<?xml version='1.0' encoding="utf-8" standalone='yes' ?><a/>`), 'good')
    assert.equal(reasonOf(`<?xml version='1.0' encoding='ISO-8859-1'?><a/>`), 'encoding-not-utf8')
    assert.equal(reasonOf(`<?xml version='2.0'?><a/>`), 'bad-declaration')
    assert.equal(reasonOf(`<?xml encoding='UTF-8'?><a/>`), 'bad-declaration')
    assert.equal(reasonOf(` <?xml version='1.0'?><a/>`), 'processing-instruction')
    assert.equal(reasonOf(`<a/><?xml version='1.0'?>`, true), 'bad-declaration')
    assert.equal(reasonOf(''), 'unexpected-end')
    assert.equal(reasonOf('<a>'), 'unexpected-end')
    assert.equal(reasonOf('<a/>b'), 'text-outside-root')
    assert.equal(reasonOf('<![CDATA[]]><a/>', true), 'syntax')
    assert.equal(reasonOf('<a/><![CDATA[x]]>-->', true), 'syntax')
    assert.equal(reasonOf('<a/><!-- x', true), 'unexpected-end')
    assert.equal(reasonOf('<a/><b/>'), 'text-outside-root')
  })

  it('writes namespaces once, and attributes in a namespace with a prefix', () => {
    const e = xml(
      'a',
      'one',
      { x: `<&'"`, '{two}y': '1', '{two}z': '2' },
      xml('b', 'one'),
      xml('c', '', {}, 't'),
    )
    const written = serialize(e)
    assert.equal(
      written,
      "<a xmlns='one' x='&lt;&amp;&apos;&quot;' xmlns:ns1='two' ns1:y='1' ns1:z='2'><b/><c xmlns=''>t</c></a>",
    )
    assert.equal(serialize(parsed(written)), written)
  })

  it('uses the declarations in force outside (RFC 6120 §4.8.5)', () => {
    const outer = new Namespaces([
      ['', 'jabber:client'],
      ['stream', 'http://etherx.jabber.org/streams'],
    ])
    const e = xml(
      'error',
      'http://etherx.jabber.org/streams',
      {},
      xml('reset', 'urn:x'),
      xml('m', 'jabber:client'),
    )
    assert.equal(serialize(e, { outer }), "<stream:error><reset xmlns='urn:x'/><m/></stream:error>")
  })

  it('drops characters that XML cannot carry, and says so beforehand (XML 1.0 §2.2)', () => {
    assert.equal(escapeText('a\u0000b\ud800c\uffffd\u{1F600}\r'), 'abcd\u{1F600}&#xD;')
    assert.equal(escapeValue('a\u001fb\n'), 'ab&#xA;')
    assert.equal(isXmlText('a\u0000'), false)
    assert.equal(isXmlText('a\udc00'), false)
    assert.equal(isXmlText('\u{1F600}\t'), true)
  })

  it('a random tree survives being written and read', () => {
    const name = fc.stringMatching(/^[A-Za-z_é][A-Za-z0-9._é-]{0,6}$/)
    const uri = fc.constantFrom('', 'a', 'b', 'urn:c&d', "q'")
    const value = fc.string({ unit: 'binary', maxLength: 12 }).filter(isXmlText)
    const attributes = fc.dictionary(
      fc.tuple(name, uri).map(([n, u]) => (u === '' ? n : `{${u}}${n}`)),
      value,
      { maxKeys: 4 },
    )
    const { tree } = fc.letrec<{ tree: Element }>((tie) => ({
      tree: fc
        .tuple(
          name.filter((n) => !/^xml/i.test(n)),
          uri,
          attributes,
          fc.array(fc.oneof({ depthSize: 'small' }, value, tie('tree')), { maxLength: 4 }),
        )
        .map(([n, u, a, c]) => {
          const kept = Object.entries(a).filter(([key]) => !/^(\{[^}]*\})?xml/i.test(key))
          return xml(n, u, Object.fromEntries(kept), ...c)
        }),
    }))
    const property = fc.property(tree, (e) => {
      assert.deepEqual(parsed(serialize(e)), e)
    })
    fc.assert(property, { numRuns: runs })
  })
})

describe('self-contained', () => {
  const outer = new Namespaces([
    ['', 'jabber:client'],
    ['stream', 'http://etherx.jabber.org/streams'],
    ['ex', 'urn:ex'],
  ])

  it('declares the default namespace and the prefixes that are used, and nothing else', () => {
    const frame = framed("<message ex:a='1'><body>x</body></message>", outer)
    const alone = Buffer.from(selfContained(frame)).toString()
    assert.equal(alone, "<message xmlns='jabber:client' xmlns:ex='urn:ex' ex:a='1'><body>x</body></message>")
    const e = parsed(alone)
    assert.equal(e.attribute('a', 'urn:ex'), '1')
    assert.equal(e.childText('body'), 'x')
  })

  it('leaves alone what the new surroundings declare', () => {
    const frame = framed('<message><body>x</body></message>', outer)
    assert.deepEqual(selfContained(frame, outer), frame.raw())
    const buffer = Buffer.from('<message/>')
    const own = frameDocument(buffer, { outer: new Namespaces() })
    if (isXmlFault(own)) assert.fail(own.reason)
    const copy = selfContained(own)
    buffer.fill(0)
    assert.equal(Buffer.from(copy).toString(), '<message/>')
    const other = new Namespaces([['', 'jabber:server']])
    assert.match(Buffer.from(selfContained(frame, other)).toString(), /^<message xmlns='jabber:client'>/)
    const none = framed('<a/>', new Namespaces())
    assert.equal(Buffer.from(selfContained(none, other)).toString(), "<a xmlns=''/>")
  })

  it('cuts out a child with the declarations of its stanza', () => {
    const frame = framed("<message xmlns:p='urn:p'><x/><p:y><z ex:q=''/></p:y></message>", outer)
    const child = parsed(Buffer.from(selfContainedChild(frame, 1)).toString())
    assert.ok(child.is('y', 'urn:p'))
    assert.equal(child.elements()[0].namespace, 'jabber:client')
    assert.equal(child.elements()[0].attribute('q', 'urn:ex'), '')
  })
})
