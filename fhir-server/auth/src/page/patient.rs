//! The patient picker: whose record an app is to work with.

use std::net::IpAddr;

use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use store::{Account, SignedIn};

use crate::authorize::{Asked, reaches_nobody};
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
    /// Back to the app, without anything for it.
    back: String,
    /// Why there is nobody to choose for this person; empty where there may be.
    closed: &'static str,
    wrong: &'a str,
    /// Whether these are all, and nobody is searched for.
    fixed: bool,
    /// Whether these are none.
    nobody: bool,
    search: Search,
}

impl<'a> Picker<'a> {
    /// Before anything was searched for.
    fn new(asked: &'a Asked, browser: &Browser, account: &'a Account) -> Result<Self, Stop> {
        Ok(Self {
            app: &asked.client.name,
            session: Session::asked(asked, browser, account),
            back: asked.back(),
            closed: reaches_nobody(account)?,
            search: Search::new(HERE, CONSENT),
            ..Self::default()
        })
    }

    /// The page before anything was searched for.
    pub(crate) fn first(
        asked: &'a Asked,
        browser: &Browser,
        account: &'a Account,
    ) -> Result<Response, Stop> {
        Self::new(asked, browser, account)?.show(asked)
    }

    /// The page with these alone.
    pub(crate) fn among(
        asked: &'a Asked,
        browser: &Browser,
        account: &'a Account,
        found: Vec<Shown>,
    ) -> Result<Response, Stop> {
        let picker = Self {
            fixed: true,
            nobody: found.is_empty(),
            search: Search::among(CONSENT, found),
            ..Self::new(asked, browser, account)?
        };
        picker.show(asked)
    }

    fn show(&self, asked: &Asked) -> Result<Response, Stop> {
        let status = if self.wrong.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
        page(self, status, Some(asked.origin()), None)
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
    let mut picker = Picker::new(&asked, &posted.browser, &account)?;
    if picker.closed.is_empty() {
        let looking = Looking::new(people, &account, address, headers);
        picker.wrong = picker.search.run(&posted, &looking, anything).await?;
    }
    picker.show(&asked)
}
