//! Positions with an outside provider: what it is asked, and what becomes of its answer.

use ichnaea_testkit::cases;
use ichnaea_testkit::compare;
use ichnaea_testkit::provider::Provider;

use crate::support::app::{App, Setting};
use crate::verdict::Verdicts;

/// All cases in their order: cached answers and limits carry over from one to the next.
pub async fn provider(setting: Setting<'_>) {
    let double = Provider::start().await;
    let app = App::start_in(setting, &double.uri()).await;
    let mut verdicts = Verdicts::new("provider", setting);
    for case in cases::requests("provider") {
        double.answer(case.provider.as_ref().expect("every case has a provider")).await;
        for request in &case.before {
            app.send(request).await;
        }
        let before = double.received().await.len();
        let answer = app.send(&case.request).await;
        let mut differences = compare::response(&case.response, &case.compare, &answer);
        if before != case.provider_requests_before {
            let expected = case.provider_requests_before;
            differences.push(format!("provider: {before} requests before for {expected}"));
        }
        let received = double.received().await.split_off(before);
        differences.extend(compare::provider_requests(&case.provider_requests, &received));
        verdicts.add(&case.id, differences);
    }
    app.stop().await;
    verdicts.conclude();
}
