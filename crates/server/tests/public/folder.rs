//! Folders.

use std::path::Path;

use ichnaea_server::tasks::Task;
use ichnaea_testkit::Backend;
use tempfile::TempDir;

use crate::scene::{self, DIFF, DIFF_NR as NR_BEFORE, FULL, FULL_NR, all_listed, listed, run};

fn index(folder: &Path) -> Vec<(String, Option<u64>)> {
    listed(&std::fs::read(folder.join("export/index.json")).unwrap())
}

pub async fn a_folder_has_the_same_files_and_the_same_bytes_each_time(backend: Backend) {
    let folder = TempDir::new().unwrap();
    let uri = format!("file://{}/assets", folder.path().display());
    let app = scene::start(backend, &["--asset-bucket", &uri]).await;
    let assets = folder.path().join("assets");
    let export = assets.join("export");
    run(&app, Task::CellExportFull).await.unwrap();
    run(&app, Task::CellExportDiff).await.unwrap();
    assert_eq!(index(&assets), all_listed());
    let bytes = |name: &str| std::fs::read(export.join(name)).unwrap();
    let (full, list) = (bytes(FULL), bytes("index.json"));
    run(&app, Task::CellExportFull).await.unwrap();
    assert_eq!((bytes(FULL), bytes("index.json")), (full.clone(), list));
    assert_eq!(&full[4..8], [0; 4], "the time in the header");

    // What somebody puts there or takes away is seen, what is not ours is left alone.
    std::fs::remove_file(export.join(FULL_NR)).unwrap();
    std::fs::copy(export.join(DIFF), export.join(DIFF.replace("T12", "T05"))).unwrap();
    std::fs::write(export.join("notes.txt"), "mine").unwrap();
    std::fs::write(export.join("index.json"), "damaged").unwrap();
    run(&app, Task::CellExportDiff).await.unwrap();
    let names: Vec<String> = index(&assets).into_iter().map(|(name, _)| name).collect();
    assert!(names.contains(&DIFF.replace("T12", "T05")) && !names.contains(&FULL_NR.to_owned()));
    assert_eq!(bytes("notes.txt"), b"mine");

    // An hour whose worker was killed before it had come to its end is made again with the next one.
    let list = String::from_utf8(bytes("index.json")).unwrap();
    let mut list: serde_json::Value = serde_json::from_str(&list).unwrap();
    let files = list["files"].as_array_mut().unwrap();
    let earlier = NR_BEFORE.replace("T12", "T11");
    for file in files.iter_mut() {
        let name = file["name"].as_str().unwrap().to_owned();
        if name == NR_BEFORE {
            // As if the hour before had been listed, and this one not.
            *file = serde_json::json!({
                "name": earlier, "kind": "diff", "radios": ["nr"], "time": "2026-07-01T11:00:00Z",
                "rows": 0, "bytes": 0, "sha256": null,
            });
        } else {
            file["rows"] = serde_json::Value::Null;
        }
    }
    std::fs::write(export.join("index.json"), list.to_string()).unwrap();
    scene::stand_at(&app, "2026-07-01 13:03:00");
    let made_up = run(&app, Task::CellExportDiff).await.unwrap();
    assert_eq!(made_up.counts["files"], 4);
    let rows = index(&assets);
    assert!(rows.contains(&(DIFF.to_owned(), Some(2))), "{rows:?}");

    // After a month old files go, but for the newest full one.
    scene::stand_at(&app, "2026-09-01 12:03:00");
    run(&app, Task::CellExportDiff).await.unwrap();
    assert!(export.join(FULL).exists() && export.join("notes.txt").exists());
    assert!(!export.join(DIFF).exists() && !export.join(format!("{DIFF}.sha256")).exists());
    app.stop().await;
}

pub async fn two_workers_at_once_leave_a_list_of_everything(backend: Backend) {
    let folder = TempDir::new().unwrap();
    let uri = format!("file://{}", folder.path().display());
    let app = scene::start(backend, &["--asset-bucket", &uri]).await;
    let (full, diff, again) = tokio::join!(
        run(&app, Task::CellExportFull),
        run(&app, Task::CellExportDiff),
        run(&app, Task::CellExportDiff),
    );
    full.unwrap();
    // One of the two made the file; the other found that it was at it, or made it once more.
    assert!(diff.unwrap().items + again.unwrap().items >= 3);
    assert_eq!(index(folder.path()), all_listed());
    app.stop().await;
}
