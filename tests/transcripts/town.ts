// Several servers, each with a domain, a database and a certificate of its own authority, which all trust; one clock; and a name server
// that says where they are. Nothing but loopback.
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { VirtualClock } from '#base'
import type { RunningServer } from '#server'
import { certificatesOf } from './certificates.ts'
import { House } from './house.ts'
import { NameServer } from './name-server.ts'
import { Road } from './road.ts'
import type { Resident } from './script.ts'

/** By the protocol that a script announces: the setting of its listener, its SRV name, and how it is turned on. */
const services = {
  impp: { setting: 'impp.server', srv: '_impp-server._tcp', settings: '[impp]\nserver = "127.0.0.1:0"' },
  xmpp: { setting: 'xmpp.server', srv: '_xmpp-server._tcp', settings: '[xmpp]\nserver = "127.0.0.1:0"' },
  sip: { setting: 'sip.tls', srv: '_sips._tcp', settings: '[sip]\ntls = "127.0.0.1:0"' },
} as const

export interface TownParts {
  readonly residents: readonly Resident[]
  /** TOML for all, and for one. */
  readonly settings: string
  readonly settingsOf: ReadonlyMap<string, string>
  readonly durable: boolean
  readonly prepare: (server: RunningServer) => void
}

export class Town {
  readonly clock = new VirtualClock(Date.UTC(2026, 0, 1))
  readonly houses = new Map<string, House>()
  readonly roads = new Map<string, Road>()
  readonly names = new NameServer()
  readonly #parts: TownParts
  readonly #directory = mkdtempSync(join(tmpdir(), 'verona-town-'))

  constructor(parts: TownParts) {
    this.#parts = parts
  }

  async start(): Promise<void> {
    const dns = await this.names.start()
    const trust = join(this.#directory, 'trust.pem')
    writeFileSync(trust, '')
    for (const { domain, trusted } of this.#parts.residents)
      if (trusted) appendFileSync(trust, readFileSync(join(await certificatesOf(domain), 'ca.crt')))
    const common = `[dns]\nservers = ["${dns}"]\n[peers]\ntrust = ${JSON.stringify(trust)}`
    for (const resident of this.#parts.residents)
      if (!resident.elsewhere) await this.#settle(resident, common)
  }

  house(domain: string): House {
    const house = this.houses.get(domain)
    if (house === undefined) throw new Error(`there is no server of ${domain}`)
    return house
  }

  /** Every connection between servers breaks. */
  breakRoads(): void {
    for (const road of this.roads.values()) road.break()
  }

  async close(): Promise<void> {
    for (const house of this.houses.values()) await house.close()
    for (const road of this.roads.values()) await road.stop()
    await this.names.stop()
    rmSync(this.#directory, { recursive: true, force: true })
  }

  async #settle({ domain, announced, certificate }: Resident, common: string): Promise<void> {
    const on = announced.map((name) => servicesOf(name).settings)
    const own = this.#parts.settingsOf.get(domain) ?? ''
    const house = new House({
      settings: [`domains = ["${domain}"]`, common, ...on, this.#parts.settings, own],
      durable: this.#parts.durable,
      prepare: this.#parts.prepare,
      clock: this.clock,
    })
    cpSync(await certificatesOf(certificate), join(house.directory, 'tls'), { recursive: true })
    this.houses.set(domain, house)
    for (const name of announced) await this.#announce(domain, house, servicesOf(name))
    await house.start()
  }

  async #announce(
    domain: string,
    house: House,
    { setting, srv }: (typeof services)['impp' | 'xmpp' | 'sip'],
  ): Promise<void> {
    const road = new Road(() => (house.isOpen ? house.places.get(setting) : undefined))
    this.roads.set(`${setting} ${domain}`, road)
    const host = `server.${domain}`
    this.names.services.set(`${srv}.${domain}`, [{ host, port: await road.start() }])
    this.names.addresses.set(host, ['127.0.0.1'])
  }
}

function servicesOf(name: string): (typeof services)['impp' | 'xmpp' | 'sip'] {
  const found = services[name as keyof typeof services]
  if (found === undefined) throw new Error(`no protocol between domains is called ${name}`)
  return found
}
