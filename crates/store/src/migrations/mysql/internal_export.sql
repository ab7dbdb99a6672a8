INSERT INTO export_config (name, batch, `schema`)
  SELECT 'internal', 100, 'internal' FROM (SELECT 1) AS one
  WHERE NOT EXISTS (SELECT 1 FROM export_config)
