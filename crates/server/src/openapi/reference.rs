//! The document as a page shows it: `/api/reference` is filled from this, so that it says nothing that
//! the document does not say.

use std::sync::LazyLock;

use askama::Template;

use crate::json::{self, Value};

/// The groups of operations, and the types they refer to.
#[derive(Debug)]
pub struct Reference {
    /// The groups, in order.
    pub groups: Vec<Group>,
    /// The types, by name.
    pub types: Vec<Type>,
}

/// Operations with something in common.
#[derive(Debug)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// One sentence.
    pub description: String,
    /// What can be asked.
    pub operations: Vec<Operation>,
}

/// One way to ask.
#[derive(Debug)]
pub struct Operation {
    /// Its name, unique in the document.
    pub id: String,
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// A few words.
    pub summary: String,
    /// More about it.
    pub description: String,
    /// Its parameters.
    pub parameters: Vec<Field>,
    /// The type of its body.
    pub body: Option<String>,
    /// What goes behind the address of the site to try it, and bodies to send there.
    pub target: String,
    /// Bodies.
    pub examples: Vec<Example>,
    /// What it answers.
    pub answers: Vec<Answer>,
}

/// An example body.
#[derive(Debug)]
pub struct Example {
    /// A few words.
    pub title: String,
    /// The body.
    pub json: String,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: String,
    /// What it means.
    pub description: String,
    /// Media types, each with the type of the body if it has one here.
    pub content: Vec<(String, Option<String>)>,
    /// Headers and what they say.
    pub headers: Vec<(String, String)>,
    /// Bodies.
    pub examples: Vec<Example>,
}

/// A type.
#[derive(Debug)]
pub struct Type {
    /// Its name.
    pub name: String,
    /// What it is.
    pub description: String,
    /// Its members.
    pub fields: Vec<Field>,
    /// Its words, if it is a vocabulary.
    pub words: Vec<String>,
}

/// A member or parameter.
#[derive(Debug)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What it may be.
    pub kind: Kind,
    /// Must it be there?
    pub is_required: bool,
    /// What it means.
    pub description: String,
}

/// What a member may be.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Kind {
    /// In words, without the name of a type.
    pub words: String,
    /// The name of the type it refers to.
    pub refers_to: Option<String>,
}

static REFERENCE: LazyLock<Reference> = LazyLock::new(|| {
    let document = json::parse(super::json()).unwrap_or(Value::Null);
    Reference::of(&document)
});

/// The document as a page shows it.
#[must_use]
pub fn reference() -> &'static Reference {
    &REFERENCE
}

/// The text of the page, without what stands around every page.
#[derive(Template)]
#[template(path = "reference_body.html")]
pub struct Body<'a> {
    /// What it shows.
    pub reference: &'a Reference,
    /// Address of the site, for lines that people copy.
    pub base: &'a str,
}

impl Reference {
    fn of(document: &Value<'_>) -> Self {
        let operations: Vec<(String, Operation)> = members(document.get("paths"))
            .flat_map(|(path, item)| {
                // Those with a body first.
                members(Some(item)).rev().map(move |(method, operation)| {
                    let tags = operation.get("tags").map(elements).unwrap_or_default();
                    let tag = tags.first().map(|tag| plain(tag)).unwrap_or_default();
                    (tag, Operation::of(path, method, operation))
                })
            })
            .collect();
        let mut operations = operations;
        let group = |tag: &Value<'_>| {
            let name = text(tag, "name");
            let here = operations.extract_if(.., |(tag, _)| *tag == name);
            let here = here.map(|(_, operation)| operation).collect();
            Group { name, description: text(tag, "description"), operations: here }
        };
        let groups = document.get("tags").map(elements).unwrap_or_default();
        let groups = groups.iter().map(group).collect();
        let schemas = document.get("components").and_then(|parts| parts.get("schemas"));
        let types = members(schemas).map(|(name, schema)| Type::of(name, schema)).collect();
        Self { groups, types }
    }
}

