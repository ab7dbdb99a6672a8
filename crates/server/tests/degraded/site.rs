//! The rows of the site: pages, and the files and documents beside them.

use crate::rows::{Database, Redis, State};
use crate::service::{Answer, Service};

/// What browsers say they like to get.
const A_BROWSER: &str = "Accept: text/html,*/*;q=0.8";

/// Asks as a browser does.
pub fn send(web: &Service, path: &str) -> Answer {
    web.send("GET", path, &[A_BROWSER], "")
}

/// Says what is wrong with an answer, if anything is.
pub fn check(path: &str, state: State, answer: &Answer) -> Result<(), String> {
    // Copies of what the database said were made while everything worked.
    let is_known = state.database == Database::Works || state.redis != Redis::Away;
    let (status, is_whole) = match path {
        "/stats_blue.json" | "/stats_cell.json" | "/stats_wifi.json" => {
            (if is_known { 200 } else { 503 }, answer.json().get("series").is_some())
        }
        "/map.json" => (200, answer.json().get("tiles_url").is_some()),
        path if path.starts_with("/static/") => (200, !answer.body.is_empty()),
        "/stats" | "/stats/regions" => (if is_known { 200 } else { 503 }, is_page(answer)),
        "/nothing" => (404, is_page(answer)),
        _ => (200, is_page(answer)),
    };
    if answer.status == status && is_whole {
        return Ok(());
    }
    Err(format!("expected {status}, got {answer:?}"))
}

/// A whole page in the frame of the site.
fn is_page(answer: &Answer) -> bool {
    answer.body.contains("<nav aria-label=\"Main\">") && answer.body.trim_end().ends_with("</html>")
}
