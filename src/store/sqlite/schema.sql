-- What a store looks like after every migration. A test holds the migrated store against this file.

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
    revision            INTEGER NOT NULL DEFAULT 1,
    seal                BLOB CHECK (length(seal) = 32),
    plan                TEXT,
    form                TEXT,
    CHECK ((state = 'revoked') = (revoked_at IS NOT NULL)),
    CHECK ((replaces IS NULL) = (grace IS NULL))
) STRICT;

-- A workspace's keys in the order they were minted: `list`.
CREATE INDEX key_workspace ON key (workspace_id);
-- A key by its name, and the rule that live keys of an environment share none.
CREATE INDEX key_name ON key (workspace_id, name, environment);
-- A key by the public part of its token.
CREATE INDEX key_short ON key (short) WHERE short <> '';
-- The replacement that a key is waiting for.
CREATE INDEX key_replaces ON key (replaces) WHERE replaces IS NOT NULL;
-- The cap and the counts, read from the index alone; revoked keys, which only ever pile up, are not in it.
CREATE INDEX key_living ON key (workspace_id, state, created_at, expires_at) WHERE state <> 'revoked';

-- Other systems' keys, by the form of their hashes.
CREATE INDEX key_form ON key (form) WHERE form IS NOT NULL;

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

-- The newest event about a key or a workspace, which has the digest of its record.
CREATE INDEX audit_subject ON audit (subject);

-- The latest time that the store has recorded, the first one after a leap that is not accepted yet, the number of commits, and
-- the furthest time that anything was recorded at, accepted or not; one row.
CREATE TABLE clock (
    only  INTEGER PRIMARY KEY CHECK (only = 1),
    seen  INTEGER NOT NULL,
    leapt INTEGER,
    commits INTEGER NOT NULL DEFAULT 0,
    furthest INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Where verify left a key: the day of its last use, and when its burst is whole again under this rate.
CREATE TABLE meter (
    key_seq  INTEGER PRIMARY KEY REFERENCES key (seq) ON DELETE CASCADE,
    last_day INTEGER,
    rate     TEXT,
    whole_at INTEGER,
    CHECK ((rate IS NULL) = (whole_at IS NULL))
) STRICT;

-- What a key was used for on a UTC day, and its last use on it; slot is day * 2^40 + key.seq.
CREATE TABLE usage (
    slot         INTEGER PRIMARY KEY,
    valid        INTEGER NOT NULL,
    credits      INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    last_address TEXT
) STRICT;

-- How often a key was refused on a UTC day, by verify's code.
CREATE TABLE refusal (
    slot  INTEGER NOT NULL,
    code  TEXT    NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (slot, code)
) STRICT, WITHOUT ROWID;

-- The credits a workspace has spent in a UTC calendar month, counted from January of the year 0.
CREATE TABLE allowance (
    workspace_id INTEGER NOT NULL REFERENCES workspace (workspace_id) ON DELETE CASCADE,
    month        INTEGER NOT NULL,
    credits      INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, month)
) STRICT, WITHOUT ROWID;

-- The hashes of keys that were revoked, or pruned after they had ended. None is ever removed, and none imported again.
CREATE TABLE ended (
    hash BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 32)
) STRICT, WITHOUT ROWID;

-- Which revision of a key's record is the last, where it is another than the first.
CREATE TABLE revision (
    key_seq INTEGER PRIMARY KEY,
    number  INTEGER NOT NULL
) STRICT;

-- Every token format that keys of this store have or once had; without a template, what imported tokens begin with.
CREATE TABLE token_format (
    template     TEXT NOT NULL,
    alphabet     TEXT NOT NULL,
    prefix       TEXT NOT NULL,
    environments TEXT NOT NULL,
    PRIMARY KEY (template, alphabet, prefix, environments)
) STRICT, WITHOUT ROWID;

-- The hints of keys whose token has no public random part.
CREATE INDEX key_hint ON key (hint) WHERE short = '';

CREATE TABLE setting (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Pending keys whose hand-over the next run of what minted them takes up.
CREATE TABLE claim (
    key_seq INTEGER PRIMARY KEY REFERENCES key (seq) ON DELETE CASCADE
) STRICT;

-- What was minted under which idempotency key, for a week; request is SHA-256 of what was asked for.
CREATE TABLE idempotency (
    workspace_id INTEGER NOT NULL REFERENCES workspace (workspace_id) ON DELETE CASCADE,
    name         TEXT    NOT NULL,
    request      BLOB    NOT NULL CHECK (length(request) = 32),
    key_id       TEXT    NOT NULL,
    made_at      INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, name)
) STRICT, WITHOUT ROWID;

-- Those that are old enough to be forgotten.
CREATE INDEX idempotency_age ON idempotency (made_at);
