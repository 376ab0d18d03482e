// A table of accounts in CSV, ours or that of another server: which of its columns say what, and what is wrong with its lines.
//
// COMPAT: the columns of Kamailio and OpenSIPS (`subscriber`), of Asterisk (`ps_auths` of pjsip, `sippeers` of chan_sip) and of FreeSWITCH
// (the directory's `a1-hash`). They keep HA1 (RFC 7616 §3.4.2) instead of a password, or beside it.
import { createHash } from 'node:crypto'
import type { Ha1Body, NewAccountBody } from '#admin'
import { type CsvRecord, readCsv } from './csv.ts'

export interface TableLine {
  readonly line: number
  readonly account: NewAccountBody
}

export interface BadLine {
  readonly line: number
  /** As far as it could be read. */
  readonly address: string
  readonly what: string
}

export interface SubscriberTable {
  readonly lines: readonly TableLine[]
  /** In the order of the file. */
  readonly bad: readonly BadLine[]
}

/** The names that a column may have, the preferred one first. */
const columnNames = {
  address: ['address'],
  aliases: ['aliases'],
  user: ['username', 'user', 'name', 'id'],
  domain: ['domain'],
  realm: ['realm'],
  password: ['password', 'secret'],
  md5: ['ha1', 'md5_cred', 'md5secret', 'a1-hash', 'a1_hash'],
  md5OfAddress: ['ha1b'],
  sha256: ['ha1_sha256'],
  /** Asterisk: `ALGORITHM:HA1`, more than one between commas. */
  digests: ['password_digest'],
} as const

type Column = keyof typeof columnNames
type Row = Partial<Record<Column, string>>

/** Reads a table. A string says what is wrong with its first line. @param domain of users for whom the table names none */
export function readSubscriberTable(text: string, domain?: string): SubscriberTable | string {
  const { records, faults } = readCsv(text)
  const bad: BadLine[] = faults.map((fault) => ({ ...fault, address: '' }))
  const [header, ...rows] = records
  if (header === undefined || header.line > Math.min(...faults.map(({ line }) => line))) return expected
  const columns = columnsOf(header)
  if (columns === undefined) return expected
  const lines: TableLine[] = []
  for (const record of rows) {
    const { line, fields } = record
    if (fields.length !== header.fields.length) {
      const what = `${fields.length} fields where the first line has ${header.fields.length}`
      bad.push({ line, address: '', what })
      continue
    }
    const row = rowOf(record, columns)
    const address = addressOf(row, domain)
    const account = accountOf(row, address)
    if (typeof account === 'string') bad.push({ line, address: address ?? '', what: account })
    else lines.push({ line, account })
  }
  return { lines, bad: bad.sort((a, b) => a.line - b.line) }
}

const expected =
  'line 1: write address,password (and aliases, if there are any), or the columns of another server: username, domain or realm, and ha1, ' +
  'md5_cred, md5secret, a1-hash or password'

/** Where each column is; undefined when there is no such table. Ours has no other columns: a misspelt one would be lost. */
function columnsOf({ fields }: CsvRecord): ReadonlyMap<Column, number> | undefined {
  const names = fields.map((name) => name.trim().toLowerCase())
  const columns = new Map<Column, number>()
  for (const [column, known] of Object.entries(columnNames) as [Column, readonly string[]][]) {
    const name = known.find((one) => names.includes(one))
    if (name !== undefined) columns.set(column, names.indexOf(name))
  }
  const has = (...wanted: Column[]): boolean => wanted.some((column) => columns.has(column))
  if (!has('password', 'md5', 'md5OfAddress', 'sha256', 'digests')) return undefined
  if (has('address')) return columns.size === names.length ? columns : undefined
  return has('user') ? columns : undefined
}

/** What its columns hold; of what a database writes for nothing, nothing. */
function rowOf({ fields }: CsvRecord, columns: ReadonlyMap<Column, number>): Row {
  const row: Row = {}
  for (const [column, at] of columns) {
    const value = fields[at] as string
    const text = column === 'password' ? value : value.trim()
    if (!nothing.includes(text)) row[column] = text
  }
  return row
}

/** MySQL's `mysql --batch` writes NULL, its `INTO OUTFILE` \N; SQLite and PostgreSQL leave it empty. */
const nothing: readonly string[] = ['', 'NULL', '\\N']

function addressOf({ address, user, domain, realm }: Row, otherwise?: string): string | undefined {
  if (address !== undefined) return address
  const of = domain ?? otherwise ?? realm
  return user === undefined || of === undefined ? undefined : `${user}@${of}`
}

/** The account of a line, or what is wrong with it. */
function accountOf(row: Row, address: string | undefined): NewAccountBody | string {
  const { password } = row
  if (address === undefined)
    return row.user === undefined ? 'it names nobody' : 'it names no domain; give one by --domain'
  const ha1 = ha1Of(row)
  if (typeof ha1 === 'string') return ha1
  const common = { address, aliases: row.aliases?.split(/\s+/) ?? [] }
  if (ha1 === undefined)
    return password === undefined ? 'it has neither a password nor a digest' : { ...common, password }
  const at = address.lastIndexOf('@')
  const [user, domain] = [address.slice(0, at), address.slice(at + 1)]
  const realm = row.realm ?? domain
  // The realm is hashed, and phones will be given the domain as theirs.
  if (realm !== domain)
    return `its digests were made for the realm ${realm}, not for ${domain}: the password is needed`
  if (realm !== realm.toLowerCase())
    return `its digests were made for the realm ${realm}, in capitals: the password is needed`
  if (password === undefined) return { ...common, ha1 }
  const { md5 } = ha1
  if (md5 !== undefined && md5.toLowerCase() !== md5Of(`${user}:${realm}:${password}`))
    return 'its digest is not one of its password: which of them is right?'
  return { ...common, password }
}

const md5Of = (text: string): string => createHash('md5').update(text).digest('hex')

/** The digests of a line; undefined where it has none, a string where one can be none. */
function ha1Of({ md5, md5OfAddress, sha256, digests }: Row): Ha1Body | string | undefined {
  const found: { -readonly [name in keyof Ha1Body]: string } = {}
  for (const digest of digests?.split(',') ?? []) {
    const [algorithm = '', value = ''] = digest.trim().split(':')
    const name = { MD5: 'md5', 'SHA-256': 'sha256' }[algorithm.toUpperCase()]
    if (name === 'md5' || name === 'sha256') found[name] = value
  }
  if (md5 !== undefined) found.md5 = md5
  if (md5OfAddress !== undefined) found.md5OfAddress = md5OfAddress
  if (sha256 !== undefined) found.sha256 = sha256
  for (const [name, value] of Object.entries(found)) {
    const digits = name.startsWith('md5') ? 32 : 64
    if (value.length !== digits || !/^[0-9a-f]+$/i.test(value))
      return `a digest is not of ${digits} hexadecimal digits`
  }
  return Object.keys(found).length === 0 ? undefined : found
}
