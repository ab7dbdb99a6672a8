//! What came of a run: in the last line of the log, and beside the tiles.

use chrono::NaiveDateTime;
use tracing::info;

use super::draw::Drawn;
use super::sync::Synced;
use crate::logging::{CANONICAL, Fields};

/// What is known so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Results {
    /// What was drawn.
    pub drawn: Option<Drawn>,
    /// What was brought to where it belongs.
    pub synced: Option<Synced>,
}

impl Results {
    /// Steps of the sync that failed.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.synced.map_or(0, |synced| synced.tile_failed)
    }

    /// The content of `data.json`.
    #[must_use]
    pub fn status(&self, now: NaiveDateTime) -> String {
        let mut fields = Fields::default();
        fields.text("updated", &now.format("%Y-%m-%dT%H:%M:%S+00:00").to_string());
        self.add_to(&mut fields);
        fields.object()
    }

    /// All fields that are known, with the names of the original.
    fn add_to(&self, fields: &mut Fields) {
        if let Some(drawn) = &self.drawn {
            fields.seconds("export_duration_s", drawn.export_duration_s);
            fields.number("row_count", drawn.row_count);
            fields.number("csv_count", drawn.csv_count);
            if drawn.row_count > 0 {
                fields.seconds("quadtree_duration_s", drawn.quadtree_duration_s);
                fields.number("csv_converted_count", drawn.csv_converted_count);
                fields.number("intermediate_quadtree_count", drawn.intermediate_quadtree_count);
                fields.number("quadtree_count", drawn.quadtree_count);
                fields.seconds("merge_duration_s", drawn.merge_duration_s);
                fields.number("tile_count", drawn.tile_count);
                fields.seconds("render_duration_s", drawn.render_duration_s);
            }
        }
        if let Some(synced) = &self.synced {
            fields.seconds("sync_duration_s", synced.sync_duration_s);
            fields.number("tiles_unchanged", synced.tiles_unchanged);
            fields.number("tile_new", synced.tile_new);
            fields.number("tile_changed", synced.tile_changed);
            fields.number("tile_deleted", synced.tile_deleted);
            fields.number("tile_failed", synced.tile_failed);
        }
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It came to its end.
    Complete,
    /// Something failed that nothing could be done without.
    Failed,
    /// A signal ended it.
    Interrupted,
}

/// What a run was asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// To draw.
    pub create: bool,
    /// To upload.
    pub upload: bool,
    /// On so many processors.
    pub concurrency: usize,
    /// The bucket; empty when none is set.
    pub bucket_name: String,
}

/// Writes the last line of a run that took so many seconds.
pub fn log(asked: &Asked, end: End, results: &Results, duration_s: f64) {
    let what = match (asked.create, asked.upload) {
        (true, true) => "generation and upload",
        (true, false) => "generation",
        (false, _) => "upload",
    };
    let how = match end {
        End::Complete => "complete",
        End::Failed => "failed",
        End::Interrupted => "interrupted",
    };
    let mut fields = Fields::default();
    fields.flag("success", end == End::Complete && results.failed() == 0);
    fields.seconds("duration_s", duration_s);
    fields.text("script_name", "ichnaea.scripts.datamap");
    fields.flag("create", asked.create);
    fields.flag("upload", asked.upload);
    fields.count("concurrency", asked.concurrency);
    fields.text("bucket_name", &asked.bucket_name);
    results.add_to(&mut fields);
    info!(target: CANONICAL, fields = fields.members(), "Datamap tile {what} {how} in {duration_s:.1} seconds.");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_of_the_map_comes_with_everything_that_is_known() {
        let now =
            NaiveDateTime::parse_from_str("2026-11-22 15:08:55", "%Y-%m-%d %H:%M:%S").unwrap();
        let synced = Synced { tiles_unchanged: 77, ..Synced::default() };
        let results = Results { drawn: None, synced: Some(synced) };
        let status: serde_json::Value = serde_json::from_str(&results.status(now)).unwrap();
        let expected = serde_json::json!({
            "updated": "2026-11-22T15:08:55+00:00", "sync_duration_s": 0.0, "tiles_unchanged": 77,
            "tile_new": 0, "tile_changed": 0, "tile_deleted": 0, "tile_failed": 0,
        });
        assert_eq!(status, expected);
        let drawn = Some(Drawn { row_count: 6, tile_count: 13, ..Drawn::default() });
        let status = Results { drawn, synced: None }.status(now);
        let status: serde_json::Value = serde_json::from_str(&status).unwrap();
        assert_eq!((&status["row_count"], &status["tile_count"]), (&6.into(), &13.into()));
    }

    #[test]
    fn where_there_was_nothing_to_draw_no_step_has_a_result() {
        let results = Results { drawn: Some(Drawn::default()), synced: None };
        let mut fields = Fields::default();
        results.add_to(&mut fields);
        assert_eq!(
            fields.object(),
            r#"{"export_duration_s": 0.0, "row_count": 0, "csv_count": 0}"#
        );
    }
}
