//! How much is learned from position queries, so that the pipeline keeps up.
//!
//! Once a minute the controller compares the backlog of observations with the one an operator
//! wants, and sets the percentage of queries to learn from: a PID controller, of which only the
//! proportional part is at work unless the operator asks for more. While the database has many old
//! row versions to purge, nothing is learned at all.
//!
//! Everything the controller knows is kept as texts in the key-value store, under the names of the
//! original, so that its processes and ours can take turns. Time is that of the wall clock, which
//! all hosts share; where it cannot be a length of time between two steps (it was set back, or a
//! state of the original holds its machine's own count of seconds) the step is done as if no time
//! had passed.

mod parameter;
#[cfg(test)]
mod tests;

pub use parameter::{Number, Parameter, Range};
use serde::Serialize;
use serde_json::Value;

/// The key under which the state is kept, as JSON.
pub const STATE: &str = "rate_controller_state";

/// The state of a controller that is off.
const NO_STATE: &str = "{}";

/// The longest time between two steps that says something, in seconds. A controller that has not
/// run for longer knows nothing about how the backlog came to be.
const LONGEST_STEP_S: f64 = 3600.0;

/// What was found in the key-value store.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The percentage of queries that are learned from now.
    pub sample_rate: f64,
    /// The controller, when it is on and all it needs is there.
    pub controller: Option<Controller>,
    /// Keys and texts to write, so that an operator sees what counts.
    pub writes: Vec<(&'static str, String)>,
    /// What an operator should know.
    pub warnings: Vec<Warning>,
}

/// A text that could not be used, or was missing where there is no good default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The key.
    pub key: &'static str,
    /// The text that was found; `None` where there was none.
    pub found: Option<String>,
    /// What is possible.
    pub wanted: &'static str,
    /// The text that counts from now on.
    pub now: &'static str,
}

/// A controller that can do a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Controller {
    /// Wanted backlog of observations; at least 1.
    pub target: u64,
    /// Proportional gain.
    pub kp: f64,
    /// Integral gain, per second.
    pub ki: f64,
    /// Derivative gain, seconds.
    pub kd: f64,
    /// Nothing was learned since the last step, so that the database can purge.
    pub is_purging: bool,
    /// Transaction history below which learning goes on.
    pub trx_min: u64,
    /// Transaction history above which learning pauses.
    pub trx_max: u64,
    /// What the last step left; `None` before the first.
    pub state: Option<State>,
}

/// What one step leaves for the next.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct State {
    /// The proportional term.
    pub p_term: f64,
    /// The integral term, from 0 to the target.
    pub i_term: f64,
    /// The derivative term.
    pub d_term: f64,
    /// How many more observations are wanted, from 0 to the target.
    pub last_output: f64,
    /// The backlog.
    pub last_input: u64,
    /// When, seconds since 1970.
    pub last_time: f64,
}

/// What a step decides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// The percentage of queries to learn from, 0 to 100.
    pub rate: f64,
    /// Nothing is learned, so that the database can purge.
    pub is_purging: bool,
    /// What the next step needs; unchanged while the database purges.
    pub state: Option<State>,
}

/// Reads the controller from its texts; `text` gives the one under a key.
pub fn load<'a>(text: impl Fn(&'static str) -> Option<&'a [u8]>) -> Loaded {
    let mut reading = Reading { text, writes: Vec::new(), warnings: Vec::new(), disables: false };
    let sample_rate = reading.sample_rate();
    let controller = if reading.is_enabled() { reading.controller() } else { None };
    if controller.is_none() {
        reading.writes.push((STATE, NO_STATE.to_owned()));
    }
    let Reading { writes, warnings, .. } = reading;
    Loaded { sample_rate, controller, writes, warnings }
}

