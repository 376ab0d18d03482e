// A domain as an operator wants to see it who asks what is wrong: where SIP finds its servers, and what becomes of a try of each.

import { namedWay, noWay, type PeerExamination } from '#core'
import { plainReason } from '#net'
import type { DomainsEnvironment, Ends } from './environment.ts'
import type { Place } from './locate.ts'
import type { Reach } from './reach.ts'

/** LIMIT: servers, and addresses of one, that are tried. */
const triesMax = 8

type Try = PeerExamination['tries'][number]

export async function examine(
  { resolver, routeTo }: DomainsEnvironment,
  reach: Reach,
  ends: Ends,
  isChosen: boolean,
): Promise<PeerExamination> {
  const { theirs } = ends
  let places: readonly Place[]
  try {
    places = await reach.placesOf(theirs, undefined, isChosen)
  } catch (error) {
    return { reached: 'unanswered', source: (error as Error).message, tries: [] }
  }
  const tries: Try[] = []
  for (const place of places.slice(0, triesMax)) tries.push(...(await tryPlace(place)))
  return { ...(await known()), tries }

  /** What is offered, and by whose word. */
  async function known(): Promise<Pick<PeerExamination, 'reached' | 'source'>> {
    if ((routeTo(theirs).servers?.length ?? 0) > 0) return { reached: namedWay, source: 'the configuration' }
    if (places.length === 0)
      return { reached: noWay, source: 'no record names it, or none that does with TLS' }
    const own = await reach.recordsOf(theirs, undefined)
    if (own.length > 0) return { reached: namedWay, source: `NAPTR and SRV of ${theirs}` }
    const labels = await reach.labels(theirs)
    if (labels.all.length === 0)
      return { reached: namedWay, source: `the addresses of ${theirs}, as the configuration says` }
    const { messages, presence, source } = labels
    const reached = { messages: messages.length > 0, presence: presence.length > 0, named: true }
    return { reached, source }
  }

  async function tryPlace({ transport, host, port }: Place): Promise<Try[]> {
    const where = `${host.includes(':') ? `[${host}]` : host}:${port} by ${transport}`
    let addresses: readonly string[]
    try {
      addresses = await resolver.addresses(host)
    } catch (error) {
      return [{ where, isGood: false, outcome: (error as Error).message }]
    }
    if (addresses.length === 0) return [{ where, isGood: false, outcome: `${host} has no address` }]
    return Promise.all(
      addresses.slice(0, triesMax).map(async (address): Promise<Try> => {
        const at = address === host ? where : `${where} (${address})`
        try {
          const flow = await reach.ways.flowTo({ transport, address, port }, { ...ends, names: [theirs] })
          return { where: at, isGood: true, outcome: reach.ways.identityOf(flow, theirs) }
        } catch (error) {
          return { where: at, isGood: false, outcome: plainReason((error as Error).message) }
        }
      }),
    )
  }
}
