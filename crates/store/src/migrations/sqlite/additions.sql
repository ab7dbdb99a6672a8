CREATE TABLE IF NOT EXISTS applied_batch (
  id TEXT NOT NULL PRIMARY KEY,
  queue TEXT NOT NULL,
  outcome TEXT NOT NULL,
  applied TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS applied_batch_applied_idx ON applied_batch (applied);

ALTER TABLE region_stat ADD COLUMN nr INTEGER;
