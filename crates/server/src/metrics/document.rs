//! `docs/metrics.md`, from the lists in the code.

use std::fmt::Write as _;

use super::process::FACTS;
use super::prometheus::BUCKETS;
use super::{Definition, METRICS, Tag};
use crate::api::facts;
use crate::http::REQUEST_FIELDS;
use crate::tasks::runner::TASK_FIELDS;

const METRICS_INTRO: &str = "\
# Metrics and logs

`ichnaea metrics --markdown` writes this page; a test fails when it is stale.

## Where the figures go

* **statsd.** With `STATSD_HOST` set (`STATSD_PORT`, default 8125) every figure is sent by UDP in
  the DogStatsD form, one a datagram, ended by a newline: `location.NAME:VALUE|TYPE|#TAG:VALUE,TAG:VALUE`.
  The server has to understand tags, as Telegraf, the Datadog agent, Vector and `statsd_exporter` do.
  Tags come in the order of the table; those in brackets are left out at times. Counters and
  `request.timing` are whole numbers, other times are milliseconds with a fraction. A count of zero
  is not sent. The host may be away or move: nobody waits for it, and it is looked up again.
* **Prometheus.** With `METRICS_PORT` set every role serves `/metrics` on that port (`METRICS_BIND`),
  never on the port of the service. Tags are labels, times are histograms in seconds. An amount that
  was not renewed for half an hour is no longer shown.
* **Log.** With `LOCAL_DEV_ENV` every figure is a line of the logger `markus`.

## Metrics

";

const LOG_INTRO: &str = "
## Log

Everything is logged to standard error, one event a line. The roles of the original, and everything
that does not run on a terminal, write MozLog: a JSON object with `Timestamp` (nanoseconds), `Type`
(the logger), `Logger` (`ichnaea`), `Hostname`, `EnvVersion` (`2.0`), `Severity` (3 error, 4 warning,
6 info, 7 debug), `Pid` and `Fields`, in which the text stands as `msg`. With `LOCAL_DEV_ENV` lines
are for people, and so they are for `ichnaea serve` and the commands on a terminal. `LOGGING_LEVEL`
is for the loggers of the service; of libraries only warnings are shown.

A panic is one record of severity 3 with `error`, `place` and `traceback`; the request gets a 503. What
would be said with every request while a backend is away is said once a second, with the number of
those it stands for as `suppressed`.

Addresses of clients and of stations are never logged, positions neither. `LOG_API_KEYS` says which
API keys are: `known` ones (default), `all` that was sent as a key, or `none`.

### One line for each request

Logger `canonical-log-line`, severity 6, text `METHOD PATH - STATUS`. Not for unknown paths and wrong
methods; for static files in development only.

";

const TASK_INTRO: &str = "
### One line for each task

Logger `canonical-log-line`, severity 6 when the task did something, 7 when it had nothing to do, 3 when
it failed.

";

/// The whole page.
#[must_use]
pub fn markdown() -> String {
    let mut page = METRICS_INTRO.to_owned();
    page.push_str(
        "| Name | Type | Tags | Prometheus | Emitted when |\n| --- | --- | --- | --- | --- |\n",
    );
    for metric in METRICS {
        let Definition { name, kind, when, .. } = metric;
        let _ = writeln!(
            page,
            "| `{name}` | {} | {} | `{}` | {when} |",
            kind.name(),
            tags(metric.tags),
            metric.prometheus_name()
        );
    }
    let bounds: Vec<_> = BUCKETS.iter().map(ToString::to_string).collect();
    let _ = write!(
        page,
        "\nThe classes of the histograms end at {} seconds.\n\nOnly at the Prometheus endpoint:\n\n\
         | Name | Type | Says |\n| --- | --- | --- |\n",
        bounds.join(", ")
    );
    for (name, kind, says) in FACTS {
        let _ = writeln!(page, "| `{name}` | {kind} | {says} |");
    }
    page.push_str(LOG_INTRO);
    fields(&mut page, &[REQUEST_FIELDS, facts::FIELDS]);
    page.push_str(TASK_INTRO);
    fields(&mut page, &[TASK_FIELDS]);
    page
}

fn tags(tags: &[Tag]) -> String {
    let text = |tag: &Tag| {
        if tag.is_optional { format!("[`{}`]", tag.name) } else { format!("`{}`", tag.name) }
    };
    let texts: Vec<_> = tags.iter().map(text).collect();
    if texts.is_empty() { "–".to_owned() } else { texts.join(", ") }
}

fn fields(page: &mut String, lists: &[&[facts::FieldDoc]]) {
    page.push_str("| Field | Type | There when |\n| --- | --- | --- |\n");
    for (name, kind, when) in lists.iter().copied().flatten() {
        let _ = writeln!(page, "| `{name}` | {kind} | {when} |");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_up_to_date() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/metrics.md");
        let page = std::fs::read_to_string(path).unwrap_or_default();
        assert!(page == markdown(), "run: cargo run -- metrics --markdown > docs/metrics.md");
    }
}
