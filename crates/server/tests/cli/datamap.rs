//! `ichnaea datamap`, `map` and `local_map`.

use std::collections::BTreeMap;
use std::path::Path;

use ichnaea_testkit::buckets::S3Server;
use ichnaea_testkit::proxy::{Mode, Proxy};
use serde_json::Value;

use crate::command::Ichnaea;
use crate::process::Process;

const BUCKET: &str = "tiles-of-tests";

/// What a run said and left.
pub struct Ran {
    pub status: i32,
    said: String,
    pub log: Vec<Value>,
}

impl Ran {
    pub fn of(ichnaea: &Ichnaea, arguments: &[&str]) -> Self {
        let output = ichnaea.command(arguments).output().unwrap();
        let log = String::from_utf8(output.stderr).unwrap();
        Self {
            status: output.status.code().unwrap_or(-1),
            said: String::from_utf8(output.stdout).unwrap(),
            log: log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect(),
        }
    }

    fn messages(&self) -> Vec<String> {
        let message = |line: &Value| line["Fields"]["msg"].as_str().unwrap_or_default().to_owned();
        self.log.iter().map(message).collect()
    }

    /// The fields of the last line.
    pub fn end(&self) -> &Value {
        let line = self.log.iter().find(|line| line["Type"] == "canonical-log-line");
        &line.unwrap_or_else(|| panic!("no last line: {:?}", self.log))["Fields"]
    }

    /// New, changed, deleted, unchanged, failed.
    pub fn counts(&self) -> [u64; 5] {
        ["tile_new", "tile_changed", "tile_deleted", "tiles_unchanged", "tile_failed"]
            .map(|name| self.end()[name].as_u64().unwrap())
    }
}

/// Without any database: tiles that were drawn before need none.
fn with_bucket(folder: &Path, bucket: &str, endpoint: &str) -> Ichnaea {
    Ichnaea::without_backends(folder)
        .env("ASSET_BUCKET", bucket)
        .env("AWS_ENDPOINT_URL", endpoint)
        .env("AWS_ACCESS_KEY_ID", "account")
        .env("AWS_SECRET_ACCESS_KEY", "very-secret-half")
        .env("TMPDIR", &folder.display().to_string())
}

/// Makes tiles of a zoom: any bytes will do.
fn make_tiles(output: &Path, count: u32) {
    for number in 0..count {
        write_tile(output, &format!("8/{}/{}.png", number / 16, number % 16), "as it was");
    }
}

fn write_tile(output: &Path, name: &str, content: &str) {
    let file = output.join("tiles").join(name);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, format!("{name} {content}")).unwrap();
}

/// Every file below a folder, with its content.
pub fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(here) = folders.pop() {
        for entry in std::fs::read_dir(here).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.insert(name, std::fs::read(path).unwrap());
            }
        }
    }
    found
}

#[test]
fn a_sync_does_what_is_needed_and_leaves_everything_else_alone() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("map");
    make_tiles(&output, 77);
    std::fs::write(output.join("tiles/notes.txt"), "not a tile").unwrap();
    let server = S3Server::start();
    server.make_bucket(BUCKET);
    server.put(BUCKET, "tiles/8/0/0.png", b"outdated");
    // Of the same size: the content tells.
    server.put(BUCKET, "tiles/8/0/1.png", b"8/0/1.png as it wax");
    server.put(BUCKET, "tiles/8/200/200.png", b"of a place that is no more");
    let foreign = ["tiles/notes", "tiles-old/0.png", "export/0.png", "0.png"];
    for key in foreign {
        server.put(BUCKET, key, b"foreign");
    }
    let ichnaea = with_bucket(folder.path(), BUCKET, &server.uri);
    let arguments = ["datamap", "--upload", "--output", output.to_str().unwrap()];
    let first = Ran::of(&ichnaea, &arguments);
    assert_eq!((first.status, first.counts()), (0, [75, 2, 1, 0, 0]), "{:?}", first.log);
    let end = first.end();
    assert_eq!(end["success"], true);
    assert_eq!(end["script_name"], "ichnaea.scripts.datamap");
    assert_eq!((&end["create"], &end["upload"]), (&false.into(), &true.into()));
    assert_eq!(end["bucket_name"], BUCKET);
    assert!(end["concurrency"].as_u64().unwrap() >= 1 && end["duration_s"].is_f64());
    let message = end["msg"].as_str().unwrap();
    assert!(message.starts_with("Datamap tile upload complete in "), "{message}");

    let mut expected: Vec<String> =
        (0..77).map(|n| format!("tiles/8/{}/{}.png", n / 16, n % 16)).collect();
    expected.extend(foreign.map(str::to_owned));
    expected.push("tiles/data.json".to_owned());
    expected.sort();
    assert_eq!(server.keys(BUCKET), expected);
    let tile = server.object(BUCKET, "tiles/8/0/0.png");
    assert_eq!(tile.body, b"8/0/0.png as it was");
    assert_eq!(tile.headers["content-type"], "image/png");
    assert_eq!(tile.headers["cache-control"], "max-age=3600, public");
    let status = server.object(BUCKET, "tiles/data.json");
    assert_eq!(status.headers["content-type"], "application/json");
    assert_eq!(status.headers["cache-control"], "max-age=3600, public");
    let status: Value = serde_json::from_slice(&status.body).unwrap();
    assert!(status["updated"].as_str().unwrap().ends_with("+00:00"), "{status}");
    assert_eq!((&status["tile_new"], &status["tile_changed"]), (&75.into(), &2.into()));

    assert_eq!(Ran::of(&ichnaea, &arguments).counts(), [0, 0, 0, 77, 0]);
    write_tile(&output, "8/0/2.png", "as it is now");
    std::fs::remove_file(output.join("tiles/8/0/3.png")).unwrap();
    write_tile(&output, "11/0/0.png", "new");
    let third = Ran::of(&ichnaea, &["shell", "location_map", "--upload", "--output", arguments[3]]);
    assert_eq!((third.status, third.counts()), (0, [1, 1, 1, 75, 0]));

    // Nothing to show is no reason to remove everything.
    std::fs::remove_dir_all(output.join("tiles")).unwrap();
    std::fs::create_dir(output.join("tiles")).unwrap();
    let before = server.keys(BUCKET);
    let none = Ran::of(&ichnaea, &arguments);
    assert_eq!((none.status, none.counts()), (0, [0; 5]));
    assert_eq!(server.keys(BUCKET), before);
}