impl Operation {
    fn of(path: &str, method: &str, operation: &Value<'_>) -> Self {
        let parameters = operation.get("parameters").map(elements).unwrap_or_default();
        let query = parameters.iter().filter(|one| text(one, "in") == "query").map(|one| {
            let example = one.get("example").map(plain).unwrap_or_default();
            format!("{}={example}", text(one, "name"))
        });
        let query = query.collect::<Vec<_>>().join("&");
        let body = operation.get("requestBody").and_then(json_content);
        let answers = members(operation.get("responses"));
        Self {
            id: text(operation, "operationId"),
            method: method.to_ascii_uppercase(),
            path: path.to_owned(),
            summary: text(operation, "summary"),
            description: text(operation, "description"),
            parameters: parameters.iter().map(parameter).collect(),
            body: body
                .and_then(|body| body.get("schema"))
                .and_then(|kind| Kind::of(kind).refers_to),
            target: if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") },
            examples: body.map(examples).unwrap_or_default(),
            answers: answers.map(|(status, answer)| Answer::of(status, answer)).collect(),
        }
    }
}

impl Answer {
    fn of(status: &str, answer: &Value<'_>) -> Self {
        let content = members(answer.get("content")).map(|(media_type, content)| {
            let schema = content.get("schema").and_then(|schema| Kind::of(schema).refers_to);
            (media_type.to_owned(), schema)
        });
        let headers = members(answer.get("headers"));
        Self {
            status: status.to_owned(),
            description: text(answer, "description"),
            content: content.collect(),
            headers: headers
                .map(|(name, header)| (name.to_owned(), text(header, "description")))
                .collect(),
            examples: json_content(answer).map(examples).unwrap_or_default(),
        }
    }
}

impl Type {
    fn of(name: &str, schema: &Value<'_>) -> Self {
        let words = schema.get("enum").map(elements).unwrap_or_default();
        Self {
            name: name.to_owned(),
            description: text(schema, "description"),
            fields: fields(schema),
            words: words.iter().map(plain).collect(),
        }
    }
}

/// The members of a type, with those of the types it is put together from.
fn fields(schema: &Value<'_>) -> Vec<Field> {
    let required = schema.get("required").map(elements).unwrap_or_default();
    let is_required = |name: &str| required.iter().any(|one| plain(one) == name);
    let own = members(schema.get("properties")).map(|(name, member)| Field {
        name: name.to_owned(),
        kind: Kind::of(member),
        is_required: is_required(name),
        description: text(member, "description"),
    });
    let parts = schema.get("allOf").map(elements).unwrap_or_default();
    let of_parts = parts.iter().flat_map(|part| {
        let kind = Kind::of(part);
        if kind.refers_to.is_some() {
            let name = "all of".to_owned();
            vec![Field { name, kind, is_required: false, description: text(part, "description") }]
        } else {
            fields(part)
        }
    });
    own.chain(of_parts).collect()
}

fn parameter(parameter: &Value<'_>) -> Field {
    Field {
        name: text(parameter, "name"),
        kind: parameter.get("schema").map(Kind::of).unwrap_or_default(),
        is_required: matches!(parameter.get("required"), Some(Value::Bool(true))),
        description: match text(parameter, "in").as_str() {
            "header" => format!("A header. {}", text(parameter, "description")),
            _ => text(parameter, "description"),
        },
    }
}

impl Kind {
    fn of(schema: &Value<'_>) -> Self {
        if let Some(reference) = schema.get("$ref") {
            let name = plain(reference).rsplit('/').next().map(str::to_owned);
            return Self { words: String::new(), refers_to: name };
        }
        if let Some(words) = schema.get("enum") {
            let words = elements(words).iter().map(plain).collect::<Vec<_>>().join(", ");
            return Self { words: format!("one of {words}"), refers_to: None };
        }
        // Null or something, or something with a description of its own.
        for of in ["oneOf", "allOf", "anyOf"] {
            let parts = schema.get(of).map(elements).unwrap_or_default();
            let part = parts.iter().map(Self::of).find(|part| part.refers_to.is_some());
            if let Some(part) = part {
                return part;
            }
        }
        let names = match schema.get("type") {
            Some(Value::List(types)) => types.iter().map(plain).collect(),
            Some(one) => vec![plain(one)],
            None => Vec::new(),
        };
        let is_nullable = names.iter().any(|name| name == "null");
        let name = names.into_iter().find(|name| name != "null").unwrap_or_default();
        let (mut words, mut refers_to) = (name, None);
        if words == "array" {
            let of = schema.get("items").map(Self::of).unwrap_or_default();
            words = if of.words.is_empty() {
                "list of".to_owned()
            } else {
                format!("list of {}", of.words)
            };
            refers_to = of.refers_to;
        }
        if is_nullable && !words.is_empty() {
            words.push_str(" or null");
        }
        Self { words, refers_to }
    }
}

