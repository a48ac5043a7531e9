-- A store after every migration, which say why it is so; written by KEYWARD_BLESS=1 cargo test.

CREATE TABLE allowance (
    workspace_id INTEGER NOT NULL REFERENCES workspace (workspace_id) ON DELETE CASCADE,
    month        INTEGER NOT NULL,
    credits      INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, month)
) STRICT, WITHOUT ROWID;

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

CREATE INDEX audit_subject ON audit (subject);

CREATE TABLE claim (
    key_seq INTEGER PRIMARY KEY REFERENCES key (seq) ON DELETE CASCADE
) STRICT;

CREATE TABLE clock (
    only  INTEGER PRIMARY KEY CHECK (only = 1),
    seen  INTEGER NOT NULL,
    leapt INTEGER,
    commits INTEGER NOT NULL DEFAULT 0
, furthest INTEGER NOT NULL DEFAULT 0) STRICT;

CREATE TABLE ended (
    hash BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 32)
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency (
    workspace_id INTEGER NOT NULL REFERENCES workspace (workspace_id) ON DELETE CASCADE,
    name         TEXT    NOT NULL,
    request      BLOB    NOT NULL CHECK (length(request) = 32),
    key_id       TEXT    NOT NULL,
    made_at      INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_age ON idempotency (made_at);

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
    labels              TEXT    NOT NULL, revision INTEGER NOT NULL DEFAULT 1, seal BLOB CHECK (length(seal) = 32), plan TEXT, form TEXT,
    CHECK ((state = 'revoked') = (revoked_at IS NOT NULL)),
    CHECK ((replaces IS NULL) = (grace IS NULL))
) STRICT;

CREATE INDEX key_form ON key (form) WHERE form IS NOT NULL;

CREATE INDEX key_hint ON key (hint) WHERE short = '';

CREATE INDEX key_living ON key (workspace_id, state, created_at, expires_at) WHERE state <> 'revoked';

CREATE INDEX key_name ON key (workspace_id, name, environment);

CREATE INDEX key_replaces ON key (replaces) WHERE replaces IS NOT NULL;

CREATE INDEX key_short ON key (short) WHERE short <> '';

CREATE INDEX key_workspace ON key (workspace_id);

CREATE TABLE meter (
    key_seq  INTEGER PRIMARY KEY REFERENCES key (seq) ON DELETE CASCADE,
    last_day INTEGER,
    rate     TEXT,
    whole_at INTEGER,
    CHECK ((rate IS NULL) = (whole_at IS NULL))
) STRICT;

CREATE TABLE refusal (
    slot  INTEGER NOT NULL,
    code  TEXT    NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (slot, code)
) STRICT, WITHOUT ROWID;

CREATE TABLE revision (
    key_seq INTEGER PRIMARY KEY,
    number  INTEGER NOT NULL
) STRICT;

CREATE TABLE setting (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE token_format (
    template     TEXT NOT NULL,
    alphabet     TEXT NOT NULL,
    prefix       TEXT NOT NULL,
    environments TEXT NOT NULL,
    PRIMARY KEY (template, alphabet, prefix, environments)
) STRICT, WITHOUT ROWID;

CREATE TABLE usage (
    slot         INTEGER PRIMARY KEY,
    valid        INTEGER NOT NULL,
    credits      INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    last_address TEXT
) STRICT;

CREATE TABLE workspace (
    workspace_id INTEGER PRIMARY KEY,
    name         TEXT    NOT NULL UNIQUE,
    preset       TEXT,
    policy       TEXT    NOT NULL,
    plan         TEXT,
    created_at   INTEGER NOT NULL,
    created_by   TEXT    NOT NULL
) STRICT;
