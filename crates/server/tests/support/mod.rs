//! The real service in the process of a test, on backends of its own, and a client that sends
//! exactly what it is told.

pub mod app;
pub mod client;