fn json_content<'v>(of: &'v Value<'v>) -> Option<&'v Value<'v>> {
    of.get("content")?.get("application/json")
}

fn examples(content: &Value<'_>) -> Vec<Example> {
    let example = |(_, example): (&str, &Value<'_>)| Example {
        title: text(example, "summary"),
        json: example.get("value").map(written).unwrap_or_default(),
    };
    members(content.get("examples")).map(example).collect()
}

fn members<'v>(
    value: Option<&'v Value<'v>>,
) -> impl DoubleEndedIterator<Item = (&'v str, &'v Value<'v>)> {
    let members = match value {
        Some(Value::Object(members)) => members.as_slice(),
        _ => &[],
    };
    members.iter().map(|(name, member)| (name.as_ref(), member))
}

fn elements<'v>(value: &'v Value<'v>) -> &'v [Value<'v>] {
    match value {
        Value::List(elements) => elements,
        _ => &[],
    }
}

fn text(of: &Value<'_>, name: &str) -> String {
    of.get(name).map(plain).unwrap_or_default()
}

/// A text as it is, anything else as JSON.
fn plain(value: &Value<'_>) -> String {
    match value {
        Value::Text(text) => text.to_string(),
        other => written(other),
    }
}

/// A value as JSON in one line.
fn written(value: &Value<'_>) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => json::float(*number),
        Value::Text(text) => crate::api::quoted(text),
        Value::List(items) => {
            format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(", "))
        }
        Value::Object(members) => {
            let member = |(name, value): &(std::borrow::Cow<'_, str>, Value<'_>)| {
                format!("{}: {}", crate::api::quoted(name), written(value))
            };
            format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_shows_every_operation_type_and_error_of_the_document() {
        let reference = reference();
        let document: serde_json::Value = serde_json::from_str(crate::openapi::json()).unwrap();
        let operations: usize = reference.groups.iter().map(|group| group.operations.len()).sum();
        let paths = document["paths"].as_object().unwrap().values();
        let expected: usize = paths.map(|item| item.as_object().unwrap().len()).sum();
        assert_eq!(operations, expected);
        let schemas = document["components"]["schemas"].as_object().unwrap();
        assert_eq!(reference.types.len(), schemas.len());
        for shown in &reference.types {
            assert!(!shown.description.is_empty(), "{}", shown.name);
            let has_something = !shown.fields.is_empty() || !shown.words.is_empty();
            assert!(has_something || shown.name == "Nothing", "{}", shown.name);
            for field in &shown.fields {
                let kind = &field.kind;
                assert!(!kind.words.is_empty() || kind.refers_to.is_some(), "{field:?}");
                let is_known = |name: &String| schemas.contains_key(name);
                assert!(kind.refers_to.as_ref().is_none_or(is_known), "{field:?}");
                let says_something = !field.description.is_empty() || kind.refers_to.is_some();
                assert!(says_something, "{}: {field:?}", shown.name);
            }
        }
        let first = &reference.groups[0].operations[0];
        assert_eq!((first.method.as_str(), first.path.as_str()), ("POST", "/v1/geolocate"));
        assert_eq!(first.target, "/v1/geolocate?key=your-key");
        assert_eq!(first.body.as_deref(), Some("LocateRequest"));
        let is_list = |example: &Example| example.json.starts_with("{\"wifiAccessPoints\": [");
        assert!(first.examples.iter().any(is_list));
        let refused = first.answers.iter().flat_map(|answer| &answer.examples);
        assert!(refused.count() >= 7);

        let body = Body { reference, base: "https://geo.example" }.render().unwrap();
        for part in [
            "<article id=\"geolocate\"",
            "<a href=\"#type-LocateRequest\">",
            "https://geo.example/v1/geolocate?key=your-key",
            "keyNotAllowed",
            "<article id=\"type-Refused\">",
        ] {
            assert!(body.contains(part), "{part}");
        }
        assert!(!body.contains("<script") && !body.contains("style="));
    }
}
