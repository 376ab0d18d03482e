// The client's door: an application of APEX, for the command line.
export { serverPlace } from '#net'
export { ApexClient, type Availability, type Outgoing } from './apex-client.ts'
export { apexPort, type ConnectOptions, connect, placesOfDomain } from './connect.ts'
export { ConnectionLost, Refused } from './failures.ts'
export type { Watch, WatchHandlers } from './watch.ts'
