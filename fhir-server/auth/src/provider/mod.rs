//! Other providers that people may sign in at, by OpenID Connect: code, PKCE and nonce. What a provider says is believed
//! by its signature alone, and says who somebody is there; who that is here, a link says.
//! <https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth>

mod found;
mod identity;
mod token;

use std::sync::Arc;

use canonical_model::{Error, Kind, Result};
use form_urlencoded::Serializer;
use moka::sync::Cache;
use oauth2::{
    AuthType, AuthUrl, ClientId, ClientSecret, CsrfToken, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, Scope, TokenUrl,
};
use outbound::Outbound;
use serde::Deserialize;
use std::time::Duration;

pub(crate) use self::identity::Identity;

use self::found::Found;
use self::token::{Ready, request};
use crate::client_keys::ClientKeys;
use crate::limits::PROVIDER_S_MAX;
use crate::secret::Secret;

/// A provider as the settings describe it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderConfig {
    /// What people are told that it is called.
    pub name: String,
    /// Its issuer, as its tokens and its document name it.
    pub issuer: String,
    /// The id under which this server is registered there.
    pub client_id: String,
    /// The secret of that registration.
    pub secret: Secret,
    /// Whether the secret is sent in the form though the provider takes HTTP Basic, as it may know us so.
    #[serde(default)]
    pub secret_in_form: bool,
    /// What is asked for there, `openid` among it.
    #[serde(default = "usual_scopes")]
    pub scopes: Vec<String>,
}

fn usual_scopes() -> Vec<String> {
    ["openid", "profile"].map(str::to_owned).to_vec()
}

/// The providers. Clones share what is known of them.
#[derive(Clone)]
pub(crate) struct Providers(Arc<Parts>);

struct Parts {
    all: Vec<ProviderConfig>,
    door: Option<Outbound>,
    /// Documents, by issuer.
    found: Cache<String, Arc<Found>>,
}

/// What somebody goes away with, and is known by when he is back.
pub(crate) struct Leaving {
    pub(crate) state: String,
    pub(crate) nonce: String,
    pub(crate) verifier: String,
    /// Where he comes back to.
    pub(crate) redirect: String,
    /// Whether he is to prove there anew who he is; or how long ago he may have at most, in seconds.
    pub(crate) anew: bool,
    pub(crate) max_age_s: Option<i64>,
}

impl Providers {
    pub(crate) fn new(all: Vec<ProviderConfig>, door: Option<Outbound>) -> Self {
        let life = Duration::from_secs(PROVIDER_S_MAX);
        let found = Cache::builder().max_capacity(all.len() as u64).time_to_live(life).build();
        Self(Arc::new(Parts { all, door, found }))
    }

    /// All of them, each with the number that links name it by.
    pub(crate) fn all(&self) -> impl Iterator<Item = (usize, &ProviderConfig)> {
        self.0.all.iter().enumerate()
    }

    /// The one of a number.
    pub(crate) fn numbered(&self, number: &str) -> Option<&ProviderConfig> {
        self.0.all.get(number.parse::<usize>().ok()?)
    }

    /// The one of an issuer.
    pub(crate) fn of_issuer(&self, issuer: &str) -> Option<&ProviderConfig> {
        self.0.all.iter().find(|provider| provider.issuer == issuer)
    }

    /// Where a person is sent to sign in there.
    ///
    /// # Errors
    /// Unavailable where the provider's document cannot be read.
    pub(crate) async fn leave(
        &self,
        provider: &ProviderConfig,
        leaving: &Leaving,
    ) -> Result<String> {
        let client = self.client(provider, &leaving.redirect).await?;
        let verifier = PkceCodeVerifier::new(leaving.verifier.clone());
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
        let state = leaving.state.clone();
        let scopes = provider.scopes.iter().cloned().map(Scope::new);
        let mut asked = client
            .authorize_url(|| CsrfToken::new(state))
            .add_scopes(scopes)
            .set_pkce_challenge(challenge)
            .add_extra_param("nonce", &leaving.nonce);
        if leaving.anew {
            asked = asked.add_extra_param("prompt", "login");
        }
        if let Some(max_age_s) = leaving.max_age_s {
            asked = asked.add_extra_param("max_age", max_age_s.to_string());
        }
        Ok(asked.url().0.into())
    }

    /// Who somebody is there who came back with a code.
    ///
    /// # Errors
    /// Unavailable where the provider does not answer; Forbidden where what it says is not to be believed.
    pub(crate) async fn identify(
        &self,
        keys: &ClientKeys,
        provider: &ProviderConfig,
        leaving: Leaving,
        code: &str,
        now_s: i64,
    ) -> Result<Identity> {
        let client = self.client(provider, &leaving.redirect).await?;
        let door = self.0.door.as_ref().ok_or_else(|| away(provider))?;
        let asked = client
            .exchange_code(oauth2::AuthorizationCode::new(code.to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(leaving.verifier));
        let answer = asked.request_async(&|it| request(door.clone(), it)).await;
        let answer = answer.map_err(|fault| away(provider).caused_by(fault))?;
        let found = self.found(provider).await?;
        let judging = identity::Judging { keys, provider, found: &found, now_s };
        judging.judge(token::identity_of(&answer), &leaving.nonce).await
    }

    /// The provider's document, which is kept for an hour.
    async fn found(&self, provider: &ProviderConfig) -> Result<Arc<Found>> {
        if let Some(found) = self.0.found.get(&provider.issuer) {
            return Ok(found);
        }
        let door = self.0.door.as_ref().ok_or_else(|| away(provider))?;
        let found = Found::fetch(door, &provider.issuer).await;
        let found = Arc::new(found.map_err(|cause| away(provider).caused_by(cause))?);
        self.0.found.insert(provider.issuer.clone(), Arc::clone(&found));
        Ok(found)
    }

    async fn client(&self, provider: &ProviderConfig, redirect: &str) -> Result<Ready> {
        let found = self.found(provider).await?;
        let wrong = |fault| away(provider).caused_by(fault);
        let basic = found.basic && !provider.secret_in_form;
        let client = oauth2::Client::new(ClientId::new(provider.client_id.clone()))
            .set_client_secret(ClientSecret::new(provider.secret.reveal().to_owned()))
            .set_auth_type(if basic { AuthType::BasicAuth } else { AuthType::RequestBody })
            .set_auth_uri(AuthUrl::new(found.authorization.clone()).map_err(wrong)?)
            .set_token_uri(TokenUrl::new(found.token.clone()).map_err(wrong)?)
            .set_redirect_uri(RedirectUrl::new(redirect.to_owned()).map_err(wrong)?);
        Ok(client)
    }
}

/// Whatever it was: the log has the cause.
fn away(provider: &ProviderConfig) -> Error {
    let text =
        format!("{} does not answer as it should. Sign in otherwise, or try again.", provider.name);
    Error::new(Kind::Unavailable, text)
}

/// The query of a link that leads to a provider.
pub(crate) fn link_query(number: usize, to: &str, request: &str) -> String {
    let mut query = Serializer::new(String::new());
    query.append_pair("provider", &number.to_string());
    for (name, value) in [("to", to), ("request", request)] {
        if !value.is_empty() {
            query.append_pair(name, value);
        }
    }
    query.finish()
}
