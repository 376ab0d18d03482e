// End-to-end protection across UMPP (UMPP §3, RFC 3923, RFC 3862): what openssl has signed in Message/CPIM reaches every protocol of another domain octet for
// octet from every one that can carry it, and verifies there.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { readScript } from '../transcripts/script.ts'
import { play } from '../transcripts/world.ts'
import { peer } from './peers.ts'

const openssl = peer('openssl')
const directory = mkdtempSync(join(tmpdir(), 'verona-signed-'))
after(() => rmSync(directory, { recursive: true, force: true }))

function run(args: readonly string[], input?: string): { readonly status: number; readonly said: string } {
  const { status, stdout, stderr } = spawnSync(openssl.path, args, {
    cwd: directory,
    input,
    encoding: 'utf8',
  })
  return { status: status ?? 1, said: status === 0 ? stdout : stderr }
}

/** RFC 3923 §3.1: Message/CPIM, signed as a MIME entity. */
const message = [
  'Content-Type: Message/CPIM',
  '',
  'From: Romeo Montague <im:romeo@montague.example>',
  'To: Juliet <im:juliet@capulet.example>',
  'DateTime: 2026-01-01T00:00:00Z',
  'Subject: Imploring',
  '',
  'Content-Type: text/plain; charset=utf-8',
  'Content-ID: <1234567890@montague.example>',
  '',
  'Wherefore art thou, Romeo? 🌹 <&> ',
  '',
].join('\r\n')

/** A MIME entity that says its type on one line, and its body with LF alone, as the scripts want it. */
interface Signed {
  readonly type: string
  readonly body: string
}

function signed(): Signed {
  const made = run([
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '3'],
    ...['-subj', '/CN=Romeo', '-addext', 'subjectAltName=email:romeo@montague.example'],
    ...['-out', 'romeo.crt', '-keyout', 'romeo.key'],
  ])
  assert.equal(made.status, 0, made.said)
  const { status, said } = run(
    ['cms', '-sign', '-binary', '-crlfeol', '-md', 'sha256', '-signer', 'romeo.crt', '-inkey', 'romeo.key'],
    message,
  )
  assert.equal(status, 0, said)
  const text = said.replaceAll('\r\n', '\n')
  const end = text.indexOf('\n\n')
  const type = /^Content-Type: (.*)$/im.exec(text.slice(0, end))?.[1] ?? ''
  return { type, body: text.slice(end + 2).trimEnd() }
}

function verifies({ type, body }: Signed): boolean {
  const entity = `MIME-Version: 1.0\r\nContent-Type: ${type}\r\n\r\n${body.replaceAll('\n', '\r\n')}\r\n`
  writeFileSync(join(directory, 'entity'), entity)
  return (
    run(['cms', '-verify', '-binary', '-crlfeol', '-in', 'entity', '-CAfile', 'romeo.crt', '-purpose', 'any'])
      .status === 0
  )
}

const indented = (text: string): string => text.replaceAll(/^(?=.)/gm, '  ')
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

const town = `
servers
  montague.example umpp
  capulet.example umpp

accounts
  romeo@montague.example
  benvolio@montague.example
  mercutio@montague.example
  juliet@capulet.example
  nurse@capulet.example
  paris@capulet.example

Romeo = sip romeo@montague.example
Benvolio = impp benvolio@montague.example/street
Mercutio = xmpp mercutio@montague.example/street
Juliet = xmpp juliet@capulet.example/balcony
Nurse = sip nurse@capulet.example
Paris = impp paris@capulet.example/church

Romeo registers
Benvolio signs in
Mercutio signs in
Juliet signs in
Nurse registers
Paris signs in
`

const e2e = ({ type, body }: Signed): string => escaped(`Content-Type: ${type}\n\n${body}`)

/** How each hears what was sent last: in octets, which are those of `whose`. */
const receivers: Readonly<Record<string, (signed: Signed, whose: string) => string>> = {
  'juliet@capulet.example': (signed, whose) => `Juliet receives the octets of ${whose}
  <message from='*@montague.example/*'><body absent='true'/><e2e xmlns='urn:ietf:params:xml:ns:xmpp-e2e'>
${indented(e2e(signed)).trimEnd()}*</e2e><content xmlns='urn:verona:content:0' type='${signed.type.replaceAll('"', '&quot;')}'/></message>`,
  'nurse@capulet.example': ({ type }, whose) => `Nurse receives the octets of ${whose}
  MESSAGE sip:nurse@* SIP/2.0
  Content-Type: ${type}
Nurse answers 200`,
  'paris@capulet.example': ({ type }, whose) => `Paris receives the octets of ${whose}
  SEND * impp/1.0
  Content-Type: ${type}
Paris answers OK`,
}

