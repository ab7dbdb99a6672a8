-- As with the column of 5G NR: a first try may have stopped after this one.
SET @add_explain = (
  SELECT IF(COUNT(*) = 0,
            'ALTER TABLE api_key ADD COLUMN allow_explain tinyint(1) DEFAULT NULL',
            'DO 0')
  FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'api_key' AND column_name = 'allow_explain'
);
PREPARE add_explain FROM @add_explain;
EXECUTE add_explain;
DEALLOCATE PREPARE add_explain;
