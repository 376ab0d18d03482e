// baresip as a party of a test: told what to do over its control port, what it shows is read from its output.
import { writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { freePort } from './ports.ts'
import type { Program } from './program.ts'
import type { Scene } from './scene.ts'
import { password } from './server.ts'

export interface BaresipOptions {
  readonly transport?: 'udp' | 'tcp' | 'tls'
  /** Who can be written to, of its own domain where they name none; the first is watched. */
  readonly contacts?: readonly string[]
  readonly watches?: boolean
  /** The lease of its registration and its publication; it is renewed before. */
  readonly leaseSeconds?: number
}

export class Baresip {
  readonly program: Program
  readonly #contacts: readonly string[]
  #current = 0
  readonly #control: Socket

  private constructor(program: Program, control: Socket, contacts: readonly string[]) {
    this.program = program
    this.#control = control
    this.#contacts = contacts
  }

  /** Registered. */
  static async online(
    scene: Scene,
    path: string,
    user: string,
    options: BaresipOptions = {},
  ): Promise<Baresip> {
    const { transport = 'udp', contacts = [], watches = false, leaseSeconds = 600 } = options
    const directory = scene.directory()
    const port = await freePort()
    const proxy = scene.server.at(listeners[transport])
    writeFileSync(
      join(directory, 'accounts'),
      `<sip:${user}@${scene.server.domain};transport=${transport}>;auth_pass=${password};outbound="sip:${proxy};transport=${transport}";regint=${leaseSeconds};pubint=${leaseSeconds}\n`,
    )
    const lines = contacts.map(
      (name, at) =>
        `"${name}" <sip:${name.includes('@') ? name : `${name}@${scene.server.domain}`}>${watches && at === 0 ? ';presence=p2p' : ''}\n`,
    )
    writeFileSync(join(directory, 'contacts'), lines.join(''))
    writeFileSync(join(directory, 'config'), configuration(port, scene.server.authority))
    // COMPAT: baresip shows messages only through a user interface; stdio is one that needs no terminal.
    const program = scene.start(`baresip ${user}`, path, ['-f', directory, '-v', '-s'], {
      environment: { HOME: directory },
    })
    await program.sees(/TCP socket listening/)
    const control = connect(port, '127.0.0.1')
    control.on('error', () => {})
    await program.sees(/\{0\/(UDP|TCP|TLS)\/v4\} 200 OK/)
    return new Baresip(program, control, contacts)
  }

  /** A command of baresip's menu (`/help` shows them), as a netstring. */
  command(command: string, params = ''): void {
    const text = JSON.stringify({ command, params })
    this.#control.write(`${Buffer.byteLength(text)}:${text},`)
  }

  /** Writes to one of the contacts. */
  say(to: string, text: string): void {
    const wanted = this.#contacts.indexOf(to)
    for (; this.#current !== wanted; this.#current++) this.command('contact_next')
    this.command('message', text)
  }
}

const listeners = { udp: 'sipUdp', tcp: 'sipTcp', tls: 'sipTls' } as const

function configuration(controlPort: number, authority: string): string {
  const modules = ['account', 'contact', 'menu', 'presence', 'ctrl_tcp'].map(
    (name) => `module_app ${name}.so\n`,
  )
  return `module_path /usr/lib/baresip/modules
sip_listen 127.0.0.1:0
sip_cafile ${authority}
ctrl_tcp_listen 127.0.0.1:${controlPort}
module stdio.so
module_tmp uuid.so
${modules.join('')}`
}
