//! Asking for a page as a browser does.

use ichnaea_testkit::compare::Answer;

use crate::support::app::{App, Setting};
use crate::support::client;
use ichnaea_testkit::Backend;

/// Nobody listens there.
const NO_PROVIDER: &str = "http://127.0.0.1:9";
/// What browsers say they like to get.
pub const BROWSER: (&str, &[u8]) = ("Accept", b"text/html,application/xhtml+xml,*/*;q=0.8");

/// Every page and its heading.
pub const PAGES: [(&str, &str); 12] = [
    ("/", "Overview"),
    ("/api", "API"),
    ("/api/reference", "API Reference"),
    ("/contact", "Contact Us"),
    ("/downloads", "Downloads"),
    ("/map", "Map"),
    ("/locate", "Locate Me"),
    ("/optout", "Opt-Out"),
    ("/privacy", "Privacy Notice"),
    ("/terms", "Developer Terms of Service"),
    ("/stats", "Statistics"),
    ("/stats/regions", "Regions"),
];

/// The service with these options.
pub async fn start(backend: Backend, options: &[&str]) -> App {
    App::start_with(Setting::Direct(backend), NO_PROVIDER, options).await
}

/// The answer to a browser.
pub async fn get(app: &App, path: &str) -> Answer {
    client::send_raw(app.address, "GET", path.as_bytes(), &[BROWSER], None).await
}

/// The text of a page that is there.
pub async fn text(app: &App, path: &str) -> String {
    let answer = get(app, path).await;
    assert_eq!(answer.status, 200, "{path}");
    String::from_utf8(answer.body).unwrap()
}

/// What stands between two words, each time.
pub fn between<'a>(text: &'a str, begin: &str, end: &str) -> Vec<&'a str> {
    text.split(begin).skip(1).filter_map(|rest| Some(rest.split_once(end)?.0)).collect()
}
