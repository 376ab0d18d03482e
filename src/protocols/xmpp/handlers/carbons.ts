// Message carbons, switched on and off by the client (XEP-0280 §4, §5).
import { carbonsNamespace } from '../codec/namespaces.ts'
import type { IqHandler } from './iq.ts'

export const carbonsIq: readonly IqHandler[] = [
  {
    payload: `{${carbonsNamespace}}enable`,
    addressee: 'account',
    features: { server: [carbonsNamespace] },
    set: ({ session, result }) => {
      session.setCarbons(true)
      result()
    },
  },
  {
    payload: `{${carbonsNamespace}}disable`,
    addressee: 'account',
    set: ({ session, result }) => {
      session.setCarbons(false)
      result()
    },
  },
]
