// The stage of the presence service's tests: three people, and what they do in one call.
import type { PresenceDocument } from '#model'
import type { VisibilityClass } from '../people/access-rules.ts'
import { Watcher } from './devices.ts'
import { at, presence } from './envelopes.ts'
import { createWorld, outcomeOf, resident, settled, type World, type WorldOptions } from './world.ts'

export const romeo = 'romeo@verona.example'
export const juliet = 'juliet@verona.example'
export const nurse = 'nurse@verona.example'

export interface Stage extends World {
  publish(owner: string, tuple: string, note: string | undefined, seconds?: number): Promise<string>
  subscribe(watcher: Watcher, presentity: string, id: string, seconds?: number): Promise<string>
  fetch(watcher: string, presentity: string): Promise<PresenceDocument | string>
  /** `watcher` asks and `presentity` approves. */
  befriend(watcher: string, presentity: string): Promise<void>
  rule(
    owner: string,
    subject: string,
    action: 'allow' | 'block' | 'polite-block' | 'confirm',
    visibility?: VisibilityClass,
  ): Promise<void>
  /** A session of its owner that sees all its contacts. */
  session(owner: string): Promise<Watcher>
}

export async function stage(options: Partial<WorldOptions> = {}): Promise<Stage> {
  const world = await createWorld({ accounts: [romeo, juliet, nurse], ...options })
  const { presence: service, contacts } = world.service
  const turn = async (operation: Parameters<typeof outcomeOf>[0]): Promise<string> => {
    const word = await outcomeOf(operation)
    await settled()
    return word
  }
  return {
    ...world,
    publish: (owner, tuple, note, seconds) =>
      turn((told) => {
        const source = note === undefined ? undefined : presence(owner, note)
        service.publish({ presentity: at(owner), by: at(owner), tuple, source, seconds }, told)
        source?.poison()
      }),
    subscribe: (watcher, presentity, id, seconds = 60) =>
      turn((told) =>
        service.subscribe(
          { id, watcher: watcher.watcher, presentity: at(presentity), seconds, agent: watcher },
          told,
        ),
      ),
    fetch: (watcher, presentity) =>
      new Promise((resolve) =>
        service.fetch(at(watcher), at(presentity), (fetched) =>
          resolve(fetched.kind === 'fetched' ? fetched.notification.document() : fetched.condition),
        ),
      ),
    befriend: async (watcher, presentity) => {
      await turn((told) => contacts.ask(at(watcher), at(presentity), undefined, told))
      await turn((told) => contacts.approve(at(presentity), at(watcher), undefined, told))
    },
    rule: async (owner, subject, action, visibility = 'full') => {
      await turn((told) => contacts.setRule(at(owner), { subject, action, visibility }, told))
    },
    session: async (owner) => {
      const watcher = new Watcher(owner)
      service.watchContacts(await resident(world, owner), watcher)
      await settled()
      return watcher
    },
  }
}
