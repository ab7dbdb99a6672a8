//! Health documents and paths that do not exist.

use std::collections::BTreeSet;

use ichnaea_testkit::cases;

use crate::request;
use crate::support::app::Setting;

/// Pages, pictures and data of the web site, which does not exist yet.
const SITE: [&str; 14] = [
    "mon-favicon",
    "mon-touchicon",
    "mon-page-home",
    "mon-page-api",
    "mon-page-contact",
    "mon-page-downloads",
    "mon-page-optout",
    "mon-page-privacy",
    "mon-page-map",
    "mon-page-terms",
    "mon-page-stats",
    "mon-page-stats-regions",
    "mon-home-head",
    "mon-map-json",
];

/// One more page, reached by a path with a slash at its end.
const PAGE_WITH_SLASH: &str = "mon-slash";

/// The health documents and everything that is not found.
pub async fn monitoring(setting: Setting<'_>) {
    request::answers("monitoring", setting, |case| !is_of_site(&case.id)).await;
}

fn is_of_site(id: &str) -> bool {
    id == PAGE_WITH_SLASH || SITE.contains(&id)
}

#[test]
fn what_is_left_out_exists_and_nothing_else_is_left_out() {
    let cases = cases::requests("monitoring");
    let left_out = cases.iter().filter(|case| is_of_site(&case.id)).count();
    assert_eq!(left_out, SITE.len() + 1);
    let kept: BTreeSet<&str> =
        cases.iter().map(|case| case.id.as_str()).filter(|id| !is_of_site(id)).collect();
    let expected = BTreeSet::from([
        "mon-contribute",
        "mon-heartbeat",
        "mon-heartbeat-head",
        "mon-lbheartbeat",
        "mon-lbheartbeat-head",
        "mon-lbheartbeat-options",
        "mon-lbheartbeat-post",
        "mon-lbheartbeat-put",
        "mon-notfound",
        "mon-notfound-v1",
        "mon-robots",
        "mon-static-css",
        "mon-stats-json",
        "mon-stats_blue-json",
        "mon-stats_cell-json",
        "mon-stats_wifi-json",
        "mon-transfer",
        "mon-v1-search",
        "mon-version",
    ]);
    assert_eq!(kept, expected);
}
