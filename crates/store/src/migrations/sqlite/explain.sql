ALTER TABLE api_key ADD COLUMN allow_explain INTEGER;
