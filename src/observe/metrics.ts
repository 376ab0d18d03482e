// Counters, gauges and histograms, and the registry that names them. An increment is one addition on a number.

export interface MetricDefinition {
  /** Without the suffix (`_total`, `_bucket`) that the exposition adds; ends in the unit where there is one. */
  readonly name: string
  readonly help: string
  /** A base unit: `seconds`, `bytes`; the name must end in it (OpenMetrics 1.0, "Unit"). */
  readonly unit?: string
}

export interface FamilyDefinition extends MetricDefinition {
  readonly labels: readonly string[]
  /** LIMIT: label combinations, 1000 by default; those past it are counted together under `other`. */
  readonly combinationsMax?: number
}

export class Counter {
  value = 0

  /** @param amount zero or more */
  add(amount = 1): void {
    this.value += amount
  }
}

export class Gauge {
  value = 0

  set(value: number): void {
    this.value = value
  }

  add(amount = 1): void {
    this.value += amount
  }
}

export class Histogram {
  /** Upper bounds, ascending, without +Inf. */
  readonly bounds: readonly number[]
  /** One count a bound and one more for +Inf; not cumulative. */
  readonly counts: number[]
  sum = 0

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = new Array<number>(bounds.length + 1).fill(0)
  }

  observe(value: number): void {
    const bounds = this.bounds
    let i = 0
    while (i < bounds.length && value > (bounds[i] as number)) i++
    this.counts[i] = (this.counts[i] as number) + 1
    this.sum += value
  }
}

/** One metric under several labels. Whoever counts often keeps what `with` gave. */
export class Family<T> {
  readonly labels: readonly string[]
  readonly #make: () => T
  readonly #max: number
  readonly #children = new Map<string, { values: readonly string[]; metric: T }>()

  constructor(labels: readonly string[], max: number, make: () => T) {
    this.labels = labels
    this.#max = max
    this.#make = make
  }

  /** The metric of these label values, in the order of the definition. */
  with(...values: string[]): T {
    const key = values.length === 1 ? (values[0] as string) : values.join('\u0000')
    const child = this.#children.get(key)
    if (child !== undefined) return child.metric
    if (values.length !== this.labels.length)
      throw new Error(`metric wants the labels ${this.labels.join(', ')}`)
    if (this.#children.size >= this.#max && !values.every((value) => value === 'other')) {
      return this.with(...this.labels.map(() => 'other'))
    }
    const metric = this.#make()
    this.#children.set(key, { values, metric })
    return metric
  }

  *[Symbol.iterator](): Iterator<{ values: readonly string[]; metric: T }> {
    yield* this.#children.values()
  }
}

export type CounterFamily = Family<Counter>
export type GaugeFamily = Family<Gauge>
export type HistogramFamily = Family<Histogram>

export type MetricType = 'counter' | 'gauge' | 'histogram' | 'info'

/** What the registry keeps of each name. */
export interface Registered {
  readonly type: MetricType
  readonly definition: MetricDefinition
  readonly labels: readonly string[]
  readonly bounds: readonly number[]
  readonly family: Family<Counter | Gauge | Histogram>
  /** Called before each exposition, to bring gauges up to date. */
  readonly collect: (() => void) | undefined
}

/** Seconds from 50 microseconds to 10 seconds. */
export const defaultBounds: readonly number[] = [
  0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
]

/** The registry. A name registered twice in the same way is the same metric; in another way it is a fault. */
export class Metrics {
  readonly #registered = new Map<string, Registered>()

