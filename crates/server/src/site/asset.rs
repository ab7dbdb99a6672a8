//! Addresses of the files that pages refer to.

/// The address of a bundle or picture below `/static/`.
#[must_use]
pub fn asset(name: &str) -> String {
    format!("/static/{name}")
}
