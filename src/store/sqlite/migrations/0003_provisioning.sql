-- What provisioning that can be run again has to remember.
--
-- Why it looks like this:
--   * A process that is killed while it hands a secret over leaves a pending key. For `ensure`, `apply` and `mint
--     --idempotency-key` that key has a row in `claim`, so that the next run gives it another secret instead of asking
--     what became of it. A key that is held on purpose has none: its holder has the secret.
--   * The row goes when the key becomes active, is held or is void; so the table is as small as what is under way.
--   * `idempotency` is kept for a week and outlives its key, whose id is therefore a text and no reference.

CREATE TABLE claim (
    key_seq INTEGER PRIMARY KEY REFERENCES key (seq) ON DELETE CASCADE
) STRICT;

CREATE TABLE idempotency (
    workspace_id INTEGER NOT NULL REFERENCES workspace (workspace_id) ON DELETE CASCADE,
    name         TEXT    NOT NULL,
    request      BLOB    NOT NULL CHECK (length(request) = 32),
    key_id       TEXT    NOT NULL,
    made_at      INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_age ON idempotency (made_at);
