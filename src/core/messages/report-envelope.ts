// A late word on a message (an error from afar, an expired queue) as an envelope of our own, so that it is routed and stored
// like a message. Its octets are JSON and never leave the server as such: each binding writes its own form.
import { type Bytes, randomId, text, utf8 } from '#base'
import { type Address, type Content, type Envelope, type Head, hopsDefault, type Report } from '#model'
import { ServiceError } from '../service-error.ts'

/** The name under which reports of the core are stored. */
export const coreProtocol = 'core'

class ReportEnvelope implements Envelope {
  readonly head: Head
  readonly raw: Bytes
  readonly #report: Report

  constructor(head: Head, raw: Bytes, report: Report) {
    this.head = head
    this.raw = raw
    this.#report = report
  }

  content(): Content | undefined {
    return undefined
  }

  view(): Report {
    return this.#report
  }

  keep(): Envelope {
    return this
  }
}

/** A report to the sender of a message, in the name of its recipient. */
export function reportEnvelope(
  report: Report,
  sender: { readonly address: Address; readonly agent: string },
  recipient: Address,
): Envelope {
  const raw = utf8(JSON.stringify(report))
  const head: Head = {
    protocol: coreProtocol,
    kind: 'report',
    from: recipient,
    fromAgent: '',
    to: sender.address,
    toAgent: sender.agent,
    id: randomId(),
    hops: hopsDefault,
    size: raw.length,
    whenAbsent: 'store',
    whenAgentGone: 'inbox',
    storable: false,
    copyable: false,
  }
  return new ReportEnvelope(head, raw, report)
}

/** By which protocol it goes to another domain where that speaks several: a report goes as the message came that it is about. */
export function departureProtocol(envelope: Envelope): string {
  const { protocol } = envelope.head
  return protocol === coreProtocol && envelope.head.kind === 'report'
    ? ((envelope.view() as Report).protocol ?? protocol)
    : protocol
}

/** Revives a stored report. */
export function reviveReport(head: Head, raw: Bytes): Envelope {
  try {
    return new ReportEnvelope(head, raw, JSON.parse(text(raw)) as Report)
  } catch (cause) {
    throw new ServiceError('internal-fault', 'a stored report is not readable', { id: head.id }, cause)
  }
}
