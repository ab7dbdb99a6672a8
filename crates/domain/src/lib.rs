//! The rules of network geolocation: values in, values out.
//!
//! Nothing here does I/O, reads a clock, draws a random number, logs or counts. Time and chance
//! come in as arguments, and what happened goes out as a value. That is what makes every rule
//! testable by a table.

pub mod api_key;
pub mod area;
pub mod cell;
pub mod cell_file;
pub mod datamap;
pub mod downloads;
pub mod export;
pub mod geo;
pub mod geoip;
pub mod import;
pub mod locate;
pub mod mac;
pub mod observation;
pub mod rate_control;
pub mod reading;
pub mod region;
pub mod report;
pub mod score;
pub mod station;
pub mod station_file;
pub mod stats;
pub mod transition;
mod wire;
