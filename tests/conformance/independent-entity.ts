// A MIME entity of a BEEP payload (RFC 3080 §2.2), for the clients that share no code with the server.

export interface Entity {
  readonly type: string
  readonly fields: readonly (readonly [string, string])[]
  readonly body: Buffer
}

/** RFC 3080 §6.4. */
export const beepXml = 'application/beep+xml'

/** What NUL has, and a payload that says nothing of itself. */
export const nothing: Entity = { type: 'application/octet-stream', fields: [], body: Buffer.alloc(0) }

export function xmlEntity(document: string): Entity {
  return { type: beepXml, fields: [], body: Buffer.from(document) }
}

export function octetsOf({ type, fields, body }: Entity): Buffer {
  const lines = [`Content-Type: ${type}`, ...fields.map(([name, value]) => `${name}: ${value}`)]
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), body])
}

/** @throws Error where its header can't be read */
export function readEntity(payload: Buffer): Entity {
  if (payload.subarray(0, 2).toString() === '\r\n') return { ...nothing, body: payload.subarray(2) }
  const end = payload.indexOf('\r\n\r\n')
  if (end < 0) throw new Error(`a payload without its empty line: ${payload.subarray(0, 60)}`)
  const fields: [string, string][] = []
  let { type } = nothing
  const head = payload
    .subarray(0, end)
    .toString()
    .replace(/\r\n[ \t]+/g, ' ')
  for (const line of head.split('\r\n')) {
    const [, name = '', value = ''] = /^([!-9;-~]+):[ \t]*(.*)$/.exec(line) ?? []
    if (name === '') throw new Error(`no header field: ${line}`)
    if (name.toLowerCase() === 'content-type') type = value.trim()
    else fields.push([name, value])
  }
  return { type, fields, body: payload.subarray(end + 4) }
}
