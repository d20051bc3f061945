//! An app that asks a person for access, as its authors would write it: PKCE, state, code, token.

use anyhow::{Context, Result};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use form_urlencoded::Serializer;

use crate::client::Answer;
use crate::visitor::{Page, Visitor};

/// An app.
#[derive(Clone, Debug)]
pub struct App {
    /// The server's origin.
    pub origin: String,
    /// Its id.
    pub id: String,
    /// Its secret, where it can keep one.
    pub secret: Option<String>,
    /// Where people come back to.
    pub redirect: String,
    /// What it asks for.
    pub scope: String,
    /// What proves that it began.
    pub verifier: String,
    /// What it knows its own request by.
    pub state: String,
}

impl App {
    /// A public app.
    #[must_use]
    pub fn new(origin: &str, id: &str, redirect: &str, scope: &str) -> Self {
        Self {
            origin: origin.to_owned(),
            id: id.to_owned(),
            secret: None,
            redirect: redirect.to_owned(),
            scope: scope.to_owned(),
            verifier: format!("{:0>43}", fastrand::u64(..)),
            state: fastrand::u64(..).to_string(),
        }
    }

    /// What it sends a browser to the authorization endpoint with.
    #[must_use]
    pub fn asks(&self) -> Vec<(&'static str, String)> {
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, self.verifier.as_bytes()));
        vec![
            ("response_type", "code".to_owned()),
            ("client_id", self.id.clone()),
            ("redirect_uri", self.redirect.clone()),
            ("scope", self.scope.clone()),
            ("state", self.state.clone()),
            ("aud", format!("{}/fhir", self.origin)),
            ("code_challenge", challenge),
            ("code_challenge_method", "S256".to_owned()),
        ]
    }

    /// The path that it sends a browser to.
    #[must_use]
    pub fn path(&self) -> String {
        path(&self.asks())
    }

    /// Signs a person in and agrees to all: the page that leads back to the app.
    ///
    /// # Errors
    /// A page is not the one that comes next.
    pub async fn agree(
        &self,
        visitor: &mut Visitor,
        login: &str,
        password: &str,
        patient: Option<&str>,
    ) -> Result<Page> {
        let page = visitor.open(&self.path()).await?;
        let form = page.form("/auth/login")?.with("login", login).with("password", password);
        let mut page = visitor.submit(&form).await?;
        if let Some(patient) = patient {
            let form = page.form("/auth/patient")?;
            let form = form.with("identifier", patient);
            page = visitor.submit(&form).await?;
            page = visitor.submit(&page.form("/auth/consent")?).await?;
        }
        visitor.submit(&page.form("/auth/consent")?.with("decision", "allow")).await
    }

    /// What it sends for a token.
    #[must_use]
    pub fn exchange(&self, code: &str) -> Vec<(&'static str, String)> {
        let mut form = vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", code.to_owned()),
            ("redirect_uri", self.redirect.clone()),
            ("code_verifier", self.verifier.clone()),
        ];
        if self.secret.is_none() {
            form.push(("client_id", self.id.clone()));
        }
        form
    }

    /// Asks the token endpoint.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn ask(&self, form: &[(&'static str, String)]) -> Result<Answer> {
        let http = reqwest::Client::builder().no_proxy().build()?;
        let request = http.post(format!("{}/auth/token", self.origin)).form(form);
        Answer::of(match &self.secret {
            Some(secret) => request.basic_auth(&self.id, Some(secret)),
            None => request,
        })
        .await
    }

    /// From the page that leads back to the token.
    ///
    /// # Errors
    /// It leads back without a code, or the server cannot be reached.
    pub async fn token(&self, page: &Page) -> Result<Answer> {
        let code = page.param("code").with_context(|| format!("{page:?}"))?;
        self.ask(&self.exchange(&code)).await
    }
}

/// The authorization endpoint with these parameters.
#[must_use]
pub fn path(pairs: &[(&'static str, String)]) -> String {
    let query = Serializer::new(String::new()).extend_pairs(pairs).finish();
    format!("/auth/authorize?{query}")
}