  /** @param collect gives the value when somebody asks, instead of add(); it must never fall */
  counter(definition: MetricDefinition, collect?: () => number): Counter {
    const family: CounterFamily = this.#family(
      'counter',
      definition,
      [],
      1,
      () => new Counter(),
      collect &&
        (() => {
          family.with().value = collect()
        }),
    )
    return family.with()
  }

  counterFamily(definition: FamilyDefinition): CounterFamily {
    return this.#family(
      'counter',
      definition,
      definition.labels,
      definition.combinationsMax,
      () => new Counter(),
    )
  }

  /** @param collect gives the value when somebody asks, instead of set() */
  gauge(definition: MetricDefinition, collect?: () => number): Gauge {
    const family: GaugeFamily = this.#family(
      'gauge',
      definition,
      [],
      1,
      () => new Gauge(),
      collect && (() => family.with().set(collect())),
    )
    return family.with()
  }

  /** @param collect called before each exposition, to set the family's values */
  gaugeFamily(definition: FamilyDefinition, collect?: (family: GaugeFamily) => void): GaugeFamily {
    const family: GaugeFamily = this.#family(
      'gauge',
      definition,
      definition.labels,
      definition.combinationsMax,
      () => new Gauge(),
      collect && (() => collect(family)),
    )
    return family
  }

  histogram(definition: MetricDefinition & { bounds?: readonly number[] }): Histogram {
    const bounds = definition.bounds ?? defaultBounds
    return this.#family('histogram', definition, [], 1, () => new Histogram(bounds), undefined, bounds).with()
  }

  histogramFamily(definition: FamilyDefinition & { bounds?: readonly number[] }): HistogramFamily {
    const bounds = definition.bounds ?? defaultBounds
    return this.#family(
      'histogram',
      definition,
      definition.labels,
      definition.combinationsMax,
      () => new Histogram(bounds),
      undefined,
      bounds,
    )
  }

  /** Constant facts as labels of a metric that is always 1 (OpenMetrics 1.0, "Info"). */
  info(definition: MetricDefinition, facts: Readonly<Record<string, string>>): void {
    const family = this.#family('info', definition, Object.keys(facts), 1, () => new Gauge())
    family.with(...Object.values(facts)).set(1)
  }

  /** Every metric, by name. */
  registered(): readonly Registered[] {
    return [...this.#registered.values()].sort((a, b) => (a.definition.name < b.definition.name ? -1 : 1))
  }

  #family<T extends Counter | Gauge | Histogram>(
    type: MetricType,
    definition: MetricDefinition,
    labels: readonly string[],
    combinationsMax: number | undefined,
    make: () => T,
    collect?: () => void,
    bounds: readonly number[] = [],
  ): Family<T> {
    const before = this.#registered.get(definition.name)
    if (before !== undefined) {
      if (
        before.type !== type ||
        before.labels.join() !== labels.join() ||
        before.bounds.join() !== bounds.join()
      ) {
        throw new Error(`metric ${definition.name} is registered twice, differently`)
      }
      return before.family as unknown as Family<T>
    }
    checkNames(type, definition, labels)
    checkBounds(definition.name, bounds)
    const family = new Family<T>(labels, combinationsMax ?? 1000, make)
    this.#registered.set(definition.name, {
      type,
      definition,
      labels,
      bounds,
      family: family as unknown as Family<Counter | Gauge | Histogram>,
      collect,
    })
    return family
  }
}

const reserved: Readonly<Record<MetricType, readonly string[]>> = {
  counter: ['_total', '_created'],
  gauge: [],
  histogram: ['_bucket', '_count', '_sum', '_created'],
  info: ['_info'],
}

function checkNames(type: MetricType, definition: MetricDefinition, labels: readonly string[]): void {
  const { name, unit } = definition
  if (!/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name)) throw new Error(`${name} is not a metric name`)
  for (const suffix of reserved[type]) {
    if (name.endsWith(suffix)) throw new Error(`metric ${name}: the exposition adds ${suffix} itself`)
  }
  if (unit !== undefined && !name.endsWith(`_${unit}`)) throw new Error(`metric ${name} must end in _${unit}`)
  for (const label of labels) {
    if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(label) || label.startsWith('__') || label === 'le') {
      throw new Error(`metric ${name}: ${label} cannot be a label`)
    }
  }
}

function checkBounds(name: string, bounds: readonly number[]): void {
  for (let i = 1; i < bounds.length; i++) {
    if (!((bounds[i - 1] as number) < (bounds[i] as number)))
      throw new Error(`metric ${name}: bounds must ascend`)
  }
}
