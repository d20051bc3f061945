//! What a case leaves behind on a server, and how it goes again: resources, authorizations, sessions.

use std::collections::BTreeMap;

use crate::answer::Answer;
use crate::case::Step;
use crate::request::Sender;
use crate::sign_in::SignOut;
use crate::variables::Variables;

/// What a case has made.
#[derive(Default)]
pub(crate) struct Made {
    /// Paths below the base, each with what was known when it was made.
    resources: Vec<(String, Variables)>,
    /// Refresh tokens: each stands for an authorization that a person gave.
    refresh: Vec<String>,
    /// The ways out of sessions.
    sessions: Vec<SignOut>,
}

impl Made {
    /// Takes note of what a step says that it makes.
    pub(crate) fn add(&mut self, step: &Step, variables: &Variables) {
        if let Some(path) = &step.clean {
            self.resources.push((path.clone(), variables.clone()));
        }
    }

    /// Takes note of a refresh token, where the answer brings one.
    pub(crate) fn hear(&mut self, answer: &Answer) {
        let json = answer.json().unwrap_or_default();
        let token = json.get("refresh_token").and_then(|it| it.as_str());
        self.refresh.extend(token.map(str::to_owned));
    }

    /// Takes note of a session that a person began.
    pub(crate) fn signed_in(&mut self, out: SignOut) {
        self.sessions.push(out);
    }

    /// Removes all of it, the last first, as far as the server lets it. Sessions come last: what was given in one may end
    /// with it, and is still needed to remove the rest.
    pub(crate) async fn remove(self, sender: &Sender, known: &Variables) {
        for (path, variables) in self.resources.into_iter().rev() {
            let step =
                toml::from_str::<Step>(&format!("request = 'DELETE {{base}}/{path}'\n[expect]"));
            if let Ok(step) = step {
                let step = Step { bearer: Some("{token}".to_owned()), ..step };
                drop(sender.send(&step, &variables).await);
            }
        }
        for token in self.refresh.into_iter().rev() {
            revoke(sender, known, token).await;
        }
        for out in self.sessions.into_iter().rev() {
            out.go(&sender.0).await;
        }
    }
}

/// Ends an authorization by its refresh token, where the server has an endpoint for it.
/// <https://www.rfc-editor.org/rfc/rfc7009#section-2.1>
async fn revoke(sender: &Sender, known: &Variables, token: String) {
    if known.get("revocation_endpoint").is_none() || known.get("app_client").is_none() {
        return;
    }
    let Ok(step) = toml::from_str::<Step>("request = 'POST {revocation_endpoint}'\n[expect]")
    else {
        return;
    };
    let form = [
        ("token", token),
        ("token_type_hint", "refresh_token".to_owned()),
        ("client_id", "{app_client}".to_owned()),
    ];
    let form = form.map(|(name, value)| (name.to_owned(), value));
    drop(sender.send(&Step { form: Some(BTreeMap::from(form)), ..step }, known).await);
}
