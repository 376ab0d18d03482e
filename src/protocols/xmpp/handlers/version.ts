// Software version (XEP-0092): the name and version; never the operating system (§4).
import { readFileSync } from 'node:fs'
import { xml } from '#wire/xml'
import { versionNamespace } from '../codec/namespaces.ts'
import type { IqHandler } from './iq.ts'

const manifest = readFileSync(new URL('../../../../package.json', import.meta.url), 'utf8')
const { version } = JSON.parse(manifest) as { version: string }

export const versionIq: IqHandler = {
  payload: `{${versionNamespace}}query`,
  addressee: 'server',
  get: ({ result }) => {
    result(
      xml(
        'query',
        versionNamespace,
        {},
        xml('name', versionNamespace, {}, 'Verona'),
        xml('version', versionNamespace, {}, version),
      ),
    )
  },
}
