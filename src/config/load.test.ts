import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type Config, loadConfig } from './load.ts'
import { ConfigError } from './problem.ts'
import { isListening, section } from './section.ts'
import {
  choice,
  flag,
  integer,
  listen,
  listenOnAll,
  optionalList,
  optionalPath,
  path,
  requiredText,
  seconds,
  tables,
} from './setting.ts'

const directory = mkdtempSync(join(tmpdir(), 'verona-config-'))
after(() => rmSync(directory, { recursive: true }))

const top = section('', 'The server as a whole.', {
  data: path({ default: './data', doc: 'Where everything is kept.' }),
  domains: optionalList({
    doc: 'The domains.',
    check: (names) => (names.length === 0 ? 'names no domain' : undefined),
  }),
  domain: tables(
    {
      name: requiredText({ doc: 'Its name.', check: (name) => (name === '' ? 'is empty' : undefined) }),
      certificate: optionalPath({ doc: 'PEM.' }),
      policy: choice(['open', 'confirm'], { default: 'open', doc: 'Who may watch.' }),
    },
    { doc: 'A domain.' },
  ),
})
const http = section('http', 'HTTP.', { listen: listen({ doc: 'Pages.', builtIn: '127.0.0.1:8080' }) })
const xmpp = section('xmpp', 'XMPP.', {
  client: listen({ doc: 'Clients.', builtIn: '127.0.0.1:5222' }),
  clientTls: listen({ doc: 'Clients, TLS from the first octet.', builtIn: '127.0.0.1:5223' }),
  server: listen({ doc: 'Other domains.' }),
  plainWithoutTls: flag({ default: false, doc: 'Only on loopback.' }),
  resumeSeconds: seconds({ default: 300, min: 0, max: 3600, doc: 'How long.' }),
})
const sip = section('sip', 'SIP.', {
  udp: listen({ doc: 'UDP.', builtIn: '127.0.0.1:5060' }),
  tcp: listen({ doc: 'TCP.' }),
  tls: listenOnAll({ doc: 'TLS.' }),
  contactsMax: integer({ default: 10, min: 1, doc: 'Contacts.' }),
})
const impp = section('impp', 'IMPP.', {
  client: listen({ doc: 'Clients.' }),
  server: listen({ doc: 'Others.' }),
})
const sections = [top, http, xmpp, sip, impp]

const example = `data = "./data"
domains = ["localhost"]          # or [[domain]] tables: name, certificate, policy

[http]
listen = "127.0.0.1:8080"

[xmpp]
client = "127.0.0.1:5222"
client_tls = "127.0.0.1:5223"
server = "127.0.0.1:5269"
plain_without_tls = false     # true only on loopback, for load generators and laboratories

[sip]
udp = "127.0.0.1:5060"
tcp = "127.0.0.1:5060"
tls = "127.0.0.1:5061"

[impp]
client = "127.0.0.1:7410"
server = "127.0.0.1:7411"
`

test('the example of the documentation is loaded whole', () => {
  const config = load(example)
  assert.equal(config.file, join(directory, 'verona.toml'))
  assert.equal(config.of(top).data, join(directory, 'data'))
  assert.deepEqual(config.of(top).domains, ['localhost'])
  assert.deepEqual(config.of(top).domain, [])
  assert.deepEqual(config.of(http).listen, { host: '127.0.0.1', port: 8080 })
  assert.deepEqual(config.of(xmpp), {
    client: { host: '127.0.0.1', port: 5222 },
    clientTls: { host: '127.0.0.1', port: 5223 },
    server: { host: '127.0.0.1', port: 5269 },
    plainWithoutTls: false,
    resumeSeconds: 300,
  })
  assert.deepEqual(config.of(sip).tls, [{ host: '127.0.0.1', port: 5061 }])
  assert.equal(config.of(impp).server?.port, 7411)
})

test('domains as tables, each with its own settings', () => {
  const { domain } = load(
    '[[domain]]\nname = "a.example"\ncertificate = "a.pem"\n[[domain]]\nname = "b.example"\npolicy = "confirm"\n',
  ).of(top)
  assert.deepEqual(domain, [
    { name: 'a.example', certificate: join(directory, 'a.pem'), policy: 'open' },
    { name: 'b.example', certificate: undefined, policy: 'confirm' },
  ])
})

