-- Every token format that keys of this store have or once had.
--
-- Why it looks like this:
--   * `keyward scan` finds a token by its form. A workspace's policy has only the current one, and a key minted before a change
--     keeps its old one, so formats are added and never removed, whatever becomes of the workspace.
--   * It belongs to no workspace: two with the same format have one row.
--   * A row without a template has in `prefix` what the tokens of imported keys begin with, of which nothing else is known.
--   * A token without a front and a checksum is found by its hint, which is public. `key_hint` has the hints of keys without a
--     short, so that a million of them are read without their records.
--   * Rust fills it after this step, from the policies of today and from those that the trail has.

CREATE TABLE token_format (
    template     TEXT NOT NULL,
    alphabet     TEXT NOT NULL,
    prefix       TEXT NOT NULL,
    environments TEXT NOT NULL,
    PRIMARY KEY (template, alphabet, prefix, environments)
) STRICT, WITHOUT ROWID;

CREATE INDEX key_hint ON key (hint) WHERE short = '';

-- A key may have a plan of its own: the rate of that holds for it instead of its workspace's, the quota beside its workspace's.
--
-- No number is kept of what it has spent of its quota: `usage` has the credits of each day.

ALTER TABLE key ADD COLUMN plan TEXT;

-- In which form another system kept the hash of a key's secret; null for a key that keyward minted.
--
--   * `hash` stays 32 bytes and unique, whatever the form: of a SHA-512 it has the SHA-256. So a look-up is the same for each form,
--     and a hash that was found is the key's only if the form is too.
--   * The index is of other systems' keys alone. It says which forms there are, so a store without any hashes nothing twice.

ALTER TABLE key ADD COLUMN form TEXT;

CREATE INDEX key_form ON key (form) WHERE form IS NOT NULL;
