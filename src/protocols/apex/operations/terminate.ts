// The terminate operation (RFC 3340 §4.4.3), by an application.

import { type BeepError, beepError } from '#protocols/beep'
import type { ApexChannel } from '../apex-channel.ts'
import type { Terminate } from '../codec/index.ts'

/** 0 ends all associations of the session; another number is one of this very channel. */
export function terminate(channel: ApexChannel, { transId }: Terminate): BeepError | undefined {
  if (transId === 0) {
    channel.session.endAll()
    return undefined
  }
  return channel.terminated(transId) ? undefined : beepError(550, 'unknown transaction-identifier')
}
