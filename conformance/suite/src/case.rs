//! A case as its file says it: steps, each a request and what its answer must be.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

use crate::expect::Expect;
use crate::need::Need;

/// A file of cases.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    /// The page of the specification that links of cases are below, where they begin with `#`.
    #[serde(default)]
    pub(crate) page: String,
    /// Sent as `Authorization: Bearer` with each request that says nothing of its own, where the run has a token.
    pub(crate) bearer: Option<String>,
    pub(crate) case: Vec<Case>,
}

impl File {
    /// Its cases, with what they leave unsaid written out.
    ///
    /// # Errors
    /// Where a resource to be made is none.
    pub(crate) fn cases(self) -> Result<Vec<Case>> {
        let Self { page, bearer, case } = self;
        case.into_iter().map(|case| case.complete(&page, bearer.as_deref())).collect()
    }
}

/// One numbered statement, tried by steps in their order; the first that fails ends it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// Its number, as `G01`.
    pub(crate) id: String,
    /// What holds where it passes.
    pub(crate) title: String,
    /// The specification's section.
    pub(crate) section: String,
    /// Where it is to be read.
    #[serde(default)]
    pub(crate) link: String,
    /// Without one of these it is skipped.
    #[serde(default)]
    pub(crate) needs: Vec<Need>,
    #[serde(rename = "step")]
    pub(crate) steps: Vec<Step>,
}

/// A request, and what its answer must be. Of the texts each `{name}` is replaced by the variable.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    /// Method and URL, as `GET {base}/metadata`; or `TLS 1.1 {url}`, a handshake of that version. In place of it:
    #[serde(default)]
    pub(crate) request: String,
    /// A person signs in to an app.
    pub(crate) sign_in: Option<SignIn>,
    /// An identity token is taken apart; the JSON has its `header` and `claims`.
    pub(crate) decode: Option<Decode>,
    /// Once for each value, as the variable `each`; each is filled itself.
    #[serde(default)]
    pub(crate) each: Vec<String>,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    /// Sends `Authorization: Bearer`.
    pub(crate) bearer: Option<String>,
    /// Sends `Authorization: Basic`: id and secret.
    pub(crate) basic: Option<[String; 2]>,
    /// The app exchanges its code for a token: members of the form in place of the good ones; an empty text leaves one
    /// out. It stands for `request` and `form`.
    pub(crate) exchange: Option<BTreeMap<String, String>>,
    /// A form as the body.
    pub(crate) form: Option<BTreeMap<String, String>>,
    /// JSON as the body.
    pub(crate) body: Option<String>,
    /// Makes the variable `assertion` first: a JWT by the client's private key.
    pub(crate) assertion: Option<AssertionOf>,
    /// It is asked again for so many seconds, until what is expected comes.
    #[serde(default)]
    pub(crate) within_s: u64,
    /// A person who signs in brings a code, unless something else is said.
    #[serde(default)]
    pub(crate) expect: Expect,
    /// A resource that is created first, in place of `request`.
    pub(crate) make: Option<String>,
    /// What it is called in variables; by default its type, in small letters.
    pub(crate) named: Option<String>,
    /// What goes when the case is over, below the base, as `Patient/{id}`.
    pub(crate) clean: Option<String>,
    /// Variables taken out of the answer's headers.
    #[serde(default)]
    pub(crate) save_headers: BTreeMap<String, String>,
    /// Variables that are links of the answer, a Bundle, by their relation.
    #[serde(default)]
    pub(crate) save_links: BTreeMap<String, String>,
    /// Variables that are set when the step is done.
    #[serde(default)]
    pub(crate) set: BTreeMap<String, String>,
    /// Variables taken out of the answer's JSON, by JSON pointer; `code`, where a person signs in and nothing is expected.
    #[serde(default)]
    pub(crate) save: BTreeMap<String, String>,
}

impl Case {
    /// Whether a step sends the run's own token: one that no step before it has got.
    pub(crate) fn sends_token(&self) -> bool {
        let sends = |step: &Step| step.bearer.as_deref() == Some("{token}");
        let gets = |step: &Step| step.save.contains_key("token");
        self.steps.iter().find(|step| sends(step) || gets(step)).is_some_and(sends)
    }

