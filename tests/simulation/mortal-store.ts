// A store whose process may be killed: calls take effect later, in their order; a kill loses those that have not, and the answers
// of those that have.
import type { Store } from '#core'
import type { Chance } from './random.ts'

export interface MortalStore {
  readonly store: Store
  /** The process is dead: nothing asked takes effect any more, nothing is answered. */
  kill(): void
}

export function mortalStore(real: Store, chance: Chance): MortalStore {
  const waiting: (() => void)[] = []
  let alive = true
  let pumping = false
  const pump = (): void => {
    for (let n = chance.below(5); n >= 0 && alive; n--) waiting.shift()?.()
    pumping = alive && waiting.length > 0
    if (pumping) setImmediate(pump)
  }
  const ask = (call: () => void): void => {
    waiting.push(call)
    if (!pumping) setImmediate(pump)
    pumping = true
  }
  const store = new Proxy(real, {
    get: (target, name) => {
      const method = Reflect.get(target, name) as (...given: unknown[]) => unknown
      return (...given: unknown[]): unknown => {
        const done = given.at(-1)
        if (typeof done === 'function') {
          const answer = (...told: unknown[]): void => {
            if (alive) done(...told)
          }
          return ask(() => method.apply(target, [...given.slice(0, -1), answer]))
        }
        return new Promise((resolve, reject) => {
          ask(() => {
            const result = method.apply(target, given) as Promise<unknown>
            result.then(
              (value) => alive && resolve(value),
              (fault) => alive && reject(fault),
            )
          })
        })
      }
    },
  })
  return {
    store,
    kill: () => {
      alive = false
    },
  }
}