#[test]
fn a_folder_takes_the_place_of_a_bucket_and_a_tile_that_cannot_be_put_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (output, public) = (folder.path().join("map"), folder.path().join("public"));
    make_tiles(&output, 40);
    write_tile(&public, "8/0/0.png", "outdated");
    write_tile(&public, "9/1/1.png", "of a place that is no more");
    // A half written tile of a run that was killed.
    std::fs::write(public.join("tiles/8/0/.5.png.part"), "half").unwrap();
    // Something is in the way of this one.
    std::fs::create_dir_all(public.join("tiles/8/0/1.png/in-the-way")).unwrap();
    std::fs::write(public.join("tiles/notes.txt"), "mine").unwrap();
    let uri = format!("file://{}", public.display());
    let ichnaea = Ichnaea::without_backends(folder.path()).env("ASSET_BUCKET", &uri);
    let arguments = ["datamap", "--upload", "--output", output.to_str().unwrap()];
    let first = Ran::of(&ichnaea, &arguments);
    assert_eq!((first.status, first.counts()), (1, [38, 1, 1, 0, 1]), "{:?}", first.log);
    assert_eq!(first.end()["success"], false);
    let said = first.messages();
    let errors: Vec<_> =
        said.iter().filter(|line| line.starts_with("Exception while syncing: ")).collect();
    assert_eq!(errors.len(), 1, "{said:?}");

    std::fs::remove_dir_all(public.join("tiles/8/0/1.png")).unwrap();
    let second = Ran::of(&ichnaea, &arguments);
    assert_eq!((second.status, second.counts()), (0, [1, 0, 0, 39, 0]));
    let mut there = files(&public.join("tiles"));
    assert!(there.remove("data.json").is_some());
    assert_eq!(there.remove("notes.txt").as_deref(), Some(&b"mine"[..]));
    assert_eq!(there, files(&output.join("tiles")));
    assert!(!public.join("tiles/9").exists(), "no empty folders are left");
    let modified = |name: &str| public.join("tiles").join(name).metadata().unwrap().modified();
    let before = modified("8/1/1.png").unwrap();
    assert_eq!(Ran::of(&ichnaea, &arguments).counts(), [0, 0, 0, 40, 0]);
    assert_eq!(modified("8/1/1.png").unwrap(), before, "what is the same is not touched");
}

#[test]
fn what_cannot_be_done_is_said_before_anything_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let server = S3Server::start();
    server.make_bucket(BUCKET);
    let output = folder.path().join("map");
    make_tiles(&output, 1);
    let tiles = output.to_str().unwrap();
    let empty = folder.path().to_str().unwrap();
    let ichnaea = with_bucket(folder.path(), BUCKET, &server.uri);

    let help = Ran::of(&ichnaea, &["datamap"]);
    assert_eq!((help.status, help.log.len()), (0, 0));
    assert!(help.said.contains("--create") && help.said.contains("--concurrency"), "{}", help.said);
    for arguments in [
        &["datamap", "--create"][..],
        &["datamap", "--upload"],
        &["datamap", "--upload", "--output", empty],
    ] {
        let ran = Ran::of(&ichnaea, arguments);
        assert_eq!(ran.status, 1, "{arguments:?}");
        assert_eq!(ran.log[0]["Severity"], 3, "{:?}", ran.log);
        assert!(ran.said.contains("--output"), "the help: {}", ran.said);
    }
    let no_tiles = Ran::of(&ichnaea, &["datamap", "--upload", "--output", empty]);
    assert_eq!(no_tiles.log[0]["Fields"]["tiles_dir"], format!("{empty}/tiles"));
    for number in ["0", "many", "100000"] {
        let ran = Ran::of(&ichnaea, &["datamap", "--upload", "--concurrency", number]);
        assert_eq!(ran.status, 2, "{number}");
    }
    let nowhere = Ran::of(
        &Ichnaea::without_backends(folder.path()),
        &["datamap", "--create", "--output", tiles],
    );
    assert_eq!(nowhere.status, 78);

    let upload = ["datamap", "--upload", "--output", tiles];
    let says = |ichnaea: &Ichnaea, line: &str| {
        let ran = Ran::of(ichnaea, &upload);
        assert_eq!(ran.status, 1, "{:?}", ran.log);
        assert!(ran.messages().iter().any(|said| said.starts_with(line)), "{line}: {:?}", ran.log);
        let has_begun = ran.log.iter().any(|line| line["Type"] == "canonical-log-line");
        assert!(!has_begun && !format!("{:?}", ran.log).contains("very-secret-half"));
    };
    says(&Ichnaea::without_backends(folder.path()), "Unable to determine upload bucket_name.");
    let missing = with_bucket(folder.path(), "missing", &server.uri);
    says(&missing, "Bucket missing can not be used for uploads: Bucket does not exist");
    server.refuse_accounts(true);
    says(&ichnaea, &format!("Bucket {BUCKET} can not be used for uploads: Access forbidden"));
    server.refuse_accounts(false);
    let away = with_bucket(folder.path(), BUCKET, "http://127.0.0.1:9");
    says(&away, &format!("Bucket {BUCKET} can not be used for uploads: "));
    assert_eq!(server.keys(BUCKET), [""; 0], "no test object is left");
}

