//! A step's request as it goes over the wire.

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Method, RequestBuilder};

use crate::answer::Answer;
use crate::case::Step;
use crate::limits::ANSWER_MAX;
use crate::tls;
use crate::variables::Variables;

/// Sends requests as they are: no redirect is followed, nothing is remembered.
pub(crate) struct Sender(pub(crate) reqwest::Client);

/// What came of a step.
pub(crate) enum Came {
    /// An answer over HTTP.
    Answer(Answer),
    /// A handshake: whether it was refused.
    Refused(bool),
}

impl Sender {
    /// A sender that trusts the machine's authorities, and these beside them.
    pub(crate) fn new(authorities: &[u8]) -> Result<Self> {
        // Another part of the program may have chosen one before.
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let mut client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(ANSWER_MAX);
        for certificate in reqwest::Certificate::from_pem_bundle(authorities)? {
            client = client.add_root_certificate(certificate);
        }
        Ok(Self(client.build()?))
    }

    /// Sends a step's request.
    pub(crate) async fn send(&self, step: &Step, variables: &Variables) -> Result<Came> {
        let request = variables.fill(&step.request)?;
        let (method, url) = request.split_once(' ').context("a request is `METHOD URL`")?;
        if method == "TLS" {
            let (version, url) = url.split_once(' ').context("`TLS VERSION URL`")?;
            return Ok(Came::Refused(tls::refuses(version, url, ANSWER_MAX).await?));
        }
        let builder = self.0.request(Method::from_bytes(method.as_bytes())?, url);
        let builder = body(headers(builder, step, variables)?, step, variables)?;
        let response = builder.send().await.map_err(|error| error.without_url());
        Ok(Came::Answer(Answer::read(response.context("no answer")?).await?))
    }
}

fn headers(mut to: RequestBuilder, step: &Step, variables: &Variables) -> Result<RequestBuilder> {
    for (name, value) in &step.headers {
        to = to.header(name, variables.fill(value)?);
    }
    match step.bearer.as_deref() {
        // A server that asks for none gets none.
        Some("{token}") if variables.get("token").is_none() => {}
        Some(token) => to = to.header(AUTHORIZATION, format!("Bearer {}", variables.fill(token)?)),
        None => {}
    }
    if let Some([id, secret]) = &step.basic {
        let pair = format!("{}:{}", variables.fill(id)?, variables.fill(secret)?);
        to = to.header(AUTHORIZATION, format!("Basic {}", STANDARD.encode(pair)));
    }
    Ok(to)
}

fn body(to: RequestBuilder, step: &Step, variables: &Variables) -> Result<RequestBuilder> {
    Ok(match (&step.form, &step.body) {
        (Some(_), Some(_)) => bail!("a step has a form or a body"),
        (None, None) => to,
        (None, Some(body)) => {
            let typed = step.headers.keys().any(|name| name.eq_ignore_ascii_case("content-type"));
            let to = if typed { to } else { to.header(CONTENT_TYPE, "application/fhir+json") };
            to.body(variables.fill(body)?)
        }
        (Some(form), None) => {
            let filled = form.iter().map(|(name, value)| Ok((name, variables.fill(value)?)));
            to.form(&filled.collect::<Result<Vec<_>>>()?)
        }
    })
}
