// Several servers, each with a domain, a database and a certificate of its own authority, which all trust; one clock; and a name server
// that says where they are. Nothing but loopback.
import { appendFileSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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
  xmpps: {
    setting: 'xmpp.server_tls',
    srv: '_xmpps-server._tcp',
    settings: '[xmpp]\nserver_tls = "127.0.0.1:0"',
  },
  prim: { setting: 'prim.server', srv: '_prim-im._tcp', settings: '[prim]\nserver = "127.0.0.1:0"' },
  apex: { setting: 'apex.mesh', srv: '_apex-mesh._tcp', settings: '[apex]\nmesh = "127.0.0.1:0"' },
  sip: {
    setting: 'sip.tls',
    srv: '_sips._tcp',
    settings: '[sip]\ntls = "127.0.0.1:0"\nother_domains = true',
  },
  // Sessions and presence come to the SIP server, messages to the XMPP server that a session names.
  umpp: {
    setting: 'sip.tls',
    srv: '_im._umpp',
    also: '_pres._umpp',
    settings:
      '[sip]\ntls = "127.0.0.1:0"\nother_domains = true\n[xmpp]\nserver = "127.0.0.1:0"\n[umpp]\non = true\nhost = "127.0.0.1"\nprivate_peers = ["montague.example", "capulet.example"]',
  },
} as const

type Announced = (typeof services)[keyof typeof services]

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
    // One is trusted in any case: a file of none is refused.
    writeFileSync(trust, readFileSync(join(await certificatesOf('nobody.example'), 'ca.crt')))
    for (const { domain, also, trusted } of this.#parts.residents)
      for (const name of trusted ? [domain, ...also] : [])
        appendFileSync(trust, readFileSync(join(await certificatesOf(name), 'ca.crt')))
    const common = `[dns]\nservers = ["${dns}"]\n[peers]\ntrust = ${JSON.stringify(trust)}`
    for (const resident of this.#parts.residents)
      if (resident.elsewhere) await this.#settleNowhere(resident)
      else await this.#settle(resident, common)
  }

  house(domain: string): House {
    const house = this.houses.get(domain)
    if (house === undefined) throw new Error(`there is no server of ${domain}`)
    return house
  }

  /** Whether who goes to a domain's servers by one protocol gets there. */
  setRoad(protocol: string, domain: string, isOpen: boolean): void {
    const road = this.roads.get(`${servicesOf(protocol).setting} ${domain}`)
    if (road === undefined) throw new Error(`no road leads to ${domain} by ${protocol}`)
    road.isOpen = isOpen
    if (!isOpen) road.break()
  }

  silence(protocol: string, domain: string): void {
    const road = this.roads.get(`${servicesOf(protocol).setting} ${domain}`)
    if (road === undefined) throw new Error(`no road leads to ${domain} by ${protocol}`)
    road.isSilent = true
  }

  /** Puts the certificate of a domain where the server of the other has its own; it looks from time to time. */
  async giveCertificate(to: string, of: string): Promise<void> {
    const files = await certificatesOf(of)
    const { directory } = this.house(to)
    for (const [file, kind] of [
      ['server.key', 'key'],
      ['server.crt', 'crt'],
    ] as const)
      copyFileSync(join(files, file), join(directory, `${to}.${kind}`))
  }

  /** Every connection between servers breaks. */
  breakRoads(): void {
    for (const road of this.roads.values()) road.break()
  }

  async close(): Promise<void> {
    for (const house of new Set(this.houses.values())) await house.close()
    for (const road of this.roads.values()) await road.stop()
    await this.names.stop()
    rmSync(this.#directory, { recursive: true, force: true })
  }

  async #settle({ domain, also, announced, certificate }: Resident, common: string): Promise<void> {
    const on = announced.map((name) => servicesOf(name).settings)
    const domains = [domain, ...also]
    const own = this.#parts.settingsOf.get(domain) ?? ''
    const house = new House({
      settings: [`domains = ${JSON.stringify(domains)}`, common, ...on, this.#parts.settings, own],
      durable: this.#parts.durable,
      prepare: this.#parts.prepare,
      clock: this.clock,
      certificatesOf: domains,
    })
    for (const name of domains) {
      this.houses.set(name, house)
      await this.giveCertificate(name, name === domain ? certificate : name)
    }
    for (const protocol of announced) await this.#announce(domain, house, servicesOf(protocol), also)
    await house.start()
  }

  /** Its names lead to where nobody answers. */
  /** Its names lead to where nobody answers, or to a server that does not have it. */
  async #settleNowhere({ domain, announced, at }: Resident): Promise<void> {
    for (const name of announced) {
      const { srv } = servicesOf(name)
      if (at === undefined) await this.#announce(domain, undefined, servicesOf(name))
      else this.names.services.set(`${srv}.${domain}`, this.names.services.get(`${srv}.${at}`) ?? [])
    }
  }

  async #announce(
    domain: string,
    house: House | undefined,
    { setting, srv, ...more }: Announced,
    also: readonly string[] = [],
  ): Promise<void> {
    const road = new Road(() => (house?.isOpen === true ? house.places.get(setting) : undefined))
    this.roads.set(`${setting} ${domain}`, road)
    const host = `server.${domain}`
    const port = await road.start()
    for (const label of 'also' in more ? [srv, more.also] : [srv])
      for (const name of [domain, ...also]) this.names.services.set(`${label}.${name}`, [{ host, port }])
    this.names.addresses.set(host, ['127.0.0.1'])
  }
}

function servicesOf(name: string): Announced {
  const found = services[name as keyof typeof services]
  if (found === undefined) throw new Error(`no protocol between domains is called ${name}`)
  return found
}
