// The addresses that settings name: `127.0.0.1:5222`, `[::1]:5222`, `*:5222`, `localhost:5222`. What net takes, without net.

export interface ListenAddress {
  /** Undefined: every address of the machine, IPv6 and IPv4. */
  readonly host: string | undefined
  /** 0..65535; 0 lets the system choose. */
  readonly port: number
}

/** The address, or a sentence that says what is wrong with it. */
export function readListenAddress(text: string): ListenAddress | string {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]\s]*)):(\d{1,5})$/.exec(text.trim())
  if (match === null)
    return `"${text}" is no address to listen on; write host:port, as in "127.0.0.1:5222" or "[::1]:5222"`
  const port = Number(match[3])
  if (port > 65_535) return `"${text}" has no port between 0 and 65535`
  const host = match[1] ?? match[2]
  return { host: host === '' || host === '*' ? undefined : host, port }
}
