//! API keys. Look-ups ignore case in both databases, by the collation of the column.

use ichnaea_domain::api_key::ApiKey;

use crate::Store;
use crate::driver::{Row, Rule, Statement, Value, Write};
use crate::error::{Error, Result};

const COLUMNS: [&str; 14] = [
    "valid_key",
    "maxreq",
    "allow_fallback",
    "allow_locate",
    "allow_region",
    "fallback_name",
    "fallback_schema",
    "fallback_url",
    "fallback_ratelimit",
    "fallback_ratelimit_interval",
    "fallback_cache_expire",
    "store_sample_locate",
    "store_sample_submit",
    "allow_explain",
];

impl Store {
    /// The key with this text, whatever its case.
    pub async fn api_key(&self, key: &str) -> Result<Option<ApiKey>> {
        let rows = self.keys("WHERE valid_key = ?", vec![key.into()]).await?;
        Ok(rows.first().map(api_key))
    }

    /// All keys, in order.
    pub async fn api_keys(&self) -> Result<Vec<ApiKey>> {
        let rows = self.keys("ORDER BY valid_key", Vec::new()).await?;
        Ok(rows.iter().map(api_key).collect())
    }

    /// Rows of [`COLUMNS`]. A database that was not migrated yet may lack some of them: keys read
    /// as the migration is going to make them.
    async fn keys(&self, which: &str, parameters: Vec<Value>) -> Result<Vec<Row>> {
        let select = |columns: &[&str]| {
            let text = format!("SELECT {} FROM api_key {which}", columns.join(", "));
            Statement::new(text, parameters.clone())
        };
        match self.driver.query(select(&COLUMNS)).await {
            Err(Error::OldSchema(_)) => {
                let there = self.columns("api_key").await?;
                let is_there = |column| there.iter().any(|name| name == column);
                let columns = COLUMNS.map(|column| match column {
                    _ if is_there(column) => column,
                    "allow_region" => "1",
                    "store_sample_locate" | "store_sample_submit" => "100",
                    _ => "NULL",
                });
                self.driver.query(select(&columns)).await
            }
            read => read,
        }
    }

    async fn columns(&self, table: &str) -> Result<Vec<String>> {
        let text = self.driver.dialect().column_names();
        let rows = self.driver.query(Statement::new(text, vec![table.into()])).await?;
        Ok(rows.iter().filter_map(|row| row.text(0)).collect())
    }

    /// The columns that are written for a key. A database that was not migrated yet lacks the last;
    /// there is nothing to write then, unless the key has something in it.
    async fn written(&self, key: &ApiKey) -> Result<&'static [&'static str]> {
        let Some((last, others)) = COLUMNS.split_last() else { return Ok(&COLUMNS) };
        let is_needed = key.allow_explain.is_some()
            || self.columns("api_key").await?.iter().any(|name| name == last);
        Ok(if is_needed { &COLUMNS } else { others })
    }

    /// Adds a key; false when there is one with this text already.
    pub async fn create_api_key(&self, key: &ApiKey) -> Result<bool> {
        self.must_be_writable()?;
        let read = Statement::new(
            "SELECT valid_key FROM api_key WHERE valid_key = ?",
            vec![key.valid_key.as_str().into()],
        );
        let columns = self.written(key).await?;
        let places = vec!["?"; columns.len()].join(", ");
        let text = format!("INSERT INTO api_key ({}) VALUES ({places})", columns.join(", "));
        let insert = Statement::new(text, values(key, columns));
        let rule: Rule<bool> = std::sync::Arc::new(move |found| {
            let is_new = found.iter().all(Vec::is_empty);
            Ok((is_new.then(|| Write::Statement(insert.clone())).into_iter().collect(), is_new))
        });
        let reads = vec![crate::driver::Read::Locking(read)];
        Ok(self.driver.transaction(reads, rule).await?.value)
    }

    /// Overwrites everything but the text of a key; false when there is none with this text.
    pub async fn update_api_key(&self, key: &ApiKey) -> Result<bool> {
        self.must_be_writable()?;
        let columns = self.written(key).await?;
        let assignments: Vec<String> =
            columns.iter().skip(1).map(|column| format!("{column} = ?")).collect();
        let text = format!("UPDATE api_key SET {} WHERE valid_key = ?", assignments.join(", "));
        let mut parameters = values(key, columns);
        parameters.rotate_left(1);
        Ok(self.driver.execute(Statement::new(text, parameters)).await? > 0)
    }

    /// Removes a key; false when there is none with this text.
    pub async fn delete_api_key(&self, key: &str) -> Result<bool> {
        self.must_be_writable()?;
        let text = "DELETE FROM api_key WHERE valid_key = ?";
        Ok(self.driver.execute(Statement::new(text, vec![key.into()])).await? > 0)
    }
}

fn api_key(row: &Row) -> ApiKey {
    ApiKey {
        valid_key: row.text(0).unwrap_or_default(),
        maxreq: row.int(1),
        allow_fallback: row.flag(2),
        allow_locate: row.flag(3),
        allow_region: row.flag(4),
        fallback_name: row.text(5),
        fallback_schema: row.text(6),
        fallback_url: row.text(7),
        fallback_ratelimit: row.int(8),
        fallback_ratelimit_interval: row.int(9),
        fallback_cache_expire: row.int(10),
        store_sample_locate: row.int(11),
        store_sample_submit: row.int(12),
        allow_explain: row.flag(13),
    }
}

/// The values of the first of [`COLUMNS`], as many as `columns` are.
fn values(key: &ApiKey, columns: &[&str]) -> Vec<Value> {
    let mut values: Vec<Value> = vec![
        key.valid_key.as_str().into(),
        key.maxreq.into(),
        key.allow_fallback.into(),
        key.allow_locate.into(),
        key.allow_region.into(),
        key.fallback_name.as_deref().into(),
        key.fallback_schema.as_deref().into(),
        key.fallback_url.as_deref().into(),
        key.fallback_ratelimit.into(),
        key.fallback_ratelimit_interval.into(),
        key.fallback_cache_expire.into(),
        key.store_sample_locate.into(),
        key.store_sample_submit.into(),
        key.allow_explain.into(),
    ];
    values.truncate(columns.len());
    values
}
