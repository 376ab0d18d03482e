// Reads the bodies of management requests. What does not fit is refused with the place where it does not.

import * as v from 'valibot'
import { strictText } from '#base'
import { type Address, addressOfUri } from '#model'
import type { HttpRequest } from '#net'
import { Refusal } from './refusal.ts'
import type {
  AccountBatch,
  ContactActionBody,
  ForwardInfo,
  NewAccountBody,
  PasswordBody,
  PeerSettingsBody,
  ScriptBody,
} from './types.ts'

/** LIMIT: accounts of one batch. */
export const batchAccountsMax = 500
/** LIMIT: accounts of one page, and how many when nobody asks. */
export const pageAccountsMax = 1000
/** LIMIT: aliases of an account. */
const aliasesMax = 100

const ha1 = v.strictObject({
  md5: v.optional(v.string()),
  sha256: v.optional(v.string()),
  md5OfAddress: v.optional(v.string()),
  sha256OfAddress: v.optional(v.string()),
})

const account = v.pipe(
  v.strictObject({
    address: v.string(),
    password: v.optional(v.string()),
    ha1: v.optional(ha1),
    aliases: v.optional(
      v.pipe(v.array(v.string()), v.maxLength(aliasesMax, `at most ${aliasesMax} aliases`)),
    ),
  }),
  v.check(({ password, ha1 }) => (password === undefined) !== (ha1 === undefined), 'either password or ha1'),
)

const batch = v.strictObject({
  accounts: v.pipe(
    v.array(account),
    v.maxLength(batchAccountsMax, `at most ${batchAccountsMax} accounts at once`),
  ),
})

const contactAction = v.strictObject({
  action: v.picklist(['approve', 'refuse', 'allow', 'block', 'polite-block', 'confirm', 'no-rule']),
  visibility: v.optional(v.picklist(['full', 'basic'])),
})

export const readAccount = (request: HttpRequest): NewAccountBody | Refusal => read(request, account)
export const readBatch = (request: HttpRequest): AccountBatch | Refusal => read(request, batch)
export const readPassword = (request: HttpRequest): PasswordBody | Refusal =>
  read(request, v.strictObject({ password: v.string() }))
export const readContactAction = (request: HttpRequest): ContactActionBody | Refusal =>
  read(request, contactAction)

export const readForward = (request: HttpRequest): ForwardInfo | Refusal =>
  read(request, v.strictObject({ location: v.optional(v.string()), permanent: v.optional(v.boolean()) }))

export const readScript = (request: HttpRequest): ScriptBody | Refusal =>
  read(request, v.strictObject({ script: v.string() }))

/** LIMIT: octets of one value. */
const peerSettingMax = 4096

export const readPeerSettings = (request: HttpRequest): PeerSettingsBody | Refusal =>
  read(
    request,
    v.strictObject({
      settings: v.record(v.string(), v.nullable(v.pipe(v.string(), v.maxLength(peerSettingMax)))),
    }),
  )

function read<T>(request: HttpRequest, schema: v.GenericSchema<unknown, T>): T | Refusal {
  const text = strictText(request.body)
  if (text === undefined) return new Refusal('malformed', 'the body is not UTF-8')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The parser's own words would repeat parts of the body, which may hold a password.
    return new Refusal('malformed', 'the body is not JSON')
  }
  const result = v.safeParse(schema, value)
  if (result.success) return result.output
  return new Refusal('malformed', problemOf(result.issues[0]))
}

/** Names the place and what is expected there, never what was found: it may be a password. */
function problemOf(issue: v.BaseIssue<unknown>): string {
  const place = v.getDotPath(issue) ?? 'the body'
  if (issue.kind === 'schema') return `${place}: expected ${issue.expected ?? 'something else'}`
  return `${place}: ${issue.message}`
}

/** `user@domain`, or a URI of it. */
export function readPerson(written: string): Address | Refusal {
  const address = addressOfUri(written)
  if (address === undefined || address.user === '') {
    return new Refusal('address-malformed', `"${written}" is not an address of a person (user@domain)`)
  }
  return address
}

/** A whole number in 1..max of the query, or the default where there is none. */
export function readCount(request: HttpRequest, name: string, max: number): number | Refusal {
  const written = request.query.get(name)
  if (written === null) return max
  const value = Number(written)
  if (Number.isInteger(value) && value >= 1 && value <= max) return value
  return new Refusal('malformed', `${name} must be a whole number from 1 to ${max}`)
}