#[test]
fn a_signal_ends_a_run_with_its_status_and_the_next_one_makes_it_good() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("map");
    make_tiles(&output, 60);
    let server = S3Server::start();
    let proxy = Proxy::before(&server.address.to_string());
    let endpoint = format!("http://{}", proxy.address);
    let arguments = ["datamap", "--upload", "--output", output.to_str().unwrap()];
    for (signal, status) in [("INT", 130), ("TERM", 143)] {
        // Empty each time: the tile whose answer is held must not be there before.
        let bucket = format!("{BUCKET}-{status}");
        server.make_bucket(&bucket);
        let ichnaea = with_bucket(folder.path(), &bucket, &endpoint);
        proxy.set(Mode::StallAnswersTo("/tiles/8/1/3.png"));
        let mut process = Process::start(&ichnaea, &arguments);
        process.until(|| server.keys(&bucket).contains(&"tiles/8/1/3.png".to_owned()));
        process.signal(signal);
        assert_eq!(process.ended().code(), Some(status));
        let said = process.rest();
        assert!(said.contains("Datamap tile upload interrupted in "), "{said}");
        assert!(said.contains(r#""success": false"#), "{said}");
        assert!(!server.keys(&bucket).contains(&"tiles/data.json".to_owned()));
        proxy.set(Mode::Pass);
        let after = Ran::of(&ichnaea, &arguments);
        assert_eq!(after.status, 0);
        let [new, changed, deleted, unchanged, failed] = after.counts();
        assert_eq!((changed, deleted, failed, new + unchanged), (0, 0, 0, 60));
        assert!(unchanged >= 1, "{unchanged}");
        assert_eq!(server.keys(&bucket).len(), 61);
    }
}

#[cfg(feature = "fault-points")]
#[test]
fn a_kill_at_any_point_of_a_sync_is_made_good_by_the_next_run() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("map");
    make_tiles(&output, 20);
    let server = S3Server::start();
    for (number, point) in ichnaea_server::fault::MAP_POINTS.iter().enumerate() {
        if *point == "map_drawn" {
            continue;
        }
        let bucket = format!("bucket-{number}");
        server.make_bucket(&bucket);
        let public = folder.path().join(&bucket);
        for n in 0..5 {
            server.put(&bucket, &format!("tiles/8/0/{n}.png"), b"outdated");
            server.put(&bucket, &format!("tiles/9/0/{n}.png"), b"of a place that is no more");
            write_tile(&public, &format!("8/0/{n}.png"), "outdated");
            write_tile(&public, &format!("9/0/{n}.png"), "of a place that is no more");
        }
        let fault =
            if point.starts_with("map_tile") { format!("{point}:3") } else { (*point).to_owned() };
        let uri = format!("file://{}", public.display());
        for place in [&bucket, &uri] {
            let ichnaea = with_bucket(folder.path(), place, &server.uri);
            let arguments = ["datamap", "--upload", "--output", output.to_str().unwrap()];
            let killed = Ran::of(&ichnaea.clone().env("ICHNAEA_FAULT", &fault), &arguments);
            assert_eq!(killed.status, -1, "{point} was not reached: {:?}", killed.log);
            let after = Ran::of(&ichnaea, &arguments);
            assert_eq!(after.status, 0, "{point}: {:?}", after.log);
            assert_eq!(Ran::of(&ichnaea, &arguments).counts(), [0, 0, 0, 20, 0], "{point}");
        }
        assert_eq!(server.keys(&bucket).len(), 21, "{point}");
        let mut there = files(&public.join("tiles"));
        assert!(there.remove("data.json").is_some());
        assert_eq!(there, files(&output.join("tiles")), "{point}");
    }
}
