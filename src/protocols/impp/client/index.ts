// The second door of impp: a client of IMPP/1.0, free of `node:`, for the command line and the browser.
export { ConnectionLost, Refused } from './failures.ts'
export {
  type ClientHandlers,
  ImppClient,
  type Incoming,
  type Outgoing,
  type PublicationLease,
  type SendResult,
} from './impp-client.ts'
export { type LoginOptions, logIn } from './log-in.ts'
export type { Transport, TransportHandler } from './transport.ts'
export { Watch, type WatchHandlers } from './watch.ts'
