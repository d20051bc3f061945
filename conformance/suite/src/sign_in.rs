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
use crate::page::{Form, forms};
use crate::variables::Variables;

/// Signs in. The answer is the last page; or, where the app is called back, one whose JSON holds the parameters that
/// it gets. Sets the variables `state` and `verifier`.
pub(crate) async fn sign_in(
    client: &Client,
    asked: &SignIn,
    variables: &mut Variables,
) -> Result<Answer> {
    variables.set("state", random()?);
    variables.set("verifier", random()? + &random()?);
    let visit = Visit { client, asked, variables, cookies: BTreeMap::new() };
    visit.go().await
}

struct Visit<'a> {
    client: &'a Client,
    asked: &'a SignIn,
    variables: &'a Variables,
    cookies: BTreeMap<String, String>,
}

impl Visit<'_> {
    async fn go(mut self) -> Result<Answer> {
        let redirect = self.set("app_redirect")?.to_owned();
        let (mut url, begin) = self.begin()?;
        let mut answer = self.send(begin, &url).await?;
        for _ in 0..PAGES_MAX {
            if let Some(next) = location(&answer, &url) {
                if next.as_str().starts_with(&redirect) {
                    return Ok(called_back(&next, answer));
                }
                url = next;
                answer = self.send(self.client.get(url.clone()), &url).await?;
                continue;
            }
            if answer.status != 200 {
                return Ok(answer);
            }
            let forms = forms(&String::from_utf8_lossy(&answer.body));
            let Some(form) = choose(&forms) else { return Ok(answer) };
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

    fn set(&self, name: &str) -> Result<&str> {
        self.variables.get(name).with_context(|| format!("{name} is not set"))
    }

    /// The authorization request.
    fn begin(&self) -> Result<(Url, RequestBuilder)> {
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
                "checkbox" | "radio" => {
                    if !field.checked || self.asked.deny.contains(&field.value) {
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

    async fn send(&mut self, mut request: RequestBuilder, url: &Url) -> Result<Answer> {
        if !self.cookies.is_empty() {
            let pairs: Vec<_> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(COOKIE, pairs.join("; "));
        }
        let response = request.send().await.map_err(|error| error.without_url());
        let answer =
            Answer::read(response.with_context(|| format!("no answer from {}", url.path()))?)
                .await?;
        self.keep(&answer.headers);
        Ok(answer)
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
    let forms = || forms.iter().filter(|form| !form.action.contains("logout"));
    forms()
        .find(|form| form.has("password"))
        .or_else(|| forms().find(|form| form.has("checkbox")))
        .or_else(|| forms().find(|form| !form.asks()))
        .or_else(|| forms().next())
}

/// Where an answer leads.
fn location(answer: &Answer, from: &Url) -> Option<Url> {
    let leads = (300..400).contains(&answer.status);
    let to = answer.headers.get(LOCATION).filter(|_| leads)?;
    from.join(to.to_str().ok()?).ok()
}

/// The parameters that the app gets, as JSON.
fn called_back(url: &Url, answer: Answer) -> Answer {
    let pairs =
        url.query_pairs().map(|(name, value)| (name.into_owned(), Value::from(value.into_owned())));
    let json = Value::Object(pairs.collect::<Map<_, _>>());
    Answer { body: json.to_string().into_bytes(), ..answer }
}
