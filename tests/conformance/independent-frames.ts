// Frames of BEEP (RFC 3080 §2.2.1, RFC 3081 §3.1.3) for the peer that shares no code with the server.

export interface Seq {
  readonly kind: 'SEQ'
  readonly line: string
  readonly channel: number
  readonly ackno: number
  readonly window: number
}

export interface Frame {
  readonly kind: 'data'
  /** The header as it came. */
  readonly line: string
  readonly keyword: string
  readonly channel: number
  readonly msgno: number
  readonly more: boolean
  readonly seqno: number
  readonly ansno: number
  readonly payload: Buffer
}

export interface Read {
  readonly frame: Frame | Seq
  /** Octets behind it. */
  readonly rest: Buffer
}

/** The first frame of the octets; undefined where it is not whole. @throws Error where it is poorly formed */
export function readFrame(octets: Buffer): Read | undefined {
  const end = octets.indexOf('\r\n')
  if (end < 0) {
    if (octets.length > 80) throw new Error(`no header line: ${octets.subarray(0, 80)}`)
    return undefined
  }
  const line = octets.subarray(0, end).toString('latin1')
  const seq = /^SEQ (0|[1-9]\d{0,9}) (0|[1-9]\d{0,9}) (0|[1-9]\d{0,9})$/.exec(line)
  if (seq !== null) {
    const [channel = 0, ackno = 0, window = 0] = seq.slice(1).map(Number)
    return { frame: { kind: 'SEQ', line, channel, ackno, window }, rest: octets.subarray(end + 2) }
  }
  const head = /^(MSG|RPY|ERR|NUL|ANS) (\d+) (\d+) ([.*]) (\d+) (\d+)(?: (\d+))?$/.exec(line)
  if (head === null || (head[1] === 'ANS') !== (head[7] !== undefined)) throw new Error(`no frame: ${line}`)
  const start = end + 2
  const trailer = start + Number(head[6])
  if (octets.length < trailer + 5) return undefined
  if (octets.subarray(trailer, trailer + 5).toString('latin1') !== 'END\r\n')
    throw new Error(`no trailer: ${line}`)
  const frame: Frame = {
    kind: 'data',
    line,
    keyword: head[1] as string,
    channel: Number(head[2]),
    msgno: Number(head[3]),
    more: head[4] === '*',
    seqno: Number(head[5]),
    ansno: Number(head[7] ?? 0),
    payload: Buffer.from(octets.subarray(start, trailer)),
  }
  return { frame, rest: octets.subarray(trailer + 5) }
}
