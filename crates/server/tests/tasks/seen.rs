//! Signs of life.

use std::sync::Arc;

use ichnaea_server::seen::{self, Kind, Sign};
use ichnaea_testkit::Backend;

use crate::bench::Bench;

/// Waits until somebody has been seen.
async fn until_seen(bench: &Bench) -> Vec<Sign> {
    loop {
        let signs = seen::lately(&*bench.context().kv).await.unwrap();
        if !signs.is_empty() {
            return signs;
        }
    }
}

pub async fn a_worker_is_seen_while_it_runs(backend: Backend) {
    let bench = Bench::new(backend).await;
    let signs = seen::during(bench.context(), Kind::Worker, until_seen(&bench)).await;
    let [sign] = signs.as_slice() else { panic!("{signs:?}") };
    assert_eq!((sign.kind, sign.pid), (Kind::Worker, std::process::id()));
    assert_eq!(sign.started, bench.context().clock.now());
    assert_eq!(sign.concurrency, Some(bench.context().config.worker_concurrency));
    assert!(!sign.host.is_empty() && !sign.version.is_empty());
    // It took its sign along.
    assert_eq!(seen::lately(&*bench.context().kv).await, Ok(vec![]));
}

pub async fn one_that_dies_leaves_a_sign_that_goes_away_by_itself(backend: Backend) {
    let bench = Bench::new(backend).await;
    let context = Arc::clone(bench.context());
    let work = std::future::pending::<()>();
    let dies = tokio::spawn(async move { seen::during(&context, Kind::Scheduler, work).await });
    let signs = until_seen(&bench).await;
    dies.abort();
    assert!(dies.await.unwrap_err().is_cancelled());
    assert_eq!(seen::lately(&*bench.context().kv).await, Ok(signs.clone()));
    assert_eq!((signs[0].kind, signs[0].concurrency), (Kind::Scheduler, None));
    let keys = bench.context().kv.keys("ichnaea:seen:").await.unwrap();
    let left_s = bench.keyvalue.server_remaining_s(&keys[0]);
    assert!(backend == Backend::Embedded || left_s.is_some_and(|left_s| left_s <= 65));
}
