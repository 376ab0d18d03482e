// One who takes part in the matrix with a real program: slixmpp, baresip, or our own command line for IMPP.
import { Baresip } from './baresip.ts'
import type { Program } from './program.ts'
import type { Scene } from './scene.ts'
import { XmppClient } from './xmpp-client.ts'

export type Protocol = 'xmpp' | 'sip' | 'impp'

export interface Persona {
  readonly user: string
  /** Logs in, with whoever is to be watched. */
  comeOnline(watches?: string): Promise<void>
  say(to: string, text: string): Promise<void>
  hears(from: string, text: string): Promise<void>
  /** What was written to an absent person: it comes with its time. */
  hearsStored(from: string, text: string): Promise<void>
  timesHeard(text: string): number
  /** Writes to nobody, and is told in the protocol's own words. */
  isRefused(): Promise<void>
  /** Says three states one after the other; `seen` is awaited after each. */
  changeThrice(seen: (change: Change) => Promise<void>): Promise<void>
  sees(whom: string, change: Change): Promise<void>
  /** Lets `watcher` see this person; before or after it asked. */
  approve(watcher: string): Promise<void>
  /** SIGKILL: no goodbye. */
  die(): Promise<void>
}

/** A state with a note; a phone that has no notes is open or closed only. */
export type Change = { readonly note: string } | { readonly open: boolean }

const notes = ['eins', 'zwei 🌙', 'drei']
/** Leases, in seconds: short, so that a death is soon known. */
export const leaseSeconds = 4

export class XmppPersona implements Persona {
  readonly user: string
  readonly #scene: Scene
  readonly #path: string
  #client: XmppClient | undefined

  constructor(scene: Scene, path: string, user: string) {
    this.#scene = scene
    this.#path = path
    this.user = user
  }

  async comeOnline(watches?: string): Promise<void> {
    this.#client = await XmppClient.online(this.#scene, this.#path, `${this.user}@localhost/desk`)
    if (watches !== undefined) this.#its.do('presence', { to: `${watches}@localhost`, type: 'subscribe' })
  }

  async say(to: string, text: string): Promise<void> {
    this.#its.do('message', { to: `${to}@localhost`, body: text })
    await this.#its.settled()
  }

  async hears(from: string, text: string): Promise<void> {
    const { sender } = await this.#its.next('message', { body: text })
    if (String(sender).split('/')[0] !== `${from}@localhost`) throw new Error(`it came from ${sender}`)
  }

  async hearsStored(from: string, text: string): Promise<void> {
    await this.hears(from, text)
    const stamped = this.#its.seen('message').some((event) => event['body'] === text && 'delay' in event)
    if (!stamped) throw new Error('it has no delay')
  }

  timesHeard(text: string): number {
    return this.#its.seen('message').filter((event) => event['body'] === text).length
  }

  async isRefused(): Promise<void> {
    this.#its.do('message', { to: 'nobody@localhost', body: 'wer?' })
    await this.#its.next('message', { type: 'error', error: 'service-unavailable' })
  }

  async changeThrice(seen: (change: Change) => Promise<void>): Promise<void> {
    for (const [at, note] of notes.entries()) {
      this.#its.do('presence', { show: ['away', 'dnd', 'chat'][at], status: note })
      await seen({ note })
    }
  }

  async sees(whom: string, change: Change): Promise<void> {
    const wanted =
      'note' in change ? { status: change.note } : { type: change.open ? 'available' : 'unavailable' }
    for (;;) {
      const { sender } = await this.#its.next('presence', wanted)
      if (String(sender).startsWith(`${whom}@localhost`)) return
    }
  }

  async approve(watcher: string): Promise<void> {
    await this.#its.ever('presence', { type: 'subscribe', sender: `${watcher}@localhost` })
    this.#its.do('presence', { to: `${watcher}@localhost`, type: 'subscribed' })
  }

  async die(): Promise<void> {
    await this.#its.program.kill()
  }

  /** It is still there and says nothing. */
  hang(): void {
    this.#its.program.signal('SIGSTOP')
  }

  get #its(): XmppClient {
    if (this.#client === undefined) throw new Error(`${this.user} is not online`)
    return this.#client
  }
}

export class SipPersona implements Persona {
  readonly user: string
  readonly #scene: Scene
  readonly #path: string
  #phone: Baresip | undefined

  constructor(scene: Scene, path: string, user: string) {
    this.#scene = scene
    this.#path = path
    this.user = user
  }

  async comeOnline(watches?: string): Promise<void> {
    const contacts = [watches ?? [], 'nobody'].flat()
    const options = { contacts, watches: watches !== undefined, leaseSeconds }
    this.#phone = await Baresip.online(this.#scene, this.#path, this.user, options)
  }

  async say(to: string, text: string): Promise<void> {
    const answers = this.#answers()
    this.#its.say(to, text)
    while (this.#answers() === answers) await this.#its.program.more()
  }

  /** Answers of success to messages. */
  #answers(): number {
    return (
      this.#its.program.said.match(/^SIP\/2\.0 20[02] (?:(?!\n\n|\r\n\r\n)[\s\S])*CSeq: \d+ MESSAGE/gm)
        ?.length ?? 0
    )
  }

