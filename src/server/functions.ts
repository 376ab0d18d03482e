// The three functions of a domain (IMPP §4, D4 to D7) as what a process opens: listeners for clients, listeners for and links to other
// domains, the place where clients are sent elsewhere (decision 0056).

import { type Config, isListening, type Section } from '#config'
import type { AnyProtocol } from './protocols.ts'
import { type DomainFunction, domainFunctions, mainSettings } from './settings.ts'

type Values = Readonly<Record<string, unknown>>

export function functionsOf(config: Config): ReadonlySet<DomainFunction> {
  const named = config.of(mainSettings).functions as readonly DomainFunction[] | undefined
  return new Set(named ?? domainFunctions)
}

/** A protocol's settings with what this process is not for turned off. */
export function settingsFor(
  section: Section,
  values: Values,
  functions: ReadonlySet<DomainFunction>,
): Values {
  const redirects = functions.has('locator') && values['redirect'] !== undefined
  const open = { clients: functions.has('authenticator') || redirects, domains: functions.has('forwarder') }
  const kept: Record<string, unknown> = { ...values }
  for (const [property, { listens, serves }] of Object.entries(section.settings)) {
    if (listens && serves !== undefined && !open[serves]) kept[property] = undefined
  }
  if ('redirect' in kept && !redirects) kept['redirect'] = undefined
  return kept
}

/** Why a process with these functions would be of no use. */
export function wrongFunctions(config: Config, protocols: readonly AnyProtocol[]): string | undefined {
  const functions = functionsOf(config)
  if (functions.has('authenticator')) return undefined
  // What arrives for people who are logged in elsewhere could not reach them from here (decision 0013).
  if (functions.has('forwarder'))
    return 'functions: a forwarder needs the people it takes messages for in the same process; name "authenticator" too'
  const sections = protocols.map((protocol) => protocol.settings as Section)
  const isUseful = sections.some((each) =>
    isListening(each, settingsFor(each, config.of(each) as Values, functions)),
  )
  return isUseful
    ? undefined
    : 'functions: a locator sends clients elsewhere; name the place with redirect and a listener for clients, in [impp]'
}
