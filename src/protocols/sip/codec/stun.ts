// STUN as a keep-alive beside SIP on one UDP port (RFC 5626 §3.5.2, §8): a Binding request is answered with the address that it came
// from. RFC 5389 of it: the Binding method, XOR-MAPPED-ADDRESS, 420 for attributes that must be understood; MAPPED-ADDRESS for clients
// of RFC 3489 (RFC 5389 §12.2). No credentials, no other method: complete for this use.

import type { Bytes } from '#base'

const headerOctets = 20
const magicCookie = 0x2112a442
const bindingRequest = 0x0001
const bindingResponse = 0x0101
const bindingError = 0x0111
const mappedAddress = 0x0001
const xorMappedAddress = 0x0020
const errorCode = 0x0009
const unknownAttributes = 0x000a
/** LIMIT: unknown attributes that an error names. */
const unknownMax = 4

/** What RFC 5389 makes comprehension-required and a Binding request may bear without meaning anything to us. */
const understood: ReadonlySet<number> = new Set([0x0001, 0x0002, 0x0003, 0x0006, 0x0008, 0x0020])

/** RFC 5389 §6: the first two bits are zero, which no SIP message begins with; CRLF keep-alives are shorter than a header. */
export const mayBeStun = (octets: Bytes): boolean =>
  octets.length >= headerOctets && octets[0]! < 4 && (octets.length & 3) === 0

/** The answer to a datagram that came from `address`; undefined where it is none that is answered. */
export function stunAnswer(octets: Bytes, address: string, port: number): Buffer | undefined {
  const message = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength)
  if (message.readUInt16BE(0) !== bindingRequest || message.readUInt16BE(2) !== message.length - headerOctets)
    return undefined
  const unknown = unknownIn(message)
  if (unknown === 'malformed') return undefined
  if (unknown.length > 0) return answered(message, bindingError, [error420(), listed(unknown)])
  const isNew = message.readUInt32BE(4) === magicCookie
  const value = isNew ? xored(addressValue(address, port), message) : addressValue(address, port)
  return answered(message, bindingResponse, [attribute(isNew ? xorMappedAddress : mappedAddress, value)])
}

/** Attributes of 0x0000 to 0x7FFF are to be understood (RFC 5389 §15). */
function unknownIn(message: Buffer): number[] | 'malformed' {
  const unknown: number[] = []
  let at = headerOctets
  while (at < message.length) {
    if (at + 4 > message.length) return 'malformed'
    const type = message.readUInt16BE(at)
    const length = message.readUInt16BE(at + 2)
    if (at + 4 + length > message.length) return 'malformed'
    if (type < 0x8000 && !understood.has(type) && unknown.length < unknownMax) unknown.push(type)
    at += 4 + ((length + 3) & ~3)
  }
  return unknown
}

function answered(request: Buffer, type: number, attributes: readonly Buffer[]): Buffer {
  const out = Buffer.concat([request.subarray(0, headerOctets), ...attributes])
  out.writeUInt16BE(type, 0)
  out.writeUInt16BE(out.length - headerOctets, 2)
  return out
}

function attribute(type: number, value: Buffer): Buffer {
  const out = Buffer.alloc(4 + ((value.length + 3) & ~3))
  out.writeUInt16BE(type, 0)
  out.writeUInt16BE(value.length, 2)
  value.copy(out, 4)
  return out
}

/** RFC 5389 §15.1: family, port, address. */
function addressValue(address: string, port: number): Buffer {
  const octets = address.includes(':') ? octetsOf6(address) : Buffer.from(address.split('.').map(Number))
  const out = Buffer.alloc(4 + octets.length)
  out[1] = octets.length === 4 ? 1 : 2
  out.writeUInt16BE(port, 2)
  octets.copy(out, 4)
  return out
}

/** The octets of an IPv6 address; the URL parser knows every way to write one. */
function octetsOf6(address: string): Buffer {
  const plain = new URL(`http://[${address.split('%', 1)[0]}]`).hostname.slice(1, -1)
  const [before = '', after] = plain.split('::')
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'))
  const head = groups(before)
  const tail = groups(after ?? '')
  const all = [...head, ...new Array<string>(8 - head.length - tail.length).fill('0'), ...tail]
  const out = Buffer.alloc(16)
  for (const [i, group] of all.entries()) out.writeUInt16BE(Number.parseInt(group, 16), i * 2)
  return out
}

/** RFC 5389 §15.2: with the cookie, and for IPv6 the transaction id after it, both of which follow each other in the header. */
function xored(value: Buffer, message: Buffer): Buffer {
  value.writeUInt16BE(value.readUInt16BE(2) ^ (magicCookie >>> 16), 2)
  for (let i = 4; i < value.length; i++) value[i] = value[i]! ^ message[i]!
  return value
}

function error420(): Buffer {
  const reason = Buffer.from('Unknown Attribute')
  return attribute(errorCode, Buffer.concat([Buffer.from([0, 0, 4, 20]), reason]))
}

function listed(types: readonly number[]): Buffer {
  const value = Buffer.alloc(types.length * 2)
  for (const [i, type] of types.entries()) value.writeUInt16BE(type, i * 2)
  return attribute(unknownAttributes, value)
}
