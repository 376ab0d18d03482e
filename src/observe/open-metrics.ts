// The text exposition of OpenMetrics 1.0, complete but for exemplars, state sets and summaries, which we do not use.

import { Counter, Gauge, type Histogram, type Metrics, type Registered } from './metrics.ts'

export const openMetricsType = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

export function openMetricsText(metrics: Metrics): string {
  const lines: string[] = []
  for (const metric of metrics.registered()) {
    metric.collect?.()
    describe(metric, lines)
  }
  lines.push('# EOF\n')
  return lines.join('\n')
}

function describe(metric: Registered, lines: string[]): void {
  const { name, help, unit } = metric.definition
  lines.push(`# TYPE ${name} ${metric.type}`)
  if (unit !== undefined) lines.push(`# UNIT ${name} ${unit}`)
  lines.push(`# HELP ${name} ${escaped(help)}`)
  for (const { values, metric: child } of metric.family) {
    const labels = metric.labels.map((label, i) => `${label}="${escaped(values[i] as string)}"`)
    if (child instanceof Counter) lines.push(`${name}_total${braces(labels)} ${number(child.value)}`)
    else if (child instanceof Gauge) {
      lines.push(`${name}${metric.type === 'info' ? '_info' : ''}${braces(labels)} ${number(child.value)}`)
    } else histogram(name, labels, child, lines)
  }
}

function histogram(name: string, labels: readonly string[], child: Histogram, lines: string[]): void {
  let count = 0
  child.counts.forEach((here, i) => {
    count += here
    const bound = child.bounds[i]
    lines.push(
      `${name}_bucket${braces([...labels, `le="${bound === undefined ? '+Inf' : bucket(bound)}"`])} ${count}`,
    )
  })
  lines.push(`${name}_count${braces(labels)} ${count}`)
  lines.push(`${name}_sum${braces(labels)} ${number(child.sum)}`)
}

function braces(labels: readonly string[]): string {
  return labels.length === 0 ? '' : `{${labels.join(',')}}`
}

/** "Considerations: Canonical Numbers": floats in buckets have a point, 1.0 and not 1. */
function bucket(bound: number): string {
  const text = number(bound)
  return /^-?\d+$/.test(text) ? `${text}.0` : text
}

function number(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (value === Infinity) return '+Inf'
  if (value === -Infinity) return '-Inf'
  return String(value)
}

/** "ABNF": backslash, quote and line feed, in label values and in HELP alike. */
function escaped(text: string): string {
  return text.replace(/[\\\n"]/g, (found) => (found === '\n' ? '\\n' : `\\${found}`))
}
