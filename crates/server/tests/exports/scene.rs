//! An installation with one export target.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::sync::Arc;

use clap::Parser;
use ichnaea_domain::export::ExportConfig;
use ichnaea_kv::{Op, QueueState};
use ichnaea_server::config::{Embedded, Settings};
use ichnaea_server::context::Context;
use ichnaea_server::keys;
use ichnaea_server::metrics::Metrics;
use ichnaea_server::tasks::drain::Drain;
use ichnaea_server::tasks::letter::Letter;
use ichnaea_server::tasks::{Outcome, Run, Task, run_once};
use ichnaea_store::Store;
use ichnaea_testkit::Backend;
use ichnaea_testkit::database::{self, FreshDatabase};
use ichnaea_testkit::keyvalue::{self, FreshKeyValue};
use serde_json::{Value, json};

/// The name of the target.
pub const TARGET: &str = "partner";
/// Its queue, when it has only one.
pub const QUEUE: &str = "queue_export_partner";

/// Backends, and handles as a worker has them.
pub struct Scene {
    pub run: Run,
    pub database: FreshDatabase,
    pub keyvalue: FreshKeyValue,
}

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    settings: Settings,
}

impl Scene {
    /// With one target that gets a batch of two.
    pub async fn start(backend: Backend, schema: &str, url: &str, options: &[&str]) -> Self {
        let (database, keyvalue) = (database::fresh(backend), keyvalue::fresh(backend));
        let store = Store::open(&database.uri, &ichnaea_store::Options::default()).unwrap();
        store.migrate().await.unwrap();
        store.delete_export_config("internal").await.unwrap();
        let target = ExportConfig {
            name: TARGET.into(),
            batch: Some(2),
            schema: Some(schema.into()),
            url: Some(url.into()),
            ..ExportConfig::default()
        };
        store.put_export_config(&target).await.unwrap();
        let arguments = [
            "ichnaea",
            "--db-readwrite-uri",
            &database.uri,
            "--redis-uri",
            &keyvalue.uri,
            "--transfer-timeout",
            "1",
        ];
        let command = Line::parse_from(arguments.iter().chain(options));
        let config = command.settings.resolve(Embedded::IfPresent);
        let config = config.unwrap_or_else(|problems| panic!("{problems:?}"));
        let mut context = Context::open(config).await.unwrap();
        context.metrics = Metrics::recording();
        Self { run: Run::new(Arc::new(context)), database, keyvalue }
    }

    /// The same with another server for its bucket.
    pub async fn with_endpoint(self, endpoint: &str) -> Self {
        let mut config = self.run.context.config.clone();
        config.objects.aws.endpoint = Some(endpoint.to_owned());
        let context = Context::open(config).await.unwrap();
        Self { run: Run::new(Arc::new(context)), ..self }
    }

    /// A command as a process of its own, killed at `fault` if there is one.
    pub fn process(&self, arguments: &[&str], fault: Option<&str>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ichnaea"));
        command
            .args(arguments)
            .env("DB_READWRITE_URI", &self.database.uri)
            .env("REDIS_URI", &self.keyvalue.uri)
            .env("LEASE_SECONDS", "1")
            .env("TRANSFER_TIMEOUT", "1")
            .env("CELERY_WORKER_CONCURRENCY", "2")
            .env_remove("ICHNAEA_FAULT")
            .stdin(Stdio::null());
        if let Some(fault) = fault {
            command.env("ICHNAEA_FAULT", fault);
        }
        command
    }

    /// Runs a command; whether it ended with status 0, and what it printed.
    pub fn command(&self, arguments: &[&str]) -> (bool, String) {
        let ended = self.process(arguments, None).output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(matches!(ended.status.code(), Some(0 | 1)), "{arguments:?}: {said}");
        (ended.status.success(), String::from_utf8(ended.stdout).unwrap())
    }

    /// Reports of one source and key as they arrive, each with its number as timestamp.
    pub async fn arrive(&self, source: &str, key: Option<&str>, numbers: std::ops::Range<i64>) {
        let items = numbers.map(|number| {
            let report = json!({
                "timestamp": number,
                "position": {"latitude": 51.5, "longitude": -0.1, "accuracy": 10.0},
                "wifiAccessPoints": [{"macAddress": "94b40f010d01", "signalStrength": -60}],
            });
            json!({"api_key": key, "source": source, "report": report})
        });
        let items = keys::incoming().encode(&items.collect::<Vec<Value>>()).unwrap();
        let push = Op::Push { queue: keys::UPDATE_INCOMING.to_owned(), items };
        self.run.context.kv.apply(vec![push]).await.unwrap();
        self.task(Task::UpdateIncoming, None).await;
    }

    pub async fn task(&self, task: Task, argument: Option<&str>) -> Outcome {
        run_once(&self.run, task, argument).await.unwrap()
    }

    /// One look at all queues of the target, whether it rests or not.
    pub async fn try_now(&self) -> BTreeMap<&'static str, u64> {
        self.end_rest().await;
        self.task(Task::ExportReports, Some(TARGET)).await.counts
    }

    /// As if the rest of the target were over.
    pub async fn end_rest(&self) {
        let key = keys::export_rest(TARGET).into_bytes();
        let found = self.run.context.kv.get(std::slice::from_ref(&key)).await.unwrap().remove(0);
        let Some(found) = found else { return };
        let mut rest: Value = serde_json::from_slice(&found).unwrap();
        rest["until_ms"] = 0.into();
        let value = rest.to_string().into_bytes();
        self.run.context.kv.apply(vec![Op::Set { key, value, ttl: None }]).await.unwrap();
    }

    /// Works until everything that can be sent was.
    pub async fn drain(&self) {
        Drain::default().run(&self.run, |_| ()).await.unwrap();
    }

    pub async fn queue(&self, name: &str) -> QueueState {
        self.run.context.kv.queues(&[name.to_owned()]).await.unwrap()[0]
    }

    /// The dead letters of a queue.
    pub async fn letters(&self, queue: &str) -> Vec<Letter> {
        let kept = self.run.context.kv.peek(&keys::dead_letters(queue), 0, usize::MAX).await;
        kept.unwrap().iter().map(|bytes| Letter::decode(bytes).unwrap()).collect()
    }

    /// What was measured about exports since the last time.
    pub fn measured(&self) -> Vec<String> {
        let mut lines = self.run.context.metrics.take_recorded();
        lines.retain(|line| line.starts_with("location.data.export"));
        for line in &mut lines {
            if let Some((name, rest)) = line.clone().split_once("timing:") {
                let kind = rest.split_once('|').unwrap_or_default().1;
                *line = format!("{name}timing:…|{kind}");
            }
        }
        lines
    }
}
