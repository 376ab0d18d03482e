import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { InboxAgent } from '../agents.ts'
import { Device } from '../testing/devices.ts'
import { message, type Sketch } from '../testing/envelopes.ts'
import { Inbox, inboxAgentsMax } from './inboxes.ts'

const juliet = 'juliet@verona.example'

function inboxOf(...devices: Device[]): Inbox {
  const inbox = new Inbox()
  for (const device of devices) assert.ok(inbox.attach(device))
  return inbox
}

const phone = new Device(juliet, 'phone')
const laptop = new Device(juliet, 'laptop')
const pager = new Device(juliet, 'pager', { messages: false })
/** It wants copies of what is for the laptop alone. */
const tablet = Object.assign(new Device(juliet, 'tablet'), {
  wantsCopyOf: (named: InboxAgent) => named === laptop,
})
const watch = new Device(juliet, 'watch', { receivedCopies: false })

type Row = [name: string, devices: Device[], sketch: Partial<Sketch>, chosen: string[] | 'gone']

const rows: Row[] = [
  ['nobody is there', [], {}, []],
  ['all that take messages (RFC 6121 §8.5.2.1.1)', [phone, laptop, pager], {}, ['phone', 'laptop']],
  ['none takes messages (RFC 6121 §8.5.2.1)', [pager], {}, []],
  [
    'the one meant and who wants copies',
    [phone, laptop, watch, pager],
    { toAgent: 'phone' },
    ['phone', 'laptop'],
  ],
  [
    'the one meant, and who wants copies of its messages',
    [phone, laptop, tablet],
    { toAgent: 'phone' },
    ['phone', 'laptop'],
  ],
  [
    'another one meant, and who wants copies of that',
    [phone, laptop, tablet],
    { toAgent: 'laptop' },
    ['phone', 'laptop', 'tablet'],
  ],
  [
    'the one meant alone where it must not be copied (XEP-0280 §6)',
    [phone, laptop],
    { toAgent: 'phone', copyable: false },
    ['phone'],
  ],
  [
    'the one meant though it takes none now (RFC 6121 §8.5.3.1)',
    [pager, phone],
    { toAgent: 'pager', copyable: false },
    ['pager'],
  ],
  ['the one meant is gone: the inbox', [phone, laptop], { toAgent: 'tomb' }, ['phone', 'laptop']],
  ['the one meant is gone: nobody', [phone], { toAgent: 'tomb', whenAgentGone: 'drop' }, 'gone'],
  ['the one meant is gone: told', [phone], { toAgent: 'tomb', whenAgentGone: 'refuse' }, 'gone'],
]

for (const [name, devices, sketch, chosen] of rows) {
  test(`whom a message is offered: ${name}`, () => {
    const { head } = message({ from: 'romeo@verona.example', to: juliet, ...sketch })
    const agents = inboxOf(...devices).choose(head)
    assert.deepEqual(typeof agents === 'string' ? agents : agents.map(({ id }) => id), chosen)
  })
}

test('an inbox has no more agents than its limit, and room again when one leaves', () => {
  const devices = Array.from({ length: inboxAgentsMax }, (_, i) => new Device(juliet, `${i}`))
  const inbox = inboxOf(...devices)
  assert.equal(inbox.attach(phone), false)
  inbox.detach(laptop)
  assert.equal(inbox.attach(phone), false, 'one that was not there leaves no room')
  inbox.detach(devices[3] as Device)
  assert.equal(inbox.attach(phone), true)
  assert.equal(inbox.find('test', 'phone'), phone)
  assert.equal(inbox.find('other', 'phone'), undefined)
  assert.equal(inbox.named('3'), undefined)
})
