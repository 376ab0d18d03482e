-- A database as schema 5 made it: two accounts with one of everything, and two messages that wait for another domain, one who has moved. Never edited.
CREATE TABLE migration (number INTEGER NOT NULL PRIMARY KEY, what TEXT NOT NULL);
CREATE TABLE account (
  domain TEXT NOT NULL,
  localpart TEXT NOT NULL,
  created INTEGER NOT NULL,
  disabled INTEGER NOT NULL,
  PRIMARY KEY (domain, localpart)
) WITHOUT ROWID, STRICT;
CREATE TABLE name (
  domain TEXT NOT NULL,
  localpart TEXT NOT NULL,
  account_domain TEXT NOT NULL,
  account_localpart TEXT NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (domain, localpart),
  FOREIGN KEY (account_domain, account_localpart) REFERENCES account (domain, localpart) ON DELETE CASCADE
) WITHOUT ROWID, STRICT;
CREATE INDEX name_of_account ON name (account_domain, account_localpart, position);
CREATE TABLE secret (
  domain TEXT NOT NULL,
  owner TEXT NOT NULL,
  secrets TEXT NOT NULL,
  PRIMARY KEY (domain, owner),
  FOREIGN KEY (domain, owner) REFERENCES account (domain, localpart) ON DELETE CASCADE
) WITHOUT ROWID, STRICT;
CREATE TABLE contact (
  domain TEXT NOT NULL,
  owner TEXT NOT NULL,
  address TEXT NOT NULL,
  auth_flags INTEGER NOT NULL,
  listed INTEGER NOT NULL,
  name TEXT NOT NULL,
  group_names TEXT NOT NULL,
  request_protocol TEXT,
  request_raw BLOB,
  PRIMARY KEY (domain, owner, address),
  FOREIGN KEY (domain, owner) REFERENCES account (domain, localpart) ON DELETE CASCADE
) WITHOUT ROWID, STRICT;
CREATE TABLE rule (
  domain TEXT NOT NULL,
  owner TEXT NOT NULL,
  subject TEXT NOT NULL,
  action TEXT NOT NULL,
  visibility TEXT NOT NULL,
  messages TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (domain, owner, subject),
  FOREIGN KEY (domain, owner) REFERENCES account (domain, localpart) ON DELETE CASCADE
) WITHOUT ROWID, STRICT;
CREATE TABLE presence (
  domain TEXT NOT NULL,
  owner TEXT NOT NULL,
  head TEXT NOT NULL,
  raw BLOB NOT NULL,
  PRIMARY KEY (domain, owner),
  FOREIGN KEY (domain, owner) REFERENCES account (domain, localpart) ON DELETE CASCADE
) WITHOUT ROWID, STRICT;
CREATE TABLE subscription (
  id TEXT NOT NULL PRIMARY KEY,
  protocol TEXT NOT NULL,
  watcher TEXT NOT NULL,
  presentity TEXT NOT NULL,
  expires INTEGER NOT NULL,
  state BLOB NOT NULL
) WITHOUT ROWID, STRICT;
CREATE INDEX subscription_of_watcher ON subscription (watcher);
CREATE INDEX subscription_of_presentity ON subscription (presentity);
CREATE TABLE message (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  domain TEXT NOT NULL,
  id TEXT NOT NULL,
  at INTEGER NOT NULL,
  owners INTEGER NOT NULL,
  head TEXT NOT NULL,
  raw BLOB NOT NULL,
  UNIQUE (domain, id)
) STRICT;
CREATE TABLE entry (
  domain TEXT NOT NULL,
  owner TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  peer TEXT NOT NULL,
  at INTEGER NOT NULL,
  sent INTEGER NOT NULL,
  undelivered INTEGER NOT NULL,
  archived INTEGER NOT NULL,
  PRIMARY KEY (domain, owner, sequence),
  FOREIGN KEY (domain, owner) REFERENCES account (domain, localpart) ON DELETE CASCADE
) WITHOUT ROWID, STRICT;
CREATE INDEX entry_of_peer ON entry (domain, owner, peer, sequence);
CREATE INDEX entry_undelivered ON entry (domain, owner, sequence) WHERE undelivered = 1;
CREATE TABLE setting (
  name TEXT NOT NULL PRIMARY KEY,
  value BLOB NOT NULL
) WITHOUT ROWID, STRICT;
CREATE TABLE peer_queue (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  domain TEXT NOT NULL,
  at INTEGER NOT NULL,
  head TEXT NOT NULL,
  raw BLOB NOT NULL
) STRICT;
CREATE INDEX peer_queue_of_domain ON peer_queue (domain, sequence);
CREATE TABLE forward (
  domain TEXT NOT NULL,
  owner TEXT NOT NULL,
  location TEXT NOT NULL,
  permanent INTEGER NOT NULL,
  PRIMARY KEY (domain, owner),
  FOREIGN KEY (domain, owner) REFERENCES account (domain, localpart) ON DELETE CASCADE
) WITHOUT ROWID, STRICT;
CREATE TABLE document (
  domain TEXT NOT NULL,
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  value BLOB NOT NULL,
  PRIMARY KEY (domain, owner, name),
  FOREIGN KEY (domain, owner) REFERENCES account (domain, localpart) ON DELETE CASCADE
) WITHOUT ROWID, STRICT;
ALTER TABLE entry ADD COLUMN agent TEXT NOT NULL DEFAULT '';
INSERT INTO migration (number, what) VALUES (1, 'accounts and what they own, subscriptions, the history, settings');
INSERT INTO migration (number, what) VALUES (2, 'what waits for other domains');
INSERT INTO migration (number, what) VALUES (3, 'where a person has moved to');
INSERT INTO migration (number, what) VALUES (4, 'documents of accounts, the device of the peer in the history');
INSERT INTO migration (number, what) VALUES (5, 'access rules that decide messages apart from presence');
INSERT INTO account (domain, localpart, created, disabled) VALUES ('example.org', 'alice', 1700000000000, 1);
INSERT INTO account (domain, localpart, created, disabled) VALUES ('example.org', 'bob', 1700000000000, 0);
INSERT INTO name (domain, localpart, account_domain, account_localpart, position) VALUES ('example.org', 'alice', 'example.org', 'alice', 0);
INSERT INTO name (domain, localpart, account_domain, account_localpart, position) VALUES ('example.org', '1001', 'example.org', 'alice', 1);
INSERT INTO name (domain, localpart, account_domain, account_localpart, position) VALUES ('example.org', 'bob', 'example.org', 'bob', 0);
INSERT INTO secret (domain, owner, secrets) VALUES ('example.org', 'alice', '{"scram":{"SHA-1":{"salt":"asalt==","iterations":4096,"storedKey":"ak=","serverKey":"as="},"SHA-256":{"salt":"asalt==","iterations":10000,"storedKey":"ak=","serverKey":"as="}},"ha1":{"MD5 alice:localhost":"d41d8cd98f00b204e9800998ecf8427e","SHA-256 a:x":"ff"}}');
INSERT INTO secret (domain, owner, secrets) VALUES ('example.org', 'bob', '{"scram":{"SHA-1":{"salt":"bsalt==","iterations":4096,"storedKey":"bk=","serverKey":"bs="},"SHA-256":{"salt":"bsalt==","iterations":10000,"storedKey":"bk=","serverKey":"bs="}},"ha1":{"MD5 alice:localhost":"d41d8cd98f00b204e9800998ecf8427e","SHA-256 b:x":"ff"}}');
INSERT INTO contact (domain, owner, address, auth_flags, listed, name, group_names, request_protocol, request_raw) VALUES ('example.org', 'alice', 'bob@example.org', 9, 1, 'Bob Ü', '["Friends"]', 'xmpp', X'3c70726573656e63652f3e');
INSERT INTO rule (domain, owner, subject, action, visibility, messages) VALUES ('example.org', 'alice', 'example.net', 'polite-block', 'basic', 'allow');
INSERT INTO presence (domain, owner, head, raw) VALUES ('example.org', 'alice', '["xmpp","presence","alice@example.org","phone/ä","alice@example.org","","m-1",110,4,"store","inbox",3]', X'3c702f3e');
INSERT INTO subscription (id, protocol, watcher, presentity, expires, state) VALUES ('sub-1', 'sip', 'bob@example.org', 'alice@example.org', 1800000000000, X'7374617465');
INSERT INTO message (sequence, domain, id, at, owners, head, raw) VALUES (1, 'example.org', 'first', 1700000000001, 2, '["xmpp","message","alice@example.org","phone/ä","bob@example.org","","m-1",110,10,"store","inbox",3]', X'3c6d6573736167652f3e');
INSERT INTO message (sequence, domain, id, at, owners, head, raw) VALUES (2, 'example.org', 'second', 1700000000002, 2, '["xmpp","message","alice@example.org","phone/ä","bob@example.org","","m-1",110,20,"store","inbox",3]', X'3c6d6573736167653e323c2f6d6573736167653e');
INSERT INTO message (sequence, domain, id, at, owners, head, raw) VALUES (3, 'example.org', 'held', 1700000000003, 1, '["xmpp","message","alice@example.org","phone/ä","bob@example.org","","m-1",110,10,"store","inbox",3]', X'3c6d6573736167652f3e');
INSERT INTO entry (domain, owner, sequence, peer, at, sent, undelivered, archived) VALUES ('example.org', 'alice', 1, 'bob@example.org', 1700000000001, 1, 0, 1);
INSERT INTO entry (domain, owner, sequence, peer, at, sent, undelivered, archived) VALUES ('example.org', 'alice', 2, 'bob@example.org', 1700000000002, 1, 0, 1);
INSERT INTO entry (domain, owner, sequence, peer, at, sent, undelivered, archived, agent) VALUES ('example.org', 'bob', 1, 'alice@example.org', 1700000000001, 0, 0, 1, 'phone/ä');
INSERT INTO entry (domain, owner, sequence, peer, at, sent, undelivered, archived) VALUES ('example.org', 'bob', 2, 'alice@example.org', 1700000000002, 0, 1, 1);
INSERT INTO entry (domain, owner, sequence, peer, at, sent, undelivered, archived) VALUES ('example.org', 'bob', 3, 'alice@example.org', 1700000000003, 0, 1, 0);
INSERT INTO setting (name, value) VALUES ('key', X'76616c7565');
INSERT INTO peer_queue (sequence, domain, at, head, raw) VALUES (1, 'example.net', 1700000000001, '["xmpp","message","alice@example.org","phone/ä","far@example.net","","m-1",110,10,"store","inbox",3]', X'3c6d6573736167652f3e');
INSERT INTO peer_queue (sequence, domain, at, head, raw) VALUES (2, 'example.net', 1700000000002, '["xmpp","message","alice@example.org","phone/ä","far@example.net","","m-2",110,10,"store","inbox",3]', X'3c6d6573736167652f3e');
INSERT INTO forward (domain, owner, location, permanent) VALUES ('example.org', 'alice', 'im:alice@example.net', 1);
INSERT INTO document (domain, owner, name, value) VALUES ('example.org', 'bob', 'vcard', X'76');
