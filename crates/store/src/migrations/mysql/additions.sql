CREATE TABLE IF NOT EXISTS applied_batch (
  id varchar(64) NOT NULL,
  queue varchar(255) NOT NULL,
  outcome mediumtext NOT NULL,
  applied datetime NOT NULL,
  PRIMARY KEY (id),
  KEY applied_batch_applied_idx (applied)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;

-- There is no transaction around a change of tables here, so a first try may have stopped after
-- this one.
SET @add_nr = (
  SELECT IF(COUNT(*) = 0,
            'ALTER TABLE region_stat ADD COLUMN nr bigint(20) unsigned DEFAULT NULL',
            'DO 0')
  FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'region_stat' AND column_name = 'nr'
);
PREPARE add_nr FROM @add_nr;
EXECUTE add_nr;
DEALLOCATE PREPARE add_nr;
