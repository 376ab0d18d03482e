// The world of one transcript: a server, its accounts and its parties.
import { utf8, type VirtualClock } from '#base'
import { parseAddress } from '#model'
import type { RunningServer } from '#server'
import { ApexParty } from './apex-party.ts'
import { ComponentParty } from './component-party.ts'
import { House } from './house.ts'
import { ImppParty } from './impp-party.ts'
import { ImppServerParty } from './impp-server-party.ts'
import type { Party, PartyContext } from './party.ts'
import { matches, type Variables } from './pattern.ts'
import { PrimParty } from './prim-party.ts'
import type { Script } from './script.ts'
import { SipParty } from './sip-party.ts'
import { Town } from './town.ts'
import { XmppParty } from './xmpp-party.ts'
import { XmppServerParty } from './xmpp-server-party.ts'

const restart = 'the server restarts'

/** Virtual seconds at a time, and the real milliseconds in which clients answer what that brought about. */
const stepSeconds = 10
const roundTripMs = 10
const turnsOfLoop = 20

const makers: Readonly<Record<string, new (words: readonly string[], context: PartyContext) => Party>> = {
  xmpp: XmppParty,
  sip: SipParty,
  impp: ImppParty,
  apex: ApexParty,
  impp_server: ImppServerParty,
  xmpp_server: XmppServerParty,
  component: ComponentParty,
  prim: PrimParty,
}

/** @param prepare changes the server before anybody signs in */
export async function play(
  file: string,
  script: Script,
  prepare: (server: RunningServer) => void = () => {},
): Promise<void> {
  const durable = script.steps.some(({ what }) => what === restart || /^the server of \S+ starts$/.test(what))
  const place = placeOf(script, durable, prepare)
  const parties = new Map<string, Party>()
  try {
    await place.start()
    for (const house of new Set(place.houses.values())) await addAccounts(house, place, script)
    const context = contextOf(script)
    for (const { name, protocol, words } of script.parties) {
      const Maker = makers[protocol]
      if (Maker === undefined) throw new Error(`${file}: no party speaks ${protocol}`)
      const { places } = houseOf(place, words[0] as string)
      parties.set(name, new Maker(words, { ...context, places, name }))
    }
    for (const { line, who, what, block } of script.steps) {
      const party = parties.get(who)
      try {
        if (party !== undefined) await partyStep(party, what, block)
        else await worldStep(what, block, place, context.variables)
      } catch (error) {
        const said = `${(error as Error).message}${peersOf(place)}`
        throw new Error(`${file}:${line}: ${who} ${what}: ${said}`, { cause: error })
      }
    }
  } finally {
    for (const party of parties.values()) party.abandon()
    await place.close()
  }
}

/** `receives at last, answers 200`: what comes before it is answered so, too, and passed over. */
async function partyStep(party: Party, what: string, block: string): Promise<void> {
  const [, isLast, answer] = /^receives( at last)(?:, (answers .+))?$/.exec(what) ?? []
  if (isLast === undefined) return party.act(what, block)
  for (;;) {
    const difference = await party.act('receives', block).catch((error: Error) => error)
    if (difference?.message.startsWith('nothing came')) throw difference
    if (answer !== undefined) await party.act(answer, '')
    if (difference === undefined) return
  }
}

/** What the servers of a town know of each other, where something went wrong. */
function peersOf({ town, houses }: Place): string {
  if (town === undefined) return ''
  const open = [...houses].filter(([, house]) => house.isOpen)
  return `\n${JSON.stringify(open.map(([domain, { server }]) => [domain, server.service.peers.status()]))}`
}

/** Where a script plays: one server, or a town of them. */
interface Place {
  readonly clock: VirtualClock
  readonly houses: ReadonlyMap<string, House>
  readonly town?: Town
  start(): Promise<void>
  close(): Promise<void>
}

