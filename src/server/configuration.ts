// Loads the whole configuration: the server's own sections and those of every protocol folder.
import { assert } from '#base'
import { type Config, type ListenAddress, loadConfig, type Section, type SettingsOf } from '#config'
import { prepareDomain } from '#model'
import { functionsOf, settingsFor, wrongFunctions } from './functions.ts'
import { wrongPeers } from './peer-book.ts'
import { type AnyProtocol, loadProtocols } from './protocols.ts'
import { mainSettings, serverSections } from './settings.ts'

export interface Configuration {
  readonly config: Config
  readonly protocols: readonly AnyProtocol[]
  /** A-labels in lower case, each once; the first is the default. */
  readonly domains: readonly string[]
}

export interface ConfigurationOptions {
  /** The file named on the command line. */
  readonly file?: string | undefined
  readonly environment?: Readonly<Record<string, string | undefined>>
  readonly directory?: string
}

/** Every section there is, for the loader and for the generated reference. */
export function allSections(protocols: readonly AnyProtocol[]): Section[] {
  return [...serverSections, ...protocols.map((protocol) => protocol.settings as Section)]
}

/** Throws ConfigError with all that is wrong. */
export async function loadConfiguration(options: ConfigurationOptions = {}): Promise<Configuration> {
  const protocols = await loadProtocols()
  const config = loadConfig({
    file: options.file,
    sections: allSections(protocols),
    environment: options.environment ?? process.env,
    directory: options.directory ?? process.cwd(),
  })
  refuseClearPasswords(config, protocols)
  const useless = wrongFunctions(config, protocols)
  if (useless !== undefined) throw new ConfigurationFault(useless)
  const missing = missingGrounds(config, protocols)
  if (missing !== undefined) throw new ConfigurationFault(missing)
  const domains = domainsOf(config)
  const wrong = wrongPeers(
    config,
    domains,
    protocols.map(({ name }) => name),
  )
  if (wrong !== undefined) throw new ConfigurationFault(wrong)
  return { config, protocols, domains }
}

/** The `[[domain]]` table of a domain of `configuration.domains`. */
export function tableOf(config: Config, domain: string): DomainTable | undefined {
  return config.of(mainSettings).domain.find((table) => prepareDomain(table.name) === domain)
}

type DomainTable = SettingsOf<typeof mainSettings>['domain'][number]

/** Thrown for a configuration whose values fit their types and not each other. */
export class ConfigurationFault extends Error {}

function domainsOf(config: Config): string[] {
  const { domains, domain } = config.of(mainSettings)
  const named = [...(domains ?? []), ...domain.map((table) => table.name)]
  const prepared = (named.length === 0 ? ['localhost'] : named).map((name) => {
    const known = prepareDomain(name)
    assert(known !== undefined, 'the setting has refused what is no domain')
    return known
  })
  for (const { name, certificate, key } of domain) {
    // One without the other would be served with a certificate of our own, which nobody asked for.
    if ((certificate === undefined) !== (key === undefined))
      throw new ConfigurationFault(
        `the domain "${name}" has a ${key === undefined ? 'certificate and no key' : 'key and no certificate'}: name both files (a file that holds both is named twice), or neither`,
      )
  }
  return [...new Set(prepared)]
}

/** A protocol that stands on others needs them as it says (decision 0120). */
function missingGrounds(config: Config, protocols: readonly AnyProtocol[]): string | undefined {
  const functions = functionsOf(config)
  if (!functions.has('forwarder')) return undefined
  const settingsOf = (name: string): Readonly<Record<string, unknown>> => {
    const section = protocols.find((each) => each.name === name)?.settings as Section | undefined
    if (section === undefined) return {}
    return settingsFor(section, config.of(section) as Readonly<Record<string, unknown>>, functions)
  }
  for (const { name, isOn, misses } of protocols) {
    const missed = isOn?.(settingsOf(name)) === true ? misses?.(settingsOf) : undefined
    if (missed !== undefined) return missed
  }
  return undefined
}

/** Passwords in the clear are for load generators and laboratories on this machine. */
function refuseClearPasswords(config: Config, protocols: readonly AnyProtocol[]): void {
  for (const protocol of protocols) {
    const settings = protocol.settings as Section
    const values = config.of(settings) as Readonly<Record<string, unknown>>
    if (values['plainWithoutTls'] !== true) continue
    for (const [property, { listens, serves }] of Object.entries(settings.settings)) {
      const open = values[property] as ListenAddress | undefined
      const isClear = listens && serves === 'clients' && !property.endsWith('Tls')
      if (!isClear || open === undefined || isLoopback(open.host)) continue
      throw new ConfigurationFault(
        `[${settings.name}] plain_without_tls is true, and ${property} listens on ${open.host ?? '*'}: passwords would cross the network in the clear; listen on loopback, as in "127.0.0.1:${open.port}", or leave plain_without_tls out`,
      )
    }
  }
}

function isLoopback(host: string | undefined): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host ?? '')
}