  async hears(from: string, text: string): Promise<void> {
    await this.#its.program.sees(new RegExp(`sip:${from}@localhost[^\\n]*: "${shown(text)}"`))
  }

  async hearsStored(from: string, text: string): Promise<void> {
    await this.hears(from, text)
    await this.#its.program.sees(/^MESSAGE sip:(?:(?!\r?\n\r?\n)[\s\S])*^Date: /m)
  }

  timesHeard(text: string): number {
    return this.#its.program.said.match(new RegExp(`: "${shown(text)}"`, 'g'))?.length ?? 0
  }

  async isRefused(): Promise<void> {
    this.#its.say('nobody', 'wer?')
    await this.#its.program.sees(/^SIP\/2\.0 404 /m)
  }

  async changeThrice(seen: (change: Change) => Promise<void>): Promise<void> {
    for (const open of [false, true, false]) {
      this.#its.command(open ? 'presence_online' : 'presence_offline')
      await seen({ open })
    }
    // Whoever is to be seen dying must be alive.
    this.#its.command('presence_online')
    await seen({ open: true })
  }

  async sees(whom: string, change: Change): Promise<void> {
    // What it was sent: baresip shows open and closed, no notes.
    const said =
      'note' in change
        ? `>${change.note}<`
        : change.open
          ? `entity="(?:pres|sip):${whom}@localhost"(?:(?!</presence>)[\\s\\S])*<basic>open`
          : `entity="(?:pres|sip):${whom}@localhost"(?:(?!</presence>|<basic>open)[\\s\\S])*</presence>`
    await this.#its.program.until(new RegExp(said))
  }

  async approve(watcher: string): Promise<void> {
    await this.#scene.server.approve(this.user, watcher)
  }

  async die(): Promise<void> {
    await this.#its.program.kill()
  }

  get #its(): Baresip {
    if (this.#phone === undefined) throw new Error(`${this.user} is not online`)
    return this.#phone
  }
}

export class ImppPersona implements Persona {
  readonly user: string
  readonly #scene: Scene
  #watching: Program | undefined

  constructor(scene: Scene, user: string) {
    this.#scene = scene
    this.user = user
  }

  async comeOnline(watches?: string): Promise<void> {
    const targets = watches === undefined ? [] : [`${watches}@localhost`]
    this.#watching = this.#scene.server.as(this.user, 'watch', ...targets, '--messages', '--json')
    if (watches !== undefined) await this.#its.sees(/"event":"(?:presence|pending)"/)
  }

  async say(to: string, text: string): Promise<void> {
    await this.#scene.server.as(this.user, 'send', `${to}@localhost`, text).succeeds()
  }

  async hears(from: string, text: string): Promise<void> {
    const said = `"event":"message","from":"${from}@localhost[^\\n]*"text":${literal(JSON.stringify(text))}`
    await this.#its.sees(new RegExp(said))
  }

  async hearsStored(from: string, text: string): Promise<void> {
    await this.hears(from, text)
    await this.#its.sees(new RegExp(`"stored":"[^\\n]*"text":${literal(JSON.stringify(text))}`))
  }

  timesHeard(text: string): number {
    return this.#its.said.split(`"text":${JSON.stringify(text)}`).length - 1
  }

  async isRefused(): Promise<void> {
    const sending = this.#scene.server.as(this.user, 'send', 'nobody@localhost', 'wer?')
    await sending.sees(/verona: nobody@localhost: /)
    if ((await sending.ends()) !== 1) throw new Error('its exit code is not 1')
  }

  async changeThrice(seen: (change: Change) => Promise<void>): Promise<void> {
    for (const [at, note] of notes.entries()) {
      const state = ['away', 'dnd', 'chat'][at] as string
      const lease = String(leaseSeconds)
      await this.#scene.server.as(this.user, 'presence', state, '--note', note, '--seconds', lease).succeeds()
      await seen({ note })
    }
  }

  async sees(whom: string, change: Change): Promise<void> {
    const event = `"event":"presence","from":"${whom}@localhost"`
    const said =
      'note' in change
        ? `${event}[^\\n]*"text":"${change.note}"`
        : change.open
          ? `${event}[^\\n]*"basic":"open"`
          : `${event}(?:(?!"basic":"open")[^\\n])*\\n`
    await this.#its.until(new RegExp(said))
  }

  async approve(watcher: string): Promise<void> {
    await this.#scene.server.approve(this.user, watcher)
  }

  async die(): Promise<void> {
    await this.#its.kill()
  }

  get #its(): Program {
    if (this.#watching === undefined) throw new Error(`${this.user} is not online`)
    return this.#watching
  }
}

function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}

/** As baresip prints it. */
function shown(text: string): string {
  return literal(text).replaceAll('\n', '\\r?\\n')
}
