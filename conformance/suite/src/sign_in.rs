//! A person who signs in: opens the authorization endpoint, fills the forms that come, and ends where the app is
//! called back, or at a page that leads no further.
//! <https://hl7.org/fhir/smart-app-launch/app-launch.html>

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::header::{COOKIE, HeaderMap, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::{Client, RequestBuilder, Url};
use serde_json::{Map, Value};

use crate::answer::Answer;
use crate::assertion::random;
use crate::case::SignIn;
use crate::limits::PAGES_MAX;
use crate::made::Made;
use crate::page::{Field, Form, forms};
use crate::variables::Variables;

/// Signs in. The answer is the last page; or, where the app is called back, one whose JSON holds the parameters that
/// it gets. Sets the variables `state` and `verifier`.
pub(crate) async fn sign_in(
    client: &Client,
    asked: &SignIn,
    variables: &mut Variables,
    made: &mut Made,
) -> Result<Answer> {
    variables.set("state", random()?);
    variables.set("verifier", random()? + &random()?);
    let mut visit = Visit { client, asked, variables, cookies: BTreeMap::new(), out: None };
    let answer = visit.go().await;
    if let Some(request) = visit.out.take() {
        made.signed_in(SignOut { request, cookies: visit.cookies() });
    }
    answer
}

/// The way out of a session: the form for it that the last page had.
pub(crate) struct SignOut {
    request: RequestBuilder,
    cookies: String,
}

impl SignOut {
    /// Signs out. Whether it went well is not asked.
    pub(crate) async fn go(self, client: &Client) {
        let request = self.request.header(COOKIE, self.cookies).build();
        if let Ok(request) = request {
            drop(client.execute(request).await);
        }
    }
}

/// Where a walk ended.
enum Ended {
    /// At the address that it was to lead to.
    Led(Url, Answer),
    /// At a page that leads no further.
    Page(Answer),
}

struct Visit<'a> {
    client: &'a Client,
    asked: &'a SignIn,
    variables: &'a Variables,
    cookies: BTreeMap<String, String>,
    /// The form by which the session ends, without its cookies.
    out: Option<RequestBuilder>,
}

