// Tries one server of another domain, up to where a stream could carry something, and closes it again: for an operator who asks.
import { Channel } from './channel.ts'
import { type OpeningParts, openStream } from './opening.ts'

export async function tryServer(
  parts: Pick<OpeningParts, 'environment' | 'places' | 'dial' | 'ours' | 'theirs'>,
  signal: AbortSignal,
): Promise<string> {
  let found = ''
  let opened: Channel | undefined
  await openStream(
    {
      ...parts,
      purpose: 'carry',
      onReady: ({ octets, identity }) => {
        const tls = octets.connection.tls?.protocol ?? 'no TLS'
        found = `ready, ${tls}, ${identity === '' ? 'it did not prove itself' : identity}`
        opened = new Channel('initiator', parts.environment, octets, {
          // Nothing was asked for: what comes in this moment comes again by a stream that stays.
          take: () => {},
          onOver: () => {},
          onAway: (away, why) => away.close(why),
        })
        return opened
      },
    },
    signal,
  )
  // Not before it is the stream's: one that is over before that never got ready.
  opened?.close('it was opened to see whether it can be')
  return found
}
