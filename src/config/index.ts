// The door of config: how a setting is defined, and how all of them are loaded.
export type { ListenAddress } from './listen-address.ts'
export { type Config, type LoadOptions, loadConfig } from './load.ts'
export { ConfigError, type ConfigProblem } from './problem.ts'
export { settingsReference } from './reference.ts'
export { isListening, keyOf, type Section, type SettingsOf, section, variableOf } from './section.ts'
export {
  choice,
  flag,
  integer,
  listen,
  listenOnAll,
  octets,
  optionalFlag,
  optionalList,
  optionalPath,
  optionalText,
  path,
  type ReadContext,
  requiredText,
  type Setting,
  type Settings,
  seconds,
  tables,
  text,
  type ValuesOf,
} from './setting.ts'
export { configFileDefault } from './source.ts'