/** What each sends, and what it hears of that. */
const senders: Readonly<Record<string, (signed: Signed, to: string) => readonly [string, string]>> = {
  Romeo: ({ type, body }, to) => [
    `Romeo sends octets\n  MESSAGE sip:${to} SIP/2.0\n  Content-Type: ${type}\n\n${indented(body)}`,
    'Romeo receives\n  SIP/2.0 202 *',
  ],
  Benvolio: ({ type, body }, to) => [
    `Benvolio sends octets\n  SEND b1\n  Target: impp://capulet.example/${to.split('@')[0]}\n  Content-Type: ${type}\n\n${indented(body)}`,
    'Benvolio receives\n  OK (SEND) b1 impp/1.0',
  ],
  // A client that writes our octets; and, below, one that writes what RFC 3923 says and no more.
  Mercutio: ({ type }, to) => [
    `Mercutio sends the octets of Romeo\n  <message to='${to}' type='chat' id='m1'><body>You cannot read this.</body><content xmlns='urn:verona:content:0' type='${type.replaceAll('"', '&quot;')}'>{octets}</content></message>`,
    '',
  ],
}

const played = (text: string): Promise<void> =>
  play('signed', readScript('signed', `# signed\n${town}\n${text}\n`))

describe('what openssl has signed crosses UMPP', { skip: openssl.skip }, () => {
  const entity = openssl.skip === false ? signed() : { type: '', body: '' }

  test('it verifies, and does not once an octet is changed', () => {
    assert.ok(verifies(entity))
    assert.ok(!verifies({ ...entity, body: entity.body.replace('Wherefore', 'wherefore') }))
    assert.ok(!verifies({ ...entity, body: entity.body.replace('<&> ', '<&>') }))
  })

  for (const [sender, sent] of Object.entries(senders))
    for (const [to, received] of Object.entries(receivers))
      test(`from ${sender} to ${to}: octet for octet`, () => {
        // The octets are named by who sent them first.
        const whose = sender === 'Mercutio' ? 'Romeo' : sender
        const first = (whose === sender ? [] : senders[whose]?.(entity, to)) ?? []
        const heard = first.length === 0 ? '' : `${first[0]}\n${received(entity, whose)}\n${first[1]}\n`
        const [said, told] = sent(entity, to)
        // A body beside it is for who cannot read the content, and XMPP keeps it.
        const last = received(entity, whose)
        const isKept = sender === 'Mercutio' && to.startsWith('juliet')
        return played(
          `${heard}${said}\n${isKept ? last.replace(/<body absent='true'\/><e2e[\s\S]*<\/e2e>/, '') : last}\n${told}`,
        )
      })

  for (const to of ['nurse@capulet.example', 'paris@capulet.example'])
    test(`from a client that knows RFC 3923 alone to ${to}: octet for octet, so that it verifies`, () => {
      const first = senders['Romeo']?.(entity, to) ?? []
      const received = receivers[to]?.(entity, 'Romeo')
      const text = `Content-Type: ${entity.type}\n\n${entity.body}`
      return played(
        `${first[0]}\n${received}\n${first[1]}\nMercutio sends\n  <message to='${to}' type='chat' id='e1'><body>You cannot read this.</body><e2e xmlns='urn:ietf:params:xml:ns:xmpp-e2e'><![CDATA[\n${indented(text)}]]></e2e></message>\n${received}`,
      )
    })

  test('to one of XMPP it passes as it was written', () => {
    const text = escaped(`Content-Type: ${entity.type}\n\n${entity.body}`)
    return played(
      `Mercutio sends\n  <message to='juliet@capulet.example' type='chat' id='e1'><e2e xmlns='urn:ietf:params:xml:ns:xmpp-e2e'>\n${indented(text)}</e2e></message>\nJuliet receives\n  <message from='mercutio@montague.example/street' id='e1'><e2e xmlns='urn:ietf:params:xml:ns:xmpp-e2e'>\n${indented(text)}</e2e></message>`,
    )
  })
})
