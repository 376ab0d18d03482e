// Sessions between domains: each of the senders writes once to each of the receivers, who are of another domain, with `window` under way; by UMPP each of these messages
// sets up a session. Measured from the first that is written to the last that arrives.
import type { Socket } from 'node:net'
import { cpuSecondsOf, finish, loadOptions, MarkCounter } from './load.ts'
import { logInXmpp } from './xmpp-user.ts'

const options = loadOptions(process.argv)
const { pairs, window, otherDomain = 'localhost', pid = 0, otherPid = 0 } = options
const there = { ...options, domain: otherDomain, port: options.otherPort }

interface Sender {
  readonly socket: Socket
  next: number
}

const senders: Sender[] = []
let arrived = 0
let errors = 0
const wanted = pairs * pairs
let allArrived = (): void => {}
const done = new Promise<void>((resolve) => {
  allArrived = resolve
})

function write(sender: Sender): void {
  if (sender.next >= pairs) return
  const to = `u${2 * ++sender.next}@${otherDomain}/bench`
  sender.socket.write(
    `<message to='${to}' type='chat' id='m${sender.next}'><body>The quick brown fox</body></message>`,
  )
}

for (let at = 0; at < pairs; at++) {
  const socket = await logInXmpp(options, `u${2 * at + 1}`)
  senders.push({ socket, next: 0 })
  socket.on('data', (chunk: Buffer) => {
    if (chunk.includes("type='error'")) errors++
  })
  const receiver = await logInXmpp(there, `u${2 * at + 2}`)
  const counter = new MarkCounter('</message>')
  receiver.on('data', (chunk: Buffer) => {
    for (let left = counter.count(chunk); left > 0; left--) {
      // Whoever is behind writes the next: a message does not say whose it is without being read.
      const sender = senders[arrived++ % pairs]
      if (sender !== undefined) write(sender)
    }
    if (arrived >= wanted) allArrived()
  })
}

const look = () => ({
  at: performance.now(),
  one: cpuSecondsOf(pid),
  other: cpuSecondsOf(otherPid),
  own: process.cpuUsage(),
})
const before = look()
for (let n = 0; n < window; n++) for (const sender of senders) write(sender)
const late = setTimeout(allArrived, 120_000)
await done
clearTimeout(late)
const after = look()
const seconds = (after.at - before.at) / 1000
const own = (after.own.user + after.own.system - before.own.user - before.own.system) / 1e6
finish({
  messages: arrived,
  seconds,
  messagesPerSecond: arrived / seconds,
  cpuMicrosecondsPerMessage: ((after.one - before.one) * 1e6) / arrived,
  otherCpuMicrosecondsPerMessage: ((after.other - before.other) * 1e6) / arrived,
  generatorCpuPercent: (own / seconds) * 100,
  errors,
})
