-- What tells that a row was changed behind keyward's back, and what time it has been.
--
-- Why it looks like this:
--   * Every event about a key or a workspace has the digest of its record among its details, so the newest event tells what
--     the row must say. A digest beside the row would be changed along with it; the trail is chained, and its end can be
--     kept elsewhere.
--   * `audit_subject` finds the newest event about a record in one lookup.
--   * `clock.commits` counts every commit, uses included, so that a log which was kept and put beside the file again is seen to
--     be of an earlier time.
--   * `clock` has one row. A time of its own, because no other is the latest: the trail's times are those of changes, and
--     those of uses are kept by the day.

CREATE INDEX audit_subject ON audit (subject);

CREATE TABLE clock (
    only  INTEGER PRIMARY KEY CHECK (only = 1),
    seen  INTEGER NOT NULL,
    leapt INTEGER,
    commits INTEGER NOT NULL DEFAULT 0
) STRICT;

INSERT INTO clock (only, seen) VALUES (1, coalesce((SELECT time FROM audit ORDER BY seq DESC LIMIT 1), 0));
