CREATE TABLE IF NOT EXISTS {table} (
  grid BLOB NOT NULL PRIMARY KEY,
  created TEXT,
  modified TEXT
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS {table}_modified_idx ON {table} (modified);
