//! The Ichnaea service: HTTP, tasks, scheduler and commands on top of the rules in `domain`.
//!
//! This floor wires everything and is the only one that decides what a failure means.

pub mod admin;
pub mod api;
pub mod assets;
pub mod backup;
pub mod breaker;
pub mod cell_export;
pub mod cli;
pub mod clock;
pub mod config;
pub mod context;
pub mod coverage;
pub mod datamap;
pub mod demo;
pub mod downloads;
pub mod fault;
pub mod file_part;
pub mod geoip;
pub mod host;
pub mod http;
pub mod json;
pub mod keys;
pub mod locate;
pub mod logging;
pub mod metrics;
pub mod objects;
pub mod openapi;
pub mod programs;
pub mod roles;
pub mod seen;
pub mod sentry;
pub mod site;
pub mod stats;
pub mod tasks;
mod turn;
