// Which addresses anybody's word may lead us to: not our own, and not those of networks behind us (RFC 6890 and its registries).
import { BlockList, isIP } from 'node:net'

const notForAll = new BlockList()
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const)
  notForAll.addSubnet(network, prefix, 'ipv4')
for (const [network, prefix] of [
  ['::', 127],
  ['64:ff9b:1::', 48],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const)
  notForAll.addSubnet(network, prefix, 'ipv6')

/** True for an address that may be a stranger's server: global unicast, as far as its prefix tells. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address)
  if (family === 0) return false
  if (family === 4) return !notForAll.check(address, 'ipv4')
  const embedded = embeddedAddress(address)
  return embedded === undefined ? !notForAll.check(address, 'ipv6') : isPublicAddress(embedded)
}

/** The IPv4 address that one of IPv6 stands for: mapped (RFC 4291 §2.5.5.2), translated (RFC 6052 §2.1) or 6to4 (RFC 3056 §2). */
function embeddedAddress(address: string): string | undefined {
  const groups = groupsOf(address)
  const isZero = (from: number, to: number): boolean => groups.slice(from, to).every((group) => group === 0)
  if (groups[0] === 0x2002) return dotted(groups[1] as number, groups[2] as number)
  const isMapped = isZero(0, 5) && groups[5] === 0xffff
  const isTranslated = groups[0] === 0x64 && groups[1] === 0xff9b && isZero(2, 6)
  return isMapped || isTranslated ? dotted(groups[6] as number, groups[7] as number) : undefined
}

function dotted(high: number, low: number): string {
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
}

/** The eight groups of an address that is one. */
function groupsOf(address: string): readonly number[] {
  const bare = address.replace(/%.*$/, '')
  const inHex = bare.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_all, ...parts: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = parts.slice(0, 4).map(Number)
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
  })
  const [before = '', after] = inHex.split('::')
  const groups = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))
  const first = groups(before)
  const last = after === undefined ? [] : groups(after)
  return [...first, ...Array<number>(8 - first.length - last.length).fill(0), ...last]
}
