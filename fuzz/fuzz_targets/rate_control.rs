//! Whatever texts the rate controller finds, the rate it sets is a percentage, its state is finite and
//! within its target, and what it writes it can read without a warning.
#![no_main]

use std::collections::HashMap;

use ichnaea_domain::rate_control::{Controller, Parameter, STATE, State, load, sample_rate};
use libfuzzer_sys::fuzz_target;

fn check(state: &State, controller: &Controller) {
    let State { p_term, i_term, d_term, last_output, last_time, .. } = *state;
    let target = controller.target as f64;
    assert!([p_term, d_term, last_time].into_iter().all(f64::is_finite), "{state:?}");
    assert!((0.0..=target).contains(&i_term), "{state:?} of {controller:?}");
    assert!((0.0..=target).contains(&last_output), "{state:?} of {controller:?}");
}

fn steps(controller: &Controller, texts: &HashMap<&'static str, Vec<u8>>) {
    let last = controller.state.map_or(1.7e9, |state| state.last_time);
    for backlog in [0, 1, controller.target, u64::MAX] {
        for history in [None, Some(0), Some(controller.trx_min), Some(u64::MAX)] {
            for now_s in [last, last + 60.0, last - 60.0, last + 1e-300, 1.7e9] {
                let step = controller.step(backlog, history, now_s);
                assert!((0.0..=100.0).contains(&step.rate), "{step:?}");
                assert!(!step.is_purging || step.rate == 0.0, "{step:?}");
                if let Some(state) = step.state.filter(|_| !step.is_purging) {
                    check(&state, controller);
                }
                let mut next = texts.clone();
                next.extend(step.writes().into_iter().map(|(key, text)| (key, text.into_bytes())));
                let again = load(|key| next.get(key).map(Vec::as_slice));
                assert_eq!(again.sample_rate.to_bits(), step.rate.to_bits());
                // While the database purges the state stays as it is, whatever that is.
                let is_new = |key: &str| !(step.is_purging && key == STATE);
                assert!(!again.warnings.iter().any(|warning| is_new(warning.key)), "{again:?}");
                let found = again.controller.expect("it is still on");
                assert_eq!(found.is_purging, step.is_purging);
                // It is read as the double that other writers make of it.
                let read =
                    |state: State| State { last_input: state.last_input as f64 as u64, ..state };
                if !step.is_purging {
                    assert_eq!(found.state.map(read), step.state.map(read));
                }
            }
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    // A line each; no line or an empty one: there is none.
    let mut lines = bytes.split(|&byte| byte == b'\n');
    let names = Parameter::ALL.map(Parameter::name).into_iter().chain([STATE]);
    let mut texts: HashMap<&'static str, Vec<u8>> = names
        .zip(&mut lines)
        .filter(|(_, text)| !text.is_empty())
        .map(|(name, text)| (name, text.to_vec()))
        .collect();
    let loaded = load(|key| texts.get(key).map(Vec::as_slice));
    assert!(loaded.sample_rate.is_finite());
    let text = texts.get(Parameter::SampleRate.name()).map(Vec::as_slice);
    assert_eq!(loaded.sample_rate.to_bits(), sample_rate(text).to_bits());
    for (name, text) in &loaded.writes {
        if let Some(parameter) = Parameter::from_name(name) {
            assert!(parameter.range().read(text).is_some(), "{name} {text}");
        }
    }
    let Some(controller) = loaded.controller else {
        // What was wrong is told once: with what is written instead nothing is any more.
        texts.extend(loaded.writes.into_iter().map(|(key, text)| (key, text.into_bytes())));
        let again = load(|key| texts.get(key).map(Vec::as_slice));
        assert_eq!(again.controller, None);
        return;
    };
    assert!(controller.target >= 1 && controller.trx_min < controller.trx_max, "{controller:?}");
    let gains = [controller.kp, controller.ki, controller.kd];
    assert!(gains.into_iter().all(|gain| gain.is_finite() && gain >= 0.0), "{controller:?}");
    if let Some(state) = &controller.state {
        check(state, &controller);
    }
    texts.extend(loaded.writes.into_iter().map(|(key, text)| (key, text.into_bytes())));
    steps(&controller, &texts);
});
