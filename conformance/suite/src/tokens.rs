//! The token of the run itself, for cases that are not about tokens.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::case::Step;
use crate::limits::TOKEN_RENEWED_AFTER;
use crate::request::{Came, Sender};
use crate::variables::Variables;

/// A token that is renewed in time, from the client `client_id` with its `client_secret`; or one that the run was given.
pub(crate) struct Tokens {
    given: bool,
    due: Instant,
    /// What the server said in place of one.
    refused: Option<String>,
    /// Whether the server asks for one: known once it was asked without.
    wanted: Option<bool>,
}

impl Tokens {
    pub(crate) fn new(variables: &Variables) -> Self {
        let given = variables.get("token").is_some();
        Self { given, due: Instant::now(), refused: None, wanted: None }
    }

    /// Sets the variable `token` where it is time, and where the server gives one.
    pub(crate) async fn renew(&mut self, sender: &Sender, variables: &mut Variables) {
        let known = |name| variables.get(name).is_some();
        if self.given
            || Instant::now() < self.due
            || !known("client_secret")
            || !known("token_endpoint")
        {
            return;
        }
        let asked = toml::from_str::<Step>(ASKED);
        let Ok(step) = asked else { return };
        let Ok(Came::Answer(answer)) = sender.send(&step, variables).await else { return };
        let json = answer.json().unwrap_or_default();
        match json.get("access_token").and_then(Value::as_str) {
            Some(token) => variables.set("token", token),
            None => self.refused = Some(refusal(answer.status, &json, variables)),
        }
        let life = json.get("expires_in").and_then(Value::as_u64).map(Duration::from_secs);
        self.due = Instant::now() + life.map_or(TOKEN_RENEWED_AFTER, |life| life / 2);
    }
}

impl Tokens {
    /// Why a case that sends the token cannot be tried; `None` where there is one, or the server asks for none.
    pub(crate) async fn lack(&mut self, sender: &Sender, known: &Variables) -> Option<String> {
        if known.get("token").is_some() {
            return None;
        }
        if self.wanted.is_none() {
            self.wanted = Some(wanted(sender, known).await);
        }
        let how = "needs --token, or --var client_id=… and --var client_secret=…";
        let lack = match &self.refused {
            Some(refused) => format!("{how}: {refused}"),
            None => format!("{how}: the server answers nobody without a token"),
        };
        self.wanted.filter(|wanted| *wanted).map(|_| lack)
    }
}

/// Whether a search without a token is refused.
async fn wanted(sender: &Sender, known: &Variables) -> bool {
    let step = toml::from_str::<Step>("request = 'GET {base}/Patient?_count=1'\n[expect]");
    let Ok(step) = step else { return false };
    let came = sender.send(&step, known).await;
    matches!(came, Ok(Came::Answer(answer)) if matches!(answer.status, 401 | 403))
}

/// What the token endpoint said in place of a token.
fn refusal(status: u16, json: &Value, known: &Variables) -> String {
    let error = json.get("error").and_then(Value::as_str).unwrap_or("no token in the answer");
    let client = known.get("client_id").unwrap_or_default();
    format!("the server gave the client `{client}` none ({status}, {error})")
}

/// RFC 6749, section 4.4.
const ASKED: &str = "
request = 'POST {token_endpoint}'
basic = ['{client_id}', '{client_secret}']
form = { grant_type = 'client_credentials', scope = 'system/*.cruds' }
[expect]
";
