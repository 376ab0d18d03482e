// The client's door: a login by PRIM, for the command line.
export { type ConnectOptions, connect, type Place, placeNamed, placesOfDomain, primPorts } from './connect.ts'
export { ConnectionLost, Refused } from './failures.ts'
export { type Incoming, type Outgoing, PrimClient } from './prim-client.ts'
export type { Watch, WatchHandlers } from './watch.ts'
