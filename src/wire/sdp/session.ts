// What a session description says (RFC 8866 §5), in the shape in which offers and answers are thought of.

/** `o=` (RFC 8866 §5.2). */
export interface Origin {
  readonly user: string
  readonly sessionId: string
  readonly version: string
  readonly networkType: string
  readonly addressType: string
  readonly address: string
}

/** `c=` (RFC 8866 §5.7). */
export interface Connection {
  readonly networkType: string
  readonly addressType: string
  /** A name or an address. */
  readonly address: string
}

/** `a=name` or `a=name:value` (RFC 8866 §5.13). */
export interface SdpAttribute {
  readonly name: string
  /** Undefined: a property attribute, which has none. */
  readonly value: string | undefined
}

/** An `m=` line and what belongs to it (RFC 8866 §5.14). */
export interface MediaDescription {
  readonly media: string
  /** 0: rejected, or not offered any more (RFC 3264 §6, §8.2). */
  readonly port: number
  /** The number of ports where several are named. */
  readonly ports?: number
  readonly transport: string
  readonly formats: readonly string[]
  readonly connection: Connection | undefined
  readonly attributes: readonly SdpAttribute[]
}

/** A whole description. Lines of other types (`i=`, `b=`, `k=`...) are checked and left out: no offer or answer of ours hangs on them. */
export interface SessionDescription {
  readonly origin: Origin
  /** `s=`; `-` where it has none. */
  readonly name: string
  readonly connection: Connection | undefined
  /** `t=`: as written, `0 0` for one that does not end. */
  readonly times: readonly string[]
  readonly attributes: readonly SdpAttribute[]
  /** In their order: an answer names them all in the same one (RFC 3264 §6). */
  readonly media: readonly MediaDescription[]
}

/** The value of the first attribute of that name; '' where it has none, undefined where it is not there. */
export function attributeOf(attributes: readonly SdpAttribute[], name: string): string | undefined {
  const found = attributes.find((attribute) => attribute.name === name)
  return found === undefined ? undefined : (found.value ?? '')
}

/** What a media description is connected to: its own `c=`, else that of the session (RFC 8866 §5.7). */
export function connectionOf(
  { connection }: SessionDescription,
  media: MediaDescription,
): Connection | undefined {
  return media.connection ?? connection
}
