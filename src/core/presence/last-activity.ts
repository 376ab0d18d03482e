// When a person was last here, on whatever device, and the words they left with (XEP-0012 §3): durable, since it is asked of those who are away.
import { text, utf8 } from '#base'
import type { Address, PresenceEnvelope } from '#model'
import { ServiceError } from '../service-error.ts'
import type { Store } from '../store.ts'

/** The account's document that holds it. */
const lastActivityDocument = 'last-activity'

/** LIMIT: characters of the words that are kept. */
const statusMax = 1024

export interface LastActivity {
  /** Milliseconds since the epoch. */
  readonly at: number
  /** Empty when nothing was said. */
  readonly status: string
}

/** Notes that the last device of a person is gone. */
export function noteLastActivity(
  store: Store,
  owner: Address,
  at: number,
  lastWords: PresenceEnvelope | undefined,
): Promise<void> {
  const status = statusOf(lastWords).slice(0, statusMax)
  return store.putDocument(owner, lastActivityDocument, utf8(JSON.stringify({ at, status })))
}

/** Undefined for one who was never here. */
export async function lastActivityOf(store: Store, owner: Address): Promise<LastActivity | undefined> {
  const document = await store.document(owner, lastActivityDocument)
  if (document === undefined) return undefined
  try {
    const { at, status } = JSON.parse(text(document)) as LastActivity
    return { at, status }
  } catch (cause) {
    throw new ServiceError('internal-fault', 'a stored last activity is not readable', {}, cause)
  }
}

function statusOf(lastWords: PresenceEnvelope | undefined): string {
  const document = lastWords?.view()
  return document?.notes[0]?.text ?? document?.tuples[0]?.notes[0]?.text ?? ''
}
