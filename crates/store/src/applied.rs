//! Batches that were applied, so that none is applied twice.
//!
//! A worker that dies between committing a batch and removing it from its queue leaves it to be
//! taken again. The batch id, written in the same transaction as the rows, is how the next worker
//! knows; the outcome beside it is what it needs to do what should have followed.

use std::sync::Arc;

use chrono::NaiveDateTime;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Store;
use crate::driver::{Done, Read, Row, Statement, Write};
use crate::error::{Error, Result};

/// The batch that an update belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchRef {
    /// Unique id, the same each time the batch is taken from its queue; up to 64 characters.
    pub id: String,
    /// The queue the batch came from.
    pub queue: String,
    /// The current time, UTC.
    pub now: NaiveDateTime,
}

/// The result of an update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied<O> {
    /// What the rule returned when the batch was applied, now or before.
    pub outcome: O,
    /// The batch had been applied before; nothing was written now.
    pub repeated: bool,
    /// Database error numbers of the tries that failed for a conflict, oldest first.
    pub lock_errors: Vec<u16>,
}

impl Store {
    /// Reads, decides and writes in one transaction, unless the batch was applied before.
    ///
    /// The look for the batch comes last: by then the rows are locked, so whoever else is working
    /// on this very batch has either finished or not begun.
    pub(crate) async fn apply<O>(
        &self,
        batch: &BatchRef,
        mut reads: Vec<Read>,
        rule: impl Fn(&[Vec<Row>]) -> Result<(Vec<Write>, O)> + Send + Sync + 'static,
    ) -> Result<Applied<O>>
    where
        O: Serialize + DeserializeOwned + Send + 'static,
    {
        self.must_be_writable()?;
        let text = "SELECT outcome FROM applied_batch WHERE id = ?";
        reads.push(Read::Plain(Statement::new(text, vec![batch.id.as_str().into()])));
        let batch = batch.clone();
        let once = move |found: &[Vec<Row>]| {
            let (applied, found) = found
                .split_last()
                .ok_or_else(|| Error::broken("a read of the transaction is missing"))?;
            if let Some(row) = applied.first() {
                return Ok((Vec::new(), (stored_outcome(&batch, row)?, true)));
            }
            let (mut writes, outcome) = rule(found)?;
            let json = serde_json::to_string(&outcome).map_err(Error::broken)?;
            let text =
                "INSERT INTO applied_batch (id, queue, outcome, applied) VALUES (?, ?, ?, ?)";
            let BatchRef { id, queue, now } = &batch;
            let values =
                vec![id.as_str().into(), queue.as_str().into(), json.into(), (*now).into()];
            writes.push(Write::Statement(Statement::new(text, values)));
            Ok((writes, (outcome, false)))
        };
        let Done { value: (outcome, repeated), lock_errors } =
            self.driver.transaction(reads, Arc::new(once)).await?;
        Ok(Applied { outcome, repeated, lock_errors })
    }

    /// Was this batch applied, as far as is remembered?
    pub async fn is_applied(&self, id: &str) -> Result<bool> {
        let text = "SELECT 1 FROM applied_batch WHERE id = ?";
        Ok(!self.driver.query(Statement::new(text, vec![id.into()])).await?.is_empty())
    }

    /// Forgets the batches applied before this time, but for those that are still in flight and so
    /// will be taken again; how many.
    pub async fn cleanup_applied(
        &self,
        before: NaiveDateTime,
        in_flight: &[String],
    ) -> Result<u64> {
        self.must_be_writable()?;
        let mut text = "DELETE FROM applied_batch WHERE applied < ?".to_owned();
        if !in_flight.is_empty() {
            text.push_str(" AND id NOT IN (");
            text.push_str(&vec!["?"; in_flight.len()].join(","));
            text.push(')');
        }
        let ids = in_flight.iter().map(|id| id.as_str().into());
        let parameters = std::iter::once(before.into()).chain(ids).collect();
        self.driver.sweep(Statement::new(text, parameters)).await
    }
}

fn stored_outcome<O: DeserializeOwned>(batch: &BatchRef, row: &Row) -> Result<O> {
    serde_json::from_slice(row.bytes(0))
        .map_err(|error| Error::broken(format!("outcome of batch {}: {error}", batch.id)))
}
