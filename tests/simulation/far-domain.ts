// Another domain of a simulation: what it took is remembered through all lives of our server; the way to it goes and comes.
import { delivered, type Envelope, type Outcome, refused, relayed } from '#model'
import type { ScriptedLink } from '../../src/core/testing/peers.ts'
import type { Chance } from './random.ts'

interface Taken {
  readonly id: string
  readonly pair: string
  /** In which life of our server. */
  readonly life: number
  /** Whether the link told so. */
  told: boolean
}

export class FarDomain {
  readonly name: string
  up = true
  /** From now on it takes everything at once. */
  calm = false
  readonly taken: Taken[] = []
  readonly refusedIds = new Set<string>()
  #pending: (() => void)[] = []
  #life = 0
  readonly #chance: Chance

  constructor(name: string, chance: Chance) {
    this.name = name
    this.#chance = chance
  }

  /** The link of a new life. */
  serve(link: ScriptedLink, life: number): void {
    this.#life = life
    link.onSend = (envelope, answer) => {
      // What is left of a server that was killed reaches nobody.
      if (life === this.#life) this.#offered(envelope, life, answer)
    }
  }

  #offered({ head }: Envelope, life: number, answer: (outcome: Outcome) => void): void {
    const take = (told: boolean): void => {
      this.taken.push({ id: head.id, pair: `${head.from.key} ${head.to.key}`, life, told })
    }
    const accept = (): void => {
      take(true)
      answer(this.#chance.percent(50) ? delivered : relayed)
    }
    if (this.calm) return accept()
    if (!this.up) return answer(refused('connection-failed'))
    if (this.#chance.percent(5)) {
      this.refusedIds.add(head.id)
      return answer(refused('mailbox-full'))
    }
    if (this.#chance.percent(10)) return answer(refused('remote-timeout'))
    if (this.#chance.percent(40)) return accept()
    this.#pending.push(() => {
      if (this.up) return accept()
      // It may have been taken though nobody heard of it.
      if (this.#chance.percent(30)) take(false)
      answer(refused('connection-failed'))
    })
  }

  /** Answers some of what is under way, in any order. */
  answerSome(): void {
    for (let n = this.#chance.below(4); n >= 0 && this.#pending.length > 0; n--) {
      this.#pending.splice(this.#chance.below(this.#pending.length), 1)[0]?.()
    }
  }

  get isBusy(): boolean {
    return this.#pending.length > 0
  }

  /** The connections end: everything under way is answered. */
  down(): void {
    this.up = false
    for (const answer of this.#pending.splice(0)) answer()
  }

  /** Our server is dead: nobody hears an answer. */
  abandoned(): void {
    this.#pending = []
  }
}
