// A host and a port, as the operator writes them.

export interface Place {
  /** A name or an address without brackets. */
  readonly host: string
  readonly port: number
  /** TLS from the first octet. */
  readonly direct: boolean
}

/** `host`, `host:port`, `[address]:port`; an address of IPv6 without a port may stand bare. */
export function placeOf(written: string, port: number): Place {
  const named = /^\[([^\]]*)\](?::(\d+))?$/.exec(written) ?? /^([^:]*)(?::(\d+))?$/.exec(written)
  const [, host = written, own] = named ?? []
  return { host, port: own === undefined ? port : Number(own), direct: false }
}
