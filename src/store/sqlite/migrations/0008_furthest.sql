-- The furthest time that anything was recorded at, accepted or not.
--
-- A clock that is more than 30 days ahead is not accepted, and `leapt` is cleared when the time is back, but the uses that were
-- recorded meanwhile stay. Without this number a verifier that had read a key's last use before could not know that another
-- has since recorded one later than now, and answered with its own.

ALTER TABLE clock ADD COLUMN furthest INTEGER NOT NULL DEFAULT 0;

UPDATE clock SET furthest = max(seen, coalesce(leapt, 0), coalesce((SELECT max(last_used_at) FROM usage), 0));
