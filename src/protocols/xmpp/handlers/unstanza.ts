// What a client says of its stream once it has a resource: stream management (XEP-0198) and whether somebody looks (XEP-0352).
import { randomId } from '#base'
import type { BoundSession } from '../bound-session.ts'
import { enabledText, failedText, handledTooHighText, type Unstanza } from '../codec/stream-management.ts'

export function handleUnstanza(session: BoundSession, unstanza: Unstanza): void {
  const { management, outgoing } = session
  switch (unstanza.kind) {
    case 'active':
    case 'inactive':
      outgoing.isActive = unstanza.kind === 'active'
      return
    case 'enable':
      return enable(session, unstanza)
    case 'resume':
      // XEP-0198 §5: a session that has a resource is no other.
      return refuse(session)
    case 'request':
      // Where it was not enabled there is no count.
      return management === undefined ? refuse(session) : management.requested()
    case 'acknowledgement':
      return acknowledge(session, unstanza.h)
    case 'malformed':
      return session.fail('bad-format')
  }
}

/** XEP-0198 §6: recoverable. */
function refuse(session: BoundSession): void {
  session.writeUnstanza(failedText('unexpected-request'))
}

function enable(session: BoundSession, wanted: Extract<Unstanza, { kind: 'enable' }>): void {
  if (session.management !== undefined) {
    // XEP-0198 §3: at most one attempt.
    refuse(session)
    return session.fail('policy-violation')
  }
  const { resumptionSecondsMax: most, resumptionLocation } = session.settings
  const seconds = Math.min(wanted.seconds ?? most, most)
  const resumable = wanted.resume && seconds > 0 ? { id: randomId(), seconds } : undefined
  session.writeUnstanza(enabledText(resumable, resumptionLocation))
  session.manage(resumable)
}

function acknowledge(session: BoundSession, h: number): void {
  const { management } = session
  if (management === undefined) return refuse(session)
  if (management.acknowledged(h)) return
  session.fail('undefined-condition', handledTooHighText(h, management.unacknowledged.sent))
}
