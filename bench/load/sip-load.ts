// SIP load over UDP: pairs of registered user agents; a message is MESSAGE in, MESSAGE out, 200 in, 200 out. `--sender xmpp` takes the
// senders' side by XMPP (at --other-port), and the SIP side only receives.
import { finish, loadOptions, Meter } from './load.ts'
import { loadBody as body, SipUser } from './sip-user.ts'
import { logInXmpp } from './xmpp-user.ts'

const options = loadOptions(process.argv)
const fromXmpp = process.argv.includes('xmpp')
const meter = new Meter(options)

function loop(from: SipUser, to: string): void {
  const one = (): void => {
    if (!meter.running) return
    from.send(to, (status) => {
      if (status >= 200 && status < 300) meter.messages++
      else meter.errors++
      one()
    })
  }
  for (let n = 0; n < options.window; n++) one()
}

const starts: (() => void)[] = []
for (let at = 0; at < options.pairs; at++) {
  const to = new SipUser(options, `u${2 * at + 2}`)
  await to.register()
  if (fromXmpp) {
    const socket = await logInXmpp({ ...options, port: options.otherPort }, `u${2 * at + 1}`)
    const stanza = `<message to='${to.user}@${options.domain}' type='chat' id='m1'><body>${body}</body></message>`
    to.onMessage = () => {
      meter.messages++
      if (meter.running) socket.write(stanza)
    }
    starts.push(() => socket.write(stanza.repeat(options.window)))
  } else {
    const from = new SipUser(options, `u${2 * at + 1}`)
    await from.register()
    starts.push(() => loop(from, to.user))
  }
}
for (const start of starts) start()
finish(await meter.measure())
