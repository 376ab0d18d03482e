// What a domain may send and be sent a second, in words.
import type { PeerInfo } from '#admin'

type Shares = NonNullable<PeerInfo['policy']['shares']>
type Side = NonNullable<Shares['from']>

/** `from it at most 20 stanzas or requests a second; to it 10000 octets a second` */
export function sharesText({ from, to }: Shares): string {
  const sides = [
    ...(from === undefined ? [] : [`from it at most ${sideText(from)} a second`]),
    ...(to === undefined ? [] : [`to it at most ${sideText(to)} a second`]),
  ]
  return sides.join('; ')
}

function sideText({ perSecondMax, octetsPerSecondMax }: Side): string {
  return [
    ...(perSecondMax === undefined ? [] : [`${perSecondMax} stanzas or requests`]),
    ...(octetsPerSecondMax === undefined ? [] : [`${octetsPerSecondMax} octets`]),
  ].join(' and ')
}
