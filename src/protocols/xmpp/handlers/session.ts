// What belongs to the set-up of a session and may come again afterwards.
import { bindNamespace, sessionNamespace } from '../codec/namespaces.ts'
import { stanzaError } from '../codec/stanza-error.ts'
import type { IqHandler } from './iq.ts'

/** RFC 6120 §7: we choose one resource a stream. */
export const bindIq: IqHandler = {
  payload: `{${bindNamespace}}bind`,
  addressee: 'either',
  set: ({ error }) => error(stanzaError('not-allowed')),
}

/** COMPAT: clients of RFC 3921 §3 begin a session explicitly; it has begun (RFC 6121 Appendix E). */
export const sessionIq: IqHandler = {
  payload: `{${sessionNamespace}}session`,
  addressee: 'either',
  set: ({ result }) => result(),
}
