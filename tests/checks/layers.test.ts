// The layer rule, upon the tree and upon breaches made for it.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { importsOf } from '../../tools/checks/imports.ts'
import { layerBreaches } from '../../tools/checks/layers.ts'
import { type Edge, listModules, type Module, readModules, root } from '../../tools/checks/modules.ts'

const folders = ['src', 'tests', 'fuzz', 'bench', 'tools']
const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>
}
const packages = Object.keys(dependencies)

test('no folder imports what its row may not, and none goes past a door', () => {
  const modules = readModules(folders)
  assert.equal(modules.size, listModules(folders).length)
  assert.ok(modules.size > 50, `only ${modules.size} modules seen`)
  assert.ok(
    [...modules.values()].filter((module) => module.edges.length > 0).length > modules.size / 2,
    'most import something',
  )
  assert.deepEqual(layerBreaches(modules, packages), [])
})

/** The breaches of one import, `from` importing `specifier`, which leads to `target`. */
function breachesOf(from: string, source: string, target: Edge['target']): string[] {
  const edges = importsOf(source).map((found) => ({ ...found, target }))
  const module: Module = { path: from, edges, lines: 1 }
  return layerBreaches(new Map([[from, module]]), ['pino'])
}

const allowed: [string, string, Edge['target']][] = [
  ['src/core/send.ts', "import { a } from '#model'", { module: 'src/model/index.ts' }],
  ['src/wire/pidf/pidf.ts', "import { a } from '#wire/xml'", { module: 'src/wire/xml/index.ts' }],
  [
    'src/protocols/umpp/link.ts',
    "import { a } from '#protocols/sip'",
    { module: 'src/protocols/sip/index.ts' },
  ],
  [
    'src/protocols/umpp/link.ts',
    "import { a } from '#protocols/xmpp'",
    { module: 'src/protocols/xmpp/index.ts' },
  ],
  [
    'src/protocols/apex/mesh.ts',
    "import { a } from '#protocols/beep'",
    { module: 'src/protocols/beep/index.ts' },
  ],
  [
    'src/protocols/prim/protocol.ts',
    "import { a } from '#protocols/exchange'",
    { module: 'src/protocols/exchange/index.ts' },
  ],
  [
    'src/protocols/prim/prim.test.ts',
    "import { a } from '#protocols/exchange/testing'",
    { module: 'src/protocols/exchange/testing/index.ts' },
  ],
  [
    'src/protocols/sip/methods/publish.ts',
    "import { a } from '../binding.ts'",
    { module: 'src/protocols/sip/binding.ts' },
  ],
  [
    'src/cli/watch.ts',
    "import { a } from '#protocols/impp/client-node'",
    { module: 'src/protocols/impp/client-node/index.ts' },
  ],
  [
    'src/protocols/impp/client/wire.ts',
    "import { a } from '../codec/index.ts'",
    { module: 'src/protocols/impp/codec/index.ts' },
  ],
  [
    'src/protocols/prim/client/wire.ts',
    "import { a } from '../codec/index.ts'",
    { module: 'src/protocols/prim/codec/index.ts' },
  ],
  [
    'src/cli/prim-person.ts',
    "import { a } from '#protocols/prim/client'",
    { module: 'src/protocols/prim/client/index.ts' },
  ],
  [
    'src/protocols/apex/client/log-in.ts',
    "import { a } from '#protocols/beep'",
    { module: 'src/protocols/beep/index.ts' },
  ],
  [
    'src/cli/apex-person.ts',
    "import { a } from '#protocols/apex/client'",
    { module: 'src/protocols/apex/client/index.ts' },
  ],
  ['src/cli/user.ts', "import type { A } from '#admin'", { module: 'src/admin/index.ts' }],
  ['src/net/tcp.ts', "import { connect } from 'node:net'", { package: 'node:net' }],
  ['src/protocols/sip/a.ts', "import { isIP, isIPv6 } from 'node:net'", { package: 'node:net' }],
  ['src/auth/tls.ts', "import type { PeerCertificate } from 'node:tls'", { package: 'node:tls' }],
  ['src/observe/log.ts', "import pino from 'pino'", { package: 'pino' }],
  ['src/protocols/sip/sip.test.ts', "import { a } from '#store'", { module: 'src/store/index.ts' }],
  ['src/server/server.ts', 'await import(path)', { missing: '(not a string)' }],
  ['src/server/protocols.ts', "new URL('../protocols/', import.meta.url)", { module: 'src/protocols/' }],
  ['src/server/version.ts', "new URL('../../package.json', import.meta.url)", { module: 'package.json' }],
  ['src/core/inboxes.ts', "import type { A } from './router.ts'", { module: 'src/core/router.ts' }],
  ['src/core/message-service.ts', "import { a } from './inboxes.ts'", { module: 'src/core/inboxes.ts' }],
]

for (const [from, source, target] of allowed) {
  test(`${from} may: ${source}`, () => assert.deepEqual(breachesOf(from, source, target), []))
}

