// sipp as a party of a test: one run of one scenario of the folder `sipp/`.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Program } from './program.ts'
import type { Scene } from './scene.ts'
import { password } from './server.ts'

export interface SippOptions {
  readonly transport?: 'u1' | 't1'
  /** What `[name]` in the scenario stands for. */
  readonly keys?: Readonly<Record<string, string>>
  readonly port?: number
  /** Who is called, where that is not the server itself; `127.0.0.1:5060`. */
  readonly to?: string
  /** Call-ID of what it begins. */
  readonly callId?: string
  /** Sends nothing again by itself. */
  readonly once?: boolean
}

/** Starts `sipp/NAME.xml` as `user`. It succeeds when every message came as the scenario says. */
export function sipp(
  scene: Scene,
  path: string,
  name: string,
  user: string,
  options: SippOptions = {},
): Program {
  const { transport = 'u1', keys = {}, port, callId, once = false } = options
  const directory = scene.directory()
  const injected = join(directory, 'users.csv')
  const credentials = `[authentication username=${user} password=${password}]`
  writeFileSync(injected, `SEQUENTIAL\n${user};${credentials}\n`)
  const to = options.to ?? scene.server.at(transport === 't1' ? 'sipTcp' : 'sipUdp')
  const scenario = join(import.meta.dirname, 'sipp', `${name}.xml`)
  const given = Object.entries(keys).flatMap(([key, value]) => ['-key', key, value])
  const files = ['-trace_err', '-error_file', '/dev/stderr', '-trace_msg', '-message_file', '/dev/stdout']
  const args = [
    ...[to, '-sf', scenario, '-inf', injected, '-m', '1', '-i', '127.0.0.1', '-t', transport],
    ...['-nostdin', '-timeout', '120s', '-timeout_error', ...given, ...files],
    ...(port === undefined ? [] : ['-p', String(port)]),
    ...(callId === undefined ? [] : ['-cid_str', callId]),
    ...(once ? ['-nr'] : []),
  ]
  // Node gives a socket for standard output, which sipp cannot open by its name; a pipe it can.
  const piped = ['-o', 'pipefail', '-c', '"$0" "$@" 2>&1 | cat', path, ...args]
  return scene.start(`sipp ${name} ${user}`, 'bash', piped, { directory })
}
