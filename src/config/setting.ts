// A setting: its name is its property in a section; type, default and sentence of documentation are given here, once, and
// yield the check, the message when it is wrong, the environment variable and the reference.
import * as v from 'valibot'
import { type ListenAddress, readListenAddress } from './listen-address.ts'

export interface ReadContext {
  /** The directory that relative paths start from: the file's own, else the working directory. */
  readonly resolvePath: (path: string) => string
}

export type Read<T> = { readonly value: T } | { readonly wrong: string }

export interface Setting<T> {
  /** For the reference: `true or false`, `whole number from 1 to 65535`. */
  readonly type: string
  /** What holds when a configuration file leaves it out; undefined: nothing (a listener is off). */
  readonly default: T | undefined
  /** What holds when there is no configuration file at all; undefined: the default. */
  readonly builtIn: T | undefined
  /** The default as it would be written in the file, for the reference. */
  readonly defaultText: string
  readonly doc: string
  /** Checks a value of the file. */
  read(value: unknown, context: ReadContext): Read<T>
  /** The value that the file would hold, from the text of an environment variable. */
  fromText(text: string): unknown
  /** A listener makes its section's service run. */
  readonly listens: boolean
  /** Whom a listener is for. */
  readonly serves?: 'clients' | 'domains'
  /** True where a table cannot be without it. */
  readonly required?: boolean
  /** For tables: the settings of each. */
  readonly inner: Settings | undefined
}

export type Settings = Readonly<Record<string, Setting<unknown>>>

/** The values of settings, by the same names. */
export type ValuesOf<S extends Settings> = {
  readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never
}

interface Common<T> {
  readonly doc: string
  readonly default: T
}

/** What is wrong with a value of the right type; undefined: nothing. */
type Check<T> = (value: T) => string | undefined

/** Free text. */
export function text(options: Common<string>): Setting<string> {
  return make('text', v.string(), options)
}

/** Text that a table cannot be without. */
export function requiredText(options: {
  readonly doc: string
  readonly check?: Check<string>
}): Setting<string> {
  const setting = checked(make<string>('text', v.string(), { ...options, default: '' }), options.check)
  return { ...setting, default: undefined, defaultText: '', required: true }
}

/** Text that may be left out. */
export function optionalText(options: {
  readonly doc: string
  readonly check?: Check<string>
}): Setting<string | undefined> {
  const { check } = options
  const setting = make<string | undefined>('text', v.string(), { ...options, default: undefined })
  return checked(setting, (value) => (value === undefined ? undefined : check?.(value)))
}

/** `true` or `false`. */
export function flag(options: Common<boolean>): Setting<boolean> {
  return { ...make('true or false', v.boolean(), options), fromText: flagFromText }
}

/** The same, that may be left out. */
export function optionalFlag(options: { readonly doc: string }): Setting<boolean | undefined> {
  const setting = make<boolean | undefined>('true or false', v.boolean(), { ...options, default: undefined })
  return { ...setting, fromText: flagFromText }
}

function flagFromText(written: string): unknown {
  return written === 'true' ? true : written === 'false' ? false : written
}

interface Bounds extends Common<number> {
  readonly min: number
  readonly max?: number
}

/** A whole number. */
export function integer(options: Bounds): Setting<number> {
  return whole('whole number', options)
}

/** A time in whole seconds. */
export function seconds(options: Bounds): Setting<number> {
  return whole('seconds', options)
}

/** A size in octets. */
export function octets(options: Bounds): Setting<number> {
  return whole('octets', options)
}

/** One of a few words. */
export function choice<const C extends string>(
  choices: readonly C[],
  options: { readonly doc: string; readonly default: NoInfer<C> },
): Setting<C> {
  return make(choices.map((one) => JSON.stringify(one)).join(' or '), v.picklist(choices), options)
}

/** A list of texts that may be left out; in an environment variable, between commas. */
export function optionalList(options: {
  readonly doc: string
  readonly check?: Check<readonly string[]>
}): Setting<readonly string[] | undefined> {
  const fromText = (written: string): unknown =>
    written
      .split(',')
      .map((one) => one.trim())
      .filter((one) => one !== '')
  const setting = make<readonly string[]>('list of texts', v.array(v.string()), { ...options, default: [] })
  return { ...checked(setting, options.check), default: undefined, defaultText: '', fromText }
}

/** A file or directory; relative to the directory of the file that names it, in the environment to the working directory. */
export function path(options: Common<string>): Setting<string> {
  return resolved(make<string>('path', v.pipe(v.string(), v.nonEmpty()), options))
}

