// The door of exchange: what protocols of requests and responses share beyond their octets (decision 0142). It is no protocol.

export { type ForeignSubscription, ForeignSubscriptions, type OnOver } from './foreign-subscriptions.ts'
export { keptRequest } from './kept-request.ts'
export { type KeptLink, Links } from './links.ts'
export { cutByFault, type ListenerPlan, type OpenListeners, openListeners } from './listeners.ts'
export { placeFinder } from './places.ts'
export { readUnits, type UnitSource, type UnitTaker } from './read-units.ts'
export { SentAnswers } from './sent-answers.ts'
export { type Dial, type OtherDomains, startProtocol } from './start.ts'
export { Strangers } from './strangers.ts'
export { type BookedWatch, WatchBook } from './watch-book.ts'