function placeOf(script: Script, durable: boolean, prepare: (server: RunningServer) => void): Place {
  const { residents, settings, settingsOf } = script
  if (residents.length > 0) {
    const town = new Town({ residents, settings, settingsOf, durable, prepare })
    return {
      clock: town.clock,
      houses: town.houses,
      town,
      start: () => town.start(),
      close: () => town.close(),
    }
  }
  const house = new House({ settings: [settings], durable, prepare })
  return {
    clock: house.clock,
    houses: new Map([['', house]]),
    start: () => house.start(),
    close: () => house.close(),
  }
}

/** The server that an address belongs to; where there is one alone, that. */
function houseOf({ houses }: Place, address: string): House {
  const [domain = ''] = (address.split('@')[1] ?? address).split('/')
  const house = houses.get('') ?? houses.get(domain)
  if (house === undefined) throw new Error(`there is no server of ${domain}`)
  return house
}

async function addAccounts(house: House, place: Place, script: Script): Promise<void> {
  const { service } = house.server
  const own = script.accounts.filter(({ address }) => houseOf(place, address) === house)
  const accounts = own.map(({ address, password }) => {
    const parsed = parseAddress(address)
    if (parsed === undefined) throw new Error(`${address} is no address`)
    return { address: parsed, password }
  })
  const refusals = (await service.accounts.add(accounts)).filter((outcome) => outcome.kind === 'refused')
  if (refusals.length > 0) throw new Error(`accounts were refused: ${JSON.stringify(refusals)}`)
}

function contextOf(script: Script): Omit<PartyContext, 'name' | 'places'> {
  const passwords = new Map(script.accounts.map(({ address, password }) => [address, password]))
  const octets = new Map<string, Buffer>()
  return { variables: new Map(), octets, passwordOf: (address) => passwords.get(address) ?? 'secret' }
}

/**
 * `time passes 60 seconds`; `romeo@localhost approves|refuses|allows|blocks|politely blocks|shows the least to|forgets the rule about
 * juliet@localhost`; `juliet@localhost is removed`, `moves to URI`, `moves for good to URI`, `comes back`, `has the script`; `the server stops`, `the server restarts`; in a town `the server of
 * capulet.example stops` and `starts`, `the connections between the servers break`.
 */
async function worldStep(what: string, block: string, place: Place, variables: Variables): Promise<void> {
  const { clock, town } = place
  const seconds = /^time passes (\d+) seconds?$/.exec(what)?.[1]
  if (seconds !== undefined) {
    return pass(clock, Number(seconds))
  }
  const gone = /^(\S+@\S+) is removed$/.exec(what)?.[1]
  if (gone !== undefined) return removeAccount(houseOf(place, gone).server, gone)
  const [, mover = '', where] = /^(\S+@\S+) (moves (?:for good )?to \S+|comes back)$/.exec(what) ?? []
  if (where !== undefined) return movePerson(houseOf(place, mover).server, mover, where)
  const scripted = /^(\S+@\S+) has the script$/.exec(what)?.[1]
  if (scripted !== undefined) return putScript(houseOf(place, scripted).server, scripted, block)
  const [, domain = '', end] = /^the server of (\S+) (stops|starts)$/.exec(what) ?? []
  if (end !== undefined)
    return end === 'stops' ? houseOf(place, domain).stop() : houseOf(place, domain).start()
  if (town !== undefined && what === 'the connections between the servers break') return town.breakRoads()
  const [, protocol = '', to = '', state] = /^the (\S+) road to (\S+) (opens|closes)$/.exec(what) ?? []
  if (town !== undefined && state !== undefined) return town.setRoad(protocol, to, state === 'opens')
  const [, by = '', silent] = /^the (\S+) road to (\S+) falls silent$/.exec(what) ?? []
  if (town !== undefined && silent !== undefined) return town.silence(by, silent)
  const [, taker = '', of] = /^the server of (\S+) is given the certificate of (\S+)$/.exec(what) ?? []
  if (town !== undefined && of !== undefined) return town.giveCertificate(taker, of)
  const [, viewer = '', viewed] = /^(\S+) sees of (\S+)$/.exec(what) ?? []
  if (viewed !== undefined) return seesOf(houseOf(place, viewer).server, viewed, block, variables)
  if (what === 'the server stops') return void houseOf(place, '').server.stop()
  if (what === restart) return houseOf(place, '').restart()
  const decision =
    /^(\S+@\S+) (approves|refuses|allows|blocks|politely blocks|shows the least to|forgets the rule about) (\S+)$/.exec(
      what,
    )
  if (decision === null) throw new Error(`nobody knows how to "${what}" ${block}`)
  await decide(
    houseOf(place, decision[1] as string).server,
    decision[1] as string,
    decision[2] as string,
    decision[3] as string,
  )
}