/// The work of [`load`].
struct Reading<F> {
    text: F,
    writes: Vec<(&'static str, String)>,
    warnings: Vec<Warning>,
    /// Something is wrong that turns the controller off.
    disables: bool,
}

impl<'a, F: Fn(&'static str) -> Option<&'a [u8]>> Reading<F> {
    /// Nothing is written back here: an operator's mistake stays to be seen.
    fn sample_rate(&self) -> f64 {
        sample_rate((self.text)(Parameter::SampleRate.name()))
    }

    fn is_enabled(&mut self) -> bool {
        self.needed(Parameter::Enabled, |number| number == 1 || number == 0) == 1
    }

    /// All parameters are read even when one is wrong, so that all mistakes are told at once.
    fn controller(&mut self) -> Option<Controller> {
        // With nothing to wait for there is nothing to control.
        let target = self.needed(Parameter::Target, |target| target > 0);
        let kp = self.optional(Parameter::Kp, |_| true).real();
        let ki = self.optional(Parameter::Ki, |_| true).real();
        let kd = self.optional(Parameter::Kd, |_| true).real();
        let is_purging = self.optional(Parameter::TrxPurging, |_| true).whole() == 1;
        let trx_min = self.optional(Parameter::TrxMin, |_| true).whole();
        let trx_max = self.optional(Parameter::TrxMax, |max| max.whole() > trx_min).whole();
        if self.disables {
            self.write(Parameter::Enabled);
            return None;
        }
        let state = self.state(target);
        Some(Controller { target, kp, ki, kd, is_purging, trx_min, trx_max, state })
    }

    /// A whole number that has to be given; without it the controller is off.
    fn needed(&mut self, parameter: Parameter, is_possible: impl Fn(u64) -> bool) -> u64 {
        let found = (self.text)(parameter.name());
        let number = found.and_then(|text| read(parameter, text)).map(Number::whole);
        if let Some(number) = number.filter(|&number| is_possible(number)) {
            return number;
        }
        self.warn(parameter, found);
        self.write(parameter);
        self.disables = true;
        0
    }

    /// A number with a good default. A wrong one turns the controller off, an absent one does not, as
    /// long as the default goes with the other parameters.
    fn optional(&mut self, parameter: Parameter, is_possible: impl Fn(Number) -> bool) -> Number {
        let found = (self.text)(parameter.name());
        if let Some(text) = found {
            if let Some(number) = read(parameter, text).filter(|&number| is_possible(number)) {
                return number;
            }
            self.warn(parameter, found);
            self.disables = true;
        }
        self.write(parameter);
        let default = parameter.default_text().as_bytes();
        let number = read(parameter, default).unwrap_or(Number::Whole(0));
        // Once it is written it would be a mistake like any other: better now than a minute later.
        if found.is_none() && !is_possible(number) {
            self.warn(parameter, None);
            self.disables = true;
        }
        number
    }

    /// A state that cannot be read is forgotten: better a controller that begins anew than one
    /// that stands still until somebody finds out.
    fn state(&mut self, target: u64) -> Option<State> {
        let text = (self.text)(STATE)?;
        let Ok(json) = serde_json::from_slice(text) else {
            let found = Some(String::from_utf8_lossy(text).into_owned());
            self.warnings.push(Warning { key: STATE, found, wanted: "JSON", now: NO_STATE });
            return None;
        };
        State::read(&json, target)
    }

    fn write(&mut self, parameter: Parameter) {
        self.writes.push((parameter.name(), parameter.default_text().to_owned()));
    }

    fn warn(&mut self, parameter: Parameter, found: Option<&[u8]>) {
        let wanted = match parameter {
            Parameter::Target => "a whole number, 1 or more while the controller is on",
            Parameter::TrxMax => "a whole number above rate_controller_trx_min",
            other => other.range().text(),
        };
        self.warnings.push(Warning {
            key: parameter.name(),
            found: found.map(|text| String::from_utf8_lossy(text).into_owned()),
            wanted,
            now: parameter.default_text(),
        });
    }
}

/// The percentage of queries to learn from that an operator or the controller has set: everything
/// where it is no number.
#[must_use]
pub fn sample_rate(text: Option<&[u8]>) -> f64 {
    text.and_then(|text| read(Parameter::SampleRate, text)).map_or(100.0, Number::real)
}

fn read(parameter: Parameter, text: &[u8]) -> Option<Number> {
    parameter.range().read(std::str::from_utf8(text).ok()?)
}

