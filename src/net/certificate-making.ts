// Makes X.509 certificates (RFC 5280) with ECDSA P-256: an authority's own and a server's. Loaded only when one is to
// be made. The one file that knows pkijs and asn1js.

import { webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import * as asn1js from 'asn1js'
import * as pkijs from 'pkijs'

export interface KeyAndCertificate {
  /** PEM, PKCS #8. */
  readonly key: string
  /** PEM. */
  readonly certificate: string
}

export interface Validity {
  /** Milliseconds since the epoch. */
  readonly from: number
  readonly to: number
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }

const oids = {
  commonName: '2.5.4.3',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
} as const

/** A certificate authority of our own, which signs server certificates only. */
export async function makeAuthority(commonName: string, validity: Validity): Promise<KeyAndCertificate> {
  const keys = await newKeys()
  const certificate = blank(commonName, validity)
  certificate.issuer = certificate.subject
  await certificate.subjectPublicKeyInfo.importKey(keys.publicKey, engine())
  certificate.extensions = [
    extension(
      oids.basicConstraints,
      true,
      new pkijs.BasicConstraints({ cA: true, pathLenConstraint: 0 }).toSchema(),
    ),
    // RFC 5280 §4.2.1.3: keyCertSign and cRLSign.
    extension(oids.keyUsage, true, bits(0x06, 1)),
    extension(
      oids.subjectKeyIdentifier,
      false,
      new asn1js.OctetString({ valueHex: await keyIdentifier(certificate) }),
    ),
  ]
  await certificate.sign(keys.privateKey, 'SHA-256', engine())
  return { key: await keyPem(keys), certificate: certificatePem(certificate) }
}

/**
 * A certificate for these DNS names and IP addresses, signed by the authority. It serves both sides of TLS, because a
 * server also connects to other servers.
 */
export async function makeServerCertificate(
  authority: KeyAndCertificate,
  names: readonly string[],
  validity: Validity,
): Promise<KeyAndCertificate> {
  const issuer = pkijs.Certificate.fromBER(derOf(authority.certificate))
  const keys = await newKeys()
  const certificate = blank(names[0] as string, validity)
  certificate.issuer = issuer.subject
  await certificate.subjectPublicKeyInfo.importKey(keys.publicKey, engine())
  const issuerKey = new asn1js.OctetString({ valueHex: await keyIdentifier(issuer) })
  certificate.extensions = [
    extension(oids.basicConstraints, true, new pkijs.BasicConstraints({ cA: false }).toSchema()),
    // RFC 5280 §4.2.1.3: digitalSignature.
    extension(oids.keyUsage, true, bits(0x80, 7)),
    extension(
      oids.extKeyUsage,
      false,
      new pkijs.ExtKeyUsage({ keyPurposes: [oids.serverAuth, oids.clientAuth] }).toSchema(),
    ),
    extension(
      oids.subjectAltName,
      false,
      new pkijs.GeneralNames({ names: names.map(generalName) }).toSchema(),
    ),
    extension(
      oids.authorityKeyIdentifier,
      false,
      new pkijs.AuthorityKeyIdentifier({ keyIdentifier: issuerKey }).toSchema(),
    ),
    extension(
      oids.subjectKeyIdentifier,
      false,
      new asn1js.OctetString({ valueHex: await keyIdentifier(certificate) }),
    ),
  ]
  const signer = await webcrypto.subtle.importKey('pkcs8', derOf(authority.key), algorithm, false, ['sign'])
  await certificate.sign(signer as CryptoKey, 'SHA-256', engine())
  return { key: await keyPem(keys), certificate: certificatePem(certificate) }
}

type CryptoKey = webcrypto.CryptoKey

function engine(): pkijs.ICryptoEngine {
  return new pkijs.CryptoEngine({ name: 'node', crypto: webcrypto as never })
}

async function newKeys(): Promise<{ publicKey: CryptoKey; privateKey: CryptoKey }> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
}

function blank(commonName: string, validity: Validity): pkijs.Certificate {
  const certificate = new pkijs.Certificate()
  certificate.version = 2
  certificate.serialNumber = new asn1js.Integer({ valueHex: serialNumber() })
  certificate.notBefore.value = new Date(validity.from)
  certificate.notAfter.value = new Date(validity.to)
  const name = new pkijs.AttributeTypeAndValue({
    type: oids.commonName,
    // RFC 5280 Appendix A.1: ub-common-name is 64.
    value: new asn1js.Utf8String({ value: commonName.slice(0, 64) }),
  })
  certificate.subject.typesAndValues.push(name)
  return certificate
}

/** RFC 5280 §4.1.2.2: positive, at most 20 octets; ours are 127 bits of chance. */
function serialNumber(): ArrayBuffer {
  const serial = webcrypto.getRandomValues(new Uint8Array(16))
  serial[0] = ((serial[0] as number) & 0x7f) | 0x40
  return serial.buffer
}

function extension(extnID: string, critical: boolean, value: { toBER(): ArrayBuffer }): pkijs.Extension {
  return new pkijs.Extension({ extnID, critical, extnValue: value.toBER() })
}

function bits(octet: number, unusedBits: number): asn1js.BitString {
  return new asn1js.BitString({ valueHex: new Uint8Array([octet]).buffer, unusedBits })
}

/** RFC 5280 §4.2.1.2 method 1: the SHA-1 of the public key's bits. */
async function keyIdentifier(certificate: pkijs.Certificate): Promise<ArrayBuffer> {
  const key = certificate.subjectPublicKeyInfo.subjectPublicKey.valueBlock.valueHexView
  return webcrypto.subtle.digest('SHA-1', Uint8Array.from(key))
}

/** RFC 5280 §4.2.1.6: dNSName is type 2, iPAddress type 7 in network byte order. */
function generalName(name: string): pkijs.GeneralName {
  if (isIP(name) === 0) return new pkijs.GeneralName({ type: 2, value: name })
  return new pkijs.GeneralName({ type: 7, value: new asn1js.OctetString({ valueHex: addressOctets(name) }) })
}

function addressOctets(address: string): ArrayBuffer {
  if (isIP(address) === 4) return Uint8Array.from(address.split('.').map(Number)).buffer
  // The URL parser writes every IPv6 address in its shortest form, IPv4 tails included.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const front = head === '' ? [] : head.split(':')
  const back = tail === undefined || tail === '' ? [] : tail.split(':')
  const groups = [...front, ...Array<string>(8 - front.length - back.length).fill('0'), ...back]
  return Uint8Array.from(groups.flatMap((group) => [parseInt(group, 16) >> 8, parseInt(group, 16) & 0xff]))
    .buffer
}

function certificatePem(certificate: pkijs.Certificate): string {
  return pem('CERTIFICATE', certificate.toSchema().toBER())
}

async function keyPem(keys: { privateKey: CryptoKey }): Promise<string> {
  return pem('PRIVATE KEY', await webcrypto.subtle.exportKey('pkcs8', keys.privateKey))
}

/** RFC 7468 §2. */
function pem(label: string, der: ArrayBuffer): string {
  const lines = Buffer.from(der)
    .toString('base64')
    .match(/.{1,64}/g) as string[]
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

function derOf(text: string): ArrayBuffer {
  const body = text.replace(/-----[^-]+-----/g, '')
  return Uint8Array.from(Buffer.from(body, 'base64')).buffer
}
