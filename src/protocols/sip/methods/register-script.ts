// A script that comes with a REGISTER, and the one that is there in its answer (RFC 3880 §14.3; draft-lennox-sip-reg-payload, which never became an
// RFC and is what phones and Kamailio's cpl-c do): Content-Disposition says `script` with `action=store` or `action=remove`.

import { type Bytes, ownBytes } from '#base'
import type { Account } from '#core'
import type { Outcome, ScriptFault } from '#model'
import { cplMediaType } from '#wire/cpl'
import type { ResponseParts } from '../codec/encode.ts'
import { octetsOf, quoted, unfolded } from '../codec/grammar.ts'
import { header } from '../codec/header-names.ts'
import { contentTypeText } from '../codec/headers.ts'
import { bodyOf, headerValue, headerValuesNamed, type SipRequest } from '../codec/message.ts'
import { paramOf, parseParams } from '../codec/params.ts'
import type { SipContext } from '../context.ts'
import type { Incoming } from '../incoming.ts'
import { refuse } from '../refusal.ts'

/** COMPAT: older phones and Kamailio's documentation write the type with a hyphen, or as the first drafts had it. */
const olderTypes: ReadonlySet<string> = new Set(['application/cpl-xml', 'application/cpl'])

/** `document` is undefined where the script is to be taken away. */
export interface ScriptWish {
  readonly document: Bytes | undefined
}

/** What a REGISTER wants done with its owner's script, if anything. */
export function scriptWishOf(request: SipRequest): ScriptWish | 'none' | 'malformed' {
  const written = headerValue(request, header.contentDisposition)
  const disposition = written === undefined ? undefined : unfolded(written)
  const type = /^\s*([^\s;]*)/.exec(disposition ?? '')?.[1]?.toLowerCase() ?? ''
  const isScript = isScriptType(contentTypeText(request) ?? '')
  const body = bodyOf(request)
  if (disposition === undefined) return isScript && body.length > 0 ? { document: ownBytes(body) } : 'none'
  if (type !== 'script') return 'none'
  const at = disposition.indexOf(';')
  const params = at < 0 ? [] : parseParams(disposition, at, disposition.length)
  switch ((paramOf(params, 'action') ?? 'store').toLowerCase()) {
    case 'store':
      return isScript && body.length > 0 ? { document: ownBytes(body) } : 'malformed'
    case 'remove':
      return { document: undefined }
    default:
      return 'malformed'
  }
}

/**
 * Does what is wished, and goes on once that is durable. A document that is no script is refused with the line and the reason, in the phrase and in
 * Warning (RFC 3261 §20.43), and nothing is registered.
 */
export function carryOut(
  { service }: SipContext,
  incoming: Incoming,
  account: Account,
  { document }: ScriptWish,
  goOn: () => void,
): void {
  incoming.keep()
  service.scripts.put(account.address, document, (outcome: Outcome | ScriptFault) => {
    if ('reason' in outcome) {
      const said = `line ${outcome.line}, column ${outcome.column}: ${outcome.reason}`
      const warning = `399 ${incoming.flow.sentBy} ${quoted(octetsOf(said))}`
      return incoming.answer(400, [['Warning', warning]], { reason: octetsOf(`Bad Script, ${said}`) })
    }
    if (outcome.kind === 'refused') return refuse(incoming, outcome)
    goOn()
  })
}

/** The script that is there, as the body of the answer, for a phone whose Accept asks for it by name. */
export function scriptFor(
  { service }: SipContext,
  { request }: Incoming,
  account: Account,
  use: (body: Pick<ResponseParts, 'contentType' | 'body'>) => void,
): void {
  const asks = headerValuesNamed(request, 'Accept').some((value) =>
    value.toLowerCase().includes(cplMediaType),
  )
  if (!asks || account.script === undefined) return use({})
  service.scripts.document(account.address).then(
    (document) =>
      use(
        document === undefined || document === 'unknown' ? {} : { contentType: cplMediaType, body: document },
      ),
    (error: unknown) => {
      service.log.error('a script could not be read', { error })
      use({})
    },
  )
}

function isScriptType(written: string): boolean {
  const essence = (written.split(';', 1)[0] ?? '').trim().toLowerCase()
  return essence === cplMediaType || olderTypes.has(essence)
}
