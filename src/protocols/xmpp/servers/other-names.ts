// The names of a certificate that Node does not read: SRVName (RFC 4985 §2) and xmppAddr (RFC 6120 §13.7.1.4), out of the DER of its
// subjectAltName (RFC 5280 §4.2.1.6). Complete for these two.
import type { Bytes } from '#base'

const subjectAltName = '551d11'
const srvName = '2b06010505070807'
const xmppAddr = '2b06010505070805'

export interface OtherNames {
  /** As `_xmpp-server.example.org`. */
  readonly services: readonly string[]
  readonly addresses: readonly string[]
}

interface Value {
  readonly tag: number
  readonly content: Bytes
}

/** Of a certificate that is read already, so that its DER is good; what is not as expected is no name. */
export function otherNamesOf(certificate: Bytes): OtherNames {
  const services: string[] = []
  const addresses: string[] = []
  for (const name of generalNames(certificate)) {
    // otherName [0] { type-id, value [0] EXPLICIT }
    if (name.tag !== 0xa0) continue
    const [type, wrapped] = valuesIn(name.content)
    const inner = wrapped?.tag === 0xa0 ? valuesIn(wrapped.content)[0] : undefined
    if (type?.tag !== 0x06 || inner === undefined) continue
    const oid = Buffer.from(type.content).toString('hex')
    const written = Buffer.from(inner.content).toString('utf8')
    // IA5String; UTF8String
    if (oid === srvName && inner.tag === 0x16) services.push(written)
    if (oid === xmppAddr && inner.tag === 0x0c) addresses.push(written)
  }
  return { services, addresses }
}

/** Certificate > TBSCertificate > [3] extensions > the one with that OID > OCTET STRING > SEQUENCE of names. */
function generalNames(certificate: Bytes): readonly Value[] {
  const inside = (value: Value | undefined): readonly Value[] =>
    value === undefined ? [] : valuesIn(value.content)
  const tbs = inside(valuesIn(certificate)[0])[0]
  const extensions = inside(inside(tbs).find(({ tag }) => tag === 0xa3))[0]
  for (const extension of inside(extensions)) {
    const parts = inside(extension)
    const [oid] = parts
    if (oid?.tag !== 0x06 || Buffer.from(oid.content).toString('hex') !== subjectAltName) continue
    return inside(inside(parts.at(-1))[0])
  }
  return []
}

/** The values one after another in `octets`; it stops at the first that is cut short. */
function valuesIn(octets: Bytes): readonly Value[] {
  const values: Value[] = []
  let at = 0
  while (at + 2 <= octets.length) {
    const tag = octets[at] as number
    let length = octets[at + 1] as number
    at += 2
    if (length >= 0x80) {
      const count = length & 0x7f
      if (count === 0 || count > 4 || at + count > octets.length) return values
      length = 0
      for (let k = 0; k < count; k++) length = length * 256 + (octets[at++] as number)
    }
    if (at + length > octets.length) return values
    values.push({ tag, content: octets.subarray(at, at + length) })
    at += length
  }
  return values
}