    fn complete(mut self, page: &str, bearer: Option<&str>) -> Result<Self> {
        if self.link.starts_with('#') || self.link.is_empty() {
            self.link = format!("{page}{}", self.link);
        }
        for step in &mut self.steps {
            step.complete(bearer).with_context(|| self.id.clone())?;
        }
        Ok(self)
    }
}

impl Step {
    fn complete(&mut self, bearer: Option<&str>) -> Result<()> {
        if let Some(departures) = self.exchange.take() {
            let good = GOOD_EXCHANGE.map(|(name, value)| (name.to_owned(), value.to_owned()));
            let mut form = BTreeMap::from(good);
            form.extend(departures);
            form.retain(|_, value| !value.is_empty());
            self.request = "POST {token_endpoint}".to_owned();
            self.form = Some(form);
        }
        if let Some(resource) = self.make.take() {
            self.create(resource)?;
        }
        if self.sign_in.is_some() && !self.expect.judges() {
            self.expect = Expect::code();
            self.save.insert("code".to_owned(), "/code".to_owned());
        }
        if let (None, None, Some(bearer)) = (&self.bearer, &self.basic, bearer) {
            self.bearer = Some(bearer.to_owned());
        }
        Ok(())
    }

    /// Creates the resource, which goes when the case is over, and keeps `NAME`, its type and id, `NAME_id` and
    /// `NAME_etag`.
    fn create(&mut self, resource: String) -> Result<()> {
        let parsed: Value = serde_json::from_str(&resource)?;
        let kind = parsed.get("resourceType").and_then(Value::as_str);
        let kind = kind.context("a resource to be made has a resourceType")?;
        let name = self.named.take().unwrap_or_else(|| kind.to_lowercase());
        self.request = format!("POST {{base}}/{kind}");
        self.body = Some(resource);
        self.headers.insert("prefer".to_owned(), "return=representation".to_owned());
        self.expect.status = vec![201];
        let id = format!("{name}_id");
        self.clean = Some(format!("{kind}/{{{id}}}"));
        self.set.insert(name.clone(), format!("{kind}/{{{id}}}"));
        self.save.insert(id, "/id".to_owned());
        self.save_headers.insert(format!("{name}_etag"), "etag".to_owned());
        Ok(())
    }
}

/// SMART 2.2, App launch: obtain access token.
const GOOD_EXCHANGE: [(&str, &str); 5] = [
    ("grant_type", "authorization_code"),
    ("code", "{code}"),
    ("redirect_uri", "{app_redirect}"),
    ("client_id", "{app_client}"),
    ("code_verifier", "{verifier}"),
];

/// An identity token, and the URL of the keys that one of must have signed it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Decode {
    pub(crate) token: String,
    pub(crate) keys: String,
}

/// How a person signs in: by the variables `app_client`, `app_redirect`, `login`, `password` and, where a patient is
/// to be chosen, `patient_identifier`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    /// What the app asks for.
    pub(crate) scope: String,
    /// Parameters of the authorization request in place of the good ones; an empty text leaves one out.
    #[serde(default)]
    pub(crate) params: BTreeMap<String, String>,
    /// Parameters that are sent empty.
    #[serde(default)]
    pub(crate) blank: Vec<String>,
    /// The request is a form that is posted.
    #[serde(default)]
    pub(crate) post: bool,
    /// The app is started from the page `launch_page`, of its apps the one that is opened at `app_launch`, with the visit
    /// `visit` where that is set; the JSON then has `launched`, what the app is opened with.
    #[serde(default)]
    pub(crate) launched: bool,
    /// Boxes of the consent page that are ticked besides, by their value.
    #[serde(default)]
    pub(crate) tick: Vec<String>,
    /// Boxes of the consent page that are not ticked, by their value.
    #[serde(default)]
    pub(crate) deny: Vec<String>,
    /// Access is refused there.
    #[serde(default)]
    pub(crate) refuse: bool,
}

/// How an assertion departs from a good one.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AssertionOf {
    /// `RS384` or `ES384`.
    pub(crate) alg: String,
    /// Claims in place of the good ones; an empty text leaves the claim out.
    #[serde(default)]
    pub(crate) claims: BTreeMap<String, Value>,
    /// In place of the key's own.
    pub(crate) kid: Option<String>,
    /// Signed by another key than the registered one.
    #[serde(default)]
    pub(crate) foreign: bool,
}
