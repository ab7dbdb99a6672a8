//! What buckets and folders do, and what is said when they do not.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use ichnaea_server::clock::Clock;
use ichnaea_server::objects::{Aws, Azure, Error, Google, Meta, ObjectSettings, Objects};
use ichnaea_testkit::buckets::S3Server;
use ichnaea_testkit::proxy::{Mode, Proxy};
use tempfile::TempDir;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

const SECRET: &str = "very-secret-half";

fn settings(endpoint: &str) -> ObjectSettings {
    ObjectSettings {
        aws: Aws {
            access_key_id: Some("account".into()),
            secret_access_key: Some(SECRET.into()),
            endpoint: Some(endpoint.into()),
            ..Aws::default()
        },
        timeout: Duration::from_secs(20),
        ..ObjectSettings::default()
    }
}

async fn keys(objects: &Objects, prefix: &str) -> Vec<(String, u64)> {
    let found = objects.list(prefix).await.unwrap();
    found.into_iter().map(|object| (object.key, object.size)).collect()
}

/// What both do alike.
async fn contract(objects: &Objects) {
    assert_eq!(keys(objects, "").await, []);
    assert_eq!(keys(objects, "export").await, []);
    assert!(matches!(objects.get("export/a").await, Err(Error::NotFound(_))));
    objects.delete("export/a").await.unwrap();

    let meta = Meta { content_type: Some("application/json"), ..Meta::default() };
    objects.put("export/a", Bytes::from_static(b"one"), &meta).await.unwrap();
    objects.put("export/a", Bytes::from_static(b"three"), &meta).await.unwrap();
    objects.put("export/b c+d=e/ä%20.json", Bytes::from_static(b""), &meta).await.unwrap();
    objects.put("exports/x", Bytes::from_static(b"x"), &meta).await.unwrap();
    assert_eq!(objects.get("export/a").await.unwrap(), "three");
    let list = [("export/a".to_owned(), 5), ("export/b c+d=e/ä%20.json".to_owned(), 0)];
    assert_eq!(keys(objects, "export/").await, list);
    assert_eq!(keys(objects, "").await.len(), 3);
    let written = objects.list("exports").await.unwrap()[0].modified;
    let age = Clock::System.now().and_utc() - written;
    assert!(age.num_seconds().abs() < 60, "{age}");

    objects.delete("export/b c+d=e/ä%20.json").await.unwrap();
    objects.delete("export/a").await.unwrap();
    assert_eq!(keys(objects, "export").await, []);
    for key in ["", "a//b", "../a", "a/./b", "a\nb"] {
        let outcome = objects.put(key, Bytes::new(), &meta).await;
        assert!(outcome.is_err(), "{key:?}");
    }

    // More than two parts.
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("large");
    let large: Vec<u8> = (0..20_000_000u32).map(|number| (number % 251) as u8).collect();
    std::fs::write(&file, &large).unwrap();
    objects.put_file("export/large", &file, &meta).await.unwrap();
    let (size, pieces) = objects.get_stream("export/large").await.unwrap();
    let pieces: Vec<Bytes> = pieces.try_collect().await.unwrap();
    assert_eq!(size, large.len() as u64);
    assert!(pieces.concat() == large);
    std::fs::write(&file, b"").unwrap();
    objects.put_file("export/large", &file, &meta).await.unwrap();
    assert_eq!(objects.get("export/large").await.unwrap(), "");
    let missing = objects.put_file("export/y", &folder.path().join("missing"), &meta).await;
    assert!(matches!(missing, Err(Error::Broken(_))), "{missing:?}");
}

