-- The furthest time that anything was recorded at, accepted or not; see ../../sqlite/migrations/0008_furthest.sql.

ALTER TABLE keyward.clock ADD COLUMN furthest bigint NOT NULL DEFAULT 0;

UPDATE keyward.clock SET furthest = greatest(seen, leapt, (SELECT max(last_used_at) FROM keyward.usage));

COMMENT ON SCHEMA keyward IS 'keyward store 2';
