// What an account owns beside its history: contacts, rules, permanent presence. The foreign key refuses them to an account
// that is not there.
import { type AccountRow, account } from './account-procedures.ts'
import { all, one, type Procedure, run, type SqlRow, type SqlValue } from './procedure.ts'

export interface StateRows {
  readonly account: AccountRow
  readonly contacts: readonly SqlRow[]
  readonly rules: readonly SqlRow[]
  readonly presence: SqlRow | undefined
  readonly forward: SqlRow | undefined
  readonly archiving: Uint8Array | undefined
  readonly classPresence: Uint8Array | undefined
  readonly script: Uint8Array | undefined
  readonly undelivered: number
}

export function* accountState(domain: string, localpart: string): Procedure<StateRows | undefined> {
  const found = yield* account(domain, localpart)
  if (found === undefined) return undefined
  const owner = [found[0] as string, found[1] as string] as const
  const contacts = yield* all(
    `SELECT address, auth_flags, listed, name, group_names, request_protocol, request_raw
    FROM contact WHERE domain = ? AND owner = ?`,
    ...owner,
  )
  const rules = yield* all(
    'SELECT subject, action, visibility, messages FROM rule WHERE domain = ? AND owner = ?',
    ...owner,
  )
  const presence = yield* one('SELECT head, raw FROM presence WHERE domain = ? AND owner = ?', ...owner)
  const forward = yield* one(
    'SELECT location, permanent FROM forward WHERE domain = ? AND owner = ?',
    ...owner,
  )
  const undelivered = yield* one(
    'SELECT COUNT(*) FROM entry WHERE domain = ? AND owner = ? AND undelivered = 1',
    ...owner,
  )
  const archiving = yield* document(...owner, 'archiving')
  const classPresence = yield* document(...owner, 'class-presence')
  const script = yield* document(...owner, 'script')
  return {
    account: found,
    contacts,
    rules,
    presence,
    forward,
    archiving,
    classPresence,
    script,
    undelivered: Number(undelivered?.[0]),
  }
}

/** domain, owner, then the columns of a contact. */
export function* putContact(...values: SqlValue[]): Procedure<void> {
  yield* run(
    `INSERT INTO contact
      (domain, owner, address, auth_flags, listed, name, group_names, request_protocol, request_raw)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (domain, owner, address) DO UPDATE SET
      auth_flags = excluded.auth_flags, listed = excluded.listed, name = excluded.name,
      group_names = excluded.group_names, request_protocol = excluded.request_protocol,
      request_raw = excluded.request_raw`,
    ...values,
  )
}

export function* removeContact(domain: string, owner: string, address: string): Procedure<void> {
  yield* run('DELETE FROM contact WHERE domain = ? AND owner = ? AND address = ?', domain, owner, address)
}

/** Each rule: subject, action, visibility, messages (empty: not decided apart). */
export type RuleValues = readonly [string, string, string, string]

export function* changeRules(
  domain: string,
  owner: string,
  removed: readonly string[],
  put: readonly RuleValues[],
): Procedure<void> {
  for (const subject of removed)
    yield* run('DELETE FROM rule WHERE domain = ? AND owner = ? AND subject = ?', domain, owner, subject)
  for (const rule of put)
    yield* run(
      `INSERT INTO rule (domain, owner, subject, action, visibility, messages) VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT (domain, owner, subject) DO UPDATE SET
        action = excluded.action, visibility = excluded.visibility, messages = excluded.messages`,
      domain,
      owner,
      ...rule,
    )
}

export function* putForward(
  domain: string,
  owner: string,
  location: string,
  permanent: number,
): Procedure<void> {
  yield* run(
    `INSERT INTO forward (domain, owner, location, permanent) VALUES (?, ?, ?, ?)
    ON CONFLICT (domain, owner) DO UPDATE SET location = excluded.location, permanent = excluded.permanent`,
    domain,
    owner,
    location,
    permanent,
  )
}

export function* removeForward(domain: string, owner: string): Procedure<void> {
  yield* run('DELETE FROM forward WHERE domain = ? AND owner = ?', domain, owner)
}

export function* putPresence(domain: string, owner: string, head: string, raw: Uint8Array): Procedure<void> {
  yield* run(
    `INSERT INTO presence (domain, owner, head, raw) VALUES (?, ?, ?, ?)
    ON CONFLICT (domain, owner) DO UPDATE SET head = excluded.head, raw = excluded.raw`,
    domain,
    owner,
    head,
    raw,
  )
}

export function* removePresence(domain: string, owner: string): Procedure<void> {
  yield* run('DELETE FROM presence WHERE domain = ? AND owner = ?', domain, owner)
}

export function* document(domain: string, owner: string, name: string): Procedure<Uint8Array | undefined> {
  const row = yield* one(
    'SELECT value FROM document WHERE domain = ? AND owner = ? AND name = ?',
    domain,
    owner,
    name,
  )
  return row?.[0] as Uint8Array | undefined
}

/** False when the owner holds `max` others already. */
export function* putDocument(
  domain: string,
  owner: string,
  name: string,
  value: Uint8Array,
  max: number,
): Procedure<boolean> {
  const others = yield* one(
    'SELECT COUNT(*) FROM document WHERE domain = ? AND owner = ? AND name <> ?',
    domain,
    owner,
    name,
  )
  if (Number(others?.[0]) >= max) return false
  yield* run(
    `INSERT INTO document (domain, owner, name, value) VALUES (?, ?, ?, ?)
    ON CONFLICT (domain, owner, name) DO UPDATE SET value = excluded.value`,
    domain,
    owner,
    name,
    value,
  )
  return true
}

export function* removeDocument(domain: string, owner: string, name: string): Procedure<void> {
  yield* run('DELETE FROM document WHERE domain = ? AND owner = ? AND name = ?', domain, owner, name)
}
