// The door of exchange: what protocols of requests and responses over one stream share.
export { Exchange, type ExchangeKey, type ExchangeLimits, type Settled } from './exchange.ts'
export { Gatherer } from './gatherer.ts'
export { ownUnit, type UnitOctets } from './own-unit.ts'
export { RequestEnvelope } from './request-envelope.ts'
