CREATE TABLE IF NOT EXISTS imported_file (
  id INTEGER NOT NULL PRIMARY KEY,
  digest TEXT,
  size INTEGER,
  name TEXT NOT NULL,
  format TEXT NOT NULL,
  source TEXT,
  licence TEXT,
  is_public INTEGER NOT NULL,
  started TEXT NOT NULL,
  finished TEXT,
  records INTEGER,
  rejected INTEGER,
  outcome TEXT
);
CREATE INDEX IF NOT EXISTS imported_file_digest_idx ON imported_file (digest);

CREATE TABLE IF NOT EXISTS restricted_cell (
  cellid BLOB NOT NULL PRIMARY KEY,
  import_id INTEGER NOT NULL
) WITHOUT ROWID;
