// A section: the settings of one table of the file, `[xmpp]`, each defined once beside the code that obeys it.
import type { Settings, ValuesOf } from './setting.ts'

export interface Section<S extends Settings = Settings> {
  /** The table's name; empty for the settings above all tables. */
  readonly name: string
  readonly doc: string
  readonly settings: S
}

/** The values of a section. Property `clientTls` is `client_tls` in the file and `VERONA_XMPP_CLIENT_TLS` in the environment. */
export type SettingsOf<S extends Section> = S extends Section<infer D> ? ValuesOf<D> : never

export function section<S extends Settings>(name: string, doc: string, settings: S): Section<S> {
  return { name, doc, settings }
}

/** `clientTls` -> `client_tls`. */
export function keyOf(property: string): string {
  return property.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/** `xmpp`, `clientTls` -> `VERONA_XMPP_CLIENT_TLS`. */
export function variableOf(sectionName: string, property: string): string {
  const key = keyOf(property).toUpperCase()
  return sectionName === '' ? `VERONA_${key}` : `VERONA_${sectionName.toUpperCase()}_${key}`
}

/** True when one of a section's listeners is on. */
export function isListening(of: Section, values: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(of.settings).some(
    ([property, setting]) => setting.listens && values[property] !== undefined,
  )
}
