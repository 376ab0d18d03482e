// The door of observe: what the server says about itself.
export { censored } from './censor.ts'
export {
  createLog,
  type Log,
  type LogFields,
  type LogLevel,
  type LogOptions,
  logLevels,
  type RootLog,
  silentLog,
} from './log.ts'
export {
  Counter,
  type CounterFamily,
  defaultBounds,
  Family,
  type FamilyDefinition,
  Gauge,
  type GaugeFamily,
  Histogram,
  type HistogramFamily,
  type MetricDefinition,
  Metrics,
  type MetricType,
} from './metrics.ts'
export { openMetricsText, openMetricsType } from './open-metrics.ts'
export { processMetrics } from './process-metrics.ts'
export { type SparingLimits, SparingLog, sparingLimits } from './sparing-log.ts'
export { Trace, type TraceEvent, type TraceListener } from './trace.ts'
