//! The patient picker: whose record an app is to work with.

use std::net::IpAddr;

use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use store::{Account, SignedIn};

use crate::authorize::Asked;
use crate::cookie::Browser;
use crate::page::looking::{Looking, Shown};
use crate::page::search::{Search, anything};
use crate::page::{Posted, Session, Stop, answer_wrong, authorize, page};
use crate::peer::Peer;
use crate::state::{AuthState, Parts};

const HERE: &str = "/auth/patient";
/// Where one who was chosen goes.
const CONSENT: &str = "/auth/consent";

/// The page.
#[derive(Default, Template)]
#[template(path = "patient.html")]
pub(crate) struct Picker<'a> {
    app: &'a str,
    session: Session<'a>,
    wrong: &'a str,
    /// Whether these are all, and nobody is searched for.
    fixed: bool,
    /// Whether these are none.
    nobody: bool,
    search: Search,
}

impl Picker<'_> {
    /// The page before anything was searched for.
    pub(crate) fn first(
        asked: &Asked,
        browser: &Browser,
        account: &Account,
    ) -> Result<Response, Stop> {
        let picker = Picker {
            app: &asked.client.name,
            session: Session::asked(asked, browser, account),
            search: Search::new(HERE, CONSENT),
            ..Picker::default()
        };
        page(&picker, StatusCode::OK, Some(asked.origin()), None)
    }

    /// The page with these alone.
    pub(crate) fn among(
        asked: &Asked,
        browser: &Browser,
        account: &Account,
        found: Vec<Shown>,
    ) -> Result<Response, Stop> {
        let picker = Picker {
            app: &asked.client.name,
            session: Session::asked(asked, browser, account),
            fixed: true,
            nobody: found.is_empty(),
            search: Search::among(CONSENT, found),
            ..Picker::default()
        };
        page(&picker, StatusCode::OK, Some(asked.origin()), None)
    }
}

/// `POST /auth/patient`.
pub(crate) async fn patient(
    State(auth): State<AuthState>,
    Peer(address): Peer,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer_wrong(picking(auth.parts(), address, &headers, &body).await)
}

async fn picking(
    auth: &Parts,
    address: Option<IpAddr>,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Response, Stop> {
    let people = auth.people()?;
    let posted = Posted::read(auth, headers, body)?;
    let asked = posted.asked(auth).await?;
    let SignedIn { account, .. } = posted.by(auth, &authorize(&asked.query)).await?;
    let mut picker = Picker {
        app: &asked.client.name,
        session: Session::asked(&asked, &posted.browser, &account),
        search: Search::new(HERE, CONSENT),
        ..Picker::default()
    };
    let looking = Looking::new(people, &account, address, headers);
    picker.wrong = picker.search.run(&posted, &looking, anything).await?;
    let status = if picker.wrong.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    page(&picker, status, Some(asked.origin()), None)
}