/** What `verona script set` does. */
async function putScript({ service }: RunningServer, owner: string, script: string): Promise<void> {
  const address = parseAddress(owner)
  if (address === undefined) throw new Error(`${owner} is no address`)
  const outcome = await new Promise<object>((resolve) => service.scripts.put(address, utf8(script), resolve))
  if (!('kind' in outcome) || outcome.kind !== 'stored') throw new Error(JSON.stringify(outcome))
}

/** What `verona peers` shows of a domain: each line of the block is one of these lines. */
async function seesOf(
  { service }: RunningServer,
  domain: string,
  block: string,
  variables: Variables,
): Promise<void> {
  const lines: string[] = []
  for (const link of service.peers.status().filter((each) => each.domain === domain))
    lines.push(link.state, ...link.connections, link.identity, link.lastError)
  for (const queue of await service.relay.status())
    if (queue.domain === domain) lines.push(`${queue.length} waits`)
  for (const wanted of block.split('\n')) {
    const [, absent, pattern = ''] = /^(!?)(.*)$/.exec(wanted.trim()) ?? []
    const isThere = lines.some((line) => matches(pattern, line, variables))
    if (isThere === (absent === '!'))
      throw new Error(`${isThere ? 'it says' : 'nothing is'} "${pattern}" in\n${lines.join('\n')}`)
  }
}

/** Time passes a little at a time, so that pings are answered on the way. */
async function pass(clock: VirtualClock, seconds: number): Promise<void> {
  for (let left = seconds; left > 0; left -= stepSeconds) {
    clock.advance(Math.min(left, stepSeconds) * 1000)
    await new Promise((resolve) => setTimeout(resolve, roundTripMs))
    // On a busy machine the milliseconds may have gone to others: turns of our own loop did not.
    for (let turn = 0; turn < turnsOfLoop; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
}

async function removeAccount({ service }: RunningServer, address: string): Promise<void> {
  const parsed = parseAddress(address)
  const outcome = parsed === undefined ? undefined : await service.accounts.remove(parsed)
  if (outcome?.kind !== 'done') throw new Error(`${address} could not be removed: ${JSON.stringify(outcome)}`)
}

async function movePerson({ service }: RunningServer, address: string, where: string): Promise<void> {
  const parsed = parseAddress(address)
  const [, permanent, location] = /^moves (for good )?to (\S+)$/.exec(where) ?? []
  const forward = location === undefined ? undefined : { location, permanent: permanent !== undefined }
  const outcome = parsed === undefined ? undefined : await service.accounts.setForward(parsed, forward)
  if (outcome?.kind !== 'done') throw new Error(`${address} could not be moved: ${JSON.stringify(outcome)}`)
}

function decide({ service }: RunningServer, owner: string, verb: string, watcher: string): Promise<void> {
  const own = parseAddress(owner)
  const other = parseAddress(watcher)
  if (own === undefined || other === undefined) throw new Error('no address')
  const actions = { allows: 'allow', blocks: 'block', 'politely blocks': 'polite-block' } as const
  return new Promise((resolve, reject) => {
    const done = (outcome: { kind: string }): void =>
      outcome.kind === 'refused' ? reject(new Error(JSON.stringify(outcome))) : resolve()
    if (verb === 'approves') service.contacts.approve(own, other, undefined, done)
    else if (verb === 'refuses') service.contacts.refuse(own, other, undefined, done)
    else if (verb === 'forgets the rule about') service.contacts.removeRule(own, other.key, done)
    else {
      const action = actions[verb as keyof typeof actions] ?? 'allow'
      const visibility = verb === 'shows the least to' ? 'basic' : 'full'
      service.contacts.setRule(own, { subject: other.key, action, visibility }, done)
    }
  })
}
