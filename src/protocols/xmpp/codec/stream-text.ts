// What the server writes at the edges of a stream: header, features, errors, end (RFC 6120 §4).
import { type Element, escapeValue, serialize, xml } from '#wire/xml'
import {
  bindNamespace,
  channelBindingNamespace,
  clientNamespace,
  clientStatesNamespace,
  clientStream,
  managementNamespace,
  preApprovalNamespace,
  rosterVersioningNamespace,
  saslNamespace,
  sessionNamespace,
  streamErrorsNamespace,
  streamNamespace,
  tlsNamespace,
} from './namespaces.ts'
import { registerFeatureNamespace } from './registration.ts'
import { limitsElement, type StreamLimits } from './stream-limits.ts'

/** RFC 6120 §4.9.3; `improper-addressing` to `unsupported-version`. */
export type StreamCondition =
  | 'bad-format'
  | 'bad-namespace-prefix'
  | 'conflict'
  | 'connection-timeout'
  | 'host-unknown'
  | 'improper-addressing'
  | 'internal-server-error'
  | 'invalid-from'
  | 'invalid-namespace'
  | 'not-authorized'
  | 'not-well-formed'
  | 'policy-violation'
  | 'reset'
  | 'resource-constraint'
  | 'restricted-xml'
  | 'see-other-host'
  | 'system-shutdown'
  | 'undefined-condition'
  | 'unsupported-encoding'
  | 'unsupported-stanza-type'
  | 'unsupported-version'

/** The response stream header (RFC 6120 §4.7). */
export function headerText(
  id: string,
  domain: string,
  to: string | undefined,
  lang: string | undefined,
): string {
  return (
    `<?xml version='1.0'?><stream:stream xmlns='${clientNamespace}' xmlns:stream='${streamNamespace}'` +
    ` id='${id}' from='${escapeValue(domain)}'${to === undefined ? '' : ` to='${escapeValue(to)}'`}` +
    ` version='1.0' xml:lang='${escapeValue(lang ?? 'en')}'>`
  )
}

export const streamEnd = '</stream:stream>'

/**
 * A stream error (RFC 6120 §4.9.1.1), which the end of the stream follows.
 * @param more elements beside the condition
 * @param where what the condition holds: where `see-other-host` is (§4.9.3.19)
 */
export function streamErrorText(condition: StreamCondition, more = '', where?: string): string {
  const open = `<stream:error><${condition} xmlns='${streamErrorsNamespace}'`
  return where === undefined
    ? `${open}/>${more}</stream:error>`
    : `${open}>${escapeValue(where)}</${condition}>${more}</stream:error>`
}

export interface Features {
  /** RFC 6120 §5.4.1; `required` where nothing else goes without it. */
  readonly startTls: 'no' | 'offered' | 'required'
  /** RFC 6120 §6.4.1; empty: none offered now. */
  readonly mechanisms: readonly string[]
  /** Channel binding types that we have (XEP-0440 §2). */
  readonly channelBindings: readonly string[]
  /** RFC 6120 §7.4, and the session that RFC 3921 had, which is optional. */
  readonly bind: boolean
  readonly limits: StreamLimits
}

/**
 * @param caps who we are, told once the client is known (XEP-0115 §6.3)
 * @param registers whether who has no account may make one (XEP-0077 §7.1)
 */
export function featuresText(features: Features, caps?: Element, registers = false): string {
  const required = features.startTls === 'required' ? [xml('required', tlsNamespace)] : []
  const written = xml(
    'features',
    streamNamespace,
    {},
    features.startTls === 'no' ? undefined : xml('starttls', tlsNamespace, {}, ...required),
    features.mechanisms.length === 0
      ? undefined
      : xml(
          'mechanisms',
          saslNamespace,
          {},
          ...features.mechanisms.map((mechanism) => xml('mechanism', saslNamespace, {}, mechanism)),
        ),
    features.mechanisms.length === 0 || features.channelBindings.length === 0
      ? undefined
      : xml(
          'sasl-channel-binding',
          channelBindingNamespace,
          {},
          ...features.channelBindings.map((type) =>
            xml('channel-binding', channelBindingNamespace, { type }),
          ),
        ),
    registers && features.mechanisms.length > 0 ? xml('register', registerFeatureNamespace) : undefined,
    features.bind ? xml('bind', bindNamespace) : undefined,
    // COMPAT: clients of RFC 3921 ask for a session; `optional` tells newer ones not to (RFC 6121 Appendix E).
    features.bind ? xml('session', sessionNamespace, {}, xml('optional', sessionNamespace)) : undefined,
    // RFC 6121 §2.6.1, §3.4: merely informative.
    features.bind ? xml('ver', rosterVersioningNamespace) : undefined,
    // XEP-0198 §2, XEP-0352 §4.1
    features.bind ? xml('sm', managementNamespace) : undefined,
    features.bind ? xml('csi', clientStatesNamespace) : undefined,
    limitsElement(features.limits),
    features.bind ? xml('sub', preApprovalNamespace) : undefined,
    features.bind ? caps : undefined,
  )
  return serialize(written, { outer: clientStream })
}
