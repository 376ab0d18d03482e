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
  /** Its link takes one behind the other and answers in that order (`PeerLink.keepsOrder`). */
  readonly keepsOrder: boolean
  readonly taken: Taken[] = []
  readonly refusedIds = new Set<string>()
  /** Each is told whether those before it were taken, and tells whether it was. */
  #pending: ((following: boolean) => boolean)[] = []
  #life = 0
  readonly #chance: Chance

  constructor(name: string, chance: Chance, keepsOrder = false) {
    this.name = name
    this.keepsOrder = keepsOrder
    this.#chance = chance
  }

  /** The link of a new life. */
  serve(link: ScriptedLink, life: number): void {
    this.#life = life
    link.keepsOrder = this.keepsOrder
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
    if (!(this.keepsOrder && this.isBusy) && this.#chance.percent(40)) return accept()
    this.#pending.push((following) => {
      if (this.up) {
        accept()
        return true
      }
      // It may have been taken though nobody heard of it; by a link that keeps the order not without those before it.
      const isTaken = (following || !this.keepsOrder) && this.#chance.percent(this.keepsOrder ? 70 : 30)
      if (isTaken) take(false)
      answer(refused('connection-failed'))
      return isTaken
    })
  }

  /** Answers some of what is under way, in any order, or its own. */
  answerSome(): void {
    for (let n = this.#chance.below(4); n >= 0 && this.#pending.length > 0; n--) {
      const at = this.keepsOrder ? 0 : this.#chance.below(this.#pending.length)
      this.#pending.splice(at, 1)[0]?.(true)
    }
  }

  get isBusy(): boolean {
    return this.#pending.length > 0
  }

  /** The connections end: everything under way is answered. */
  down(): void {
    this.up = false
    let following = true
    for (const answer of this.#pending.splice(0)) following = answer(following)
  }

  /** Our server is dead: nobody hears an answer. */
  abandoned(): void {
    this.#pending = []
  }
}
