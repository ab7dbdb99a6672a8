//! Dead letters in the hands of an operator.

use std::os::unix::process::ExitStatusExt as _;
use std::time::{Duration, Instant};

use ichnaea_kv::Op;
use ichnaea_server::keys;
use ichnaea_testkit::Backend;
use ichnaea_testkit::receiver::{Receiver, Reply};
use serde_json::Value;

use crate::scene::{QUEUE, Scene};

const LETTERS: [&str; 2] = ["pipeline", "dead-letters"];
const PATIENCE: Duration = Duration::from_secs(30);

/// A scene in which three batches were refused and three items of another queue make no sense.
async fn refused(backend: Backend) -> (Receiver, Scene) {
    let receiver = Receiver::start().await;
    let scene = Scene::start(backend, "geosubmit", &receiver.url(), &[]).await;
    receiver.answer(|_, _| Reply::status(413));
    scene.arrive("gnss", None, 1..7).await;
    let items = ["{", "[]", "\u{fffd}"].map(|text| text.as_bytes().to_vec()).to_vec();
    let push = Op::Push { queue: "update_wifi_0".to_owned(), items };
    scene.run.context.kv.apply(vec![push]).await.unwrap();
    scene.drain().await;
    (receiver, scene)
}

fn letters(scene: &Scene, arguments: &[&str]) -> (bool, String) {
    scene.command(&[&LETTERS, arguments].concat())
}

fn json(scene: &Scene, arguments: &[&str]) -> Value {
    let (_, said) = letters(scene, &[arguments, &["--json"]].concat());
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {said}"))
}

pub async fn letters_are_listed_shown_put_back_and_thrown_away(backend: Backend) {
    let (receiver, scene) = refused(backend).await;
    let all = json(&scene, &["list"]);
    assert_eq!(all.as_array().unwrap().len(), 9);
    assert_eq!(json(&scene, &["list", "--limit", "4"]).as_array().unwrap().len(), 4);
    assert_eq!(json(&scene, &["list", "--reason", "undecodable"]).as_array().unwrap().len(), 3);
    let of_partner = json(&scene, &["list", QUEUE]);
    assert_eq!(of_partner.as_array().unwrap().len(), 6);
    assert_eq!(of_partner[0]["item"]["report"]["timestamp"], 1);
    let (_, table) = letters(&scene, &["list", QUEUE, "--limit", "1"]);
    assert!(table.contains("answered 413") && table.contains("1 of 6 are shown"), "{table}");
    assert!(!table.contains("51.5"), "no positions in a list: {table}");

    let id = of_partner[3]["id"].as_str().unwrap();
    let (is_found, shown) = letters(&scene, &["show", id]);
    assert!(is_found && shown.contains("51.5") && shown.contains(QUEUE), "{shown}");
    assert_eq!(
        letters(&scene, &["show", "no-such-id"]),
        (false, "There is no such dead letter\n".into())
    );

    // One batch goes back as what it was, and half of another one as something new.
    receiver.answer_status(200);
    let second = of_partner[2]["batch"].as_str().unwrap();
    assert!(letters(&scene, &["requeue", "--id", second]).0);
    assert_eq!(scene.queue(QUEUE).await.in_flight, 2);
    scene.drain().await;
    let taken = |receiver: &Receiver| {
        let all = receiver.deliveries().into_iter().filter(|delivery| delivery.status == 200);
        all.map(|delivery| (delivery.batch, delivery.timestamps)).collect::<Vec<_>>()
    };
    assert_eq!(taken(&receiver), [(second.to_owned(), vec![3, 4])]);
    let first = of_partner[0]["id"].as_str().unwrap();
    let (_, said) = letters(&scene, &["requeue", QUEUE, "--id", first]);
    assert_eq!(said, "queue_export_partner: 1 dead letters put back\n");
    assert_eq!(scene.queue(QUEUE).await.len, 1);
    scene.drain().await;
    assert_eq!(taken(&receiver)[1].1, [1]);
    assert_ne!(taken(&receiver)[1].0, of_partner[0]["batch"]);
    let left: Vec<i64> = json(&scene, &["list", QUEUE])
        .as_array()
        .unwrap()
        .iter()
        .map(|letter| letter["item"]["report"]["timestamp"].as_i64().unwrap())
        .collect();
    assert_eq!(left, [2, 5, 6], "in their order");

    // What is put back without a remedy comes back.
    assert!(letters(&scene, &["requeue", "update_wifi_0"]).0);
    assert_eq!(scene.letters("update_wifi_0").await.len(), 0);
    scene.drain().await;
    assert_eq!(scene.letters("update_wifi_0").await.len(), 3);
    assert!(letters(&scene, &["drop", "update_wifi_0", "--limit", "2", "--yes"]).0);
    assert_eq!(scene.letters("update_wifi_0").await.len(), 1);
    assert_eq!(json(&scene, &["drop", "--reason", "refused"])[QUEUE], 3);
    assert!(letters(&scene, &["drop"]).0);
    assert_eq!(letters(&scene, &["list"]), (true, "No dead letters.\n".into()));
    assert!(!letters(&scene, &["drop"]).0);
    assert_eq!(scene.queue(QUEUE).await.in_flight, 0);
}

pub async fn a_command_that_is_killed_loses_no_letter(backend: Backend) {
    for (point, is_done) in [("letters_before_finish", false), ("letters_finished", true)] {
        let (receiver, scene) = refused(backend).await;
        receiver.answer_status(200);
        let requeue = [&LETTERS[..], &["requeue", QUEUE]].concat();
        let ended = scene.process(&requeue, Some(point)).status().unwrap();
        assert_eq!(ended.signal(), Some(9), "{point}");
        assert_eq!(scene.queue(QUEUE).await.in_flight, if is_done { 6 } else { 0 }, "{point}");
        // What it held is free again when its lease runs out.
        let list = [keys::dead_letters(QUEUE)];
        let started = Instant::now();
        loop {
            let state = scene.run.context.kv.queues(&list).await.unwrap()[0];
            if state.len + state.in_flight == 0 {
                break;
            }
            assert!(started.elapsed() < PATIENCE, "{point}: {state:?}");
            scene.command(&requeue);
        }
        scene.drain().await;
        let mut numbers: Vec<i64> = receiver
            .deliveries()
            .into_iter()
            .filter(|delivery| delivery.status == 200)
            .flat_map(|delivery| delivery.timestamps)
            .collect();
        numbers.sort_unstable();
        assert_eq!(numbers, [1, 2, 3, 4, 5, 6], "{point}");
    }
}
