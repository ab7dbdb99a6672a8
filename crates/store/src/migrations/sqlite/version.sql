CREATE TABLE IF NOT EXISTS alembic_version (
  version_num TEXT NOT NULL PRIMARY KEY
);
