-- A key may have a plan of its own: the rate of that holds for it instead of its workspace's, the quota beside its workspace's.
--
-- No number is kept of what it has spent of its quota: `usage` has the credits of each day.

ALTER TABLE key ADD COLUMN plan TEXT;
