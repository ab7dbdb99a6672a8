//! Taking turns: what several workers may be asked for at once, and only one should do.

use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use ichnaea_kv::KeyValue;
use tokio::task::JoinHandle;

/// How long a turn outlives a worker that was killed.
const TTL: Duration = Duration::from_secs(15);
/// How often it is renewed.
const RENEW: Duration = Duration::from_secs(5);
/// How often it is asked for again while somebody else has it.
const ASK: Duration = Duration::from_millis(100);

/// A turn that was taken. It is renewed until it ends.
pub(crate) struct Turn {
    kv: Arc<dyn KeyValue>,
    name: String,
    holder: String,
    renewal: JoinHandle<()>,
}

impl Turn {
    /// Takes a turn, unless somebody else has it.
    pub(crate) async fn take(kv: &Arc<dyn KeyValue>, name: &str) -> anyhow::Result<Option<Self>> {
        let holder = uuid::Uuid::new_v4().to_string();
        if !kv.hold(name, &holder, TTL).await? {
            return Ok(None);
        }
        let (store, to_hold, by) = (Arc::clone(kv), name.to_owned(), holder.clone());
        let renewal = tokio::spawn(async move {
            loop {
                tokio::time::sleep(RENEW).await;
                // When the store is away, nobody else can take the turn either.
                let _ = store.hold(&to_hold, &by, TTL).await;
            }
        });
        Ok(Some(Self { kv: Arc::clone(kv), name: name.to_owned(), holder, renewal }))
    }

    /// Takes a turn, and waits for it.
    pub(crate) async fn wait(
        kv: &Arc<dyn KeyValue>,
        name: &str,
        patience: Duration,
    ) -> anyhow::Result<Self> {
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            if let Some(turn) = Self::take(kv, name).await? {
                return Ok(turn);
            }
            if tokio::time::Instant::now() > deadline {
                bail!("another worker has held {name} for too long");
            }
            tokio::time::sleep(ASK).await;
        }
    }

    /// Lets others have it.
    pub(crate) async fn end(self) {
        self.renewal.abort();
        // It runs out by itself.
        let _ = self.kv.release(&self.name, &self.holder).await;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.renewal.abort();
    }
}
