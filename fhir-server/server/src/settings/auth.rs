//! What the authorization server is told.

use std::path::PathBuf;

use access::Scopes;
use anyhow::{Context, Result, ensure};
use auth::{ProviderConfig, Register, Registration, SecretHash};
use serde::Deserialize;

use crate::limits::{KEY_LEAD_S, ROTATE_DAYS_MAX};

/// The authorization server.
#[derive(Clone, Debug)]
pub struct AuthSettings {
    /// The file of the first key that signs tokens; none makes one that ends with the process.
    pub signing_key: Option<PathBuf>,
    /// How many days a key signs; 0 is for ever.
    pub rotate_days: u16,
    /// How long a key is published before it signs, in seconds; only tests choose another time.
    pub key_lead_s: i32,
    /// Who may register apps, and what those may be granted.
    pub registration: Registration,
    /// Where people may sign in besides.
    pub providers: Vec<ProviderConfig>,
}

/// What an app that registered may be granted where nobody says otherwise: what people give of a record, to read.
const SCOPE: &str = "openid fhirUser launch/patient online_access offline_access patient/*.rs";

impl Default for AuthSettings {
    fn default() -> Self {
        // It is well-formed: a test reads it.
        let scopes = Scopes::parse(SCOPE).unwrap_or_default();
        let registration = Registration { by: Register::Off, scopes };
        Self {
            signing_key: None,
            rotate_days: 90,
            key_lead_s: KEY_LEAD_S,
            registration,
            providers: Vec::new(),
        }
    }
}

/// The same in a file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Auth {
    pub(super) signing_key: Option<PathBuf>,
    rotate_days: Option<u16>,
    register: Option<Door>,
    #[serde(default)]
    register_tokens: Vec<SecretHash>,
    register_scope: Option<String>,
    #[serde(default, rename = "provider")]
    providers: Vec<ProviderConfig>,
}

/// Who may register apps, in a word.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Door {
    Off,
    Token,
    Open,
}

impl Auth {
    pub(super) fn apply(self, settings: &mut AuthSettings) -> Result<()> {
        settings.signing_key = self.signing_key.or(settings.signing_key.take());
        settings.rotate_days = self.rotate_days.unwrap_or(settings.rotate_days);
        ensure!(
            settings.rotate_days <= ROTATE_DAYS_MAX,
            "`rotate_days` under `[auth]` must be {ROTATE_DAYS_MAX} at most; 0 is for ever."
        );
        if let Some(scope) = &self.register_scope {
            let scopes = Scopes::parse(scope).context("`register_scope` under `[auth]`")?;
            ensure!(!scopes.is_empty(), "`register_scope` under `[auth]` names no scope.");
            settings.registration.scopes = scopes;
        }
        for provider in &self.providers {
            let asked = provider.scopes.iter().any(|scope| scope == "openid");
            let named = !provider.name.trim().is_empty() && !provider.client_id.is_empty();
            ensure!(
                asked && named && provider.issuer.starts_with("http"),
                "A provider under `[[auth.provider]]` needs a name, an issuer that is a URL, a client_id, and `openid` among its scopes."
            );
        }
        settings.providers.extend(self.providers);
        settings.registration.by = match self.register {
            None | Some(Door::Off) => Register::Off,
            Some(Door::Open) => Register::Open,
            Some(Door::Token) => {
                ensure!(
                    !self.register_tokens.is_empty(),
                    "`register = \"token\"` under `[auth]` needs `register_tokens`: the digests of those that you give out."
                );
                Register::Token(self.register_tokens)
            }
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_registered_apps_may_have_is_well_formed_and_of_one_record() {
        let scopes = AuthSettings::default().registration.scopes;
        assert_eq!(scopes.to_string(), SCOPE);
        assert!(!SCOPE.contains("system/") && !SCOPE.contains("user/"));
    }
}
