// Software version (XEP-0092): the name and version; never the operating system (§4).
import { xml } from '#wire/xml'
import { versionNamespace } from '../codec/namespaces.ts'
import type { OpenIqHandler } from './iq.ts'

export const versionIq: OpenIqHandler = {
  payload: `{${versionNamespace}}query`,
  addressee: 'server',
  features: { server: [versionNamespace] },
  isOffered: ({ settings }) => settings.tellVersion,
  get: ({ session, result }) => {
    result(
      xml(
        'query',
        versionNamespace,
        {},
        xml('name', versionNamespace, {}, 'Verona'),
        xml('version', versionNamespace, {}, session.version),
      ),
    )
  },
}
