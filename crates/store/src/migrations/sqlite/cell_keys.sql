cellid BLOB NOT NULL PRIMARY KEY,
  radio INTEGER NOT NULL,
  mcc INTEGER NOT NULL,
  mnc INTEGER NOT NULL,
  lac INTEGER NOT NULL,
  cid INTEGER NOT NULL,
  psc INTEGER,
  CONSTRAINT {table}_cellid_unique UNIQUE (radio, mcc, mnc, lac, cid)
