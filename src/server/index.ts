// The door of server: a whole server, or its accounts alone when none runs.
export { ownAuthority } from './authority.ts'
export {
  allSections,
  type Configuration,
  ConfigurationFault,
  type ConfigurationOptions,
  loadConfiguration,
  tableOf,
} from './configuration.ts'
export { type ControlConnection, connectControl, openControl } from './control-connection.ts'
export { controlSocketOf, openStore } from './data.ts'
export { type OfflineAccounts, openAccounts } from './offline.ts'
export { type ListenerProbe, probeListeners } from './probe-listeners.ts'
export { type AnyProtocol, loadProtocols } from './protocols.ts'
export { type ServeOptions, ServerFault, serve } from './serve.ts'
export { type RunningServer, type ServerOverrides, startServer } from './server.ts'
export {
  authSettings,
  historySettings,
  httpSettings,
  logSettings,
  mainSettings,
  presenceSettings,
  serverSections,
} from './settings.ts'
export { version } from './version.ts'
