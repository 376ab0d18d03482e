// Where the servers of a domain for one protocol are: as the operator says, else as SRV records of the protocol's own names say, else
// as those of RFC 3861 say (`_im._proto`, `_pres._proto`; for some protocols before its own), else, for protocols that go there, at the domain's own addresses.
import { DnsError, type Resolver, type SrvRecord, srvOrder } from './dns.ts'
import { type Place, placeOf } from './place-of.ts'
import { plainReason } from './plain-reason.ts'

/** What a protocol is called in DNS. */
export interface ServiceNames {
  /** Its own SRV names, those of all mixed by priority and weight (XEP-0368 §3): `_xmpp-server._tcp`. */
  readonly own: readonly { readonly name: string; readonly direct: boolean }[]
  /** Its label in the registries of RFC 3861 §8, without the underscore; empty: it has none. */
  readonly label: string
  /** Whether those are asked before its own. */
  readonly labelFirst?: true
  /** SRV names of its own of former times, where none of the others says anything. */
  readonly older?: ServiceNames['own']
  /** The port where none is said. */
  readonly port: number
  /** Whether the domain's own addresses are tried when nothing is said of it (RFC 6120 §3.2.2; RFC 3861 §4; C11 of its forerunner). */
  readonly atAddresses: boolean
}

export interface PlacesParts {
  readonly resolver: Resolver
  readonly names: ServiceNames
  /** What the operator says, `host`, `host:port` or `[address]:port`, and DNS is not asked; undefined: nothing. */
  readonly serversOf: (domain: string) => readonly string[] | undefined
  /** The operator has said that this protocol is the one for the domain: without records it is tried at its addresses. */
  readonly isChosen: (domain: string) => boolean
}

/** What became of a try. */
export interface PlaceTry {
  /** `host:port`, with its address where it is another. */
  readonly where: string
  readonly isGood: boolean
  /** Who answers there, or why it is no use. */
  readonly outcome: string
}

export interface PlacesExamination {
  readonly reached: Reached | 'unanswered'
  /** Where the places are known from. */
  readonly source: string
  /** In the order in which the places would be tried. */
  readonly tries: readonly PlaceTry[]
}

/** What there are places for. */
export interface Reached {
  readonly messages: boolean
  readonly presence: boolean
  readonly named: boolean
}

/** In the order to be tried. A protocol with one connection for both services takes `all`. */
export interface Places {
  readonly all: readonly Place[]
  readonly messages: readonly Place[]
  readonly presence: readonly Place[]
  /** False: nobody has named the protocol; the domain has an address, that is all. */
  readonly named: boolean
  /** Where this is known from, for people: `SRV _xmpp-server._tcp.example.com`. */
  readonly source: string
}

/** A finder that knows one place. */
export function onlyPlace(place: Place): Pick<PlaceFinder, 'find'> {
  return knownPlaces([place])
}

/** A finder of places that were found already. */
export function knownPlaces(places: readonly Place[]): Pick<PlaceFinder, 'find'> {
  return { find: () => Promise.resolve(both(places, true, 'the question')) }
}

/** LIMIT: places of a domain, and addresses of a place, that are examined. */
const examinedMax = 8

export class PlaceFinder {
  readonly #parts: PlacesParts

  constructor(parts: PlacesParts) {
    this.#parts = parts
  }

  /** @throws DnsError */
  async find(domain: string): Promise<Places> {
    const { resolver, names, serversOf, isChosen } = this.#parts
    const servers = serversOf(domain)
    if (servers !== undefined && servers.length > 0)
      return both(
        servers.map((written) => placeOf(written, names.port)),
        true,
        'the configuration',
      )
    const own = (): Promise<Places | undefined> => ownPlaces(resolver, domain, names.own)
    const labelled = (): Promise<Places | undefined> => labelledPlaces(resolver, domain, names)
    const older = (): Promise<Places | undefined> => ownPlaces(resolver, domain, names.older ?? [])
    for (const ask of names.labelFirst ? [labelled, own, older] : [own, labelled, older]) {
      const said = await ask()
      if (said !== undefined) return said
    }
    const itself = [{ host: domain, port: names.port, direct: false }]
    if (isChosen(domain)) return both(itself, true, 'the configuration, at the addresses of the domain')
    if (!names.atAddresses || (await resolver.addresses(domain)).length === 0)
      return both([], false, 'no record names it')
    return both(itself, false, `the addresses of ${domain}, since no record names it`)
  }