/** A file or directory that may be left out. */
export function optionalPath(options: { readonly doc: string }): Setting<string | undefined> {
  return resolved(
    make<string | undefined>('path', v.pipe(v.string(), v.nonEmpty()), { ...options, default: undefined }),
  )
}

/** An address to listen on; off when it is left out or empty, but for `builtIn` where there is no configuration file. */
export function listen(options: {
  readonly doc: string
  readonly builtIn?: string
  /** Whom it is for; clients, unless it says otherwise. */
  readonly serves?: 'clients' | 'domains'
}): Setting<ListenAddress | undefined> {
  const read = (value: unknown): Read<ListenAddress | undefined> => {
    if (typeof value !== 'string')
      return { wrong: `expects an address to listen on, as in "127.0.0.1:5222", not ${shown(value)}` }
    if (value === '') return { value: undefined }
    const address = readListenAddress(value)
    return typeof address === 'string' ? { wrong: address } : { value: address }
  }
  const builtIn = options.builtIn === undefined ? undefined : read(options.builtIn)
  if (builtIn !== undefined && 'wrong' in builtIn) throw new Error(builtIn.wrong)
  return {
    type: 'address to listen on',
    default: undefined,
    builtIn: builtIn?.value,
    defaultText: 'off',
    doc: options.doc,
    read,
    fromText: (written) => written,
    listens: true,
    serves: options.serves ?? 'clients',
    inner: undefined,
  }
}

/** As `listen`, with room for more than one address: a list, or one text with commas between them. */
export function listenOnAll(options: {
  readonly doc: string
  readonly builtIn?: string
}): Setting<readonly ListenAddress[] | undefined> {
  const one = listen(options)
  const read = (value: unknown, context: ReadContext): Read<readonly ListenAddress[] | undefined> => {
    const texts = typeof value === 'string' ? value.split(',').map((text) => text.trim()) : value
    const addresses: ListenAddress[] = []
    for (const text of Array.isArray(texts) ? texts : [texts]) {
      const address = one.read(text, context)
      if ('wrong' in address) return address
      if (address.value !== undefined) addresses.push(address.value)
    }
    return { value: addresses.length === 0 ? undefined : addresses }
  }
  return {
    ...one,
    type: 'addresses to listen on',
    default: undefined,
    builtIn: one.builtIn === undefined ? undefined : [one.builtIn],
    read,
  }
}

/** Several tables of the same settings, as `[[domain]]`; none when left out. In no environment variable. */
export function tables<S extends Settings>(
  inner: S,
  options: { readonly doc: string },
): Setting<readonly ValuesOf<S>[]> {
  return { ...make<readonly ValuesOf<S>[]>('tables', v.array(v.any()), { ...options, default: [] }), inner }
}

function whole(unit: string, { min, max = Number.MAX_SAFE_INTEGER, ...options }: Bounds): Setting<number> {
  const upper = max === Number.MAX_SAFE_INTEGER ? `${min} or more` : `from ${min} to ${max}`
  const schema = v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max))
  const fromText = (written: string): unknown => (/^-?\d+$/.test(written) ? Number(written) : written)
  return { ...make(`${unit}, ${upper}`, schema, options), fromText }
}

function make<T>(type: string, schema: v.GenericSchema<unknown, T>, options: Common<T>): Setting<T> {
  return {
    type,
    default: options.default,
    builtIn: undefined,
    defaultText: options.default === undefined ? '' : JSON.stringify(options.default),
    doc: options.doc,
    read: (value) => {
      const parsed = v.safeParse(schema, value)
      return parsed.success ? { value: parsed.output } : { wrong: `expects ${type}, not ${shown(value)}` }
    },
    fromText: (written) => written,
    listens: false,
    inner: undefined,
  }
}

function checked<T>(setting: Setting<T>, check: Check<T> = () => undefined): Setting<T> {
  return {
    ...setting,
    read: (value, context) => {
      const read = setting.read(value, context)
      const wrong = 'wrong' in read ? undefined : check(read.value)
      return wrong === undefined ? read : { wrong }
    },
  }
}

function resolved<T extends string | undefined>(setting: Setting<T>): Setting<T> {
  return {
    ...setting,
    read: (value, context) => {
      const read = setting.read(value, context)
      return 'wrong' in read || read.value === undefined
        ? read
        : { value: context.resolvePath(read.value) as T }
    },
  }
}

const shownMax = 60

function shown(value: unknown): string {
  const written = JSON.stringify(value) ?? String(value)
  return written.length > shownMax ? `${written.slice(0, shownMax)}...` : written
}
