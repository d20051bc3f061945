//! The HTTP surface: one door for `/fhir`, whose table of contents is in `routes`.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use access::{Action, Caller};
use auth::{Route, Rule, Unverified, bearer, refuse_token_in_query, routed};
use axum::Router;
use axum::body::Body as HttpBody;
use axum::extract::{ConnectInfo, State};
use axum::response::Response;
use axum::routing::{MethodFilter, any, on};
use bytes::Bytes;
use canonical_model::{Error, Kind, ResourceType, Result};
use domain::Request;
use domain::interactions::binary;
use domain::limits::RESOURCE_BYTES_MAX;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use search::limits::PARAMS_MAX;
use search::query::{Pair, parse_pairs, write_pairs};
use store::AuditInteraction;
use telemetry::Emit;
use telemetry::event::RequestServed;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::SizeAbove;
use tower_http::cors::{AllowHeaders, Any, CorsLayer};
use uuid::Uuid;

use crate::answer::Answer;
use crate::app::App;
use crate::body::{self, Content, Encoding};
use crate::format::Format;
use crate::handlers::capabilities::open;
use crate::handlers::create::is_plain_content;
use crate::handlers::read::{wants_only_raw, wants_raw};
use crate::interaction::{Interaction, Rule as Asks};
use crate::limits::{
    BODY_BYTES_MAX, REQUEST_ID_BYTES_MAX, REQUEST_S_MAX, REQUESTS_MAX, UPLOAD_S_MAX,
};
use crate::media_type::MediaType;
use crate::perform::{Refused, log, perform, record_refusal, record_unverified};
use crate::render::{REPLAYED, refuse, render};
use crate::room::Room;
use crate::routes::METHODS;
use crate::syntax::{Syntax, Wanted};
use crate::throttle;
use crate::wire_request::{self as wire, Body as WireBody, View, WireRequest};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What is below `/fhir` and none of FHIR's API.
pub(crate) const BESIDE: [Route<App>; 1] = [Route {
    method: MethodFilter::GET,
    path: "/fhir/.well-known/smart-configuration",
    rule: Rule::Open,
    serve: |method| on(method, smart_configuration),
}];

async fn smart_configuration(State(app): State<App>) -> axum::Json<Arc<serde_json::Value>> {
    axum::Json(app.smart_configuration)
}

/// The routes below `/fhir`, with CORS and compression. Of FHIR's API this is the door: its routes are in
/// [`crate::routes`].
pub fn router(app: App) -> Router {
    routed(&BESIDE)
        .route("/fhir", any(fhir))
        .route("/fhir/", any(fhir))
        .route("/fhir/{*path}", any(fhir))
        // Answers under 1 kB gain nothing.
        .layer(CompressionLayer::new().compress_when(SizeAbove::new(1024)))
        .layer(cors())
        .layer(tower::limit::GlobalConcurrencyLimitLayer::new(REQUESTS_MAX))
        .with_state(app)
}

/// Any origin: access is by token, never by cookie.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods(METHODS)
        // Not `*`: that would leave Authorization out.
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([
            header::ALLOW,
            header::ETAG,
            header::LOCATION,
            header::CONTENT_LOCATION,
            header::CONTENT_RANGE,
            header::LAST_MODIFIED,
            header::RETRY_AFTER,
            header::WWW_AUTHENTICATE,
            REPLAYED,
            REQUEST_ID,
        ])
        .max_age(Duration::from_secs(3600))
}

async fn fhir(State(app): State<App>, request: axum::extract::Request) -> Response {
    let (parts, body) = request.into_parts();
    let (begun, id) = (Instant::now(), request_id(&parts.headers));
    let found = Interaction::of(&parts.method, path(&parts.uri));
    let name = found.as_ref().map_or("none", Interaction::name);
    let most = seconds(&parts, found.as_ref().ok());
    let work = answer(&app, &parts, found, body, &id);
    let outcome = match tokio::time::timeout(Duration::from_secs(most), work).await {
        Ok(outcome) => outcome,
        Err(_) => {
            let text = format!("The request took longer than {most} s.");
            Err(Error::new(Kind::Unavailable, text))
        }
    };
    let word = outcome.as_ref().err().map_or("ok", |error| error.kind.as_str());
    let mut response = match outcome {
        Ok(answer) => render(answer),
        Err(error) => {
            log(&error);
            refuse(&error, &parts.method, path(&parts.uri), syntax_of_refusal(&parts))
        }
    };
    RequestServed {
        method: bounded(&parts.method),
        interaction: name,
        status: response.status().as_u16(),
        outcome: word,
        elapsed: begun.elapsed(),
    }
    .emit();
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// How long a request may take.
fn seconds(parts: &http::request::Parts, interaction: Option<&Interaction>) -> u64 {
    let media_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    match interaction {
        Some(interaction) if is_plain_content(interaction, media_type) => UPLOAD_S_MAX,
        _ => REQUEST_S_MAX,
    }
}

/// A method as a label: a client cannot make up new ones.
fn bounded(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        _ => "other",
    }
}

