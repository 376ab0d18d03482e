// Traffic within a protocol is passed on as octets: with a view that throws, it still arrives, and nothing is counted as translated.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { openMetricsText } from '#observe'
import type { RunningServer } from '#server'
import { readScript } from '../transcripts/script.ts'
import { play } from '../transcripts/world.ts'

const scripts = {
  xmpp: '../transcripts/messages/xmpp-payload-kept.transcript',
  sip: '../transcripts/messages/sip-fields-kept.transcript',
  impp: '../transcripts/messages/impp-fields-kept.transcript',
  prim: '../transcripts/messages/prim-fields-kept.transcript',
  apex: '../transcripts/messages/apex-to-apex.transcript',
  'impp between domains': '../transcripts/between/impp-message.transcript',
  'xmpp between domains': '../transcripts/between/xmpp-to-xmpp.transcript',
  'sip between domains': '../transcripts/between/sip-to-sip.transcript',
  'apex between domains': '../transcripts/between/apex-by-apex.transcript',
} as const

/** What crossed from one protocol to another so far. */
function translations(server: RunningServer): string[] {
  return openMetricsText(server.service.metrics)
    .split('\n')
    .filter((line) => line.startsWith('verona_translations_total{'))
}

/** Nobody may look into a message any more. */
function blind({ service }: RunningServer): void {
  const send = service.messages.send.bind(service.messages)
  service.messages.send = (envelope, onOutcome, custody) => {
    envelope.view = () => assert.fail('a message was looked into')
    send(envelope, onOutcome, custody)
  }
}

describe('a message within a protocol', () => {
  for (const [protocol, file] of Object.entries(scripts)) {
    it(`is never translated: ${protocol}`, async () => {
      const script = readScript(file, readFileSync(new URL(file, import.meta.url), 'utf8'))
      const running: RunningServer[] = []
      await play(file, script, (server) => {
        blind(server)
        running.push(server)
      })
      assert.ok(running.length > 0)
      assert.deepEqual(running.flatMap(translations), [])
    })
  }

  it('is counted where it leaves its protocol', async () => {
    const file = '../transcripts/messages/xmpp-to-sip.transcript'
    const script = readScript(file, readFileSync(new URL(file, import.meta.url), 'utf8'))
    let running: RunningServer | undefined
    await play(file, script, (server) => {
      running = server
    })
    assert.ok(translations(running as RunningServer).some((line) => line.includes('from="xmpp",to="sip"')))
  })
})
