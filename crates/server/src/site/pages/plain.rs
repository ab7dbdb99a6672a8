//! Pages that are nothing but text, some of which an operator may replace.

use askama::Template;

use super::{Away, filled};
use crate::site::Frame;

/// A text of the operator in our frame.
#[derive(Template)]
#[template(path = "own.html")]
struct Own<'a> {
    frame: &'a Frame<'a>,
    text: &'a str,
}

#[derive(Template)]
#[template(path = "contact.html")]
struct Contact<'a> {
    frame: &'a Frame<'a>,
}

#[derive(Template)]
#[template(path = "optout.html")]
struct Optout<'a> {
    frame: &'a Frame<'a>,
}

#[derive(Template)]
#[template(path = "privacy.html")]
struct Privacy<'a> {
    frame: &'a Frame<'a>,
}

#[derive(Template)]
#[template(path = "terms.html")]
struct Terms<'a> {
    frame: &'a Frame<'a>,
}

#[derive(Template)]
#[template(path = "not_found.html")]
struct NotFound<'a> {
    frame: &'a Frame<'a>,
}

#[derive(Template)]
#[template(path = "unavailable.html")]
struct Unavailable<'a> {
    frame: &'a Frame<'a>,
}

pub fn contact(frame: &Frame<'_>) -> Result<String, Away> {
    own_or(frame, "contact", &Contact { frame })
}

pub fn optout(frame: &Frame<'_>) -> Result<String, Away> {
    own_or(frame, "optout", &Optout { frame })
}

pub fn privacy(frame: &Frame<'_>) -> Result<String, Away> {
    own_or(frame, "privacy", &Privacy { frame })
}

pub fn terms(frame: &Frame<'_>) -> Result<String, Away> {
    own_or(frame, "terms", &Terms { frame })
}

pub fn not_found(frame: &Frame<'_>) -> Result<String, Away> {
    filled(&NotFound { frame })
}

pub fn unavailable(frame: &Frame<'_>) -> Result<String, Away> {
    filled(&Unavailable { frame })
}

/// The operator's text, or else ours.
fn own_or(frame: &Frame<'_>, name: &str, ours: &impl Template) -> Result<String, Away> {
    match frame.site.text(name) {
        Some(text) => filled(&Own { frame, text }),
        None => filled(ours),
    }
}