test('a listener that is absent is off, and so is its protocol when none is left', () => {
  const config = load('[xmpp]\nclient = "[::1]:0"\nserver = ""\n')
  assert.deepEqual(config.of(xmpp).client, { host: '::1', port: 0 })
  assert.equal(config.of(xmpp).clientTls, undefined)
  assert.equal(config.of(xmpp).server, undefined)
  assert.equal(isListening(xmpp, config.of(xmpp)), true)
  assert.equal(isListening(sip, config.of(sip)), false)
})

test('without a file the built-in default listens, and the environment has the last word', () => {
  rmSync(join(directory, 'verona.toml'), { force: true })
  const config = loadConfig({
    sections,
    directory,
    environment: {
      VERONA_XMPP_CLIENT: '*:15222',
      VERONA_XMPP_CLIENT_TLS: '',
      VERONA_XMPP_PLAIN_WITHOUT_TLS: 'true',
      VERONA_SIP_CONTACTS_MAX: '3',
      VERONA_DOMAINS: 'a.example, b.example',
      VERONA_DATA: '/var/lib/verona',
      VERONA_PASSWORD: 'not a setting',
    },
  })
  assert.equal(config.file, undefined)
  assert.deepEqual(config.of(xmpp).client, { host: undefined, port: 15222 })
  assert.equal(config.of(xmpp).clientTls, undefined)
  assert.equal(config.of(xmpp).server, undefined)
  assert.equal(config.of(xmpp).plainWithoutTls, true)
  assert.equal(config.of(sip).udp?.port, 5060)
  assert.equal(config.of(sip).contactsMax, 3)
  assert.deepEqual(config.of(top).domains, ['a.example', 'b.example'])
  assert.equal(config.of(top).data, '/var/lib/verona')
})

/** [how it is written, value of [sip] tls] */
const several: [string, string, { host: string | undefined; port: number }[] | undefined][] = [
  ['one', '"*:5061"', [{ host: undefined, port: 5061 }]],
  [
    'a list',
    '["192.0.2.1:5061", "[::1]:5062"]',
    [
      { host: '192.0.2.1', port: 5061 },
      { host: '::1', port: 5062 },
    ],
  ],
  [
    'a text with commas',
    '"192.0.2.1:5061, [::1]:5062"',
    [
      { host: '192.0.2.1', port: 5061 },
      { host: '::1', port: 5062 },
    ],
  ],
  ['an empty list', '[]', undefined],
  ['an empty text', '""', undefined],
]
for (const [what, written, expected] of several)
  test(`addresses to listen on are written as ${what}`, () => {
    writeFileSync(join(directory, 'several.toml'), `[sip]\ntls = ${written}\n`)
    const file = join(directory, 'several.toml')
    assert.deepEqual(loadConfig({ sections, directory, file, environment: {} }).of(sip).tls, expected)
  })

test('addresses to listen on come from the environment, between commas', () => {
  const environment = { VERONA_SIP_TLS: '127.0.0.1:5061,[::1]:5061' }
  assert.equal(loadConfig({ sections, directory, environment }).of(sip).tls?.length, 2)
})

