//! Positions and regions.

use ichnaea_testkit::cases::{self, RequestCase};
use ichnaea_testkit::compare;

use crate::support::app::{App, Setting};
use crate::verdict::Verdicts;

/// Nobody listens there; no case of these families asks a provider.
pub const NO_PROVIDER: &str = "http://127.0.0.1:9";

/// `/v1/geolocate`.
pub async fn geolocate(setting: Setting<'_>) {
    answers("geolocate", setting, |_| true).await;
}

/// `/v1/country`.
pub async fn country(setting: Setting<'_>) {
    answers("country", setting, |_| true).await;
}

/// Sends the chosen cases of a family in their order.
pub async fn answers(
    family: &'static str,
    setting: Setting<'_>,
    is_chosen: impl Fn(&RequestCase) -> bool,
) {
    let app = App::start_in(setting, NO_PROVIDER).await;
    let mut verdicts = Verdicts::new(family, setting);
    for case in cases::requests(family).iter().filter(|case| is_chosen(case)) {
        for request in &case.before {
            app.send(request).await;
        }
        let answer = app.send(&case.request).await;
        verdicts.add(&case.id, compare::response(&case.response, &case.compare, &answer));
    }
    app.stop().await;
    verdicts.conclude();
}
