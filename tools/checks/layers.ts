// The layer rule: rows base | model observe | wire net config | core | auth store bus | protocols admin | server | cli;
// a folder imports lower rows only, narrowed as this table says, and only through the door.

import { type Edge, isForTests, type Module, unitOf } from './modules.ts'

/** What each folder may import. `#wire/*` stands as `wire`, `#protocols/sip` as `protocols/sip`. */
const mayImport: Record<string, string[]> = {
  base: [],
  model: ['base'],
  observe: ['base'],
  config: ['base', 'model', 'observe'],
  wire: ['base', 'model', 'wire'],
  net: ['base', 'observe'],
  core: ['base', 'model', 'observe'],
  auth: ['base', 'model', 'wire', 'observe', 'core'],
  store: ['base', 'model', 'observe', 'core'],
  bus: ['base', 'model', 'observe', 'core'],
  protocols: ['base', 'model', 'wire', 'observe', 'config', 'net', 'core', 'auth'],
  'protocols/umpp': ['protocols/sip', 'protocols/xmpp'],
  'protocols/apex': ['protocols/beep', 'protocols/exchange'],
  'protocols/apex/client': ['protocols/beep'],
  'protocols/impp': ['protocols/impp/client', 'protocols/exchange'],
  'protocols/prim': ['protocols/exchange'],
  'protocols/impp/client': ['base', 'model', 'wire'],
  'protocols/impp/client-node': ['protocols/impp/client'],
  admin: ['base', 'model', 'observe', 'config', 'net', 'core'],
  server: [
    'base',
    'model',
    'observe',
    'config',
    'wire',
    'net',
    'core',
    'auth',
    'store',
    'bus',
    'protocols',
    'admin',
  ],
  cli: [
    'base',
    'config',
    'server',
    'protocols/impp/client-node',
    'protocols/prim/client',
    'protocols/apex/client',
  ],
}

/** Imports of types alone that are allowed beyond the table. */
const mayImportTypes: Record<string, string[]> = { cli: ['admin'] }

/** The Node modules that open sockets or ask DNS; src/net alone imports them (their types are free). */
const socketModules = ['net', 'tls', 'dgram', 'dns', 'dns/promises', 'http', 'https', 'http2', 'quic']

/** What judges an address and opens nothing. */
const socketFree = ['isIP', 'isIPv4', 'isIPv6']

/** Folders that depend on no package without a decision record. */
const withoutPackages = ['model', 'wire', 'core']

/**
 * The spines of the core and the leaves they call. A leaf never imports a spine; and a leaf imports no other leaf's values
 * (it calls nobody sideways), types excepted.
 */
const spines = ['message-service', 'presence-service', 'transit', 'notifier']
const leaves = [
  'inboxes',
  'presentities',
  'authorizations',
  'subscriptions',
  'leases',
  'access',
  'router',
  'domains',
]

/** One line a breach, `file:line: what is wrong`. */
export function layerBreaches(modules: Map<string, Module>, dependencies: string[]): string[] {
  return [...modules.values()].flatMap((module) =>
    module.edges.flatMap((edge) => {
      const wrong = breach(module.path, edge, dependencies)
      return wrong ? [`${module.path}:${edge.line}: ${wrong}`] : []
    }),
  )
}

function breach(from: string, edge: Edge, dependencies: string[]): string | undefined {
  const { target } = edge
  if ('missing' in target) return dangling(from, edge, target.missing)
  if ('package' in target)
    return from.startsWith('src/') ? packageBreach(from, edge, target.package, dependencies) : undefined
  if (target.module.startsWith('dist/')) return `imports the build (${target.module})`
  if (!from.startsWith('src/') || isNamedByServer(from, edge, target.module)) return undefined
  if (!target.module.startsWith('src/')) return `imports ${target.module}, which is outside src`
  if (isForTests(target.module) && !isForTests(from)) return `imports ${target.module}, which is for tests`
  const [own, other] = [unitOf(from), unitOf(target.module)]
  return own === other ? insideBreach(from, edge) : acrossBreach(from, edge, target.module)
}

/** The server alone names, by URL, the folder it lists for protocols, and package.json for its version. */
function isNamedByServer(from: string, edge: Edge, target: string): boolean {
  const named = ['src/protocols/', 'package.json'].includes(target)
  return named && edge.kind === 'worker' && unitOf(from) === 'src/server'
}

