// Logs in many users and holds their connections: `hold.ts xmpp|sip|impp PORT USERS`. Says `ready` when all are in.
import { logInImpp } from './impp-user.ts'
import { loadOptions } from './load.ts'
import { SipUser } from './sip-user.ts'
import { logInXmpp } from './xmpp-user.ts'

const [protocol, port, users] = process.argv.slice(2)
const options = loadOptions(['--port', port as string])
const atOnce = 20

async function logIn(user: string): Promise<void> {
  if (protocol === 'xmpp') await logInXmpp(options, user)
  else if (protocol === 'impp') await logInImpp(options, user)
  else await new SipUser(options, user).register()
}

const waiting = Array.from({ length: Number(users) }, (_, at) => `u${at + 1}`)
await Promise.all(
  Array.from({ length: atOnce }, async () => {
    for (let user = waiting.shift(); user !== undefined; user = waiting.shift()) await logIn(user)
  }),
)
console.log('ready')
process.stdin.resume()
