//! How an operation becomes a part of the document.

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::header::Header;
use utoipa::openapi::path::{
    HttpMethod, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, PathItem,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Content, Ref, RefOr, Required, Response, Schema};

use crate::api::ApiError;

/// One way to ask for something.
pub struct Operation {
    /// The path.
    pub path: &'static str,
    /// Its methods; the second, if any, asks without a body.
    pub methods: &'static [HttpMethod],
    /// A name for generators of clients.
    pub id: &'static str,
    /// Its group.
    pub tag: &'static str,
    /// A few words.
    pub summary: &'static str,
    /// More about it.
    pub description: &'static str,
    /// Its parameters.
    pub parameters: Vec<Parameter>,
    /// Its body: the name of its type, and examples.
    pub body: Option<(&'static str, Vec<Sample>)>,
    /// What it answers when all is well, or not well and yet not an error of the API.
    pub answers: Vec<Answer>,
    /// The errors it may answer.
    pub errors: Vec<ApiError>,
}

/// An example: a name, a few words, and a body.
pub type Sample = (&'static str, &'static str, Value);

/// An answer.
pub struct Answer {
    /// Status.
    pub status: u16,
    /// What it means.
    pub meaning: &'static str,
    /// Media types, each with the name of the type of its body.
    pub content: Vec<(&'static str, Option<&'static str>)>,
    /// Names of further headers with what they say.
    pub headers: Vec<(&'static str, &'static str)>,
}

impl Answer {
    /// JSON of a type.
    pub fn json(status: u16, meaning: &'static str, schema: &'static str) -> Self {
        let content = vec![("application/json", Some(schema))];
        Self { status, meaning, content, headers: Vec::new() }
    }

    /// The same, with a header.
    pub fn with(mut self, name: &'static str, says: &'static str) -> Self {
        self.headers.push((name, says));
        self
    }
}

impl Operation {
    /// Its part of the document.
    pub fn item(&self) -> PathItem {
        let mut item = PathItem::default();
        for (index, method) in self.methods.iter().enumerate() {
            let operation = self.operation(index == 0).build();
            match method {
                HttpMethod::Post => item.post = Some(operation),
                _ => item.get = Some(operation),
            }
        }
        item
    }

    fn operation(&self, is_first: bool) -> OperationBuilder {
        let id = if is_first { self.id.to_owned() } else { format!("{}ByAddress", self.id) };
        let mut operation = OperationBuilder::new()
            .tag(self.tag)
            .summary(Some(self.summary))
            .description(Some(self.description))
            .operation_id(Some(id))
            .parameters(Some(self.parameters.iter().cloned()));
        if is_first && let Some((schema, samples)) = &self.body {
            let examples = samples.iter().map(|(name, summary, value)| {
                let example = ExampleBuilder::new().summary(*summary).value(Some(value.clone()));
                (*name, example.build())
            });
            let content = ContentBuilder::new().schema(Some(reference(schema)));
            let content = content.examples_from_iter(examples).build();
            let body = RequestBodyBuilder::new().content("application/json", content).build();
            let gzip = header_parameter("Content-Encoding", "Set to `gzip` for a compressed body.");
            operation = operation.request_body(Some(body)).parameter(gzip);
        }
        for answer in &self.answers {
            operation = operation.response(answer.status.to_string(), response(answer));
        }
        for (status, errors) in by_status(&self.errors) {
            operation = operation.response(status.to_string(), refusal(&errors));
        }
        operation
    }
}

fn by_status(errors: &[ApiError]) -> BTreeMap<u16, Vec<&ApiError>> {
    let mut by_status = BTreeMap::<u16, Vec<&ApiError>>::new();
    for error in errors {
        by_status.entry(error.status().as_u16()).or_default().push(error);
    }
    by_status
}

fn response(answer: &Answer) -> Response {
    let mut response = Response::new(answer.meaning);
    for (media_type, schema) in &answer.content {
        let content = Content::new(schema.map(reference));
        response.content.insert((*media_type).to_owned(), content.into());
    }
    for (name, says) in &answer.headers {
        response.headers.insert((*name).to_owned(), header(says).into());
    }
    response
}

/// All errors of one status, each as an example.
fn refusal(errors: &[&ApiError]) -> Response {
    let meanings: Vec<_> = errors.iter().map(|error| error.meaning()).collect();
    let mut response = Response::new(meanings.join(" "));
    let examples = errors.iter().map(|error| {
        let body = serde_json::from_str(&error.body()).ok();
        (error.label(), ExampleBuilder::new().summary(error.meaning()).value(body).build())
    });
    let content = ContentBuilder::new().schema(Some(reference("Refused")));
    let content = content.examples_from_iter(examples).build();
    response.content.insert("application/json".to_owned(), content.into());
    if errors.iter().any(|error| error.retry_after().is_some()) {
        let header = header("Seconds after which it makes sense to ask again.");
        response.headers.insert("Retry-After".to_owned(), header.into());
    }
    response
}

fn reference(schema: &str) -> RefOr<Schema> {
    Ref::from_schema_name(schema).into()
}

fn header(says: &str) -> Header {
    let mut header = Header::default();
    header.description = Some(says.to_owned());
    header
}

/// A parameter of the address.
pub fn parameter(
    name: &str,
    is_required: bool,
    description: &str,
    schema: impl Into<RefOr<Schema>>,
    example: impl Into<Value>,
) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(if is_required { Required::True } else { Required::False })
        .description(Some(description))
        .schema(Some(schema))
        .example(Some(example.into()))
        .build()
}

fn header_parameter(name: &str, description: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(words(&["gzip"])))
        .build()
}

/// Text.
pub fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

/// One of some words.
pub fn words(words: &[&str]) -> ObjectBuilder {
    text().enum_values(Some(words.iter().copied()))
}
