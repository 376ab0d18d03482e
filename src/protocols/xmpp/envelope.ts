// A stanza as the core's envelope: raw octets on loan, the rest when asked. Made by binding.ts.
import { assert, type Bytes, concat, utf8 } from '#base'
import { ServiceError } from '#core'
import type { Content, Envelope, Head, InstantMessage, PresenceDocument, Report } from '#model'
import { childFrame, escapeValue, selfContained } from '#wire/xml'
import { contentOf, messageView, reportView } from './binding-message.ts'
import { presenceView } from './binding-presence.ts'
import { fullJid } from './codec/jid.ts'
import { carbonsNamespace, stanzaIdNamespace } from './codec/namespaces.ts'
import { readStanza, type Stanza } from './codec/stanza.ts'

/** A child that says what only a server may say: an archive's id, or a carbon. */
export interface Claim {
  readonly child: number
  readonly isCarbon: boolean
  /** Whose id it is. */
  readonly by: string | undefined
}

export class StanzaEnvelope implements Envelope {
  readonly head: Head
  /** Undefined while only kept octets are there. */
  #stanza: Stanza | undefined
  readonly #kept: Bytes | undefined
  #keptEnvelope: StanzaEnvelope | undefined
  #view: InstantMessage | Report | PresenceDocument | undefined
  #content: Content | undefined | 'none'
  #stamp: Bytes | undefined
  #claims: readonly Claim[] | undefined

  /** @param stamp what is written into its start tag at each hop, where the sender's session has it ready */
  constructor(head: Head, stanza: Stanza | undefined, kept?: Bytes, stamp?: Bytes) {
    this.head = head
    this.#stanza = stanza
    this.#kept = kept
    this.#stamp = stamp
  }

  /** ` from='...'` (RFC 6120 §8.1.2.1), with what else the sender's stream adds. */
  get stamp(): Bytes {
    this.#stamp ??= utf8(this.#addresses())
    return this.#stamp
  }

  /** A message to oneself may have come without `to`; at rest it has none of what its sender's session knew. */
  #addresses(): string {
    const { kind, from, fromAgent, to, toAgent } = this.head
    const isAddressed = kind !== 'message' || this.stanza.to !== undefined
    const toText = isAddressed ? '' : ` to='${escapeValue(fullJid(to, toAgent))}'`
    return ` from='${escapeValue(fullJid(from, fromAgent))}'${toText}`
  }

  /** The children that claim to be an archive's ids (XEP-0359 §3), or a carbon of their recipient's (XEP-0280 §7). */
  claims(): readonly Claim[] {
    this.#claims ??= claimsOf(this.stanza)
    return this.#claims
  }

  get raw(): Bytes {
    return this.#kept ?? this.stanza.frame.raw()
  }

  get stanza(): Stanza {
    if (this.#stanza === undefined) {
      const stanza = readStanza(this.#kept as Bytes)
      if (stanza === undefined)
        throw new ServiceError('internal-fault', 'a kept stanza is not readable', { id: this.head.id })
      this.#stanza = stanza
    }
    return this.#stanza
  }

  content(): Content | undefined {
    if (this.#content === undefined) this.#content = contentOf(this.stanza) ?? 'none'
    return this.#content === 'none' ? undefined : this.#content
  }

  view(): InstantMessage & Report & PresenceDocument {
    assert(this.head.kind !== 'transit', 'transit is never translated')
    this.#view ??=
      this.head.kind === 'message'
        ? messageView(this.head, this.stanza)
        : this.head.kind === 'report'
          ? reportView(this.stanza)
          : presenceView(this.head, this.stanza)
    return this.#view as InstantMessage & Report & PresenceDocument
  }

  /** The same stanza with another `to`: a script sends it on. */
  readdressed(head: Head): StanzaEnvelope {
    const { frame } = this.keep().stanza
    const at = frame.findAttribute('to')
    if (at < 0) return new StanzaEnvelope(head, undefined, frame.raw(), this.#stamp)
    const octets = concat([
      frame.bytes.subarray(frame.start, frame.attributeValueStart(at)),
      utf8(escapeValue(fullJid(head.to, head.toAgent))),
      frame.bytes.subarray(frame.attributeValueEnd(at), frame.end),
    ])
    return new StanzaEnvelope({ ...head, size: octets.length }, undefined, octets, this.#stamp)
  }

  /** The octets with the declarations of their stream, in memory of their own. */
  keep(): StanzaEnvelope {
    if (this.#kept !== undefined) return this
    this.#keptEnvelope ??= new StanzaEnvelope(
      this.head,
      undefined,
      selfContained(this.stanza.frame),
      this.#stamp,
    )
    return this.#keptEnvelope
  }
}

/** The envelope of a stanza that the store or another machine held. */
export function reviveStanza(head: Head, raw: Bytes): StanzaEnvelope {
  return new StanzaEnvelope(head, undefined, raw)
}

function claimsOf({ frame }: Stanza): readonly Claim[] {
  const claims: Claim[] = []
  for (let child = 0; child < frame.childCount; child++) {
    const name = frame.childName(child)
    if (name === 'stanza-id') {
      if (frame.childNamespace(child) !== stanzaIdNamespace) continue
      claims.push({ child, isCarbon: false, by: childFrame(frame, child).attribute('by') })
    } else if ((name === 'received' || name === 'sent') && frame.childNamespace(child) === carbonsNamespace) {
      claims.push({ child, isCarbon: true, by: undefined })
    }
  }
  return claims
}
