CREATE TABLE IF NOT EXISTS {table} (
  grid binary(8) NOT NULL,
  created date DEFAULT NULL,
  modified date DEFAULT NULL,
  PRIMARY KEY (grid),
  KEY {table}_created_idx (created)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
