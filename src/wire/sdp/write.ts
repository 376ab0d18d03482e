// A session description out, in the order that RFC 8866 §5 wants: what belongs to a medium stands behind its `m=`.

import { type Bytes, utf8 } from '#base'
import type { Connection, MediaDescription, SdpAttribute, SessionDescription } from './session.ts'

/** The description, each line ended by CR LF. No value may hold a line end: what came by `parseSdp` has none. */
export function writeSdp(description: SessionDescription): Bytes {
  const { origin, name, connection, times, attributes, media } = description
  const { user, sessionId, version, networkType, addressType, address } = origin
  const lines = ['v=0', `o=${user} ${sessionId} ${version} ${networkType} ${addressType} ${address}`]
  lines.push(`s=${name}`)
  if (connection !== undefined) lines.push(connectionLine(connection))
  for (const time of times) lines.push(`t=${time}`)
  for (const attribute of attributes) lines.push(attributeLine(attribute))
  for (const each of media) lines.push(...mediaLines(each))
  return utf8(`${lines.map(oneLine).join('\r\n')}\r\n`)
}

function mediaLines({ media, port, ports, transport, formats, connection, attributes }: MediaDescription) {
  const portText = ports === undefined ? `${port}` : `${port}/${ports}`
  return [
    `m=${media} ${portText} ${transport} ${formats.join(' ')}`,
    ...(connection === undefined ? [] : [connectionLine(connection)]),
    ...attributes.map(attributeLine),
  ]
}

function connectionLine({ networkType, addressType, address }: Connection): string {
  return `c=${networkType} ${addressType} ${address}`
}

function attributeLine({ name, value }: SdpAttribute): string {
  return value === undefined ? `a=${name}` : `a=${name}:${value}`
}

/** RFC 8866 §9: a `byte-string` has no NUL, CR or LF; one that got in would be a line of its own. */
function oneLine(line: string): string {
  return line.replace(/[\0\r\n]/g, ' ')
}
