// The message of PLAIN (RFC 4616 §2): [authzid] NUL authcid NUL passwd. Complete.
import { type Bytes, strictText } from '#base'

/** LIMIT: octets of the message; three parts of at most 1023 octets each (RFC 7622 §3.3, RFC 8265) and two NULs. */
const plainMessageOctetsMax = 4096

export interface PlainMessage {
  readonly authorization: string | undefined
  readonly name: string
  readonly password: string
}

/** Reads the message; undefined when it breaks the grammar: not three parts, an empty name or password, no UTF-8. */
export function readPlain(bytes: Bytes): PlainMessage | undefined {
  if (bytes.length > plainMessageOctetsMax) return undefined
  const parts = strictText(bytes)?.split('\0')
  if (parts?.length !== 3) return undefined
  const [authorization, name, password] = parts as [string, string, string]
  if (name === '' || password === '') return undefined
  return { authorization: authorization === '' ? undefined : authorization, name, password }
}
