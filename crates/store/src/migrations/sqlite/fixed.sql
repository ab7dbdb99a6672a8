CREATE TABLE IF NOT EXISTS alembic_version (
  version_num TEXT NOT NULL PRIMARY KEY
);

CREATE TABLE IF NOT EXISTS api_key (
  valid_key TEXT NOT NULL COLLATE NOCASE PRIMARY KEY,
  maxreq INTEGER,
  allow_fallback INTEGER,
  allow_locate INTEGER,
  allow_region INTEGER,
  fallback_name TEXT,
  fallback_schema TEXT,
  fallback_url TEXT,
  fallback_ratelimit INTEGER,
  fallback_ratelimit_interval INTEGER,
  fallback_cache_expire INTEGER,
  store_sample_locate INTEGER,
  store_sample_submit INTEGER
);

CREATE TABLE IF NOT EXISTS export_config (
  name TEXT NOT NULL COLLATE NOCASE PRIMARY KEY,
  batch INTEGER,
  `schema` TEXT,
  url TEXT,
  skip_keys TEXT,
  skip_sources TEXT
);

CREATE TABLE IF NOT EXISTS region_stat (
  region TEXT NOT NULL PRIMARY KEY,
  gsm INTEGER,
  wcdma INTEGER,
  lte INTEGER,
  blue INTEGER,
  wifi INTEGER
);

CREATE TABLE IF NOT EXISTS stat (
  `key` INTEGER NOT NULL,
  `time` TEXT NOT NULL,
  `value` INTEGER,
  PRIMARY KEY (`key`, `time`)
) WITHOUT ROWID;
