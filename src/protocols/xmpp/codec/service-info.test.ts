import assert from 'node:assert/strict'
import { it } from 'node:test'
import { serialize } from '#wire/xml'
import { capsElement, infoElement, verificationOf } from './service-info.ts'

const features = [
  'http://jabber.org/protocol/muc',
  'http://jabber.org/protocol/disco#items',
  'http://jabber.org/protocol/disco#info',
  'http://jabber.org/protocol/caps',
]

it('the verification string of the simple example (XEP-0115 §5.2)', () => {
  const identities = [{ category: 'client', type: 'pc', name: 'Exodus 0.9.1' }]
  assert.equal(verificationOf({ identities, features, forms: [] }), 'QgayPKawpkPSDYmwT/WM94uAlu0=')
})

it('a form is part of it, sorted by its fields and their values (XEP-0115 §5.1, §5.3)', () => {
  const form = (...fields: [string, string[]][]) => [{ type: 'urn:xmpp:dataforms:softwareinfo', fields }]
  const of = (forms: ReturnType<typeof form>) => verificationOf({ identities: [], features, forms })
  assert.equal(
    of(form(['os', ['Mac']], ['ip_version', ['ipv6', 'ipv4']])),
    of(form(['ip_version', ['ipv4', 'ipv6']], ['os', ['Mac']])),
  )
  assert.notEqual(of(form(['os', ['Mac']])), of(form(['os', ['mac']])))
})

it('the answer repeats the node that was asked for (XEP-0115 §6.2), and shows forms (XEP-0128 §2)', () => {
  const info = {
    identities: [{ category: 'server', type: 'im' }],
    features: ['a'],
    forms: [{ type: 't', fields: [['f', ['1', '2']]] as const }],
  }
  assert.equal(
    serialize(infoElement(info, 'n#v')),
    "<query xmlns='http://jabber.org/protocol/disco#info' node='n#v'><identity category='server' type='im'/>" +
      "<feature var='a'/><x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>t</value></field>" +
      "<field var='f'><value>1</value><value>2</value></field></x></query>",
  )
  assert.equal(
    serialize(capsElement('n', 'v')),
    "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' ver='v'/>",
  )
})