impl State {
    /// The state of a controller that was running; `None` for any other, and for one of which a
    /// part is missing.
    fn read(json: &Value, target: u64) -> Option<Self> {
        if json.get("state")?.as_str()? != "running" {
            return None;
        }
        let number = |name| json.get(name)?.as_f64();
        let top = target as f64;
        Some(Self {
            p_term: number("p_term")?,
            i_term: number("i_term")?.clamp(0.0, top),
            d_term: number("d_term")?,
            last_output: number("last_output")?.clamp(0.0, top),
            last_input: Number::Real(number("last_input")?).whole(),
            last_time: number("last_time")?,
        })
    }

    fn text(&self) -> String {
        #[derive(Serialize)]
        struct Running<'a> {
            state: &'static str,
            #[serde(flatten)]
            terms: &'a State,
        }
        let running = Running { state: "running", terms: self };
        serde_json::to_string(&running).unwrap_or_else(|_| NO_STATE.to_owned())
    }
}

impl Controller {
    /// Decides from the backlog of observations and, where the database tells it, the length of its
    /// transaction history; `now_s` is in seconds since 1970.
    #[must_use]
    pub fn step(&self, backlog: u64, history: Option<u64>, now_s: f64) -> Step {
        if self.must_purge(history) {
            return Step { rate: 0.0, is_purging: true, state: self.state };
        }
        let target = self.target as f64;
        let input = backlog as f64;
        let error = target - input;
        let old_i = self.state.map_or(0.0, |state| state.i_term);
        // Without a known time since the last step neither the lasting distance nor the change can
        // be told.
        let (dt, d_input) = match self.since_last_step(now_s) {
            Some((dt, last_input)) => (dt, input - last_input as f64),
            None => (0.0, 0.0),
        };
        let p_term = finite(self.kp * error);
        let i_term = finite(old_i + finite(self.ki * error * dt)).clamp(0.0, target);
        let d_term = if dt > 0.0 { finite(-self.kd * d_input / dt) } else { 0.0 };
        let last_output = finite(p_term + i_term + d_term).clamp(0.0, target);
        let rate = 100.0 * (last_output / target.max(1.0)).clamp(0.0, 1.0);
        let state =
            State { p_term, i_term, d_term, last_output, last_input: backlog, last_time: now_s };
        Step { rate, is_purging: false, state: Some(state) }
    }

    /// Purging begins above the upper bound and goes on until the lower one is reached. Where the
    /// length is not known, because the database has none or the account may not see it, nobody
    /// could ever tell that purging is over: so it is.
    fn must_purge(&self, history: Option<u64>) -> bool {
        history.is_some_and(|length| {
            length > self.trx_max || (self.is_purging && length >= self.trx_min)
        })
    }

    /// Seconds since the last step and the backlog then.
    fn since_last_step(&self, now_s: f64) -> Option<(f64, u64)> {
        let last = self.state?;
        let dt = now_s - last.last_time;
        (dt > 0.0 && dt <= LONGEST_STEP_S).then_some((dt, last.last_input))
    }
}

impl Step {
    /// Keys and texts to write, all at once.
    #[must_use]
    pub fn writes(&self) -> Vec<(&'static str, String)> {
        let mut writes = vec![
            (Parameter::SampleRate.name(), float_text(self.rate)),
            (Parameter::TrxPurging.name(), u8::from(self.is_purging).to_string()),
        ];
        if let (false, Some(state)) = (self.is_purging, &self.state) {
            writes.push((STATE, state.text()));
        }
        writes
    }
}

/// Huge gains times huge distances stay numbers.
const fn finite(number: f64) -> f64 {
    if number.is_nan() { 0.0 } else { number.clamp(f64::MIN, f64::MAX) }
}

/// The shortest text that is read back as this number, as the original writes it: `100.0`, `1e-05`.
fn float_text(number: f64) -> String {
    let text = format!("{number:?}");
    match text.split_once('e') {
        Some((digits, exponent)) => match exponent.strip_prefix('-') {
            Some(exponent) => format!("{digits}e-{exponent:0>2}"),
            None => format!("{digits}e+{exponent:0>2}"),
        },
        None => text,
    }
}