/** [what is wrong, the file, the message] */
const mistakes: [string, string, string][] = [
  [
    'a port too large',
    '[xmpp]\n\nclient = "127.0.0.1:99999"\n',
    'verona.toml, line 3, [xmpp] client: "127.0.0.1:99999" has no port between 0 and 65535',
  ],
  [
    'no port',
    '[xmpp]\nclient = "127.0.0.1"',
    'verona.toml, line 2, [xmpp] client: "127.0.0.1" is no address to listen on; write host:port, as in "127.0.0.1:5222" or "[::1]:5222"',
  ],
  [
    'a number where an address belongs',
    '[xmpp]\nclient = 5222',
    'verona.toml, line 2, [xmpp] client: expects an address to listen on, as in "127.0.0.1:5222", not 5222',
  ],
  [
    'one of several addresses',
    '[sip]\ntls = ["*:5061", "here"]',
    'verona.toml, line 2, [sip] tls: "here" is no address to listen on; write host:port, as in "127.0.0.1:5222" or "[::1]:5222"',
  ],
  [
    'a flag that is none',
    '[xmpp]\nplain_without_tls = "yes"',
    'verona.toml, line 2, [xmpp] plain_without_tls: expects true or false, not "yes"',
  ],
  [
    'a number out of its range',
    '[sip]\ncontacts_max = 0',
    'verona.toml, line 2, [sip] contacts_max: expects whole number, 1 or more, not 0',
  ],
  [
    'a fraction',
    '[xmpp]\nresume_seconds = 1.5',
    'verona.toml, line 2, [xmpp] resume_seconds: expects seconds, from 0 to 3600, not 1.5',
  ],
  [
    'an unknown key',
    '[xmpp]\ncleint = "127.0.0.1:5222"',
    'verona.toml, line 2, [xmpp] cleint: is no setting; is client meant?',
  ],
  [
    'an unknown key that is near to none',
    '[xmpp]\ncolour = "red"',
    'verona.toml, line 2, [xmpp] colour: is no setting',
  ],
  [
    'an unknown table',
    'data = "x"\n[xmp]\nclient = "x"',
    'verona.toml, line 2, xmp: is no setting; is xmpp meant?',
  ],
  [
    'a key in a second table of the same name',
    '[[domain]]\nname = "a"\n[[domain]]\nname = "b"\npolice = "open"',
    'verona.toml, line 5, [domain] police: is no setting; is policy meant?',
  ],
  [
    'a wrong word in a table',
    '[[domain]]\nname = "a"\n[[domain]]\nname = "b"\npolicy = "closed"',
    'verona.toml, line 5, [domain] policy: expects "open" or "confirm", not "closed"',
  ],
  [
    'one table where tables belong',
    '[domain]\nname = "a"',
    'verona.toml, line 1, domain: is the name of tables; write [[domain]] on a line of its own',
  ],
  [
    'a value where a table belongs',
    'xmpp = true',
    'verona.toml, line 1, xmpp: is the name of a table; write [xmpp] on a line of its own',
  ],
  [
    'a key inside a multi-line string is not mistaken for it',
    '[[domain]]\nname = """\npolicy = 1\n"""\npolicy = 2',
    'verona.toml, line 5, [domain] policy: expects "open" or "confirm", not 2',
  ],
  [
    'a list that may not be empty',
    'data = "x"\ndomains = []',
    'verona.toml, line 2, domains: names no domain',
  ],
  [
    'a table without what it cannot be without',
    '[[domain]]\nname = "a"\n\n[[domain]]\npolicy = "open"',
    'verona.toml, line 4, [domain] name: is missing',
  ],
  ['a name that is wrong', '[[domain]]\nname = ""', 'verona.toml, line 2, [domain] name: is empty'],
  [
    'two mistakes, both told in their order',
    '[xmpp]\nplain_without_tls = 1\nclient = ":x"',
    'verona.toml, line 2, [xmpp] plain_without_tls: expects true or false, not 1\n' +
      'verona.toml, line 3, [xmpp] client: ":x" is no address to listen on; write host:port, as in "127.0.0.1:5222" or "[::1]:5222"',
  ],
]
for (const [what, toml, message] of mistakes) {
  test(`the message names file, line and key: ${what}`, () => {
    assert.throws(() => load(toml), { name: 'ConfigError', message })
  })
}

test('what is not TOML is told with its line', () => {
  assert.throws(
    () => load('[xmpp]\nclient = \n'),
    (fault) => {
      assert.ok(fault instanceof ConfigError)
      assert.match(fault.message, /^verona\.toml, line 2: is not TOML: /)
      return true
    },
  )
})

test('a file that was named must be there', () => {
  assert.throws(() => loadConfig({ file: 'other.toml', sections, directory, environment: {} }), {
    message: 'other.toml: there is no such file',
  })
  assert.throws(() => loadConfig({ file: '.', sections, directory, environment: {} }), {
    message: '.: is a directory',
  })
})

test('wrong and unknown variables are told by their names', () => {
  const environment = { VERONA_XMPP_CLEINT: 'x', VERONA_SIP_UDP: 'x', VERONA_SOAK: '1' }
  assert.throws(() => load('', environment), {
    message:
      'VERONA_SIP_UDP: "x" is no address to listen on; write host:port, as in "127.0.0.1:5222" or "[::1]:5222"\n' +
      'VERONA_XMPP_CLEINT: is no setting; is VERONA_XMPP_CLIENT meant?',
  })
})

test('a section that was not loaded is a fault of ours', () => {
  assert.throws(
    () => loadConfig({ sections: [http], directory, environment: {} }).of(sip),
    /sip was not loaded/,
  )
})

function load(toml: string, environment: Record<string, string> = {}): Config {
  writeFileSync(join(directory, 'verona.toml'), toml)
  return loadConfig({ sections, environment, directory })
}
