-- The first schema: workspaces, keys, the audit trail and the operator's choices.
--
-- Why it looks like this:
--   * Times are integer milliseconds since 1970 UTC: text times sort only while every writer pads alike.
--   * `state` holds what someone did to a key. Expiry is time passing, so it is computed when read and never stored.
--   * `hash` is all that is kept of a secret. Its UNIQUE index is the lookup of every verify.
--   * A name is unique among living keys alone, which depends on the time, so the rule stands in Rust and has no index
--     of its own here; `key_name` makes it one lookup.

CREATE TABLE workspace (
    workspace_id INTEGER PRIMARY KEY,
    name         TEXT    NOT NULL UNIQUE,
    preset       TEXT,
    policy       TEXT    NOT NULL,
    plan         TEXT,
    created_at   INTEGER NOT NULL,
    created_by   TEXT    NOT NULL
) STRICT;

CREATE TABLE key (
    seq                 INTEGER PRIMARY KEY,
    id                  TEXT    NOT NULL UNIQUE,
    workspace_id        INTEGER NOT NULL REFERENCES workspace (workspace_id),
    name                TEXT    NOT NULL,
    environment         TEXT    NOT NULL,
    scopes              TEXT    NOT NULL,
    prefix              TEXT    NOT NULL,
    short               TEXT    NOT NULL,
    hint                TEXT    NOT NULL,
    algorithm           TEXT    NOT NULL CHECK (algorithm = 'sha256'),
    hash                BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
    state               TEXT    NOT NULL CHECK (state IN ('pending', 'active', 'disabled', 'revoked')),
    created_at          INTEGER NOT NULL,
    created_by          TEXT    NOT NULL,
    expires_at          INTEGER,
    last_used_at        INTEGER,
    revoked_at          INTEGER,
    revoked_reason      TEXT,
    revoked_message     TEXT,
    replaces            TEXT,
    grace               INTEGER,
    previous_expires_at INTEGER,
    replaced_by         TEXT,
    allow               TEXT    NOT NULL,
    owner               TEXT,
    labels              TEXT    NOT NULL,
    CHECK ((state = 'revoked') = (revoked_at IS NOT NULL)),
    CHECK ((replaces IS NULL) = (grace IS NULL))
) STRICT;

-- A workspace's keys in the order they were minted: `list`.
CREATE INDEX key_workspace ON key (workspace_id);
-- A key by its name, and the rule that living keys of an environment share none.
CREATE INDEX key_name ON key (workspace_id, name, environment);
-- A key by the public part of its token.
CREATE INDEX key_short ON key (short) WHERE short <> '';
-- The replacement that a key is waiting for.
CREATE INDEX key_replaces ON key (replaces) WHERE replaces IS NOT NULL;
-- The cap and the counts, read from the index alone; revoked keys, which only ever pile up, are not in it.
CREATE INDEX key_living ON key (workspace_id, state, created_at, expires_at) WHERE state <> 'revoked';

CREATE TABLE audit (
    seq      INTEGER PRIMARY KEY,
    time     INTEGER NOT NULL,
    actor    TEXT    NOT NULL,
    action   TEXT    NOT NULL,
    subject  TEXT    NOT NULL,
    details  TEXT    NOT NULL,
    previous BLOB    NOT NULL CHECK (length(previous) = 32),
    hash     BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;

CREATE TABLE setting (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
