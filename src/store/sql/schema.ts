// The tables, as a list of numbered migrations that only ever grows at its end: what a released number did is never edited.
// Engines differ in a few words only, written `{so}` here and put in by each driver. Every key begins with a domain, except
// where a number or an identifier is unique by itself (a message's sequence, a subscription's id, a setting's name).

export interface Migration {
  /** 1, 2, 3, without a gap. */
  readonly number: number
  readonly what: string
  readonly statements: readonly string[]
}

/** The words in which engines differ. */
export type EngineWords = Readonly<
  Record<'text' | 'octets' | 'time' | 'identity' | 'clustered' | 'heap', string>
>

/** Text compares by code point: a collation of the place where the database runs would make orders differ. */
export const sqliteWords: EngineWords = {
  text: 'TEXT',
  octets: 'BLOB',
  time: 'INTEGER',
  identity: 'INTEGER PRIMARY KEY AUTOINCREMENT',
  clustered: 'WITHOUT ROWID, STRICT',
  heap: 'STRICT',
}

const ownedBy = 'FOREIGN KEY (domain, owner) REFERENCES account (domain, localpart) ON DELETE CASCADE'

export const migrations: readonly Migration[] = [
  {
    number: 1,
    what: 'accounts and what they own, subscriptions, the history, settings',
    statements: [
      `CREATE TABLE account (
        domain {text} NOT NULL,
        localpart {text} NOT NULL,
        created {time} NOT NULL,
        disabled INTEGER NOT NULL,
        PRIMARY KEY (domain, localpart)
      ) {clustered}`,
      // Primary addresses and aliases together, so that one key keeps all names apart; position 0 is the primary one.
      `CREATE TABLE name (
        domain {text} NOT NULL,
        localpart {text} NOT NULL,
        account_domain {text} NOT NULL,
        account_localpart {text} NOT NULL,
        position INTEGER NOT NULL,
        PRIMARY KEY (domain, localpart),
        FOREIGN KEY (account_domain, account_localpart) REFERENCES account (domain, localpart) ON DELETE CASCADE
      ) {clustered}`,
      'CREATE INDEX name_of_account ON name (account_domain, account_localpart, position)',
      `CREATE TABLE secret (
        domain {text} NOT NULL,
        owner {text} NOT NULL,
        secrets {text} NOT NULL,
        PRIMARY KEY (domain, owner),
        ${ownedBy}
      ) {clustered}`,
      `CREATE TABLE contact (
        domain {text} NOT NULL,
        owner {text} NOT NULL,
        address {text} NOT NULL,
        auth_flags INTEGER NOT NULL,
        listed INTEGER NOT NULL,
        name {text} NOT NULL,
        group_names {text} NOT NULL,
        request_protocol {text},
        request_raw {octets},
        PRIMARY KEY (domain, owner, address),
        ${ownedBy}
      ) {clustered}`,
      `CREATE TABLE rule (
        domain {text} NOT NULL,
        owner {text} NOT NULL,
        subject {text} NOT NULL,
        action {text} NOT NULL,
        visibility {text} NOT NULL,
        PRIMARY KEY (domain, owner, subject),
        ${ownedBy}
      ) {clustered}`,
      `CREATE TABLE presence (
        domain {text} NOT NULL,
        owner {text} NOT NULL,
        head {text} NOT NULL,
        raw {octets} NOT NULL,
        PRIMARY KEY (domain, owner),
        ${ownedBy}
      ) {clustered}`,
      `CREATE TABLE subscription (
        id {text} NOT NULL PRIMARY KEY,
        protocol {text} NOT NULL,
        watcher {text} NOT NULL,
        presentity {text} NOT NULL,
        expires {time} NOT NULL,
        state {octets} NOT NULL
      ) {clustered}`,
      'CREATE INDEX subscription_of_watcher ON subscription (watcher)',
      'CREATE INDEX subscription_of_presentity ON subscription (presentity)',
      // A message is kept once a domain; owners counts the entries that point to it.
      `CREATE TABLE message (
        sequence {identity},
        domain {text} NOT NULL,
        id {text} NOT NULL,
        at {time} NOT NULL,
        owners INTEGER NOT NULL,
        head {text} NOT NULL,
        raw {octets} NOT NULL,
        UNIQUE (domain, id)
      ) {heap}`,
      `CREATE TABLE entry (
        domain {text} NOT NULL,
        owner {text} NOT NULL,
        sequence {time} NOT NULL,
        peer {text} NOT NULL,
        at {time} NOT NULL,
        sent INTEGER NOT NULL,
        undelivered INTEGER NOT NULL,
        archived INTEGER NOT NULL,
        PRIMARY KEY (domain, owner, sequence),
        ${ownedBy}
      ) {clustered}`,
      'CREATE INDEX entry_of_peer ON entry (domain, owner, peer, sequence)',
      'CREATE INDEX entry_undelivered ON entry (domain, owner, sequence) WHERE undelivered = 1',
      `CREATE TABLE setting (
        name {text} NOT NULL PRIMARY KEY,
        value {octets} NOT NULL
      ) {clustered}`,
    ],
  },
  {
    number: 2,
    what: 'what waits for other domains',
    statements: [
      `CREATE TABLE peer_queue (
        sequence {identity},
        domain {text} NOT NULL,
        at {time} NOT NULL,
        head {text} NOT NULL,
        raw {octets} NOT NULL
      ) {heap}`,
      'CREATE INDEX peer_queue_of_domain ON peer_queue (domain, sequence)',
    ],
  },
  {
    number: 3,
    what: 'where a person has moved to',
    statements: [
      `CREATE TABLE forward (
        domain {text} NOT NULL,
        owner {text} NOT NULL,
        location {text} NOT NULL,
        permanent INTEGER NOT NULL,
        PRIMARY KEY (domain, owner),
        ${ownedBy}
      ) {clustered}`,
    ],
  },
  {
    number: 4,
    what: 'documents of accounts, the device of the peer in the history',
    statements: [
      `CREATE TABLE document (
        domain {text} NOT NULL,
        owner {text} NOT NULL,
        name {text} NOT NULL,
        value {octets} NOT NULL,
        PRIMARY KEY (domain, owner, name),
        ${ownedBy}
      ) {clustered}`,
      `ALTER TABLE entry ADD COLUMN agent {text} NOT NULL DEFAULT ''`,
    ],
  },
  {
    number: 5,
    what: 'access rules that decide messages apart from presence',
    statements: [`ALTER TABLE rule ADD COLUMN messages {text} NOT NULL DEFAULT ''`],
  },
]

/** A statement of a migration in an engine's own words. */
export function inWords(statement: string, words: EngineWords): string {
  return statement.replace(/\{(\w+)\}/g, (_, word: keyof EngineWords) => words[word])
}
