// Watcher information out: application/watcherinfo+xml, RFC 3858.

import type { Bytes } from '#base'
import { serializeBytes, xml } from '#wire/xml'

export const watcherInfoMediaType = 'application/watcherinfo+xml'
const namespace = 'urn:ietf:params:xml:ns:watcherinfo'

export interface WatcherElement {
  /** A token, unique within the list. */
  readonly id: string
  readonly uri: string
  readonly status: string
  readonly event: string
  /** Seconds. */
  readonly expiration?: number
  readonly durationSubscribed?: number
}

export interface WatcherInfoDocument {
  /** From 0, one more for each document of a subscription (RFC 3858 §3). */
  readonly version: number
  readonly state: 'full' | 'partial'
  readonly resource: string
  readonly watchers: readonly WatcherElement[]
}

export function writeWatcherInfo({ version, state, resource, watchers }: WatcherInfoDocument): Bytes {
  const elements = watchers.map(({ id, uri, status, event, expiration, durationSubscribed }) =>
    xml(
      'watcher',
      namespace,
      {
        id,
        status,
        event,
        expiration: expiration === undefined ? undefined : String(expiration),
        'duration-subscribed': durationSubscribed === undefined ? undefined : String(durationSubscribed),
      },
      uri,
    ),
  )
  const list = xml('watcher-list', namespace, { resource, package: 'presence' }, ...elements)
  return serializeBytes(xml('watcherinfo', namespace, { version: String(version), state }, list))
}
