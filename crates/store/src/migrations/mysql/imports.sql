CREATE TABLE IF NOT EXISTS imported_file (
  id int(10) unsigned NOT NULL,
  digest char(64) DEFAULT NULL,
  size bigint(20) unsigned DEFAULT NULL,
  name varchar(255) NOT NULL,
  format varchar(32) NOT NULL,
  source varchar(64) DEFAULT NULL,
  licence varchar(64) DEFAULT NULL,
  is_public tinyint(1) NOT NULL,
  started datetime NOT NULL,
  finished datetime DEFAULT NULL,
  records bigint(20) unsigned DEFAULT NULL,
  rejected bigint(20) unsigned DEFAULT NULL,
  outcome mediumtext DEFAULT NULL,
  PRIMARY KEY (id),
  KEY imported_file_digest_idx (digest)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;

CREATE TABLE IF NOT EXISTS restricted_cell (
  cellid varbinary(17) NOT NULL,
  import_id int(10) unsigned NOT NULL,
  PRIMARY KEY (cellid)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