/** An import that leads nowhere; only the server may import what it finds by listing (the protocols). */
function dangling(from: string, edge: Edge, missing: string): string | undefined {
  if (edge.specifier === undefined && (unitOf(from) === 'src/server' || !from.startsWith('src/')))
    return undefined
  if (edge.kind === 'worker' && !from.startsWith('src/')) return undefined
  return `imports ${edge.specifier ?? 'something that is not a string'}, which leads nowhere (${missing})`
}

function packageBreach(from: string, edge: Edge, name: string, dependencies: string[]): string | undefined {
  const unit = unitOf(from).slice('src/'.length)
  if (name.startsWith('node:')) {
    if (isForTests(from)) return undefined
    if (unit === 'model' || unit === 'protocols/impp/client')
      return `imports ${name}; this folder is free of node:`
    if (unit !== 'net' && opensSockets(edge, name)) {
      return `imports ${name}; only src/net opens sockets or asks DNS`
    }
    return undefined
  }
  if (isForTests(from)) return undefined
  const declared = dependencies.find((known) => name === known || name.startsWith(`${known}/`))
  if (!declared) return `imports ${name}, which is no run-time dependency in package.json`
  const row = unit.split('/')[0] as string
  return withoutPackages.includes(row)
    ? `imports ${name}; ${row} depends on no package without a decision record`
    : undefined
}

function opensSockets(edge: Edge, name: string): boolean {
  if (edge.kind === 'type' || !socketModules.includes(name.slice('node:'.length))) return false
  return (
    edge.names === '*' || edge.names.length === 0 || edge.names.some((asked) => !socketFree.includes(asked))
  )
}

function insideBreach(from: string, edge: Edge): string | undefined {
  if (edge.specifier?.startsWith('#'))
    return `imports its own folder through the door (${edge.specifier}); use a relative path`
  return unitOf(from) === 'src/core' && edge.kind !== 'type' ? sidewaysBreach(from, edge) : undefined
}

function sidewaysBreach(from: string, edge: Edge): string | undefined {
  const [own, other] = [from, edge.specifier as string].map((path) => /([^/]+)\.ts$/.exec(path)?.[1] ?? '')
  if (!leaves.includes(own as string) || edge.names.length === 0) return undefined
  if (spines.includes(other as string)) return `a leaf imports the spine ${other}`
  return leaves.includes(other as string)
    ? `a leaf imports the leaf ${other}: a leaf calls nobody sideways`
    : undefined
}

/** A client is a second door upon its protocol's codec, and that alone it reaches beside itself. */
const codecs: Record<string, string> = {
  'src/protocols/impp/client': 'src/protocols/impp/codec/index.ts',
  'src/protocols/prim/client': 'src/protocols/prim/codec/index.ts',
  'src/protocols/apex/client': 'src/protocols/apex/codec/index.ts',
}
/** The rows above the protocols name a client one by one. */
const clientDoors = ['protocols/impp/client', 'protocols/prim/client', 'protocols/apex/client']

function acrossBreach(from: string, edge: Edge, target: string): string | undefined {
  const specifier = edge.specifier as string
  if (codecs[unitOf(from)] === target) return undefined
  if (!specifier.startsWith('#')) return `climbs out of its folder (${specifier}); use the door`
  // A folder may have a second door, for tests alone.
  if (isForTests(from) && target === `${unitOf(target)}/testing/index.ts`) return undefined
  if (target !== `${unitOf(target)}/index.ts`) return `goes past the door (${specifier} is ${target})`
  if (isForTests(from)) return undefined
  const [own, other] = [unitOf(from), unitOf(target)].map((unit) => unit.slice('src/'.length)) as [
    string,
    string,
  ]
  return isAllowed(own, other, edge.kind === 'type') ? undefined : `${own} may not import ${other}`
}

function isAllowed(own: string, other: string, typesOnly: boolean): boolean {
  const row = own.split('/')[0] as string
  const allowed =
    own === 'protocols/impp/client' ? mayImport[own] : [...(mayImport[row] ?? []), ...(mayImport[own] ?? [])]
  const types = typesOnly ? (mayImportTypes[row] ?? []) : []
  const names = [...(allowed ?? []), ...types]
  return (
    names.includes(other) ||
    (names.includes(other.split('/')[0] as string) && !clientDoors.some((door) => other.startsWith(door)))
  )
}
