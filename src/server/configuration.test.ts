// Settings that fit their types and not each other are told before anything starts.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ConfigurationFault, loadConfiguration } from './configuration.ts'

const directory = mkdtempSync(join(tmpdir(), 'verona-configuration-'))
after(() => rmSync(directory, { recursive: true }))

function load(...lines: string[]) {
  const file = join(directory, 'verona.toml')
  writeFileSync(file, ['domains = ["verona.example"]', ...lines].join('\n'))
  return loadConfiguration({ file, directory, environment: {} })
}

const on = ['[umpp]', 'on = true']
const sip = ['[sip]', 'tls = "127.0.0.1:0"', 'other_domains = true']
const xmpp = ['[xmpp]', 'server = "127.0.0.1:0"']

const rows: [what: string, lines: string[], wrong: RegExp | undefined][] = [
  ['with both', [...on, ...sip, ...xmpp], undefined],
  ['with neither', on, /\[umpp\] on: .*\[sip\] tls, and other_domains = true/],
  ['without SIP', [...on, ...xmpp], /\[sip\] tls/],
  ['with SIP for phones alone', [...on, '[sip]', 'tls = "127.0.0.1:0"', ...xmpp], /other_domains = true/],
  ['without XMPP', [...on, ...sip], /\[umpp\] on: .*\[xmpp\] server/],
  ['with XMPP for clients alone', [...on, ...sip, '[xmpp]', 'client = "127.0.0.1:0"'], /\[xmpp\] server/],
  ['off, without either', ['[umpp]', 'on = false'], undefined],
]

for (const [what, lines, wrong] of rows)
  test(`UMPP ${what} is ${wrong === undefined ? 'taken' : 'a fault of the configuration, told by the settings that mend it'} (decision 0120)`, async () => {
    if (wrong === undefined) return void (await load(...lines))
    await assert.rejects(
      load(...lines),
      (error: Error) => error instanceof ConfigurationFault && wrong.test(error.message),
    )
  })
