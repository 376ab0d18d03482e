// A domain with which all is shared.
import type { PeerPolicy } from '#core'

export const welcome: PeerPolicy = {
  allowed: true,
  protocol: undefined,
  trusted: true,
  messages: true,
  presence: true,
  calls: true,
}