/// The client's `X-Request-Id` where it is tame, else a new one.
fn request_id(headers: &HeaderMap) -> Arc<str> {
    headers
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|id| !id.is_empty() && id.len() <= REQUEST_ID_BYTES_MAX)
        .filter(|id| id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b)))
        .map_or_else(|| Uuid::now_v7().to_string().into(), Arc::from)
}

async fn answer(
    app: &App,
    parts: &http::request::Parts,
    found: Result<Interaction>,
    body: HttpBody,
    id: &Arc<str>,
) -> Result<Answer> {
    let http::request::Parts { uri, headers, extensions, .. } = parts;
    // The listener knows it, and whom to believe about it.
    let address = extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    refuse_token_in_query(uri.query())?;
    let accept = wire::text(headers, header::ACCEPT.as_str())?;
    // Whoever has no token learns nothing of what exists, but for the open document.
    if let Ok(interaction) = &found
        && interaction.rule() == Asks::Open
    {
        let pairs = parse_pairs(uri.query().unwrap_or_default())?;
        let format = Format::of(&pairs, accept.as_deref(), None)?;
        return open(app, interaction, &pairs, &format).await?.written_in(format.xml());
    }
    let caller = match &app.everybody {
        Some(everybody) => Arc::clone(everybody),
        None => match identify(app, headers) {
            Ok(caller) => caller,
            Err(unverified) => {
                let request = Refused { id, address, asked: found.as_ref().ok() };
                record_unverified(app, &request, &unverified).await?;
                return Err(unverified.error);
            }
        },
    };
    throttle::admit(app, &caller, found.as_ref().ok())?;
    let caller = app.domain.relate(caller).await?;
    let request = Request {
        caller,
        request_id: Arc::clone(id),
        address,
        interaction: AuditInteraction::Operation,
        idempotency: None,
        releases: false,
        room: None,
    };
    let refused = async |interaction: Option<&Interaction>, error| {
        record_refusal(app, &request, interaction, &error).await?;
        Err(error)
    };
    let interaction = match found {
        Ok(interaction) => interaction,
        Err(error) => return refused(None, error).await,
    };
    match read(app, &interaction, parts, body, request.clone()).await {
        Ok(wire) => {
            let xml = wire.format.xml();
            perform(app, &interaction, wire).await?.written_in(xml)
        }
        Err(error) => refused(Some(&interaction), error).await,
    }
}

/// Whose token the request has.
fn identify(app: &App, headers: &HeaderMap) -> Result<Arc<Caller>, Box<Unverified>> {
    app.verifier.verify(bearer(headers)?)
}

