// The door of auth: logins by SASL and by Digest, and the secrets they are checked against.
export { type Attempt, BackOff, type BackOffLimits, backOffDefaults, type Wait } from './back-off.ts'
export {
  Derivation,
  type DerivationOptions,
  derivationsAtOnce,
  iterationsDefault,
  iterationsMin,
  preparePassword,
} from './derivation.ts'
export { Digest, type DigestOptions, type DigestOutcome, type DigestRequest } from './digest.ts'
export { withoutMd5 } from './digest-hash.ts'
export { isDigest } from './digest-header.ts'
export { type NonceLimits, nonceDefaults } from './digest-nonce.ts'
export type { Logins } from './logins.ts'
export { type LoginChannel, passwordClient, passwordMechanisms } from './password-login.ts'
export { PersonCertificates } from './person-certificates.ts'
export { Sasl } from './sasl.ts'
export {
  externalClient,
  plainClient,
  type SaslClient,
  ScramClient,
  type ScramClientOptions,
} from './sasl-client.ts'
export type {
  LoginEvent,
  SaslChannel,
  SaslFailure,
  SaslMechanism,
  SaslOptions,
  SaslStep,
} from './sasl-exchange.ts'
export { StoreAuthenticator, serverKeyOf } from './store-authenticator.ts'
