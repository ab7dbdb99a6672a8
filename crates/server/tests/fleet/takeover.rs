//! One of two schedulers dies.

use std::time::{Duration, Instant};

use ichnaea_server::keys;
use ichnaea_server::tasks::message::Message;
use ichnaea_server::tasks::{PERIODIC, Task, When};
use ichnaea_testkit::Backend;
use ichnaea_testkit::{database, keyvalue};

use crate::process::{Installation, LOOK, PATIENCE};

/// The shortest interval of the schedule, after which a scheduler that has taken over first sends.
const FIRST_INTERVAL: Duration = Duration::from_secs(32);

/// Nothing takes the messages here, so each that was sent is seen.
pub async fn the_second_scheduler_takes_over_and_nothing_is_sent_twice(backend: Backend) {
    let (database, keyvalue) = (database::fresh(backend), keyvalue::fresh(backend));
    let installation = Installation::new(&database.uri, &keyvalue.uri).await;
    let first = installation.start(&["scheduler"]);
    first.has_said("scheduler is active").await;
    let second = installation.start(&["scheduler"]);
    second.has_said("another scheduler is active, standing by").await;
    first.kill();
    second.has_said("scheduler is active").await;

    let started = Instant::now();
    let sent = loop {
        let messages = installation.kv.peek(keys::TASKS, 0, 1000).await.unwrap();
        let messages = messages.iter().filter_map(|item| Message::decode(item));
        let tasks: Vec<Task> =
            messages.map(|message| message.task).filter(|task| has_interval(*task)).collect();
        if !tasks.is_empty() {
            break tasks;
        }
        assert!(started.elapsed() < PATIENCE, "nothing is sent:\n{}", second.said());
        tokio::time::sleep(LOOK).await;
    };
    // One of the two would have sent it seconds earlier.
    assert!(started.elapsed() + Duration::from_secs(1) > FIRST_INTERVAL);
    assert_eq!(sent, [Task::UpdateIncoming]);
    second.stop();
}

/// The others run at a time of day, which may be now.
fn has_interval(task: Task) -> bool {
    let mut lines = PERIODIC.iter().filter(|periodic| periodic.task == task);
    lines.any(|periodic| matches!(periodic.when, When::Every(_)))
}
