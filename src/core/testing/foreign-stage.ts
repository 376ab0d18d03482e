// The stage for what crosses domains: our three people, one of another domain, and the link between, which speaks words or leases.
import type { Address } from '#model'
import type { RemotePresence } from '../peers/peers.ts'
import type { TupleChange } from '../presence/presentities.ts'
import { ListView, stateOf, Watcher } from './devices.ts'
import { at, presence } from './envelopes.ts'
import { type ScriptedLink, ScriptedPeerProtocol } from './peers.ts'
import { type Stage, stage } from './presence-stage.ts'
import { outcomeOf, resident, settled, type WorldOptions } from './world.ts'

export const tybalt = 'tybalt@capulet.example'

export interface ForeignStage extends Stage {
  readonly link: ScriptedLink
  readonly protocol: ScriptedPeerProtocol
  readonly remote: RemotePresence
  /** What watchers of the other domain were told, by address. */
  readonly afar: Map<string, Watcher>
  say(event: 'ask' | 'giveUp' | 'approve' | 'refuse', by: string, to: string): Promise<string>
  /** What `owner` holds of `contact`, in memory. */
  state(owner: string, contact?: string): Promise<string>
  /** A device that shows the list of `owner`. */
  list(owner: string): Promise<ListView>
  /** The link learns what tybalt shows `watcher`: by tuple a note, or undefined for one that is gone. */
  learn(watcher: string, shown: Record<string, string | undefined>, full?: boolean): 'known' | 'unknown'
}

export async function foreignStage(
  words: boolean,
  options: Partial<WorldOptions> = {},
): Promise<ForeignStage> {
  const protocol = new ScriptedPeerProtocol(['capulet.example'])
  const link = protocol.linkTo('capulet.example')
  link.words = words
  const afar = new Map<string, Watcher>()
  link.watcherOf = (watcher: Address) => {
    const known = afar.get(watcher.key) ?? new Watcher(watcher.key)
    afar.set(watcher.key, known)
    return known
  }
  const world = await stage({ peers: [protocol], ...options })
  const { contacts, remotePresence: remote } = world.service
  return {
    ...world,
    link,
    protocol,
    remote,
    afar,
    say: async (event, by, to) => {
      const word = await outcomeOf((told) => contacts[event](at(by), at(to), undefined, told))
      await settled()
      return word
    },
    state: async (owner, contact = tybalt) => {
      await settled()
      const held = (await resident(world, owner)).contacts.get(contact)
      return held === undefined ? 'unknown' : stateOf(held)
    },
    list: async (owner) => {
      const view = new ListView()
      contacts.attach(await resident(world, owner), view)
      return view
    },
    learn: (watcher, shown, full = false) => {
      const loans: { poison(): void }[] = []
      const changes = Object.entries(shown).map(([tuple, note]): TupleChange => {
        if (note === undefined) return { kind: 'removed', tuple, source: undefined }
        const source = presence(tybalt, note)
        loans.push(source)
        return { kind: 'added', tuple, source }
      })
      const answer = remote.changed(at(watcher), at(tybalt), changes, full)
      for (const loan of loans) loan.poison()
      return answer
    },
  }
}
