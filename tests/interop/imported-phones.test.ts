// Phones whose accounts were imported from other SIP servers with digests alone log in with the passwords that they have
// (docs/operating/moving-from-sip-servers.md): sipp by a scenario, baresip as itself.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { Baresip } from './baresip.ts'
import { peer } from './peers.ts'
import { type Scene, scene } from './scene.ts'
import { password, VeronaServer } from './server.ts'
import { sipp } from './sipp.ts'

const [peerSipp, peerBaresip] = [peer('sipp'), peer('baresip')]

const hash = (name: string, text: string): string => createHash(name).update(text).digest('hex')
const md5 = (user: string): string => hash('md5', `${user}:localhost:${password}`)
const sha256 = (user: string): string => hash('sha256', `${user}:localhost:${password}`)
const md5OfAddress = (user: string): string => hash('md5', `${user}@localhost:localhost:${password}`)

/** [server and table, user, its file, what else the command is told] */
const tables: readonly [what: string, user: string, file: string, more: readonly string[]][] = [
  [
    'Kamailio, subscriber',
    'kamailio',
    `username,domain,password,ha1,ha1b\nkamailio,localhost,,${md5('kamailio')},${md5OfAddress('kamailio')}\n`,
    [],
  ],
  [
    'OpenSIPS, subscriber, with SHA-256',
    'opensips',
    `username,domain,password,ha1,ha1_sha256\nopensips,localhost,,${md5('opensips')},${sha256('opensips')}\n`,
    [],
  ],
  [
    'Kamailio, subscriber, without use_domain',
    'nodomain',
    `username,domain,password,ha1\nnodomain,,,${md5('nodomain')}\n`,
    ['--domain', 'localhost'],
  ],
  [
    'Asterisk, ps_auths, md5_cred',
    'asterisk',
    `username,realm,password,md5_cred\nasterisk,localhost,,${md5('asterisk')}\n`,
    ['--domain', 'localhost'],
  ],
  [
    'Asterisk, ps_auths, password_digest',
    'newasterisk',
    `id,auth_type,password_digest,realm,username\nx,digest,"MD5:${md5('newasterisk')},SHA-256:${sha256('newasterisk')}",localhost,newasterisk\n`,
    [],
  ],
  [
    'Asterisk, sippeers',
    'chansip',
    `id,name,secret,md5secret,context\n7,chansip,,${md5('chansip')},default\n`,
    ['--domain', 'localhost'],
  ],
  [
    'FreeSWITCH, a1-hash',
    'freeswitch',
    `user,password,a1-hash\nfreeswitch,,${md5('freeswitch')}\n`,
    ['--domain', 'localhost'],
  ],
]

let server: VeronaServer
before(async () => {
  server = await VeronaServer.start()
  for (const [, user, text, more] of tables) await imported(user, text, more)
  // Of another password than the phone's.
  await imported(
    'stranger',
    `username,domain,ha1\nstranger,localhost,${hash('md5', 'stranger:localhost:x')}\n`,
  )
})
after(() => server?.remove())

async function imported(user: string, text: string, more: readonly string[] = []): Promise<void> {
  const file = join(server.directory, `${user}.csv`)
  writeFileSync(file, text)
  await server.command('user', 'import', ...more, file).succeeds()
}

const check = (name: string, skip: string | false, act: (stage: Scene) => Promise<void>): void =>
  scene(name, skip, () => server, act)

for (const [what, user] of tables) {
  check(`${what}: sipp registers with its password (RFC 7616 §3.4.2)`, peerSipp.skip, async (stage) => {
    await sipp(stage, peerSipp.path, 'register', user).succeeds()
  })
  check(`${what}: baresip registers with its password`, peerBaresip.skip, async (stage) => {
    await Baresip.online(stage, peerBaresip.path, user)
  })
}

check(
  'a phone with another password than that of the digest is asked again',
  peerSipp.skip,
  async (stage) => {
    const phone = sipp(stage, peerSipp.path, 'register', 'stranger')
    assert.notEqual(await phone.ends(), 0)
    await phone.sees(/\nAuthorization: Digest[\s\S]*SIP\/2\.0 401 /)
  },
)
