// Entity time (XEP-0202): the server's, in UTC.
import { xml } from '#wire/xml'
import { timeNamespace } from '../codec/namespaces.ts'
import type { OpenIqHandler } from './iq.ts'

export const timeIq: OpenIqHandler = {
  payload: `{${timeNamespace}}time`,
  addressee: 'server',
  features: { server: [timeNamespace] },
  get: ({ session, result }) => {
    const utc = new Date(session.service.clock.now()).toISOString()
    const tzo = xml('tzo', timeNamespace, {}, '+00:00')
    result(xml('time', timeNamespace, {}, tzo, xml('utc', timeNamespace, {}, utc)))
  },
}
