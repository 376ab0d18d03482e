// A stranger's profile, written against the door alone: what RFC 3080 §5.1 asks a profile to say is all it needs. A little quotation
// service: one MSG, several answers while the client keeps up, and the server asking back on the same channel.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { text, utf8, VirtualClock } from '#base'
import { connectionPair, flushConnections } from '#net'
import { silentLog } from '#observe'
import {
  type BeepProfile,
  beginSession,
  type Channel,
  type ChannelHandler,
  type Replying,
  type Session,
} from './index.ts'

const uri = 'http://example.com/beep/quotes'

/** "MSG: a name; ANS: lines; ERR: a reason". Asks who it is first, by a MSG of its own. */
class Quotes implements ChannelHandler {
  channel: Channel | undefined
  #who = ''
  #waiting: { replying: Replying; left: string[] } | undefined

  ask(): void {
    this.channel?.send({ contentType: 'text/plain', body: utf8('who are you?') }, (reply) => {
      if (reply.kind === 'RPY') this.#who = text(reply.entity.body)
    })
  }

  onMessage(entity: { readonly contentType: string; readonly body: Uint8Array }, replying: Replying): void {
    if (entity.contentType !== 'text/plain') return replying.negative({ body: utf8('text only') })
    this.#waiting = {
      replying,
      left: Array.from({ length: 20 }, (_, i) => `${this.#who} ${text(entity.body)} ${i}`),
    }
    this.onDrain()
  }

  onDrain(): void {
    const waiting = this.#waiting
    if (waiting === undefined) return
    for (let line = waiting.left.shift(); line !== undefined; line = waiting.left.shift())
      if (waiting.replying.answer({ contentType: 'text/plain', body: utf8(line.padEnd(1000)) }) !== 'taken')
        return
    this.#waiting = undefined
    waiting.replying.end()
  }
}

const quotes: BeepProfile = {
  uri,
  start: (start) => {
    if (start.serverName !== 'quotes.example.com') return start.refuse({ code: 553, text: 'whose quotes?' })
    const handler = new Quotes()
    handler.channel = start.accept(handler, utf8(`welcome, ${text(start.content)}`))
    handler.ask()
  },
}

test('a profile needs nothing but the door: initialization, both directions, many answers at the pace of the client', () => {
  const clock = new VirtualClock()
  const [ours, theirs] = connectionPair({ clock })
  const shared = { clock, log: silentLog, limits: { queueOctetsMax: 4096 } }
  beginSession(ours, { ...shared, role: 'listener', profiles: [quotes] })
  let greeted: Session | undefined
  beginSession(theirs, { ...shared, role: 'initiator', onGreeting: (session) => (greeted = session) })
  flushConnections()
  assert.deepEqual(greeted?.peer?.profiles, [uri])

  const heard: string[] = []
  let channel: Channel | undefined
  const handler: ChannelHandler = {
    onMessage: (entity, replying) => {
      heard.push(text(entity.body))
      replying.positive({ contentType: 'text/plain', body: utf8('romeo') })
      channel?.send({ body: utf8('x') }, (reply) => heard.push(reply.kind))
      channel?.send({ contentType: 'text/plain', body: utf8('says') }, (reply) =>
        heard.push('entity' in reply ? text(reply.entity.body).trim() : reply.kind),
      )
    },
  }
  greeted.start({ profiles: [{ uri, content: utf8('stranger') }], handler }, (outcome) =>
    heard.push(outcome.kind === 'refused' ? `${outcome.error.code} ${outcome.error.text}` : outcome.kind),
  )
  const request = {
    profiles: [{ uri, content: utf8('stranger') }],
    serverName: 'quotes.example.com',
    handler,
  }
  greeted.start(request, (outcome) => {
    assert.ok(outcome.kind === 'started')
    heard.push(text(outcome.content))
    channel = outcome.channel
  })
  flushConnections()
  assert.deepEqual(heard, [
    '553 whose quotes?',
    'welcome, stranger',
    'who are you?',
    'ERR',
    ...Array.from({ length: 20 }, (_, i) => `romeo says ${i}`),
    'NUL',
  ])
})
