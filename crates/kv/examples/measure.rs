//! How fast the verbs are on this machine: `cargo run -p ichnaea-kv --example measure -- URI…`,
//! by default a SQLite file in the folder for temporary files and the Redis server of this machine.

#![expect(clippy::print_stdout, reason = "printing is all it does")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use ichnaea_kv::{KeyValue, Op, Options, Result, open};

const LEASE: Duration = Duration::from_mins(1);
const ROUNDS: u32 = 200;

#[tokio::main]
async fn main() -> Result<()> {
    let folder = std::env::temp_dir().join("ichnaea-kv-measure.sqlite");
    let mut uris: Vec<String> = std::env::args().skip(1).collect();
    if uris.is_empty() {
        uris.push(format!("sqlite:{}", folder.display()));
        uris.push("redis://127.0.0.1/?prefix=ichnaea-measure:".into());
    }
    for uri in uris {
        println!("{uri}");
        measure(&open(&uri, &Options::default()).await?).await?;
    }
    Ok(())
}

async fn measure(kv: &Arc<dyn KeyValue>) -> Result<()> {
    let push = |queue: &str, len: usize| Op::Push {
        queue: queue.into(),
        items: vec![vec![b'x'; 200]; len],
    };
    let clean = || ["push", "take", "next", "c"].map(|key| Op::Delete { key: key.into() }).into();
    kv.apply(clean()).await?;

    let started = Instant::now();
    for _ in 0..ROUNDS {
        kv.apply(vec![push("push", 100)]).await?;
    }
    tell("push of 100 items", started, ROUNDS);

    kv.apply(vec![push("take", 500 * ROUNDS as usize)]).await?;
    let (mut taking, mut finishing) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let taken = kv.take("take", 500, LEASE).await?;
        taking += started.elapsed();
        let started = Instant::now();
        if let Some(taken) = taken {
            kv.finish("take", &taken.id, vec![push("next", 500)]).await?;
        }
        finishing += started.elapsed();
    }
    println!("  {:9.3} ms  take of 500 items", taking.as_secs_f64() * 1e3 / f64::from(ROUNDS));
    println!(
        "  {:9.3} ms  its finish, pushing 500",
        finishing.as_secs_f64() * 1e3 / f64::from(ROUNDS)
    );

    for callers in [1, 64] {
        let started = Instant::now();
        let work = |kv: Arc<dyn KeyValue>| async move {
            for _ in 0..ROUNDS {
                kv.apply(vec![Op::Count { key: "c".into(), by: 1, ttl: Some(LEASE) }]).await?;
            }
            Ok::<(), ichnaea_kv::Error>(())
        };
        let tasks: Vec<_> = (0..callers).map(|_| tokio::spawn(work(Arc::clone(kv)))).collect();
        for task in tasks {
            task.await.unwrap_or(Ok(()))?;
        }
        let per_second = f64::from(callers * ROUNDS) / started.elapsed().as_secs_f64();
        println!("  {per_second:9.0} /s  counters, {callers} callers");
    }

    let started = Instant::now();
    for _ in 0..ROUNDS {
        kv.queues(&["push".into(), "take".into(), "next".into()]).await?;
    }
    tell("state of 3 queues", started, ROUNDS);
    kv.apply(clean()).await?;
    Ok(())
}

fn tell(what: &str, started: Instant, rounds: u32) {
    println!("  {:9.3} ms  {what}", started.elapsed().as_secs_f64() * 1e3 / f64::from(rounds));
}
