-- The hashes of keys that have ended for good.
--
-- Why it looks like this:
--   * A revoked key has its hash here from the transaction that revokes it, so a record that was put back to an earlier state is
--     found by its own hash, whatever was done to the trail's index.
--   * A pruned key's hash stays, so that no import brings its secret back under another id. It is 32 bytes; the record was some 600.
--   * The hash is all there is: who ended the key, when and why is in the trail, which outlives the record too.
--   * What older schemas know is taken over, from the rows and from the trail. The trail is read as a table, because an index can
--     be made to leave rows out. Hashes of keys that were pruned before are not known any more.
--   * A row that breaks a constraint is left out: that record is damaged, not the store.

CREATE TABLE ended (
    hash BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 32)
) STRICT, WITHOUT ROWID;

INSERT OR IGNORE INTO ended SELECT hash FROM key WHERE state = 'revoked' OR id IN (
    SELECT subject FROM audit NOT INDEXED WHERE action = 'key.revoke'
        OR (action = 'key.rotate' AND details LIKE '%"revoked":true%'));
