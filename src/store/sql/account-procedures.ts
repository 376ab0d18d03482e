// Accounts, their names and their secrets.
import { all, one, type Procedure, run, type SqlRow } from './procedure.ts'

/** A name as its two columns: domain, local part. */
export type NameValues = readonly [domain: string, localpart: string]

export interface AccountValues {
  /** The primary address, then the aliases. */
  readonly names: readonly NameValues[]
  readonly created: number
  readonly disabled: number
  readonly secrets: string
}

/** domain, local part, created, disabled, then domain and local part of each alias. */
export type AccountRow = SqlRow

export function* account(domain: string, localpart: string): Procedure<AccountRow | undefined> {
  const row = yield* one(
    `SELECT account.domain, account.localpart, created, disabled
    FROM name JOIN account ON account.domain = account_domain AND account.localpart = account_localpart
    WHERE name.domain = ? AND name.localpart = ?`,
    domain,
    localpart,
  )
  if (row === undefined) return undefined
  const aliases = yield* all(
    `SELECT domain, localpart FROM name
    WHERE account_domain = ? AND account_localpart = ? AND position > 0 ORDER BY position`,
    row[0] as string,
    row[1] as string,
  )
  return [...row, ...aliases.flat()]
}

export function* addAccounts(accounts: readonly AccountValues[]): Procedure<boolean[]> {
  const answers: boolean[] = []
  for (const each of accounts) answers.push(yield* addAccount(each))
  return answers
}

function* addAccount({ names, created, disabled, secrets }: AccountValues): Procedure<boolean> {
  const [domain, localpart] = names[0] as NameValues
  if (yield* isAnyTaken(names, undefined)) return false
  yield* run(
    'INSERT INTO account (domain, localpart, created, disabled) VALUES (?, ?, ?, ?)',
    domain,
    localpart,
    created,
    disabled,
  )
  yield* putNames(names)
  yield* run('INSERT INTO secret (domain, owner, secrets) VALUES (?, ?, ?)', domain, localpart, secrets)
  return true
}

/** True when one of the names is another account's than `owner`. */
function* isAnyTaken(names: readonly NameValues[], owner: NameValues | undefined): Procedure<boolean> {
  for (const [domain, localpart] of names) {
    const row = yield* one(
      'SELECT account_domain, account_localpart FROM name WHERE domain = ? AND localpart = ?',
      domain,
      localpart,
    )
    if (row !== undefined && (row[0] !== owner?.[0] || row[1] !== owner?.[1])) return true
  }
  return false
}

function* putNames(names: readonly NameValues[]): Procedure<void> {
  const [accountDomain, accountLocalpart] = names[0] as NameValues
  for (const [position, [domain, localpart]] of names.entries()) {
    yield* run(
      `INSERT INTO name (domain, localpart, account_domain, account_localpart, position) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (domain, localpart) DO NOTHING`,
      domain,
      localpart,
      accountDomain,
      accountLocalpart,
      position,
    )
  }
}

export function* replaceAccount({ names, created, disabled, secrets }: AccountValues): Procedure<boolean> {
  const owner = names[0] as NameValues
  const [domain, localpart] = owner
  const known = yield* one('SELECT 1 FROM account WHERE domain = ? AND localpart = ?', domain, localpart)
  if (known === undefined || (yield* isAnyTaken(names, owner))) return false
  yield* run(
    'UPDATE account SET created = ?, disabled = ? WHERE domain = ? AND localpart = ?',
    created,
    disabled,
    domain,
    localpart,
  )
  yield* run('DELETE FROM name WHERE account_domain = ? AND account_localpart = ?', domain, localpart)
  yield* putNames(names)
  yield* setSecrets(domain, localpart, secrets)
  return true
}

/** What the account owns goes with it (ON DELETE CASCADE); messages stay for their other owners. */
export function* removeAccount(domain: string, localpart: string): Procedure<boolean> {
  for (const party of ['watcher', 'presentity']) {
    yield* run(
      `DELETE FROM subscription WHERE ${party} IN
        (SELECT localpart || '@' || domain FROM name WHERE account_domain = ? AND account_localpart = ?)`,
      domain,
      localpart,
    )
  }
  const theirs = '(SELECT sequence FROM entry WHERE domain = ? AND owner = ?)'
  yield* run(`UPDATE message SET owners = owners - 1 WHERE sequence IN ${theirs}`, domain, localpart)
  yield* run(`DELETE FROM message WHERE owners = 0 AND sequence IN ${theirs}`, domain, localpart)
  return (yield* run('DELETE FROM account WHERE domain = ? AND localpart = ?', domain, localpart)) > 0
}

export function* accounts(domain: string, after: string, limit: number): Procedure<readonly SqlRow[]> {
  return yield* all(
    `SELECT page.localpart, created, disabled, name.domain, name.localpart FROM
      (SELECT localpart, created, disabled FROM account
        WHERE domain = ? AND localpart > ? ORDER BY localpart LIMIT ?) AS page
      JOIN name ON account_domain = ? AND account_localpart = page.localpart
    ORDER BY page.localpart, position`,
    domain,
    after,
    limit,
    domain,
  )
}

export function* countAccounts(): Procedure<number> {
  const row = yield* one('SELECT COUNT(*) FROM account')
  return Number(row?.[0])
}

/** The account, then its secrets: asked for in every case, so that an unknown name costs what a known one does. */
export function* credentials(
  domain: string,
  localpart: string,
): Procedure<readonly [row: AccountRow, secrets: string] | undefined> {
  const row = yield* account(domain, localpart)
  const [ownerDomain, owner] = row === undefined ? [domain, localpart] : [row[0] as string, row[1] as string]
  const kept = yield* secrets(ownerDomain, owner)
  return row === undefined || kept === undefined ? undefined : [row, kept]
}

export function* secrets(domain: string, localpart: string): Procedure<string | undefined> {
  const row = yield* one('SELECT secrets FROM secret WHERE domain = ? AND owner = ?', domain, localpart)
  return row?.[0] as string | undefined
}

export function* setSecrets(domain: string, localpart: string, value: string): Procedure<boolean> {
  const changed = yield* run(
    'UPDATE secret SET secrets = ? WHERE domain = ? AND owner = ?',
    value,
    domain,
    localpart,
  )
  return changed > 0
}
