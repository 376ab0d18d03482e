// Every message of RFC 4475 and RFC 5118 over UDP and over TCP to the whole of SIP: what is answered, and that it goes on afterwards. The
// domain is example.com, which is the domain of many of their senders: they are challenged like anybody (401, 407), strangers refused (403).

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { ownBytes } from '#base'
import { connectionPair, flushConnections } from '#net'
import { SipDomain, serverAt } from './testing/sip-domain.ts'

/** A status; 'none': nothing is said; 'waits': over a stream it is not whole; 'closed': the stream cannot be read on. */
type Verdict = number | 'none' | 'waits' | 'closed'

const verdicts: Readonly<
  Record<string, readonly (readonly [section: string, name: string, udp: Verdict, tcp?: Verdict])[]>
> = {
  torture: [
    ['3.1.1.1', 'wsinv', 481],
    ['3.1.1.2', 'intmeth', 407],
    ['3.1.1.3', 'esc01', 403],
    ['3.1.1.4', 'escnull', 403],
    // "the method is RE%47IST%45R", which nobody has.
    ['3.1.1.5', 'esc02', 501],
    ['3.1.1.6', 'lwsdisp', 407],
    ['3.1.1.7', 'longreq', 403],
    // What follows the message is ignored over UDP; over TCP it is a message, and none that can be read.
    ['3.1.1.8', 'dblreq', 401, 'closed'],
    ['3.1.1.9', 'semiuri', 403],
    ['3.1.1.10', 'transports', 407],
    ['3.1.1.11', 'mpart01', 407],
    // Responses to requests that we never sent.
    ['3.1.1.12', 'unreason', 'none'],
    ['3.1.1.13', 'noreason', 'none'],
    ['3.1.2.1', 'badinv01', 400],
    // "a TCP [receiver] would wait for the rest".
    ['3.1.2.2', 'clerr', 400, 'waits'],
    ['3.1.2.3', 'ncl', 400, 'closed'],
    ['3.1.2.4', 'scalar02', 400],
    ['3.1.2.5', 'scalarlg', 'none'],
    ['3.1.2.6', 'quotbal', 400],
    ['3.1.2.7', 'ltgtruri', 400],
    ['3.1.2.8', 'lwsruri', 400],
    ['3.1.2.9', 'lwsstart', 400],
    ['3.1.2.10', 'trws', 400],
    ['3.1.2.11', 'escruri', 400],
    ['3.1.2.12', 'baddate', 403],
    ['3.1.2.13', 'regbadct', 400],
    ['3.1.2.14', 'badaspec', 400],
    // As it stands in the archive it lacks the empty line too.
    ['3.1.2.15', 'baddn', 400, 'waits'],
    ['3.1.2.16', 'badvers', 505],
    ['3.1.2.17', 'mismatch01', 400],
    ['3.1.2.18', 'mismatch02', 400],
    ['3.1.2.19', 'bigcode', 'none'],
    ['3.2.1', 'badbranch', 403],
    ['3.3.1', 'insuf', 400],
    ['3.3.2', 'unkscm', 416],
    ['3.3.3', 'novelsc', 416],
    ['3.3.4', 'unksm2', 403],
    ['3.3.5', 'bext01', 420],
    ['3.3.6', 'invut', 403],
    ['3.3.7', 'regaut01', 401],
    ['3.3.8', 'multi01', 400],
    ['3.3.9', 'mcl01', 400, 'closed'],
    ['3.3.10', 'bcast', 'none'],
    ['3.3.11', 'zeromf', 483],
    ['3.3.12', 'cparam01', 401],
    ['3.3.13', 'cparam02', 401],
    ['3.3.14', 'regescrt', 401],
    ['3.3.15', 'sdp01', 403],
    // Without Content-Length a stream has no end of a message.
    ['3.4.1', 'inv2543', 403, 'closed'],
  ],
  'torture-ipv6': [
    ['4.1', 'ipv6-good', 401],
    ['4.2', 'ipv6-bad', 400],
    ['4.3', 'port-ambiguous', 401],
    ['4.4', 'port-unambiguous', 401],
    ['4.5', 'via-received-param-with-delim', 481],
    ['4.5', 'via-received-param-no-delim', 200],
    ['4.6', 'ipv6-in-sdp', 407],
    ['4.7', 'mult-ip-in-header', 481],
    ['4.8', 'mult-ip-in-sdp', 407],
    ['4.9', 'ipv4-mapped-ipv6', 403],
    // "an implementation must tolerate both".
    ['4.10', 'ipv6-bug-abnf-3-colons', 407],
    ['4.10', 'ipv6-correct-abnf-2-colons', 407],
  ],
}

