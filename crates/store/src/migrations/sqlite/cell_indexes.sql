CREATE INDEX IF NOT EXISTS {table}_modified_idx ON {table} (modified);
