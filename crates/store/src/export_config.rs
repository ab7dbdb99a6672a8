//! Targets of the report exports.

use ichnaea_domain::export::ExportConfig;

use crate::Store;
use crate::driver::{Row, Statement};
use crate::error::Result;

/// `schema` is a reserved word of MySQL; SQLite accepts the same quotes.
const COLUMNS: &str = "name, batch, `schema`, url, skip_keys, skip_sources";

impl Store {
    /// All targets, in the order of their names.
    pub async fn export_configs(&self) -> Result<Vec<ExportConfig>> {
        let text = format!("SELECT {COLUMNS} FROM export_config ORDER BY name");
        Ok(self.driver.query(Statement::plain(text)).await?.iter().map(export_config).collect())
    }

    /// The target with this name.
    pub async fn export_config(&self, name: &str) -> Result<Option<ExportConfig>> {
        let text = format!("SELECT {COLUMNS} FROM export_config WHERE name = ?");
        let rows = self.driver.query(Statement::new(text, vec![name.into()])).await?;
        Ok(rows.first().map(export_config))
    }

    /// Adds a target, or overwrites the one with this name.
    pub async fn put_export_config(&self, config: &ExportConfig) -> Result<()> {
        self.must_be_writable()?;
        let tail = self
            .driver
            .dialect()
            .on_conflict_update("name", "batch, `schema`, url, skip_keys, skip_sources");
        let text =
            format!("INSERT INTO export_config ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?) {tail}");
        let parameters = vec![
            config.name.as_str().into(),
            config.batch.into(),
            config.schema.as_deref().into(),
            config.url.as_deref().into(),
            config.skip_keys.as_deref().into(),
            config.skip_sources.as_deref().into(),
        ];
        self.driver.execute(Statement::new(text, parameters)).await.map(drop)
    }

    /// Removes a target; false when there is none with this name.
    pub async fn delete_export_config(&self, name: &str) -> Result<bool> {
        self.must_be_writable()?;
        let text = "DELETE FROM export_config WHERE name = ?";
        Ok(self.driver.execute(Statement::new(text, vec![name.into()])).await? > 0)
    }
}

fn export_config(row: &Row) -> ExportConfig {
    ExportConfig {
        name: row.text(0).unwrap_or_default(),
        batch: row.int(1),
        schema: row.text(2),
        url: row.text(3),
        skip_keys: row.text(4),
        skip_sources: row.text(5),
    }
}