#[tokio::test]
async fn a_folder_keeps_objects_and_nothing_else() {
    let folder = TempDir::new().unwrap();
    let root = folder.path().join("made when needed");
    let objects = Objects::open(root.to_str().unwrap(), &ObjectSettings::default()).unwrap();
    contract(&objects).await;
    let uri = format!("file://{}/exports/", root.display());
    let part = Objects::open(&uri, &ObjectSettings::default()).unwrap();
    assert_eq!(keys(&part, "").await, [("x".to_owned(), 1)]);
    let mut names: Vec<_> = std::fs::read_dir(root.join("export"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["b c+d=e", "large"], "no temporary files are left");
}

#[tokio::test]
async fn a_bucket_keeps_objects_and_what_is_said_about_them() {
    let server = S3Server::start();
    server.make_bucket("tiles");
    let settings = settings(&server.uri);
    let objects = Objects::open("s3://tiles", &settings).unwrap();
    contract(&objects).await;
    let part = Objects::open("s3://tiles/exports/", &settings).unwrap();
    assert_eq!(keys(&part, "").await, [("x".to_owned(), 1)]);
    assert_eq!(part.get("x").await.unwrap(), "x");

    let meta = Meta {
        content_type: Some("application/json"),
        content_encoding: Some("gzip"),
        cache_control: Some("max-age=3600, public"),
    };
    part.put("told", Bytes::from_static(b"x"), &meta).await.unwrap();
    let told = server.object("tiles", "exports/told");
    for (name, value) in [
        ("content-type", "application/json"),
        ("content-encoding", "gzip"),
        ("cache-control", "max-age=3600, public"),
    ] {
        assert_eq!(told.headers.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert_eq!(server.keys("tiles"), ["export/large", "exports/told", "exports/x"]);
}

/// The line of a write that fails.
async fn line(objects: &Objects) -> Error {
    let error = objects.put("a", Bytes::from_static(b"x"), &Meta::default()).await.unwrap_err();
    let line = error.to_string();
    assert!(!line.contains(SECRET) && !line.contains('\n') && line.len() < 300, "{line}");
    let listed = objects.list("").await.unwrap_err();
    assert_eq!(std::mem::discriminant(&listed), std::mem::discriminant(&error), "{listed}");
    error
}

#[tokio::test]
async fn a_bucket_that_refuses_says_what_to_look_at() {
    let server = S3Server::start();
    let missing = Objects::open("s3://missing", &settings(&server.uri)).unwrap();
    let said = line(&missing).await;
    assert!(matches!(said, Error::Refused(_)), "{said}");
    let address = server.address;
    assert_eq!(
        said.to_string(),
        format!(
            "s3://missing at {address}: no such bucket (404 NoSuchBucket) while writing; look at \
             its name and AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL \
             and the rights of that account"
        )
    );
    server.make_bucket("tiles");
    let objects = Objects::open("s3://tiles", &settings(&server.uri)).unwrap();
    objects.put("a", Bytes::new(), &Meta::default()).await.unwrap();
    server.refuse_accounts(true);
    let said = line(&objects).await;
    assert!(matches!(said, Error::Refused(_)), "{said}");
    assert!(said.to_string().contains("access denied (403 InvalidAccessKeyId)"), "{said}");
    server.refuse_accounts(false);
    objects.put("a", Bytes::new(), &Meta::default()).await.unwrap();
}

#[tokio::test]
async fn a_bucket_that_does_not_answer_is_not_waited_for() {
    let mut server = S3Server::start();
    server.make_bucket("tiles");
    let proxy = Proxy::before(&server.address.to_string());
    let patience = Duration::from_secs(2);
    let endpoint = format!("http://{}", proxy.address);
    let settings = ObjectSettings { timeout: patience, ..settings(&endpoint) };
    let objects = Objects::open("s3://tiles", &settings).unwrap();
    objects.put("a", Bytes::new(), &Meta::default()).await.unwrap();
    for mode in [Mode::Stall, Mode::StallAnswers, Mode::Cut, Mode::Refuse] {
        proxy.set(mode);
        let started = Instant::now();
        let said = line(&objects).await;
        assert!(matches!(said, Error::Unavailable(_)), "{mode:?}: {said}");
        assert!(started.elapsed() < 2 * patience + Duration::from_secs(2), "{mode:?}");
        proxy.set(Mode::Pass);
    }
    objects.put("a", Bytes::new(), &Meta::default()).await.unwrap();
    server.kill();
    let said = line(&objects).await;
    assert!(matches!(said, Error::Unavailable(_)), "{said}");
}

#[tokio::test]
async fn a_server_in_trouble_is_told_from_one_that_refuses() {
    let server = MockServer::start().await;
    let settings = ObjectSettings { timeout: Duration::from_secs(5), ..settings(&server.uri()) };
    let objects = Objects::open("s3://tiles", &settings).unwrap();
    for (status, is_trouble) in [(503, true), (500, true), (429, true), (301, false), (400, false)]
    {
        server.reset().await;
        Mock::given(any()).respond_with(ResponseTemplate::new(status)).mount(&server).await;
        let said = line(&objects).await;
        assert_eq!(matches!(said, Error::Unavailable(_)), is_trouble, "{status}: {said}");
        assert_eq!(matches!(said, Error::Refused(_)), !is_trouble, "{status}: {said}");
    }
    let asked = server.received_requests().await.unwrap();
    assert!(asked.len() <= 2, "a refusal is not asked for again: {asked:?}");
}

#[tokio::test]
async fn a_place_that_is_no_folder_is_refused() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, b"x").unwrap();
    let uri = file.join("below");
    let objects = Objects::open(uri.to_str().unwrap(), &ObjectSettings::default()).unwrap();
    let said = objects.put("a", Bytes::new(), &Meta::default()).await.unwrap_err();
    assert!(matches!(said, Error::Refused(_)), "{said}");
    assert!(said.to_string().contains(&uri.display().to_string()), "{said}");
}

#[tokio::test]
async fn settings_that_do_not_fit_are_told_when_a_bucket_is_opened() {
    let none = ObjectSettings::default();
    let odd_key = ObjectSettings {
        google: Google {
            service_account_key: Some("very-secret-half".into()),
            ..Google::default()
        },
        azure: Azure {
            account: Some("account".into()),
            key: Some("very-secret-half, not base64".into()),
            ..Azure::default()
        },
        ..ObjectSettings::default()
    };
    for (uri, settings, advice) in [
        ("az://box", &none, "AZURE_STORAGE_ACCOUNT_NAME"),
        ("az://box", &odd_key, "AZURE_STORAGE_ACCOUNT_KEY"),
        ("gs://bucket", &odd_key, "GOOGLE_APPLICATION_CREDENTIALS"),
        ("ftp://bucket", &none, "file:///FOLDER"),
    ] {
        let said = Objects::open(uri, settings).err().map(|error| error.to_string());
        let said = said.unwrap_or_default();
        assert!(said.contains(advice) && !said.contains(SECRET), "{uri}: {said}");
    }
}

/// What a request to a server of this service looks like; the real ones are not here.
#[tokio::test]
async fn a_container_of_azure_is_asked_with_its_account() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(201)).mount(&server).await;
    let settings = ObjectSettings {
        azure: Azure {
            account: Some("account".into()),
            key: Some("c2VjcmV0".into()),
            endpoint: Some(server.uri()),
        },
        ..ObjectSettings::default()
    };
    let objects = Objects::open("az://box/backup", &settings).unwrap();
    let meta = Meta { content_encoding: Some("gzip"), ..Meta::default() };
    let _ = objects.put("a", Bytes::from_static(b"x"), &meta).await;
    let asked = server.received_requests().await.unwrap();
    assert_eq!(asked[0].url.path(), "/box/backup/a");
    let header = |name: &str| asked[0].headers.get(name).map(|it| it.to_str().unwrap().to_owned());
    assert!(header("authorization").is_some_and(|it| it.starts_with("SharedKey account:")));
    assert_eq!(header("x-ms-blob-content-encoding").as_deref(), Some("gzip"));
}
