//! The document for programs: OpenAPI 3.1.

use canonical_model::{Error, Result};
use utoipa::openapi::path::{HttpMethod, Operation, OperationBuilder, PathItem};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, OpenApiBuilder, PathsBuilder, Required, Server,
};

use super::parameters;
use super::said::{Described, Takes, rights};

/// The name of the scheme by which a token is sent.
const TOKEN: &str = "token";
/// The name of the scheme by which a client proves itself.
const CLIENT: &str = "client";

/// The document's text.
///
/// # Errors
/// Internal where it cannot be written.
pub(super) fn write(described: &[Described]) -> Result<String> {
    let info = InfoBuilder::new()
        .title("CareBridge")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "FHIR R4 below /fhir, the authorization server below /auth. What each type offers is in /fhir/metadata.",
        ));
    let token = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    let client = SecurityScheme::Http(Http::new(HttpAuthScheme::Basic));
    let components =
        ComponentsBuilder::new().security_scheme(TOKEN, token).security_scheme(CLIENT, client);
    let mut paths = PathsBuilder::new();
    for one in described {
        if let Some(method) = method(&one.route.method) {
            paths = paths.path(&*one.route.path, PathItem::new(method, operation(one)));
        }
    }
    let document = OpenApiBuilder::new()
        .info(info)
        .servers(Some([Server::new("/")]))
        .paths(paths)
        .components(Some(components.build()))
        .build();
    document.to_json().map_err(Error::internal)
}

fn method(method: &http::Method) -> Option<HttpMethod> {
    match method.as_str() {
        "GET" => Some(HttpMethod::Get),
        "HEAD" => Some(HttpMethod::Head),
        "POST" => Some(HttpMethod::Post),
        "PUT" => Some(HttpMethod::Put),
        "PATCH" => Some(HttpMethod::Patch),
        "DELETE" => Some(HttpMethod::Delete),
        _ => None,
    }
}

fn operation(one: &Described) -> Operation {
    let Described { route, said } = one;
    let is_head = route.method == http::Method::HEAD;
    let mut operation = OperationBuilder::new()
        .tag(said.part.title())
        .operation_id(Some(name(&route.method, &route.path)))
        .summary(Some(said.summary))
        .description(Some(format!("Asks for {}.", rights(&route.rule))))
        .request_body(body(said.takes));
    let parameters = parameters::of(one);
    if !parameters.is_empty() {
        operation = operation.parameters(Some(parameters));
    }
    for (status, meaning, types) in said.gives.answers() {
        let types: &[&str] = if is_head { &[] } else { types };
        operation = operation.response(*status, response(meaning, types));
    }
    let types = if is_head { &[] } else { said.part.refusals() };
    operation = operation.response("default", response("Refused, with the reason.", types));
    match security(&route.rule) {
        Some(security) => operation.security(security).build(),
        None => operation.build(),
    }
}

/// `get-fhir-type-id`.
fn name(method: &http::Method, path: &str) -> String {
    let words = path.split(|it: char| !it.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let method = method.as_str().to_ascii_lowercase();
    let marks = if path.contains("/_") { "-of" } else { "" };
    words.fold(format!("{method}{marks}"), |name, word| format!("{name}-{word}"))
}

fn security(rule: &str) -> Option<SecurityRequirement> {
    match rule.split_once(' ').unwrap_or((rule, "")) {
        ("granted", letters) => {
            Some(SecurityRequirement::new(TOKEN, [format!("system/*.{letters}")]))
        }
        ("record", letters) => {
            Some(SecurityRequirement::new(TOKEN, [format!("system/AuditEvent.{letters}")]))
        }
        ("entries" | "registered" | "registrar", _) => {
            Some(SecurityRequirement::new(TOKEN, Vec::<String>::new()))
        }
        ("client", _) => Some(SecurityRequirement::new(CLIENT, Vec::<String>::new())),
        _ => None,
    }
}

fn body(takes: Takes) -> Option<RequestBody> {
    let types = takes.media();
    if types.is_empty() {
        return None;
    }
    let needed = if takes == Takes::Judged { Required::False } else { Required::True };
    let mut body = RequestBodyBuilder::new().required(Some(needed));
    for name in types {
        body = body.content(*name, ContentBuilder::new().schema(Some(schema(name))).build());
    }
    Some(body.build())
}

fn response(meaning: &str, types: &[&str]) -> Response {
    types
        .iter()
        .fold(ResponseBuilder::new().description(meaning), |response, name| {
            response.content(*name, ContentBuilder::new().schema(Some(schema(name))).build())
        })
        .build()
}

/// What is said of a content: FHIR's own definitions say the rest.
fn schema(media_type: &str) -> ObjectBuilder {
    let kind = match media_type {
        "application/fhir+json" | "application/json" | "application/x-www-form-urlencoded" => {
            Type::Object
        }
        "application/json-patch+json" => Type::Array,
        _ => Type::String,
    };
    ObjectBuilder::new().schema_type(kind)
}
