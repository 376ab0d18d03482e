// What the system says of a connection that could not be had, in words for people; its own word stays beside, to be looked for.

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  ETIMEDOUT: 'no answer in time',
  EHOSTUNREACH: 'no route leads there',
  ENETUNREACH: 'no route leads there',
  EADDRNOTAVAIL: 'this machine has no address that leads there',
}

/** `connect ECONNREFUSED 127.0.0.1:5269` is `connection refused (ECONNREFUSED)`; what is in words already stays. */
export function plainReason(message: string): string {
  const code = /^(?:connect|read|write) (E[A-Z]+)\b/.exec(message)?.[1]
  const said = code === undefined ? undefined : words[code]
  return said === undefined ? message : `${said} (${code})`
}
