// The features of a client's stream as text: those of its negotiation, and what the server is and has besides.
import { type Features, featuresText } from './codec/stream-text.ts'
import { serverCaps } from './handlers/disco.ts'
import { iqHandlers } from './handlers/iq-handlers.ts'
import type { SessionEnvironment } from './session-environment.ts'

export function streamFeatures(environment: SessionEnvironment, features: Features): string {
  const caps = serverCaps(environment, iqHandlers)
  return featuresText(features, caps, environment.registrations !== undefined)
}
