// What every process says of itself, under the names that dashboards know.

import { type EventLoopUtilization, performance } from 'node:perf_hooks'
import type { Metrics } from './metrics.ts'

export function processMetrics(metrics: Metrics, version: string): void {
  metrics.info({ name: 'verona_build', help: 'The version that runs' }, { version, node: process.version })
  metrics.counter(
    { name: 'process_cpu_seconds', unit: 'seconds', help: 'User and system CPU time spent' },
    () => {
      const { user, system } = process.cpuUsage()
      return (user + system) / 1e6
    },
  )
  metrics.gauge({ name: 'process_resident_memory_bytes', unit: 'bytes', help: 'Resident memory' }, () =>
    process.memoryUsage.rss(),
  )
  metrics.gauge(
    { name: 'nodejs_heap_used_bytes', unit: 'bytes', help: 'JavaScript heap in use' },
    () => process.memoryUsage().heapUsed,
  )
  metrics.gauge(
    { name: 'process_start_time_seconds', unit: 'seconds', help: 'When the process began, since 1970' },
    () => performance.timeOrigin / 1000,
  )
  let last: EventLoopUtilization = performance.eventLoopUtilization()
  metrics.gauge(
    {
      name: 'nodejs_eventloop_utilization_ratio',
      unit: 'ratio',
      help: 'Busy share of the time since the last look',
    },
    () => {
      const now = performance.eventLoopUtilization()
      const busy = performance.eventLoopUtilization(now, last).utilization
      last = now
      return busy
    },
  )
}
