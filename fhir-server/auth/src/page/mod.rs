//! The pages of the authorization server: what a browser gets, and what it sends back. None needs a script.

mod break_glass;
mod consent;
mod external;
mod factor;
mod form;
mod launch;
mod login;
mod looking;
mod manage;
mod patient;
mod record;
mod review;
mod search;
mod session;
mod to;
mod wrong;

use askama::Template;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use canonical_model::Error;

pub(crate) use break_glass::{break_glass, open_record};
pub(crate) use consent::{Consent, consent, launched};
pub(crate) use external::{callback, external, link, set_link};
pub(crate) use factor::{device, factor, set_device};
pub(crate) use form::Posted;
pub(crate) use launch::{launch, origin, start};
pub(crate) use login::{ask_to_sign_in, login, logout};
pub(crate) use manage::{change, manage};
pub(crate) use patient::{Picker, patient};
pub(crate) use record::{record, record_csv};
pub(crate) use review::{judge, review};
pub(crate) use session::{Session, enter};
pub(crate) use to::To;
pub(crate) use wrong::{Stop, answer_wrong};

use crate::cookie::Browser;

/// The look of the pages.
const STYLE: &str = include_str!("../../templates/style.css");

/// A page. `beside` is an origin that a form of it may end at, once it was sent to us.
pub(crate) fn page(
    template: &impl Template,
    status: StatusCode,
    beside: Option<&str>,
    browser: Option<&Browser>,
) -> Result<Response, Stop> {
    let text = template.render().map_err(Error::internal)?;
    let policy = format!(
        "default-src 'none'; style-src 'self'; form-action 'self' {}; base-uri 'none'; frame-ancestors 'none'",
        beside.unwrap_or_default()
    );
    let policy = HeaderValue::try_from(policy).map_err(Error::internal)?;
    let mut response = (status, text).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Not `no-referrer`: with it a browser says of our own forms too that they come from nowhere.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.extend(browser.and_then(Browser::header));
    Ok(response)
}

/// Sends the browser on, to be asked by GET.
pub(crate) fn go(to: &str, browser: Option<&Browser>) -> Result<Response, Stop> {
    let to = HeaderValue::try_from(to).map_err(Error::internal)?;
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    headers.insert(LOCATION, to);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.extend(browser.and_then(Browser::header));
    Ok(response)
}

/// `GET /auth/style.css`.
pub(crate) async fn style() -> impl IntoResponse {
    let kind = (CONTENT_TYPE, "text/css; charset=utf-8");
    ([kind, (CACHE_CONTROL, "public, max-age=3600")], STYLE)
}

/// `GET /auth/smart-style.json`: the look of our pages, for apps that are started from them.
/// <https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html#styling>
pub(crate) async fn smart_style() -> impl IntoResponse {
    let look = serde_json::json!({
        "color_background": "#eef2f5",
        "color_error": "#9b1c1c",
        "color_highlight": "#0b5563",
        "color_modal_backdrop": "#1a2330",
        "color_success": "#0b5563",
        "color_text": "#1a2330",
        "dim_border_radius": "6px",
        "dim_font_size": "16px",
        "dim_spacing_size": "16px",
        "font_family_body": "system-ui, sans-serif",
        "font_family_heading": "system-ui, sans-serif",
    });
    ([(CACHE_CONTROL, "public, max-age=3600")], axum::Json(look))
}

/// Where an authorization goes on.
pub(crate) fn authorize(request: &str) -> String {
    format!("/auth/authorize?{request}")
}
