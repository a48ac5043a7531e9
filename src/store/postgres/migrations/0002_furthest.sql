-- The furthest time that anything was recorded at, accepted or not; see ../../sqlite/migrations/0008_furthest.sql. Earlier uses
-- are not looked through: here a verifier looks a last use up again after a second at the latest.

ALTER TABLE keyward.clock ADD COLUMN furthest bigint NOT NULL DEFAULT 0;

UPDATE keyward.clock SET furthest = greatest(seen, leapt);

COMMENT ON SCHEMA keyward IS 'keyward store 2';
