// The addresses that settings name: `127.0.0.1:5222`, `[::1]:5222`, `:5222`, `*:5222`, `localhost:5222`.

export interface ListenAddress {
  /** Undefined: every address of the machine, IPv6 and IPv4. */
  readonly host: string | undefined
  readonly port: number
}

/** The address, or a sentence that says what is wrong with it. Port 0 lets the system choose. */
export function parseListenAddress(text: string): ListenAddress | string {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]\s]*)):(\d{1,5})$/.exec(text.trim())
  if (match === null)
    return `"${text}" is not an address to listen on: write host:port, as in "127.0.0.1:5222" or "[::1]:5222"`
  const port = Number(match[3])
  if (port > 65535) return `"${text}" has no port between 0 and 65535`
  const host = match[1] ?? match[2]
  return { host: host === '' || host === '*' ? undefined : host, port }
}

/** Back to text: IPv6 in brackets, every address as `*`. */
export function listenAddressText(address: { host?: string | undefined; port: number }): string {
  const { host, port } = address
  if (host === undefined) return `*:${port}`
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
