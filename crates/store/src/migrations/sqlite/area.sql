CREATE TABLE IF NOT EXISTS {table} (
  lat REAL,
  lon REAL,
  created TEXT,
  modified TEXT,
  areaid BLOB NOT NULL PRIMARY KEY,
  radio INTEGER NOT NULL,
  mcc INTEGER NOT NULL,
  mnc INTEGER NOT NULL,
  lac INTEGER NOT NULL,
  radius INTEGER,
  region TEXT,
  avg_cell_radius INTEGER,
  num_cells INTEGER,
  last_seen TEXT,
  CONSTRAINT {table}_areaid_unique UNIQUE (radio, mcc, mnc, lac)
) WITHOUT ROWID;
