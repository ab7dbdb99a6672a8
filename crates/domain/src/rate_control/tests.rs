//! The table of what is loaded, the worked examples of the original, and the laws of a step.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// A minute of the wall clock.
const NOW_S: f64 = 1_769_860_800.0;

fn load_from(texts: &[(&'static str, &str)]) -> Loaded {
    let texts: BTreeMap<&str, &str> = texts.iter().copied().collect();
    load(|key| texts.get(key).map(|text| text.as_bytes()))
}

/// All parameters, with one of them replaced; an empty text leaves it out.
fn with(key: &'static str, text: &'static str) -> Vec<(&'static str, &'static str)> {
    let mut texts = vec![
        ("rate_controller_enabled", "1"),
        ("rate_controller_target", "1000"),
        ("rate_controller_kp", "8"),
        ("rate_controller_ki", "0"),
        ("rate_controller_kd", "0"),
        ("rate_controller_trx_purging", "0"),
        ("rate_controller_trx_min", "1000"),
        ("rate_controller_trx_max", "1000000"),
    ];
    texts.retain(|(name, _)| *name != key);
    if !text.is_empty() {
        texts.push((key, text));
    }
    texts
}

fn owned(writes: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    writes.iter().map(|&(key, text)| (key, text.to_owned())).collect()
}

fn controller(kp: f64, ki: f64, kd: f64) -> Controller {
    Controller {
        target: 1000,
        kp,
        ki,
        kd,
        is_purging: false,
        trx_min: 1000,
        trx_max: 1_000_000,
        state: None,
    }
}

#[test]
fn without_any_text_the_controller_is_off_and_says_so() {
    let loaded = load_from(&[]);
    assert_eq!(loaded.sample_rate.to_bits(), 100f64.to_bits());
    assert_eq!(loaded.controller, None);
    let off = owned(&[("rate_controller_enabled", "0"), ("rate_controller_state", "{}")]);
    assert_eq!(loaded.writes, off);
    let warning =
        Warning { key: "rate_controller_enabled", found: None, wanted: "0 or 1", now: "0" };
    assert_eq!(loaded.warnings, [warning]);
}

#[test]
fn a_controller_that_is_off_leaves_the_other_parameters_alone() {
    let loaded = load_from(&[("rate_controller_enabled", "0"), ("rate_controller_kp", "wrong")]);
    assert_eq!(loaded.controller, None);
    assert_eq!(loaded.writes, owned(&[("rate_controller_state", "{}")]));
    assert_eq!(loaded.warnings, []);
}

#[test]
fn the_rate_an_operator_has_set_counts_and_nonsense_is_everything() {
    for (text, expected) in [("50", 50.0), ("250.5", 250.5), ("-3", -3.0), ("x", 100.0)] {
        let loaded = load_from(&[("global_locate_sample_rate", text)]);
        assert_eq!(loaded.sample_rate.to_bits(), f64::to_bits(expected), "{text}");
        assert!(loaded.writes.iter().all(|(key, _)| *key != "global_locate_sample_rate"));
    }
}

#[test]
fn absent_parameters_are_filled_in_and_used() {
    for (key, default) in [
        ("rate_controller_kp", "8"),
        ("rate_controller_ki", "0"),
        ("rate_controller_kd", "0"),
        ("rate_controller_trx_purging", "0"),
        ("rate_controller_trx_min", "1000"),
        ("rate_controller_trx_max", "1000000"),
    ] {
        let loaded = load_from(&with(key, ""));
        assert_eq!(loaded.controller, Some(controller(8.0, 0.0, 0.0)), "{key}");
        assert_eq!(loaded.writes, owned(&[(key, default)]), "{key}");
        assert_eq!(loaded.warnings, [], "{key}");
    }
}

#[test]
fn a_default_that_does_not_go_with_the_others_turns_the_controller_off_at_once() {
    let mut texts = with("rate_controller_trx_max", "");
    texts.retain(|(key, _)| *key != "rate_controller_trx_min");
    texts.push(("rate_controller_trx_min", "1000000"));
    let loaded = load_from(&texts);
    assert_eq!(loaded.controller, None);
    let warning = Warning {
        key: "rate_controller_trx_max",
        found: None,
        wanted: "a whole number above rate_controller_trx_min",
        now: "1000000",
    };
    assert_eq!(loaded.warnings, [warning]);
    assert!(loaded.writes.contains(&("rate_controller_enabled", "0".to_owned())));
}

#[test]
fn wrong_parameters_are_replaced_and_turn_the_controller_off() {
    for (key, text, default) in [
        ("rate_controller_enabled", "2", "0"),
        ("rate_controller_enabled", "true", "0"),
        ("rate_controller_target", "-1", "0"),
        ("rate_controller_target", "1.5", "0"),
        ("rate_controller_target", "0", "0"),
        ("rate_controller_target", "", "0"),
        ("rate_controller_kp", "-1", "8"),
        ("rate_controller_kp", "inf", "8"),
        ("rate_controller_ki", "much", "0"),
        ("rate_controller_kd", "nan", "0"),
        ("rate_controller_trx_purging", "2", "0"),
        ("rate_controller_trx_min", "0", "1000"),
        ("rate_controller_trx_max", "1000", "1000000"),
        ("rate_controller_trx_max", "1e7", "1000000"),
    ] {
        let loaded = load_from(&with(key, text));
        assert_eq!(loaded.controller, None, "{key} {text}");
        let mut expected = vec![(key, default), ("rate_controller_enabled", "0")];
        expected.dedup_by_key(|(key, _)| *key);
        expected.push(("rate_controller_state", "{}"));
        assert_eq!(loaded.writes, owned(&expected), "{key} {text}");
        let [warning] = loaded.warnings.as_slice() else { panic!("{:?}", loaded.warnings) };
        assert_eq!((warning.key, warning.now), (key, default));
        assert_eq!(warning.found.as_deref(), Some(text).filter(|text| !text.is_empty()));
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    let loaded = load_from(&[
        ("rate_controller_enabled", "1"),
        ("rate_controller_kp", "x"),
        ("rate_controller_kd", "-1"),
    ]);
    let keys: Vec<_> = loaded.warnings.iter().map(|warning| warning.key).collect();
    assert_eq!(keys, ["rate_controller_target", "rate_controller_kp", "rate_controller_kd"]);
}

#[test]
fn a_running_state_is_taken_up_and_any_other_is_begun_anew() {
    let whole = r#"{"state": "running", "p_term": 800.0, "i_term": 5000, "d_term": -0.0,
        "last_output": -3.5, "last_input": 900, "last_time": 1120.0}"#;
    let load_state = |text: &str| {
        let mut texts = with("rate_controller_state", "");
        let text = text.to_owned();
        texts.retain(|(key, _)| *key != STATE);
        load(|key| match key {
            STATE => Some(text.as_bytes()),
            other => texts.iter().find(|(name, _)| *name == other).map(|(_, t)| t.as_bytes()),
        })
    };
    let state = load_state(whole).controller.unwrap().state;
    let expected = State {
        p_term: 800.0,
        i_term: 1000.0,
        d_term: -0.0,
        last_output: 0.0,
        last_input: 900,
        last_time: 1120.0,
    };
    assert_eq!(state, Some(expected));
    for other in [
        "{}",
        "[]",
        "null",
        &whole.replace("running", "new"),
        &whole.replace("d_term", "e_term"),
        &whole.replace("900", "null"),
    ] {
        let loaded = load_state(other);
        assert_eq!(loaded.controller.unwrap().state, None, "{other}");
        assert_eq!(loaded.warnings, [], "{other}");
    }
    let broken = load_state("{");
    assert_eq!(broken.controller.unwrap().state, None);
    assert_eq!(broken.warnings[0].key, STATE);
    assert_eq!(broken.writes, []);
}

#[test]
fn a_state_is_written_as_it_is_read() {
    let step = controller(8.0, 0.0, 0.0).step(900, None, 1120.0);
    let text = r#"{"state":"running","p_term":800.0,"i_term":0.0,"d_term":0.0,"last_output":800.0,"last_input":900,"last_time":1120.0}"#;
    assert_eq!(
        step.writes(),
        owned(&[
            ("global_locate_sample_rate", "80.0"),
            ("rate_controller_trx_purging", "0"),
            ("rate_controller_state", text),
        ])
    );
    assert_eq!(State::read(&serde_json::from_str(text).unwrap(), 1000), step.state);
}

/// Steps a minute apart; the rates as they are written, and the terms.
fn run(mut controller: Controller, backlogs: &[u64]) -> (Vec<String>, Vec<State>) {
    let mut rates = Vec::new();
    let mut states = Vec::new();
    let mut now_s = NOW_S;
    for &backlog in backlogs {
        let step = controller.step(backlog, None, now_s);
        rates.push(float_text(step.rate));
        states.extend(step.state);
        controller.state = step.state;
        now_s += 60.0;
    }
    (rates, states)
}

#[test]
fn the_proportional_example_comes_out_to_the_last_digit() {
    let backlogs = [0, 800, 900, 950, 1000, 1200, 990, 500];
    let (rates, _) = run(controller(8.0, 0.0, 0.0), &backlogs);
    assert_eq!(rates, ["100.0", "100.0", "80.0", "40.0", "0.0", "0.0", "8.0", "100.0"]);
}

#[test]
fn the_example_with_all_three_terms_comes_out_to_the_last_digit() {
    let (rates, states) = run(controller(1.0, 0.002, 0.2), &[0, 800, 1200, 1500, 400]);
    assert_eq!(rates, ["100.0", "22.133333333333336", "0.0", "0.0", "67.56666666666666"]);
    let terms: Vec<[f64; 3]> =
        states.iter().map(|state| [state.p_term, state.i_term, state.d_term]).collect();
    let expected = [
        [1000.0, 0.0, 0.0],
        [200.0, 24.0, -2.666_666_666_666_666_5],
        [-200.0, 0.0, -1.333_333_333_333_333_3],
        [-500.0, 0.0, -1.0],
        [600.0, 72.0, 3.666_666_666_666_666_5],
    ];
    assert_eq!(terms, expected);
}

#[test]
fn a_time_that_cannot_be_is_as_if_none_had_passed() {
    let mut controller = controller(1.0, 0.002, 0.2);
    let last = State {
        p_term: 200.0,
        i_term: 24.0,
        d_term: -1.0,
        last_output: 223.0,
        last_input: 800,
        last_time: NOW_S,
    };
    for last_time in [NOW_S, NOW_S + 5.0, NOW_S - 3601.0, 1120.0, f64::NAN] {
        controller.state = Some(State { last_time, ..last });
        let state = controller.step(900, None, NOW_S).state.unwrap();
        let terms = [state.p_term, state.i_term, state.d_term, state.last_time];
        let expected = [100.0, 24.0, 0.0, NOW_S];
        assert_eq!(terms.map(f64::to_bits), expected.map(f64::to_bits), "{last_time}");
    }
}

#[test]
fn purging_begins_above_the_upper_bound_and_ends_below_the_lower() {
    for (was, history, expected) in [
        (false, Some(1_000_001), true),
        (false, Some(1_000_000), false),
        (false, Some(5_000), false),
        (true, Some(5_000), true),
        (true, Some(1_000), true),
        (true, Some(999), false),
        (true, Some(1_000_001), true),
        (true, None, false),
        (false, None, false),
    ] {
        let controller = Controller { is_purging: was, ..controller(8.0, 0.0, 0.0) };
        let step = controller.step(0, history, NOW_S);
        assert_eq!(step.is_purging, expected, "{was} {history:?}");
        let rate = if expected { "0.0" } else { "100.0" };
        assert_eq!(float_text(step.rate), rate);
        // The state waits for the time after.
        assert_eq!(step.writes().len(), if expected { 2 } else { 3 });
        assert_eq!(step.state.is_none(), expected);
    }
}

#[test]
fn numbers_are_written_as_the_original_writes_them() {
    for (number, text) in [
        (100.0, "100.0"),
        (0.0, "0.0"),
        (22.133_333_333_333_336, "22.133333333333336"),
        (0.1, "0.1"),
        (0.0001, "0.0001"),
        (0.000_05, "5e-05"),
        (1.5e-300, "1.5e-300"),
        (1e16, "1e+16"),
    ] {
        assert_eq!(float_text(number), text);
    }
}

fn any_state() -> impl Strategy<Value = Option<State>> {
    let number = prop_oneof![any::<f64>(), -1e4..1e4];
    let state = (number.clone(), any::<f64>(), any::<f64>(), number, any::<u64>(), any::<f64>());
    proptest::option::of(state.prop_map(|(p_term, i_term, d_term, last_output, last_input, t)| {
        let last_time = if t > 0.0 { NOW_S - 60.0 } else { t };
        State { p_term, i_term, d_term, last_output, last_input, last_time }
    }))
}

proptest! {
    #[test]
    fn a_step_stays_within_its_bounds(
        target in prop_oneof![1u64..2000, 1u64..],
        gains in proptest::array::uniform3(prop_oneof![0.0..100.0, 0.0..f64::MAX]),
        backlog in prop_oneof![0u64..4000, 0u64..1 << 53],
        history in any::<Option<u64>>(),
        is_purging in any::<bool>(),
        state in any_state(),
    ) {
        let [kp, ki, kd] = gains;
        let controller = Controller { target, is_purging, state, ..controller(kp, ki, kd) };
        let step = controller.step(backlog, history, NOW_S);
        prop_assert!((0.0..=100.0).contains(&step.rate), "{step:?}");
        if step.is_purging {
            prop_assert_eq!(float_text(step.rate), "0.0");
        } else {
            let state = step.state.unwrap();
            prop_assert!((0.0..=target as f64).contains(&state.last_output), "{state:?}");
            prop_assert!((0.0..=target as f64).contains(&state.i_term), "{state:?}");
            prop_assert!(state.p_term.is_finite() && state.d_term.is_finite(), "{state:?}");
            // What was written can be read.
            let read = State::read(&serde_json::from_str(&state.text()).unwrap(), target);
            prop_assert_eq!(read, Some(state));
        }
        let rate = float_text(step.rate).parse::<f64>().unwrap();
        prop_assert_eq!(rate.to_bits(), step.rate.to_bits());
    }

    #[test]
    fn more_backlog_never_raises_the_rate(a in 0u64..5000, b in 0u64..5000, kp in 0.0..50.0) {
        let rate = |backlog| controller(kp, 0.0, 0.0).step(backlog, None, NOW_S).rate;
        prop_assert!(rate(a.max(b)) <= rate(a.min(b)));
    }

    #[test]
    fn any_texts_load_and_what_is_written_back_loads_in_peace(
        texts in proptest::collection::btree_map(0usize..10, "[0-9a-z.{}-]{0,6}|0|1|1000", 0..10),
    ) {
        let key = |at: usize| Parameter::ALL.get(at).map_or(STATE, |parameter| parameter.name());
        let mut texts: BTreeMap<&str, String> =
            texts.into_iter().map(|(at, text)| (key(at), text)).collect();
        let first = load(|key| texts.get(key).map(String::as_bytes));
        prop_assert!(first.sample_rate.is_finite());
        texts.extend(first.writes);
        let second = load(|key| texts.get(key).map(String::as_bytes));
        prop_assert_eq!(second.controller, first.controller.clone());
        if first.controller.is_none() {
            prop_assert_eq!(second.warnings, vec![]);
        }
    }
}
