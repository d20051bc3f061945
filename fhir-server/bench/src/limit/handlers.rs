//! One handler per kind of work. Answers carry what the load generator checks.

use super::{App, tables};
use axum::{
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{
    fmt::Write as _,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::atomic::Ordering,
};

/// Why a request failed; the text goes to the load generator's report.
pub(super) struct Failure(StatusCode, String);

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.0, self.1).into_response()
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

type Answer = Result<Response, Failure>;

const JSON: &str = "application/fhir+json";

pub(super) async fn read(
    State(app): State<App>,
    Path((kind, id)): Path<(String, String)>,
) -> Answer {
    Ok(match tables::select(&app.database, &kind, &id).await? {
        Some((version, content)) => {
            let headers = [(header::CONTENT_TYPE, JSON.into()), (header::ETAG, etag(version))];
            (headers, content).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    })
}

pub(super) async fn create(
    State(app): State<App>,
    Path(kind): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let Some(criteria) = headers.get("if-none-exist") else {
        let id = app.id();
        tables::insert(&app.database, &kind, &id, &body).await?;
        return Ok(created(&kind, &id));
    };
    // The criteria name the id, so that its key decides: no further index, no second statement.
    let mut hasher = DefaultHasher::new();
    criteria.as_bytes().hash(&mut hasher);
    let id = format!("c{:016x}", hasher.finish());
    Ok(match tables::insert_if_absent(&app.database, &kind, &id, &body).await? {
        true => created(&kind, &id),
        false => StatusCode::OK.into_response(),
    })
}

pub(super) async fn update(
    State(app): State<App>,
    Path((kind, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let expected = headers.get(header::IF_MATCH).and_then(|value| value.to_str().ok());
    let expected = expected.and_then(|etag| etag.trim_matches(['W', '/', '"']).parse().ok());
    let Some(expected) = expected else {
        return Err(Failure(StatusCode::BAD_REQUEST, "If-Match is missing".into()));
    };
    Ok(match tables::update(&app.database, &kind, &id, expected, &body).await? {
        Some(version) => [(header::ETAG, etag(version))].into_response(),
        None => StatusCode::PRECONDITION_FAILED.into_response(),
    })
}

/// As much of a bundle as must be read to split it.
#[derive(Deserialize)]
struct Bundle<'a> {
    #[serde(borrow)]
    entry: Vec<Entry<'a>>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    resource: &'a RawValue,
    #[serde(borrow)]
    request: Request<'a>,
}

#[derive(Deserialize)]
struct Request<'a> {
    url: &'a str,
}

pub(super) async fn transaction(State(app): State<App>, body: Bytes) -> Answer {
    let bundle: Bundle<'_> = serde_json::from_slice(&body)
        .map_err(|error| Failure(StatusCode::BAD_REQUEST, error.to_string()))?;
    let kinds: Vec<&str> = bundle.entry.iter().map(|entry| entry.request.url).collect();
    let ids: Vec<String> = kinds.iter().map(|_| app.id()).collect();
    let contents: Vec<&[u8]> =
        bundle.entry.iter().map(|entry| entry.resource.get().as_bytes()).collect();
    tables::insert_all(&app.database, &kinds, &ids, &contents).await?;
    let mut outcome =
        String::from(r#"{"resourceType":"Bundle","type":"transaction-response","entry":["#);
    for (n, (kind, id)) in kinds.iter().zip(&ids).enumerate() {
        let comma = if n == 0 { "" } else { "," };
        let written = write!(
            outcome,
            r#"{comma}{{"response":{{"status":"201 Created","location":"{kind}/{id}/_history/1","etag":"W/\"1\""}}}}"#
        );
        debug_assert!(written.is_ok(), "a string takes all that is written to it");
    }
    outcome.push_str("]}");
    Ok(([(header::CONTENT_TYPE, JSON)], outcome).into_response())
}

impl App {
    fn id(&self) -> String {
        format!("{:016x}", self.next_id.fetch_add(1, Ordering::Relaxed))
    }
}

fn etag(version: i32) -> String {
    format!("W/\"{version}\"")
}

fn created(kind: &str, id: &str) -> Response {
    let location = format!("/fhir/{kind}/{id}/_history/1");
    (StatusCode::CREATED, [(header::LOCATION, location), (header::ETAG, etag(1))]).into_response()
}
