//! Positions and regions.

use ichnaea_testkit::Backend;
use ichnaea_testkit::cases::{self, RequestCase};
use ichnaea_testkit::compare;

use crate::support::app::App;
use crate::verdict::Verdicts;

/// Nobody listens there; no case of these families asks a provider.
pub const NO_PROVIDER: &str = "http://127.0.0.1:9";

/// `/v1/geolocate`.
pub async fn geolocate(backend: Backend) {
    answers("geolocate", backend, |_| true).await;
}

/// `/v1/country`.
pub async fn country(backend: Backend) {
    answers("country", backend, |_| true).await;
}

/// Sends the chosen cases of a family in their order.
pub async fn answers(
    family: &'static str,
    backend: Backend,
    is_chosen: impl Fn(&RequestCase) -> bool,
) {
    let app = App::start(backend, NO_PROVIDER).await;
    let mut verdicts = Verdicts::new(family, backend);
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
