// The second door of impp: a client of IMPP/1.0, free of `node:`, for browsers and whatever else has WebSockets.
export { connect } from './connect.ts'
export { ConnectionLost, Refused, SubscriptionEnded } from './failures.ts'
export type { HistoryOptions, Remembered } from './history.ts'
export { type ConnectOptions, connectBy, ImppClient } from './impp-client.ts'
export {
  type ClientHandlers,
  ImppSession,
  type Incoming,
  type Outgoing,
  type PublicationLease,
  type SendResult,
} from './impp-session.ts'
export { type LoginOptions, logIn } from './log-in.ts'
export type { AccessList, ContactInfo, ContactList, Rule, WatcherInfo } from './own-lists.ts'
export type { PublishOptions, Said, Status } from './publication.ts'
export type { ClientState, ReconnectionOptions } from './reconnection.ts'
export type { ChannelBinding, Dial, Transport, TransportHandler } from './transport.ts'
export { Watch, type WatchHandlers } from './watch.ts'
export type { Sighting } from './watches.ts'
export { webSocketDial } from './web-socket.ts'
