// The programs that we did not write and test against. A test asks for one by name and skips, by name, where it is missing;
// with VERONA_PEERS=required (as .ci/run sets it) a missing one is a failure instead.
//
//   const sipp = peer('sipp')
//   test('sipp sends a MESSAGE', { skip: sipp.skip }, async () => { ... spawn(sipp.path, ...) })

import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'

interface PeerProgram {
  /** The Debian package it comes in. */
  package: string
  /** The file looked for on PATH (and in the sbin folders, which an ordinary user's PATH leaves out). */
  program: string
  /** A Python module that `program` must be able to import. */
  pythonModule?: string
  /** A file below a folder of libraries that `program` must find. */
  library?: string
}

const table = {
  'go-sendxmpp': { package: 'go-sendxmpp', program: 'go-sendxmpp' },
  slixmpp: { package: 'python3-slixmpp', program: 'python3', pythonModule: 'slixmpp' },
  sipp: { package: 'sip-tester', program: 'sipp' },
  baresip: { package: 'baresip-core', program: 'baresip' },
  linphone: { package: 'linphone-cli', program: 'linphonec' },
  profanity: { package: 'profanity', program: 'profanity' },
  finch: { package: 'finch', program: 'finch' },
  prosody: { package: 'prosody', program: 'prosody' },
  ejabberd: { package: 'ejabberd', program: 'ejabberdctl' },
  dnsmasq: { package: 'dnsmasq-base', program: 'dnsmasq' },
  openssl: { package: 'openssl', program: 'openssl' },
  nc: { package: 'netcat-openbsd', program: 'nc' },
  chromium: { package: 'chromium', program: 'chromium' },
  kamailio: { package: 'kamailio', program: 'kamailio' },
  'kamailio-tls': {
    package: 'kamailio-tls-modules',
    program: 'kamailio',
    library: 'kamailio/modules/tls.so',
  },
  'kamailio-presence': {
    package: 'kamailio-presence-modules',
    program: 'kamailio',
    library: 'kamailio/modules/presence.so',
  },
} as const satisfies Record<string, PeerProgram>

export type PeerName = keyof typeof table

export const peerNames = Object.keys(table) as PeerName[]

/** Whether a missing peer is a failure. */
export const arePeersRequired = process.env['VERONA_PEERS'] === 'required'

export interface Peer {
  /** Where the program is; empty when it is missing, and then `skip` says so. */
  path: string
  /** For `node:test`: false, or the reason. */
  skip: string | false
}

/** Looks a peer up. Throws when it is missing and peers are required, so that the test file fails by its name. */
export function peer(name: PeerName): Peer {
  const path = find(table[name])
  if (path !== undefined) return { path, skip: false }
  const reason = `peer program not found: ${name} (Debian package ${table[name].package})`
  if (arePeersRequired) throw new Error(reason)
  return { path: '', skip: reason }
}

/** The peers that this machine lacks. */
export function missingPeers(): { name: PeerName; package: string }[] {
  return peerNames
    .filter((name) => find(table[name]) === undefined)
    .map((name) => ({ name, package: table[name].package }))
}

function find(wanted: PeerProgram): string | undefined {
  if (wanted.library !== undefined && !hasLibrary(wanted.library)) return undefined
  const folders = [
    ...(process.env['PATH'] ?? '').split(delimiter),
    '/usr/local/sbin',
    '/usr/sbin',
    '/sbin',
    '/usr/games',
  ]
  const paths = folders.map((folder) => join(folder, wanted.program)).filter(isExecutable)
  const { pythonModule } = wanted
  if (pythonModule === undefined) return paths[0]
  // Another Python that stands before the system's has not its packages.
  return paths.find((path) => spawnSync(path, ['-c', `import ${pythonModule}`]).status === 0)
}

/** In a folder of libraries, or that of the machine's kind in it (`/usr/lib/x86_64-linux-gnu`). */
function hasLibrary(file: string): boolean {
  const folders = ['/usr/lib', '/usr/local/lib', '/usr/lib64']
  const all = folders.flatMap((folder) => [folder, ...foldersIn(folder)])
  return all.some((folder) => existsSync(join(folder, file)))
}

function foldersIn(folder: string): string[] {
  if (!existsSync(folder)) return []
  const entries = readdirSync(folder, { withFileTypes: true })
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(folder, entry.name))
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