const octetsOf = (folder: string, name: string): Buffer =>
  readFileSync(new URL(`testdata/${folder}/${name}.dat`, import.meta.url))
const stranger = { address: '192.0.2.77', port: 4321 }

/** What the server says first, to whatever port. */
async function said(octets: Buffer, over: 'UDP' | 'TCP'): Promise<{ verdict: Verdict; domain: SipDomain }> {
  const domain = await SipDomain.make({ users: ['bob'] })
  const answers: string[] = []
  let isClosed = false
  if (over === 'UDP') {
    domain.onDatagram = (datagram) => answers.push(Buffer.from(datagram).toString('latin1'))
    domain.context.transport.datagram(ownBytes(octets), stranger)
  } else {
    const [ours, theirs] = connectionPair({ clock: domain.clock, remote: stranger, local: serverAt })
    domain.context.transport.connected(ours, 'TCP')
    theirs.start({
      onData: (bytes) => void answers.push(Buffer.from(bytes).toString('latin1')),
      onClose: () => {
        isClosed = true
      },
    })
    theirs.write(octets)
  }
  for (let i = 0; i < 20; i++) {
    flushConnections()
    await new Promise(setImmediate)
  }
  if (isClosed) return { verdict: 'closed', domain }
  const status = /^SIP\/2\.0 (\d{3}) /.exec(answers[0] ?? '')?.[1]
  return { verdict: status === undefined ? 'none' : Number(status), domain }
}

/** The sections of the texts that hold messages, as their tables of contents have them. */
const sectionsOf: Readonly<Record<string, readonly string[]>> = {
  torture: [
    ...numbered('3.1.1', 13),
    ...numbered('3.1.2', 19),
    ...numbered('3.2', 1),
    ...numbered('3.3', 15),
    ...numbered('3.4', 1),
  ],
  'torture-ipv6': numbered('4', 10),
}

function numbered(chapter: string, last: number): string[] {
  return Array.from({ length: last }, (_, at) => `${chapter}.${at + 1}`)
}

for (const [folder, rows] of Object.entries(verdicts)) {
  const text = folder === 'torture' ? 'RFC 4475' : 'RFC 5118'

  test(`no message of ${text} is left out`, () => {
    const files = readdirSync(new URL(`testdata/${folder}/`, import.meta.url))
    assert.deepEqual(files.sort(), rows.map(([, name]) => `${name}.dat`).sort())
  })

  test(`each section of ${text} that has a message has its verdict`, () => {
    assert.deepEqual([...new Set(rows.map(([section]) => section))], sectionsOf[folder])
  })

  for (const [section, name, udp, tcp] of rows)
    for (const over of ['UDP', 'TCP'] as const) {
      const expected = over === 'UDP' ? udp : (tcp ?? udp)
      test(`${text} §${section}, ${name}, over ${over}: ${expected}`, async () => {
        const { verdict, domain } = await said(octetsOf(folder, name), over)
        assert.equal(verdict, expected === 'waits' ? 'none' : expected)
        const bob = domain.phone('bob', '192.0.2.8')
        assert.equal((await bob.register()).status, 200)
      })
    }
}

test('a display name of other characters than a token’s is 400 where the message is whole (RFC 4475 §3.1.2.15)', async () => {
  const whole = Buffer.concat([octetsOf('torture', 'baddn'), Buffer.from('\r\n')])
  assert.equal((await said(whole, 'UDP')).verdict, 400)
  assert.equal((await said(whole, 'TCP')).verdict, 400)
})

test('a Via that cannot be read is answered to where it came from (RFC 4475 §3.1.2.16)', async () => {
  const domain = await SipDomain.make()
  const to: string[] = []
  domain.onDatagram = (_octets, port, host) => to.push(`${host} ${port}`)
  domain.context.transport.datagram(octetsOf('torture', 'badvers'), stranger)
  assert.deepEqual(to, ['192.0.2.77 4321'])
})