/// Reads a request of a known caller: with what it asks.
async fn read(
    app: &App,
    interaction: &Interaction,
    parts: &http::request::Parts,
    body: HttpBody,
    mut request: Request,
) -> Result<WireRequest> {
    let http::request::Parts { method, uri, headers, .. } = parts;
    let (path, query) = (path(uri), uri.query().unwrap_or_default());
    let accept = wire::text(headers, header::ACCEPT.as_str())?;
    let accept = accept.as_deref();
    let content_type = wire::content_type(headers)?;
    let body = match *method {
        Method::GET | Method::HEAD | Method::DELETE => WireBody::Bytes(Bytes::new()),
        _ => {
            let (body, room) = take_in(app, interaction, headers, body, &request).await?;
            request.room = room.map(Arc::new);
            body
        }
    };
    let mut pairs = parse_pairs(query)?;
    let mut asked = query.to_owned();
    if let (Interaction::Search(_), WireBody::Bytes(form)) = (interaction, &body)
        && !form.is_empty()
    {
        pairs.extend(wire::form(content_type.as_deref(), form)?);
        // The links of the answer hold both.
        if pairs.len() > PARAMS_MAX {
            let text = format!("The query and the form have more than {PARAMS_MAX} parameters.");
            return Err(Error::invalid(text));
        }
        asked = write_pairs(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    }
    let raw = wants_content(interaction, &pairs, accept);
    let format = Format::of(&pairs, accept.filter(|_| !raw), content_type.as_deref())?;
    format.expect(interaction)?;
    request.idempotency = match *method {
        Method::POST | Method::PUT | Method::PATCH => {
            wire::idempotency(headers, method, path, query, &body)?
                .map(|key| key.of_user(request.caller.subject.as_deref()))
        }
        _ => None,
    };
    let (wish, handling) = wire::preferences(headers);
    let wire = WireRequest {
        request,
        pairs,
        query: (!asked.is_empty()).then_some(asked),
        conditions: wire::conditions(headers)?,
        wish,
        handling,
        format,
        content_type,
        view: if raw { View::Raw } else { View::Resource },
        range: range(method, headers)?,
        body,
    };
    Ok(wire)
}

/// What to refuse a request in: as far as it can be told, what it wants.
fn syntax_of_refusal(parts: &http::request::Parts) -> Syntax {
    let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let pairs = parse_pairs(parts.uri.query().unwrap_or_default()).unwrap_or_default();
    let format = pairs.iter().find(|(name, _)| name == "_format").map(|(_, value)| &**value);
    let (accept, sent) = (header(header::ACCEPT), header(header::CONTENT_TYPE));
    Syntax::of(&Wanted { format, accept, sent }).unwrap_or_default()
}

/// Takes the body in: a Binary's own content as it comes, anything else whole.
async fn take_in(
    app: &App,
    interaction: &Interaction,
    headers: &HeaderMap,
    body: HttpBody,
    request: &Request,
) -> Result<(WireBody, Option<Room>)> {
    let encoding = wire::text(headers, header::CONTENT_ENCODING.as_str())?;
    let encoding = Encoding::read(encoding.as_deref())?;
    let content_type = wire::content_type(headers)?;
    let action = match interaction {
        Interaction::Create(_) => Action::Create,
        _ => Action::Update,
    };
    if is_plain_content(interaction, content_type.as_deref()) {
        refuse_forms(content_type.as_deref())?;
        let begin = || binary::take_in(&app.domain, request, action);
        return Ok(match body::content(body, encoding, &app.rooms, begin).await? {
            Content::Small(bytes) => (WireBody::Bytes(bytes), None),
            Content::Stored(blob) => (WireBody::Stored(blob), None),
        });
    }
    let most = match interaction.kind() {
        None | Some(ResourceType::BINARY) => BODY_BYTES_MAX,
        Some(_) => RESOURCE_BYTES_MAX,
    };
    let (bytes, room) = body::whole(body, encoding, &app.rooms, most).await?;
    Ok((WireBody::Bytes(bytes), room))
}

/// What tools send unasked: a form's wrapping would be kept as if it were the content.
fn refuse_forms(content_type: Option<&str>) -> Result<()> {
    let name = content_type.map(|it| MediaType::read(it).name).unwrap_or_default();
    match name.as_str() {
        "application/x-www-form-urlencoded" | "multipart/form-data" => Err(wire::unsupported(
            "A Binary is sent as itself, not in a form: send its bytes as the body, and its own media type as \
             Content-Type.",
        )),
        _ => Ok(()),
    }
}

/// The path below the base.
fn path(uri: &http::Uri) -> &str {
    uri.path().strip_prefix("/fhir").unwrap_or_default()
}

/// `Range`. With `If-Range` it stands only while nothing changed, which a weak ETag cannot promise.
fn range(method: &Method, headers: &HeaderMap) -> Result<Option<String>> {
    if *method != Method::GET || headers.contains_key(header::IF_RANGE) {
        return Ok(None);
    }
    Ok(wire::text(headers, header::RANGE.as_str())?.map(Cow::into_owned))
}

/// Whether a Binary's own content is wanted: when it is read, unless FHIR is asked for; in the answer to a
/// write, where it is asked for.
fn wants_content(interaction: &Interaction, pairs: &[Pair], accept: Option<&str>) -> bool {
    if pairs.iter().any(|(name, _)| name == "_format") {
        return false;
    }
    match interaction {
        Interaction::Read(ResourceType::BINARY, _)
        | Interaction::Vread(ResourceType::BINARY, ..) => accept.is_none_or(wants_raw),
        Interaction::Create(ResourceType::BINARY)
        | Interaction::Update(ResourceType::BINARY, _) => accept.is_some_and(wants_only_raw),
        _ => false,
    }
}
