// Which of a person's devices are available resources in the sense of RFC 6121 §4.2.
import type { InboxAgent } from '#core'
import type { BoundSession } from './bound-session.ts'

export function isAvailable(agent: InboxAgent): agent is BoundSession {
  return agent.protocol === 'xmpp' && (agent as BoundSession).available
}