const refused: [string, string, Edge['target'], RegExp][] = [
  [
    'src/protocols/xmpp/protocol.ts',
    "import { a } from '#protocols/exchange'",
    { module: 'src/protocols/exchange/index.ts' },
    /protocols\/xmpp may not import protocols\/exchange/,
  ],
  [
    'src/protocols/prim/protocol.ts',
    "import { a } from '#protocols/exchange/testing'",
    { module: 'src/protocols/exchange/testing/index.ts' },
    /which is for tests/,
  ],
  [
    'src/protocols/impp/client/wire.ts',
    "import { a } from '../binding.ts'",
    { module: 'src/protocols/impp/binding.ts' },
    /climbs out of its folder/,
  ],
  [
    'src/protocols/prim/client/wire.ts',
    "import { a } from '../reply.ts'",
    { module: 'src/protocols/prim/reply.ts' },
    /climbs out of its folder/,
  ],
  [
    'src/cli/a.ts',
    "import { a } from '#protocols/prim'",
    { module: 'src/protocols/prim/index.ts' },
    /cli may not import protocols\/prim/,
  ],
  [
    'src/model/a.ts',
    "import { a } from '#core'",
    { module: 'src/core/index.ts' },
    /model may not import core/,
  ],
  [
    'src/core/a.ts',
    "import { a } from '#wire/xml'",
    { module: 'src/wire/xml/index.ts' },
    /core may not import wire/,
  ],
  ['src/core/a.ts', "import { a } from '#net'", { module: 'src/net/index.ts' }, /core may not import net/],
  [
    'src/core/a.ts',
    "import { a } from '#config'",
    { module: 'src/config/index.ts' },
    /core may not import config/,
  ],
  [
    'src/net/a.ts',
    "import { a } from '#config'",
    { module: 'src/config/index.ts' },
    /net may not import config/,
  ],
  [
    'src/protocols/sip/a.ts',
    "import { a } from '#store'",
    { module: 'src/store/index.ts' },
    /may not import store/,
  ],
  [
    'src/protocols/sip/a.ts',
    "import type { A } from '#bus'",
    { module: 'src/bus/index.ts' },
    /may not import bus/,
  ],
  [
    'src/protocols/sip/a.ts',
    "import { a } from '#server'",
    { module: 'src/server/index.ts' },
    /may not import server/,
  ],
  [
    'src/protocols/sip/a.ts',
    "import { a } from '#admin'",
    { module: 'src/admin/index.ts' },
    /may not import admin/,
  ],
  [
    'src/protocols/sip/a.ts',
    "import { a } from '#protocols/xmpp'",
    { module: 'src/protocols/xmpp/index.ts' },
    /may not import/,
  ],
  [
    'src/protocols/sip/a.ts',
    "import { a } from '#protocols/umpp'",
    { module: 'src/protocols/umpp/index.ts' },
    /may not import/,
  ],
  [
    'src/protocols/umpp/a.ts',
    "import { a } from '#protocols/impp'",
    { module: 'src/protocols/impp/index.ts' },
    /may not import/,
  ],
  [
    'src/cli/a.ts',
    "import { a } from '#admin'",
    { module: 'src/admin/index.ts' },
    /cli may not import admin/,
  ],
  [
    'src/core/a.ts',
    "import { a } from '../model/index.ts'",
    { module: 'src/model/index.ts' },
    /climbs out of its folder/,
  ],
  [
    'src/wire/pidf/a.ts',
    "export { a } from '../xml/framer.ts'",
    { module: 'src/wire/xml/framer.ts' },
    /climbs out/,
  ],
  [
    'src/auth/a.ts',
    "import { a } from '#protocols/sip/codec'",
    { module: 'src/protocols/sip/codec/index.ts' },
    /past the door/,
  ],
  [
    'src/core/a.ts',
    "import { a } from '#core'",
    { module: 'src/core/index.ts' },
    /own folder through the door/,
  ],
  ['src/model/a.ts', "import type { A } from 'node:util'", { package: 'node:util' }, /free of node:/],
  [
    'src/auth/a.ts',
    "import { connect } from 'node:tls'",
    { package: 'node:tls' },
    /only src\/net opens sockets/,
  ],
  ['src/admin/a.ts', "import { createServer } from 'node:http'", { package: 'node:http' }, /only src\/net/],
  ['src/server/a.ts', "await import('node:dns/promises')", { package: 'node:dns/promises' }, /only src\/net/],
  ['src/observe/a.ts', "import x from 'undeclared'", { package: 'undeclared' }, /no run-time dependency/],
  ['src/wire/xml/a.ts', "import pino from 'pino'", { package: 'pino' }, /without a decision record/],
  ['src/core/a.ts', "import { a } from './gone.ts'", { missing: 'src/core/gone.ts' }, /leads nowhere/],
  ['src/core/a.ts', 'await import(path)', { missing: '(not a string)' }, /not a string/],
  [
    'src/store/a.ts',
    "new URL('./gone-worker.ts', import.meta.url)",
    { missing: 'src/store/gone-worker.ts' },
    /leads nowhere/,
  ],
  [
    'src/core/a.ts',
    "import { a } from './testing/a.ts'",
    { module: 'src/core/testing/a.ts' },
    /is for tests/,
  ],
  [
    'src/core/inboxes.ts',
    "import { a } from './router.ts'",
    { module: 'src/core/router.ts' },
    /nobody sideways/,
  ],
  [
    'src/core/leases.ts',
    "import { a } from './transit.ts'",
    { module: 'src/core/transit.ts' },
    /imports the spine/,
  ],
  ['src/core/a.ts', "import { a } from '../../tools/a.ts'", { module: 'tools/a.ts' }, /outside src/],
  ['tests/a.test.ts', "import { a } from '../dist/a.js'", { module: 'dist/a.js' }, /imports the build/],
]

for (const [from, source, target, why] of refused) {
  test(`${from} may not: ${source}`, () => {
    const found = breachesOf(from, source, target)
    assert.equal(found.length, 1)
    assert.match(found[0] as string, why)
  })
}
