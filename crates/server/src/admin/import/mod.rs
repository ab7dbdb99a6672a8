//! `ichnaea import`: files come in.

pub mod survey;