  /**
   * Where the domain is looked for, and what becomes of a try of each address; for people, who want to know what is wrong.
   * @param tryAt resolves with who answers there, rejects with why it is no use
   */
  async examine(
    domain: string,
    tryAt: (place: Place, signal: AbortSignal) => Promise<string>,
    millisecondsMax: number,
  ): Promise<PlacesExamination> {
    let places: Places
    try {
      places = await this.find(domain)
    } catch (error) {
      return { reached: 'unanswered', source: (error as Error).message, tries: [] }
    }
    const { messages, presence, named, source } = places
    const tries = await Promise.all(
      places.all.slice(0, examinedMax).map((place) => this.#examinePlace(place, tryAt, millisecondsMax)),
    )
    return {
      reached: { messages: messages.length > 0, presence: presence.length > 0, named },
      source,
      tries: tries.flat(),
    }
  }

  async #examinePlace(
    place: Place,
    tryAt: (place: Place, signal: AbortSignal) => Promise<string>,
    millisecondsMax: number,
  ): Promise<PlaceTry[]> {
    const where = `${place.host.includes(':') ? `[${place.host}]` : place.host}:${place.port}${place.direct ? ', TLS at once' : ''}`
    let addresses: readonly string[]
    try {
      addresses = await this.#parts.resolver.addresses(place.host)
    } catch (error) {
      return [{ where, isGood: false, outcome: (error as Error).message }]
    }
    if (addresses.length === 0) return [{ where, isGood: false, outcome: `${place.host} has no address` }]
    return Promise.all(
      addresses.slice(0, examinedMax).map(async (address): Promise<PlaceTry> => {
        const at = address === place.host ? where : `${where} (${address})`
        try {
          const outcome = await tryAt({ ...place, host: address }, AbortSignal.timeout(millisecondsMax))
          return { where: at, isGood: true, outcome }
        } catch (error) {
          const { message } = error as Error
          const said = `${address}:${place.port}: `
          const why = message.startsWith(said) ? message.slice(said.length) : message
          return { where: at, isGood: false, outcome: plainReason(why) }
        }
      }),
    )
  }

  /** What can be had of the domain, as far as DNS and the operator say. */
  async reaches(domain: string): Promise<Reached | 'unanswered'> {
    try {
      const { messages, presence, named } = await this.find(domain)
      return { messages: messages.length > 0, presence: presence.length > 0, named }
    } catch (error) {
      if (error instanceof DnsError) return 'unanswered'
      throw error
    }
  }
}

/** Undefined: nothing is said by these names. */
async function ownPlaces(
  resolver: Resolver,
  domain: string,
  own: ServiceNames['own'],
): Promise<Places | undefined> {
  const answers = await Promise.all(own.map(({ name }) => resolver.srv(`${name}.${domain}`)))
  const records = answers.flatMap((answer, at) =>
    answer === 'unavailable' ? [] : answer.map((record) => ({ ...record, direct: own[at]?.direct === true })),
  )
  const asked = own.map(({ name }) => `${name}.${domain}`)
  if (records.length > 0) {
    const ordered = srvOrder(records)
    if (ordered !== 'unavailable') return both(ordered.map(placeOfRecord), true, sourceOf(asked, answers))
  }
  // RFC 2782: "decidedly not available"; one kind that is refused leaves the other (XEP-0368 §3).
  const refused = asked.filter((_, at) => answers[at] === 'unavailable')
  return refused.length > 0
    ? both([], true, `SRV ${refused.join(' and ')} says that it is not offered`)
    : undefined
}

/** The names that say something, and whether all that they say was validated (RFC 4035). */
function sourceOf(
  asked: readonly string[],
  answers: readonly (readonly SrvRecord[] | 'unavailable')[],
): string {
  const saying = asked.filter((_, at) => answers[at] !== 'unavailable' && answers[at]?.length !== 0)
  const records = answers.flatMap((answer) => (answer === 'unavailable' ? [] : answer))
  const isValidated = records.length > 0 && records.every(({ secure }) => secure === true)
  return `SRV ${saying.join(' and ')}${isValidated ? ', validated by DNSSEC' : ''}`
}

/** RFC 3861 §3: of each service on its own. */
async function labelledPlaces(
  resolver: Resolver,
  domain: string,
  { label }: ServiceNames,
): Promise<Places | undefined> {
  if (label === '') return undefined
  const asked = [`_im._${label}.${domain}`, `_pres._${label}.${domain}`]
  const answers = await Promise.all(asked.map((name) => resolver.srv(name)))
  if (answers.every((answer) => answer !== 'unavailable' && answer.length === 0)) return undefined
  const [messages = [], presence = []] = answers.map((answer) =>
    answer === 'unavailable' ? [] : answer.map(placeOfRecord),
  )
  const all = [...messages, ...presence.filter((place) => !messages.some((one) => isSame(one, place)))]
  const source =
    all.length > 0 ? sourceOf(asked, answers) : `SRV ${asked.join(' and ')} say that it is not offered`
  return { all, messages, presence, named: true, source }
}

function both(all: readonly Place[], named: boolean, source: string): Places {
  return { all, messages: all, presence: all, named, source }
}

function placeOfRecord(record: SrvRecord & { readonly direct?: boolean }): Place {
  return { host: record.target, port: record.port, direct: record.direct === true }
}

function isSame(one: Place, other: Place): boolean {
  return one.host === other.host && one.port === other.port
}
