//! Public files of cells and dumps of tables.

use std::io::Read as _;
use std::sync::atomic::Ordering;

use ichnaea_domain::station::Kind;
use ichnaea_domain::station_file::box_around;
use ichnaea_server::admin::dump::table;
use ichnaea_server::clock::Clock;
use ichnaea_server::objects::{ObjectSettings, Objects};
use ichnaea_server::tasks::{self, Run, Task};
use ichnaea_testkit::cases::{self, ExportCase, ExportKind};

use crate::request::NO_PROVIDER;
use crate::support::app::{App, Setting};
use crate::verdict::Verdicts;

/// All cases that write a file, each with its tables and a folder of its own.
pub async fn exports(setting: Setting<'_>) {
    let mut app = App::start_in(setting, NO_PROVIDER).await;
    let mut verdicts = Verdicts::new("exports", setting);
    for case in cases::exports() {
        app.database.clear().await;
        app.clear_keyvalue().await;
        app.database.load(&case.given).await;
        let differences = match case.kind {
            ExportKind::Full => public_file(&app, &case, Task::CellExportFull).await,
            ExportKind::Diff => public_file(&app, &case, Task::CellExportDiff).await,
            ExportKind::Dump => dump(&app, &case).await,
            ExportKind::Import => continue,
        };
        verdicts.add(&case.id, differences);
    }
    app.stop().await;
    verdicts.conclude();
}

async fn public_file(app: &App, case: &ExportCase, task: Task) -> Vec<String> {
    let Clock::Fixed(clock) = &app.context.clock else { panic!("time stands still") };
    let now = case.clock().expect("a time");
    clock.store(now.and_utc().timestamp_millis(), Ordering::Relaxed);
    let folder = tempfile::tempdir().expect("a folder");
    let uri = format!("file://{}", folder.path().display());
    let run = Run::new(app.context.clone());
    if let Err(failure) = tasks::run_once(&run, task, Some(&uri)).await {
        return vec![format!("{failure:#}")];
    }
    let objects = Objects::open(&uri, &ObjectSettings::default()).expect("a folder");
    let name = case.expected.object.as_deref().expect("a name");
    let mut differences = Vec::new();
    match objects.get(name).await {
        Ok(bytes) => differences.extend(text_differs(case, &unpacked(&bytes))),
        Err(failure) => differences.push(failure.to_string()),
    }
    let others = objects.list("export").await.expect("a list");
    let others = others.iter().map(|object| object.key.as_str());
    let is_unexpected = |key: &&str| key.contains("MLS-") && !key.starts_with(name);
    differences.extend(others.filter(is_unexpected).map(|key| format!("{key} is there too")));
    differences
}

async fn dump(app: &App, case: &ExportCase) -> Vec<String> {
    let kinds = [Kind::Blue, Kind::Cell, Kind::Wifi];
    let is_named = |kind: &Kind| Some(kind.name()) == case.datatype.as_deref();
    let kind = kinds.into_iter().find(is_named).expect("a kind of stations");
    let within = case.lat.zip(case.lon).zip(case.radius).and_then(|(at, m)| box_around(at, m));
    let file = tempfile::NamedTempFile::new().expect("a file");
    let target = file.reopen().expect("a file");
    match table::write(&app.context.reader, kind, within, target).await {
        Ok(_) => {
            let bytes = std::fs::read(file.path()).expect("a file");
            text_differs(case, &unpacked(&bytes)).into_iter().collect()
        }
        Err(failure) => vec![format!("{failure:#}")],
    }
}

fn unpacked(bytes: &[u8]) -> String {
    let mut text = String::new();
    let read = flate2::read::GzDecoder::new(bytes).read_to_string(&mut text);
    read.expect("gzip and UTF-8");
    text
}

fn text_differs(case: &ExportCase, found: &str) -> Option<String> {
    let expected = case.expected.text.as_deref().expect("a text");
    (found != expected).then(|| format!("found {found:?}\n    for {expected:?}"))
}
