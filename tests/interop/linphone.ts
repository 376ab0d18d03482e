// linphonec as a party of a test: told what to do on its standard input.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Program } from './program.ts'
import type { Scene } from './scene.ts'
import { password } from './server.ts'

/** Registered over TCP. @param watches who is in its list of friends */
export async function linphone(
  scene: Scene,
  path: string,
  user: string,
  watches: readonly string[] = [],
): Promise<Program> {
  const directory = scene.directory()
  // COMPAT: liblinphone 5.1 makes its database only in a folder that is there.
  mkdirSync(join(directory, '.local', 'share', 'linphone'), { recursive: true })
  writeFileSync(join(directory, 'rc'), configuration(user, scene.server.at('sipTcp'), watches))
  const program = scene.start(`linphonec ${user}`, path, ['-c', join(directory, 'rc'), '-d', '5'], {
    environment: { HOME: directory },
    directory,
  })
  await program.sees(/moving from state \[LinphoneRegistrationProgress\] to \[LinphoneRegistrationOk\]/)
  return program
}

/** Random ports of its own, one account, and the server as its outbound proxy. */
function configuration(user: string, server: string, watches: readonly string[]): string {
  const friends = watches.map(
    (name, at) => `[friend_${at}]\nurl=<sip:${name}@localhost>\npol=accept\nsubscribe=1\n`,
  )
  return `[sip]
sip_port=-1
sip_tcp_port=-1
sip_tls_port=-1
guess_hostname=1
default_proxy=0
[auth_info_0]
username=${user}
passwd=${password}
realm=localhost
domain=localhost
[proxy_0]
reg_proxy=<sip:${server};transport=tcp>
reg_route=<sip:${server};transport=tcp;lr>
reg_identity=<sip:${user}@localhost>
reg_expires=600
reg_sendregister=1
publish=1
${friends.join('')}`
}
