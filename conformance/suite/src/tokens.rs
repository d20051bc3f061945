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
}

impl Tokens {
    pub(crate) fn new(variables: &Variables) -> Self {
        Self { given: variables.get("token").is_some(), due: Instant::now() }
    }

    /// Sets the variable `token` where it is time. Where the server gives none, the cases say what comes of that.
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
        if let Some(token) = json.get("access_token").and_then(Value::as_str) {
            variables.set("token", token);
        }
        let life = json.get("expires_in").and_then(Value::as_u64).map(Duration::from_secs);
        self.due = Instant::now() + life.map_or(TOKEN_RENEWED_AFTER, |life| life / 2);
    }
}

/// RFC 6749, section 4.4.
const ASKED: &str = "
request = 'POST {token_endpoint}'
basic = ['{client_id}', '{client_secret}']
form = { grant_type = 'client_credentials', scope = 'system/*.cruds' }
[expect]
";
