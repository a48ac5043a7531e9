-- What verify counts, apart from the keys themselves.
--
-- Why it looks like this:
--   * A key's record is some 400 bytes on a page of its own neighbourhood; counting in it would rewrite that page for
--     every use. A row of `usage` is some 25 bytes, 150 to a page, so a second's uses of 100,000 keys touch a thousand
--     pages instead of ten thousand.
--   * `usage.slot` is day * 2^40 + key.seq: the uses of one day lie side by side and in the order of the keys, one
--     lookup finds a key's day, and a plain integer key takes half the time of a composite one (measured: 0.4 against
--     0.9 microseconds for each row of a batch).
--   * When a key was last used stands in its newest row of `usage`, so that a use changes one row; `meter.last_day` says
--     which row that is, and changes once a day.
--   * Refusals are rare and have their reason, so they have a table of their own.
--   * `allowance` counts the credits of every workspace, on a plan with a quota or not, so that a new plan counts what
--     was used before it.
--   * Rows of a key go with it: those of `meter` by their foreign key, those of `usage` and `refusal`, whose slot can
--     refer to nothing, by the transaction that deletes the key.

CREATE TABLE meter (
    key_seq  INTEGER PRIMARY KEY REFERENCES key (seq) ON DELETE CASCADE,
    last_day INTEGER,
    rate     TEXT,
    whole_at INTEGER,
    CHECK ((rate IS NULL) = (whole_at IS NULL))
) STRICT;

CREATE TABLE usage (
    slot         INTEGER PRIMARY KEY,
    valid        INTEGER NOT NULL,
    credits      INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    last_address TEXT
) STRICT;

CREATE TABLE refusal (
    slot  INTEGER NOT NULL,
    code  TEXT    NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (slot, code)
) STRICT, WITHOUT ROWID;

CREATE TABLE allowance (
    workspace_id INTEGER NOT NULL REFERENCES workspace (workspace_id) ON DELETE CASCADE,
    month        INTEGER NOT NULL,
    credits      INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, month)
) STRICT, WITHOUT ROWID;

INSERT INTO meter (key_seq, last_day) SELECT seq, last_used_at / 86400000 FROM key WHERE last_used_at >= 0;
INSERT INTO usage (slot, valid, credits, last_used_at)
    SELECT (last_used_at / 86400000 << 40) + seq, 0, 0, last_used_at FROM key WHERE last_used_at >= 0;
ALTER TABLE key DROP COLUMN last_used_at;
