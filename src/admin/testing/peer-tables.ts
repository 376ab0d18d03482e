// What holds for single other domains, in memory, for tests.
import type { PeerSettings, PeerTables } from '../types.ts'

export class ScriptedPeerTables implements PeerTables {
  readonly stored = new Map<string, Record<string, string>>()
  /** Why the next change is refused. */
  refusal: string | undefined

  describe(domain: string): PeerSettings {
    const settings = this.stored.get(domain)
    return settings === undefined ? { source: 'strangers', settings: {} } : { source: 'stored', settings }
  }

  async set(domain: string, changes: Readonly<Record<string, string | null>>): Promise<string | undefined> {
    if (this.refusal !== undefined) return this.refusal
    const all = { ...this.stored.get(domain), ...changes }
    const kept = Object.entries(all).flatMap(([key, value]) =>
      value === null ? [] : [[key, value] as const],
    )
    this.stored.set(domain, Object.fromEntries(kept))
    return undefined
  }

  async unset(domain: string): Promise<string | undefined> {
    return this.stored.delete(domain) ? undefined : `nothing was set for ${domain}`
  }
}
