//! Reports: what is answered, and what then waits in the incoming queue.

use std::time::Duration;

use ichnaea_server::keys;
use ichnaea_testkit::cases;
use ichnaea_testkit::compare::{self, TimeSpan};
use serde_json::Value;

use crate::request::NO_PROVIDER;
use crate::support::app::{App, Setting};
use crate::verdict::Verdicts;

/// `/v1/submit`, `/v1/geosubmit`, `/v2/geosubmit`.
pub async fn submit(setting: Setting<'_>) {
    let app = App::start_in(setting, NO_PROVIDER).await;
    let span = TimeSpan { from: app.now, to: app.now };
    let mut verdicts = Verdicts::new("submit", setting);
    for case in cases::requests("submit") {
        for request in &case.before {
            app.send(request).await;
        }
        take_reports(&app).await;
        let answer = app.send(&case.request).await;
        let mut differences = compare::response(&case.response, &case.compare, &answer);
        let expected = case.queued.expect("every case lists what is queued");
        differences.extend(compare::queued(&expected, &take_reports(&app).await, &span));
        verdicts.add(&case.id, differences);
    }
    app.stop().await;
    verdicts.conclude();
}

/// Takes the waiting reports out of the incoming queue.
async fn take_reports(app: &App) -> Vec<Value> {
    let queue = keys::incoming();
    let lease = Duration::from_mins(1);
    let taken = app.context.kv.take(&queue.name, 0, lease).await.expect("the queue");
    let Some(batch) = taken else { return Vec::new() };
    let finished = app.context.kv.finish(&queue.name, &batch.id, Vec::new()).await;
    assert!(finished.expect("the queue"), "the batch was there");
    batch.items.iter().map(|item| queue.decode(item).expect("a report")).collect()
}
