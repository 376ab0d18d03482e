// The door of observe: what the server says about itself.
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
