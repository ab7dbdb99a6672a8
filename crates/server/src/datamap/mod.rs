//! The data map: coverage as tiles.

pub mod draw;
pub mod progress;
