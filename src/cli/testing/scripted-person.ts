// A login without a server: it answers by rote and keeps what it was asked.
import type {
  Access,
  AccessRule,
  HistoryMessage,
  HistoryQuery,
  IncomingMessage,
  Person,
  Presence,
  Watching,
} from '../person.ts'

export const openPresence: Presence = {
  entity: 'pres:b@x',
  tuples: [{ id: 'desk', basic: 'open', show: 'away', notes: [{ language: '', text: 'in \u001b[31mred' }] }],
  notes: [],
}

export class ScriptedPerson implements Person {
  readonly address = 'a@x'
  readonly said: unknown[][] = []
  readonly lost: Promise<string>
  lose: (why: string) => void = () => {}
  message: (message: IncomingMessage) => void = () => {}
  readonly #onWatch: (watching: Watching) => void

  constructor(onWatch: (watching: Watching) => void) {
    this.#onWatch = onWatch
    this.lost = new Promise((resolve) => {
      this.lose = resolve
    })
  }

  say(...words: unknown[]): void {
    this.said.push(words)
  }

  async send(message: object) {
    this.say('send', message)
    return { result: 'delivered' as const, id: 'm1' }
  }

  async fetch(): Promise<Presence> {
    return openPresence
  }

  async watch(_target: string, watching: Watching): Promise<void> {
    this.#onWatch(watching)
  }

  async publish(presence: object, lease: number | 'permanent') {
    this.say('publish', presence, lease)
    return lease
  }

  rules: AccessRule[] = []
  readonly access: Access = {
    list: async () => this.rules,
    put: async (...rules) => {
      this.rules.push(...rules)
    },
    remove: async (...subjects) => {
      this.rules = this.rules.filter(({ subject }) => !subjects.includes(subject))
    },
  }

  remembered: HistoryMessage[] = []
  async *history(query: Partial<HistoryQuery>): AsyncGenerator<HistoryMessage> {
    this.say('history', query)
    yield* this.remembered
  }

  async leave(): Promise<void> {
    this.say('leave')
  }
}
