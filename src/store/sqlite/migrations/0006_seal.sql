-- What tells of a record by itself that it is the one keyward wrote last.
--
-- Why it looks like this:
--   * `seal` is the digest that the newest event about the record has. A row that was edited behind keyward's back does not agree with
--     it, which costs no look at the trail: before, each key that was looked up was held against its newest event, two more trees
--     to go down and another digest.
--   * `revision` counts the writes of a record, is part of what the seal is of, and stands in a table of its own too, so a row that was
--     put back to an earlier state is another revision than the one that table has. A key that was never changed since it became
--     active has revision 1 and no row there, so the table is as small as what was changed.
--   * A row of `revision` does not go with its key by itself: then putting an earlier record in its place would take it away.
--   * Neither has a secret in it: whoever writes a row, its seal and its revision is found by the trail, which `store check` and
--     `audit verify` read whole.
--   * No seal where the record was no longer what the trail has when this column was made. Such a row is damaged, as it was.

ALTER TABLE key ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
ALTER TABLE key ADD COLUMN seal BLOB CHECK (length(seal) = 32);

CREATE TABLE revision (
    key_seq INTEGER PRIMARY KEY,
    number  INTEGER NOT NULL
) STRICT;
