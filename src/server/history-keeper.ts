// Forgets history that is older than its retention, a few times a day.
import type { Timer } from '#base'
import type { Config } from '#config'
import type { Service } from '#core'
import { historySettings } from './settings.ts'

const day = 24 * 3600 * 1000
const everyMs = 6 * 3600 * 1000
const firstMs = 60 * 1000

/** Starts it; what it answers stops it. */
export function historyKeeper(service: Service, config: Config): () => void {
  const { retentionDays } = config.of(historySettings)
  if (retentionDays === 0) return () => undefined
  let timer: Timer
  const expire = (): void => {
    timer = service.clock.schedule(everyMs, expire)
    service.store.expireHistory(service.clock.now() - retentionDays * day).then(
      (forgotten) => {
        if (forgotten > 0)
          service.log.info('forgot history past its retention', { entries: forgotten, retentionDays })
      },
      (error: unknown) => service.log.error('history past its retention could not be forgotten', { error }),
    )
  }
  timer = service.clock.schedule(firstMs, expire)
  return () => timer.cancel()
}
