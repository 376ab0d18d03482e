// Ping (XEP-0199): of the server and of one's own account.
import { pingNamespace } from '../codec/namespaces.ts'
import type { OpenIqHandler } from './iq.ts'

export const pingIq: OpenIqHandler = {
  payload: `{${pingNamespace}}ping`,
  addressee: 'either',
  features: { server: [pingNamespace], account: [pingNamespace] },
  get: ({ result }) => result(),
}
