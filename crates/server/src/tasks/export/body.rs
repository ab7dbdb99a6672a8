//! The body of an upload: `{"items": [report, …]}` inside gzip, as the original writes it.

use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use ichnaea_domain::report::Report;
use serde::Serialize;

use super::Readable;

#[derive(Serialize)]
struct Items<'a> {
    items: Vec<&'a Report>,
}

/// Packs reports, away from the threads that serve others. API keys and sources stay here.
pub(super) async fn packed(
    reports: Vec<Readable>,
    level: u32,
) -> anyhow::Result<(Vec<Readable>, Bytes)> {
    let pack = move || {
        let items = reports.iter().map(|readable| &readable.report.report).collect();
        let mut gzip = GzEncoder::new(Vec::new(), Compression::new(level));
        serde_json::to_writer(&mut gzip, &Items { items })?;
        gzip.flush()?;
        let body = gzip.finish()?;
        Ok((reports, Bytes::from(body)))
    };
    tokio::task::spawn_blocking(pack).await?
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;
    use ichnaea_domain::report::ExportedReport;

    use super::*;

    #[tokio::test]
    async fn a_report_without_a_position_has_no_member_for_it() {
        let queued = r#"{"api_key": "secret-key", "report": {"timestamp": 1, "position": null,
            "wifiAccessPoints": [{"macAddress": "94b40f010d01", "ssid": "name"}]}}"#;
        let report: ExportedReport = serde_json::from_str(queued).unwrap();
        let (kept, body) = packed(vec![Readable { item: Vec::new(), report }], 5).await.unwrap();
        assert_eq!(kept.len(), 1);
        let mut json = String::new();
        GzDecoder::new(&body[..]).read_to_string(&mut json).unwrap();
        assert_eq!(
            json,
            r#"{"items":[{"timestamp":1,"bluetoothBeacons":[],"wifiAccessPoints":[{"macAddress":"94b40f010d01"}],"cellTowers":[]}]}"#
        );
    }
}
