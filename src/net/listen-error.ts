// Why a listener could not open, in words for who runs the server.

export class ListenError extends Error {
  readonly code: string
  readonly listener: string
  readonly where: string

  constructor(listener: string, where: string, cause: NodeJS.ErrnoException) {
    super(`${listener} cannot listen on ${where}: ${advice(cause, where)}`, { cause })
    this.name = 'ListenError'
    this.code = cause.code ?? 'UNKNOWN'
    this.listener = listener
    this.where = where
  }
}

function advice(error: NodeJS.ErrnoException, where: string): string {
  const port = where.slice(where.lastIndexOf(':') + 1)
  const path = where.includes('/')
  switch (error.code) {
    case 'EADDRINUSE':
      if (path) return 'another Verona answers there; stop that one, or give this one another data directory'
      return `another program (perhaps a second Verona) uses it; stop that one or choose another port in the settings. \`ss -ltnup 'sport = :${port}'\` names it`
    case 'EACCES':
      if (path) return 'this user may not write into that directory'
      return `the system does not let this user open it; choose a port above 1023, or give the program CAP_NET_BIND_SERVICE`
    case 'EINVAL':
    case 'ENAMETOOLONG':
      return path
        ? 'the path of a Unix socket may have some 100 octets; choose a shorter data directory'
        : error.message
    case 'EADDRNOTAVAIL':
      return 'this machine has no such address; write one that `ip address` shows, or * for all'
    case 'ENOTFOUND':
      return 'the host name is not known; write an address'
    case 'EAFNOSUPPORT':
      return 'this machine has no IPv6; write an IPv4 address'
    default:
      return error.message
  }
}