impl Visit<'_> {
    async fn go(&mut self) -> Result<Answer> {
        let launched = match self.asked.launched {
            true => match self.launch().await? {
                Ended::Led(url, _) => parameters(&url),
                Ended::Page(answer) => return Ok(answer),
            },
            false => Map::new(),
        };
        let redirect = self.set("app_redirect")?.to_owned();
        let (url, begin) = self.begin(&launched)?;
        match self.walk(url, begin, &redirect).await? {
            Ended::Led(url, answer) => Ok(called_back(&url, launched, answer)),
            Ended::Page(answer) => Ok(answer),
        }
    }

    /// From the page that apps are started from to where the app is opened.
    async fn launch(&mut self) -> Result<Ended> {
        let end = self.set("app_launch")?.to_owned();
        let url = Url::parse(self.set("launch_page")?)?;
        let request = self.client.get(url.clone());
        self.walk(url, request, &end).await
    }

    /// Fills forms until the browser is led to this address, or to a page that leads no further.
    async fn walk(&mut self, url: Url, begin: RequestBuilder, end: &str) -> Result<Ended> {
        let mut url = url;
        let mut answer = self.send(begin, &url).await?;
        for _ in 0..PAGES_MAX {
            if let Some(next) = location(&answer, &url) {
                if next.as_str().starts_with(end) {
                    return Ok(Ended::Led(next, answer));
                }
                url = next;
                answer = self.send(self.client.get(url.clone()), &url).await?;
                continue;
            }
            if answer.status != 200 {
                return Ok(Ended::Page(answer));
            }
            let forms = forms(&String::from_utf8_lossy(&answer.body));
            self.note_way_out(&forms, &url)?;
            let Some(form) = choose(&forms) else { return Ok(Ended::Page(answer)) };
            let to = url.join(&form.action)?;
            let fields = self.fill(form)?;
            let request = match form.post {
                true => self.client.post(to.clone()).form(&fields),
                false => self.client.get(Url::parse_with_params(to.as_str(), &fields)?),
            };
            let request = request.header(ORIGIN, url.origin().ascii_serialization());
            url = to;
            answer = self.send(request, &url).await?;
        }
        bail!("no end after {PAGES_MAX} pages")
    }

    /// Keeps the form by which somebody who is signed in signs out.
    fn note_way_out(&mut self, forms: &[Form], url: &Url) -> Result<()> {
        if let Some(form) = forms.iter().find(|form| ends_session(form)) {
            let fields = form.fields.iter().map(|field| (&field.name, &field.value));
            let request = self.client.post(url.join(&form.action)?);
            let request = request.form(&fields.collect::<Vec<_>>());
            self.out = Some(request.header(ORIGIN, url.origin().ascii_serialization()));
        }
        Ok(())
    }

    fn set(&self, name: &str) -> Result<&str> {
        self.variables.get(name).with_context(|| format!("{name} is not set"))
    }

    /// The authorization request.
    fn begin(&self, launched: &Map<String, Value>) -> Result<(Url, RequestBuilder)> {
        let url = Url::parse(self.set("authorization_endpoint")?)?;
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, self.set("verifier")?.as_bytes()));
        let mut params = BTreeMap::from([
            ("response_type", "code".to_owned()),
            ("client_id", self.set("app_client")?.to_owned()),
            ("redirect_uri", self.set("app_redirect")?.to_owned()),
            ("scope", self.variables.fill(&self.asked.scope)?),
            ("state", self.set("state")?.to_owned()),
            ("aud", self.set("base")?.to_owned()),
            ("code_challenge", challenge),
            ("code_challenge_method", "S256".to_owned()),
        ]);
        // An app that was started asks where it was started from, by what it was started with.
        for (name, given) in [("aud", "iss"), ("launch", "launch")] {
            if let Some(value) = launched.get(given).and_then(Value::as_str) {
                params.insert(name, value.to_owned());
            }
        }
        for (name, value) in &self.asked.params {
            params.insert(name, self.variables.fill(value)?);
        }
        // An empty text leaves the parameter out; `blank` sends it so.
        params.retain(|_, value| !value.is_empty());
        for name in &self.asked.blank {
            params.insert(name, String::new());
        }
        Ok(match self.asked.post {
            true => (url.clone(), self.client.post(url).form(&params)),
            false => {
                let url = Url::parse_with_params(url.as_str(), &params)?;
                (url.clone(), self.client.get(url))
            }
        })
    }

    /// What a person would fill in.
    fn fill(&self, form: &Form) -> Result<Vec<(String, String)>> {
        let mut fields = Vec::new();
        for field in &form.fields {
            let value = match field.kind.as_str() {
                "hidden" => field.value.clone(),
                "checkbox" => {
                    let ticked = field.checked || self.asked.tick.contains(&field.value);
                    if !ticked || self.asked.deny.contains(&field.value) {
                        continue;
                    }
                    field.value.clone()
                }
                "radio" => {
                    if !self.picks(form, field) {
                        continue;
                    }
                    field.value.clone()
                }
                "password" => self.set("password")?.to_owned(),
                _ if form.has("password") => self.set("login")?.to_owned(),
                _ if field.name == "identifier" => self.set("patient_identifier")?.to_owned(),
                _ => field.value.clone(),
            };
            fields.push((field.name.clone(), value));
        }
        let refuses =
            |(_, value): &&(String, String)| value.contains("deny") || value.contains("cancel");
        let button = form.buttons.iter().find(|button| refuses(button) == self.asked.refuse);
        fields
            .extend(button.or(form.buttons.first()).filter(|(name, _)| !name.is_empty()).cloned());
        Ok(fields)
    }

    /// Of several: the app and the visit that are meant, else what the page has.
    fn picks(&self, form: &Form, field: &Field) -> bool {
        let meant = ["app_client", "visit"].map(|name| self.variables.get(name));
        let is_meant = |it: &Field| meant.contains(&Some(it.value.as_str()));
        let mut alike = form.fields.iter().filter(|it| it.name == field.name);
        match alike.any(is_meant) {
            true => is_meant(field),
            false => field.checked,
        }
    }

    async fn send(&mut self, mut request: RequestBuilder, url: &Url) -> Result<Answer> {
        if !self.cookies.is_empty() {
            request = request.header(COOKIE, self.cookies());
        }
        let response = request.send().await.map_err(|error| error.without_url());
        let answer =
            Answer::read(response.with_context(|| format!("no answer from {}", url.path()))?)
                .await?;
        self.keep(&answer.headers);
        Ok(answer)
    }

    /// As a header has them.
    fn cookies(&self) -> String {
        let pairs = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }

    fn keep(&mut self, headers: &HeaderMap) {
        for set in headers.get_all(SET_COOKIE).iter().filter_map(|it| it.to_str().ok()) {
            let pair = set.split(';').next().and_then(|pair| pair.split_once('='));
            if let Some((name, value)) = pair {
                self.cookies.insert(name.trim().to_owned(), value.to_owned());
            }
        }
    }
}

/// The form that a person would go on with: the log-in, the consent, a choice, else a question.
fn choose(forms: &[Form]) -> Option<&Form> {
    let forms = || forms.iter().filter(|form| !ends_session(form));
    forms()
        .find(|form| form.has("password"))
        .or_else(|| forms().find(|form| form.has("checkbox")))
        .or_else(|| forms().find(|form| !form.asks()))
        .or_else(|| forms().next())
}

/// Whether a form is for signing out.
fn ends_session(form: &Form) -> bool {
    form.action.contains("logout")
}

/// Where an answer leads.
fn location(answer: &Answer, from: &Url) -> Option<Url> {
    let leads = (300..400).contains(&answer.status);
    let to = answer.headers.get(LOCATION).filter(|_| leads)?;
    from.join(to.to_str().ok()?).ok()
}

/// The parameters of a URL.
fn parameters(url: &Url) -> Map<String, Value> {
    let pairs = url.query_pairs();
    pairs.map(|(name, value)| (name.into_owned(), Value::from(value.into_owned()))).collect()
}

/// The parameters that the app gets, as JSON, with those that it was started with.
fn called_back(url: &Url, launched: Map<String, Value>, answer: Answer) -> Answer {
    let mut members = parameters(url);
    if !launched.is_empty() {
        members.insert("launched".to_owned(), Value::Object(launched));
    }
    let json = Value::Object(members);
    Answer { body: json.to_string().into_bytes(), ..answer }
}
